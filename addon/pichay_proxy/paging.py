"""What to do with a request and its reply; knows no mitmproxy.

Rule of this file: nothing is committed before everything that can fail is done. What raises
here ends at the boundary of the addon, and the client's bytes go upstream.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pichay_core.birth.choice import Birth
from pichay_core.events import Failed, Frozen, Passed, Warned
from pichay_core.identity import Identity, identify, shape_of
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request, read_messages
from pichay_core.session import Match, Session, match
from pichay_core.store.records import Happened, Record, Refused, Settlement, Turned
from pichay_core.turn import Rules, Turn, take, untouched, view
from pichay_core.wire.anthropic_reply import Report
from pichay_core.wire.encoding import decoded
from pichay_core.wire.format import Head
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Message
from pichay_proxy.credentials import Credential, credential_of
from pichay_proxy.exchange import AS_IT_CAME, Arrived, Decision, Exchange, decision
from pichay_proxy.options import Settings
from pichay_proxy.outcomes import held_of, outcome_of, shared_of, with_failure
from pichay_proxy.replies import told
from pichay_proxy.sessions import LiveSessions

SUBSCRIPTION = "subscription login: observed only"


class Paging:
    """Sessions, settings and recorder, put together."""

    def __init__(
        self,
        settings: Settings,
        sessions: LiveSessions,
        put: Callable[[Record], None],
        stored: Callable[[str], str | None],
        prices: Prices = NOTHING,
    ) -> None:
        self.settings = settings
        self._prices = prices
        self._sessions = sessions
        self._put = put
        self._stored = stored
        self._working: Session | None = None

    def request(self, arrived: Arrived) -> Decision:
        """Return what to send upstream. Everything it decides is recorded."""
        self._working = None
        credential = credential_of(arrived.headers)
        if why := self._untouchable(arrived, credential):
            return self._pass(arrived, why)
        try:
            decision = self._read_and_decide(arrived, credential)
        except Unreadable as error:
            decision = self._pass(arrived, "unreadable body", str(error))
        self._working = None
        return decision

    def _untouchable(self, arrived: Arrived, credential: Credential) -> str | None:
        if arrived.route.purpose == "pass":
            return "batches"
        return "signed body" if credential.kind == "signed" else None

    def _read_and_decide(self, arrived: Arrived, credential: Credential) -> Decision:
        encoding = arrived.headers.get("content-encoding", "")
        body = decoded(arrived.body, encoding, self.settings.largest_body)
        format = arrived.route.format
        outline = format.outline(body, self._sessions.likely())
        head = format.head(outline, self._head(outline.known))
        if head.untouchable:
            return self._pass(arrived, f"body has {head.untouchable!r}")
        messages, betas = read_messages(format, outline), _betas(arrived.headers)
        request = Request(format, outline, head, messages, arrived.at, betas)
        identity = identify(credential.fingerprint, arrived.headers, head, request.messages)
        if arrived.route.purpose == "count":
            return self._count(request, identity, credential)
        return self._page(arrived, request, identity, credential)

    def _head(self, known: Sequence[Message]) -> Head | None:
        """Return the head of the session that the request begins like: most of it is the same."""
        return next((s.head for s in self._sessions if s.messages is known), None)

    def _page(
        self, arrived: Arrived, request: Request, identity: Identity, credential: Credential
    ) -> Decision:
        matched = self._matched(request, identity)
        self._working = matched.session
        if matched.session.frozen:
            turn, why = untouched(matched, request), matched.session.frozen
        else:
            why = self._observed(credential)
            rules = self._rules(matched, request, credential)
            turn = take(matched, request, rules, self._stored)
        if turn.problems:
            turn, why = self._distrusted(turn, matched), "; ".join(sorted(turn.problems))
        self._commit(arrived, request, matched, turn, why, identity, credential)
        return decision(arrived, request, turn, identity.name)

    def _matched(self, request: Request, identity: Identity) -> Match:
        shape = shape_of(request.head)
        matched = self._sessions.find(identity, request.messages, shape)
        if matched is not None:
            return self._sessions.forked(matched)
        session = self._sessions.begin(identity, shape, bool(request.head.tool_names))
        return Match(session, 0, "extends")

    def _rules(self, matched: Match, request: Request, credential: Credential) -> Rules:
        """Return what decides in this request: the user's rules, in the mode that it gets."""
        mode = self.settings.mode_for(credential.kind, request.head.model)
        births = self.settings.births_for(mode)
        birth = None
        if mode.edits and not matched.session.requests:
            birth = Birth(told=mode.evicts or births.oversize > 0, once=mode.births)
        given = self.settings.rules
        return replace(
            given,
            edit=given.edit and mode.edits,
            evicts=mode.evicts,
            birth=birth,
            births=births,
            prices=self._prices,
        )

    def _observed(self, credential: Credential) -> str | None:
        if credential.kind == "subscription" and not self.settings.allow_subscription:
            return SUBSCRIPTION
        return None

    def _distrusted(self, turn: Turn, matched: Match) -> Turn:
        """The rewritten body breaks a rule of the provider: count it as a failure."""
        why = "; ".join(sorted(turn.problems))
        session = with_failure(turn.session)
        events = (*turn.events, Failed(f"would break a rule: {why}"))
        if session.frozen and not matched.session.frozen:
            events = (*events, Frozen(session.frozen))
        given_up = turn.facts.flushed or bool(matched.session.sent)
        facts = replace(turn.facts, flushed=given_up)
        return replace(turn, session=session, events=events, facts=facts)

    def _commit(
        self,
        arrived: Arrived,
        request: Request,
        matched: Match,
        turn: Turn,
        why: str | None,
        identity: Identity,
        credential: Credential,
    ) -> None:
        client_body = request.outline.body
        before = matched.session if matched.session.requests else None
        overhead = (time.perf_counter_ns() - arrived.started) // 1000
        self._sessions.commit(matched, turn.session)
        self._put(
            Turned(
                before=before,
                after=turn.session,
                shared=shared_of(matched, turn) if before else 0,
                format=request.format,
                credential=credential.kind,
                source=identity.source,
                at=arrived.at,
                model=request.head.model,
                outcome=outcome_of(turn, client_body, why),
                why=why,
                bytes_before=len(client_body),
                bytes_after=len(turn.body),
                events=turn.events,
                flushed=turn.flushed,
                held=held_of(turn.held, why),
                pending=turn.pending,
                overhead_microseconds=overhead,
                definitions=turn.front.definitions,
                protocol=turn.front.protocol,
                listed=turn.listed,
            )
        )

    def _count(self, request: Request, identity: Identity, credential: Credential) -> Decision:
        """Give count_tokens the view that the model gets; decide and record nothing.

        It often comes without system prompt and tools, so the history alone must do.
        """
        alike = [s for s in self._sessions if s.messages is request.outline.known]
        shape = shape_of(request.head)
        matched = self._sessions.find(identity, request.messages, shape)
        matched = matched or match(alike, request.messages, shape, named=False)
        if matched is None or matched.session.frozen or matched.how == "compacted":
            return AS_IT_CAME
        if not self._rules(matched, request, credential).edit:
            return AS_IT_CAME
        shown = view(matched.session, request, self._stored)
        return AS_IT_CAME if shown.body is request.outline.body else Decision(shown.body)

    def _pass(self, arrived: Arrived, why: str, detail: str = "") -> Decision:
        event = Passed(why, f"{arrived.host}{arrived.route.path} {detail}".strip())
        self._put(Happened(event, arrived.at, telemetry=True))
        return AS_IT_CAME

    def failed(self, error: BaseException, at: float) -> None:
        """Record that a request could not be handled; the third time freezes its session."""
        session, self._working = self._working, None
        event = Failed(f"{type(error).__name__}: {error}")
        live = self._sessions.get(session.identity, session.id) if session else None
        if live is None:
            self._put(Happened(event, at))
            return
        after = with_failure(live)
        self._sessions.replace(after)
        self._put(Happened(event, at, after.id, after))
        if after.frozen and not live.frozen:
            self._put(Happened(Frozen(after.frozen), at, after.id, after))

    def freeze(self, exchange: Exchange, why: str, at: float) -> None:
        """Only observe this session from now on."""
        live = self._sessions.get(exchange.identity, exchange.session)
        if live is None or live.frozen:
            return
        after = replace(live, frozen=why)
        self._sessions.replace(after)
        self._put(Happened(Frozen(why), at, after.id, after))

    def replied(
        self,
        exchange: Exchange,
        status: int,
        report: Report | None,
        at: float,
        retried: str | None = None,
    ) -> tuple[Warned, ...]:
        """Record the end of a reply, once. Returns what is to be said of it in the log."""
        if exchange.settled:
            return ()
        exchange.settled = True
        usage = report.usage if report and status == 200 else None
        outcome = "retried" if retried else None
        facts = replace(exchange.facts, flushed=True) if retried else exchange.facts
        self._put(
            Settlement(exchange.session, exchange.request, status, facts, usage, outcome, retried)
        )
        live = self._sessions.get(exchange.identity, exchange.session)
        if report is None or live is None:
            return ()
        said = told(report, live.edited, exchange.facts.flushed)
        for event in said.events:
            self._put(Happened(event, at, live.id))
        if said.harm:
            self.freeze(exchange, said.harm, at)
        return self._warned(exchange, said.warnings, at)

    def _warned(
        self, exchange: Exchange, warnings: tuple[Warned, ...], at: float
    ) -> tuple[Warned, ...]:
        """Record those that this session has not been warned of yet, and return them."""
        live = self._sessions.get(exchange.identity, exchange.session)
        new = {w.why: w for w in warnings if live is not None and w.why not in live.warned}
        if live is None or not new:
            return ()
        self._sessions.replace(replace(live, warned=live.warned | new.keys()))
        for warning in new.values():
            self._put(Happened(warning, at, live.id))
        return tuple(new.values())

    def refused_certificate(self, host: str, detail: str, at: float) -> None:
        """Record that a client does not trust our certificate."""
        self._put(Refused(host, at, detail))


def _betas(headers: Mapping[str, str]) -> frozenset[str]:
    names = headers.get("anthropic-beta", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())
