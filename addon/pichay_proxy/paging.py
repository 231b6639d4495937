"""What to do with a request and its reply; knows no mitmproxy.

Rule of this file: nothing is committed before everything that can fail is done. What raises
here ends at the boundary of the addon, and the client's bytes go upstream.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from pichay_core.birth.choice import only_begun
from pichay_core.birth.profile import Earlier
from pichay_core.birth.project import client_of, project_of
from pichay_core.events import Event, Failed, Frozen, Passed, Warned
from pichay_core.identity import Identity, identify, shape_of
from pichay_core.neighbours import neighbour
from pichay_core.pager import Held
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request, read_messages
from pichay_core.rewrite import Rewritten
from pichay_core.session import Match, Session, match
from pichay_core.store.records import Happened, Record, Refused
from pichay_core.tariff import provider_at
from pichay_core.turn import Rules, Turn, take, untouched, view
from pichay_core.wire.encoding import decoded
from pichay_core.wire.format import Head
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Message
from pichay_proxy.aftermath import Aftermath
from pichay_proxy.answering import Answering
from pichay_proxy.chains import chained, staying
from pichay_proxy.committing import as_model_knows, edited_by_two, turned
from pichay_proxy.credentials import Credential, credential_of
from pichay_proxy.exchange import (
    AS_IT_CAME,
    Arrived,
    Carried,
    Decision,
    decision,
    missing,
    unanswered,
)
from pichay_proxy.options import Settings
from pichay_proxy.outcomes import failure, undecided, with_failure
from pichay_proxy.ruling import rules_of
from pichay_proxy.sessions import LiveSessions

SUBSCRIPTION = "subscription login"
OBSERVING = "mode observe"


class Paging:
    """Sessions, settings and recorder, put together."""

    def __init__(
        self,
        settings: Settings,
        sessions: LiveSessions,
        put: Callable[[Record], None],
        stored: Callable[[str], str | None],
        prices: Prices = NOTHING,
        earlier: Callable[[Session], Sequence[Earlier]] = lambda _: (),
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self._earlier = earlier
        self._warn = warn
        self._prices = prices
        self._sessions = sessions
        self._put = put
        self._stored = stored
        self._working: Session | None = None
        self.aftermath = Aftermath(sessions, put)
        self.answering = Answering(sessions, put, stored)

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

    def kept(self, arrived: Arrived) -> Decision:
        """Return a request that could not be handled with what was decided before it.

        The client's own bytes would cost the provider's cache, and on some models thinking. What
        its reply asks of us is not answered.
        """
        credential = credential_of(arrived.headers)
        if self._untouchable(arrived, credential) or arrived.route.purpose == "count":
            return AS_IT_CAME
        request, identity = self._read(arrived, credential)
        matched = self._sessions.find(identity, request.messages, shape_of(request.head))
        if matched is None or request.head.untouchable:
            return AS_IT_CAME
        rules = self._rules(matched, request, credential, arrived.host)
        matched, request, _ = as_model_knows(matched, request, rules)
        kept = self._kept(matched, request, rules)
        if kept.body is request.client_body:
            return AS_IT_CAME
        carried = Carried(arrived, identity, credential.kind, rules, request)
        exchange = unanswered(carried, matched.session)
        return Decision(kept.body, missing(request, kept.front), exchange)

    def _kept(self, matched: Match, request: Request, rules: Rules) -> Rewritten:
        """Return a request with what was decided before it, if it may be edited at all."""
        if not (rules.edit and matched.session.keeps):
            return Rewritten(request.client_body)
        return view(matched.session, request, self._stored)

    def _untouchable(self, arrived: Arrived, credential: Credential) -> str | None:
        if arrived.route.purpose == "pass":
            return arrived.route.why
        return "signed body" if credential.kind == "signed" else None

    def refuses_socket(self, arrived: Arrived) -> bool:
        """True if a WebSocket is not to be opened."""
        return self.settings.http_fallback and arrived.route.purpose == "messages"

    def socket(self, arrived: Arrived) -> None:
        """Record that a WebSocket was opened, of which nothing is read."""
        self._pass(arrived, "websocket")

    def _read_and_decide(self, arrived: Arrived, credential: Credential) -> Decision:
        request, identity = self._read(arrived, credential)
        if request.head.untouchable:
            return self._pass(arrived, f"body has {request.head.untouchable!r}")
        if arrived.route.purpose == "count":
            return self._count(request, identity, credential, arrived.host)
        return self._page(arrived, request, identity, credential)

    def _read(self, arrived: Arrived, credential: Credential) -> tuple[Request, Identity]:
        """Return what a request says, and which conversation it names. Raises Unreadable."""
        encoding = arrived.headers.get("content-encoding", "")
        body = decoded(arrived.body, encoding, self.settings.largest_body)
        format = arrived.route.format
        outline = format.outline(body, self._sessions.likely(format.name))
        head = format.head(outline, self._head(outline.known))
        head = replace(
            head,
            model=head.model or arrived.route.model,
            unanswerable=head.unanswerable or arrived.route.unanswerable,
        )
        messages, betas = read_messages(format, outline), _betas(arrived.headers)
        request = Request(
            format,
            outline,
            head,
            messages,
            arrived.at,
            betas,
            provider_at(arrived.host),
            came=outline.came,
        )
        return request, identify(credential.fingerprint, arrived.headers, head, messages)

    def _head(self, known: Sequence[Message]) -> Head | None:
        """Return the head of the session that the request begins like: most of it is the same."""
        return next((s.head for s in self._sessions if s.own is known), None)

    def _page(
        self, arrived: Arrived, request: Request, identity: Identity, credential: Credential
    ) -> Decision:
        matched = self._matched(request, identity, arrived.headers)
        self._working = matched.session
        rules = self._rules(matched, request, credential, arrived.host)
        new = request.messages[matched.shared :]
        beside = neighbour(request.head.tool_names, new, request.format)
        matched, request, unsaid = as_model_knows(matched, request, rules)
        carried = Carried(arrived, identity, credential.kind, rules, request)
        if matched.session.frozen:
            kept = self._kept(matched, request, rules)
            turn, why = untouched(matched, request, kept), matched.session.frozen
        else:
            why = None if rules.edit else self._observed(credential)
            turn = take(matched, request, rules, self._stored)
        if turn.problems:
            kept, why = self._kept(matched, request, rules), "; ".join(sorted(turn.problems))
            turn = self._distrusted(turn, matched, kept)
        turn = replace(turn, events=(*unsaid, *turn.events))
        turn = edited_by_two(turn, beside, self._warn)
        self._commit(carried, matched, turn, why)
        return decision(carried, turn)

    def _matched(self, request: Request, identity: Identity, headers: Mapping[str, str]) -> Match:
        shape = shape_of(request.head)
        if request.head.partial:
            matched = chained(self._sessions, request.head.partial)
        else:
            found = self._sessions.find(identity, request.messages, shape)
            matched = found and self._sessions.forked(found)
        if matched is not None:
            return matched
        session = self._sessions.begin(identity, shape, bool(request.head.tool_names))
        client = client_of(headers.get("user-agent", ""))
        project = project_of(request.head.raw_system, request.messages)
        return Match(replace(session, client=client, project=project), 0, "extends")

    def _rules(self, matched: Match, request: Request, credential: Credential, host: str) -> Rules:
        session, asks = matched.session, self.aftermath.may_ask(host)
        joined = session.requests or session.parent or request.head.partial
        begins = not joined and only_begun(request)
        earlier = partial(self._earlier, session) if begins else None
        rules = rules_of(self.settings, request, credential.kind, self._prices, earlier, asks)
        return staying(rules) if request.head.partial else rules

    def _observed(self, credential: Credential) -> str:
        if credential.kind == "subscription" and not self.settings.allow_subscription:
            return SUBSCRIPTION
        return OBSERVING

    def _distrusted(self, turn: Turn, matched: Match, kept: Rewritten) -> Turn:
        """The rewritten body breaks a rule of the provider: nothing of it was decided."""
        why = "; ".join(sorted(turn.problems))
        session = with_failure(undecided(turn.session, matched.session, kept))
        events: tuple[Event, ...] = (Failed(f"would break a rule: {why}"),)
        if session.frozen and not matched.session.frozen:
            events = (*events, Frozen(session.frozen))
        given_up = bool(matched.session.sent) and not kept.sent
        return Turn(
            session=session,
            body=kept.body,
            events=events,
            facts=replace(turn.facts, flushed=given_up),
            flushed=None,
            held=Held(),
            pending=0,
            retry=turn.retry,
            front=kept.front,
            listed=kept.listed,
            problems=turn.problems,
        )

    def _commit(self, carried: Carried, matched: Match, turn: Turn, why: str | None) -> None:
        self._sessions.commit(matched, turn.session)
        self._put(turned(carried, matched, turn, why))

    def _count(
        self, request: Request, identity: Identity, credential: Credential, host: str
    ) -> Decision:
        """Give count_tokens the view that the model gets; decide and record nothing.

        It often comes without system prompt and tools, so the history alone must do.
        """
        alike = [s for s in self._sessions if s.own is request.outline.known]
        shape = shape_of(request.head)
        matched = self._sessions.find(identity, request.messages, shape)
        matched = matched or match(alike, request.messages, shape, named=False)
        if matched is None or matched.session.frozen or matched.how == "compacted":
            return AS_IT_CAME
        rules = self._rules(matched, request, credential, host)
        if not rules.edit:
            return AS_IT_CAME
        matched, request, _ = as_model_knows(matched, request, rules)
        shown = view(matched.session, request, self._stored)
        if shown.body is request.client_body:
            return AS_IT_CAME
        return Decision(shown.body, missing(request, shown.front))

    def _pass(self, arrived: Arrived, why: str, detail: str = "") -> Decision:
        event = Passed(why, f"{arrived.host}{arrived.route.path} {detail}".strip())
        self._put(Happened(event, arrived.at, telemetry=True))
        return AS_IT_CAME

    def failed(self, error: BaseException, at: float) -> None:
        """Record that a request could not be handled; the third time freezes its session."""
        session, self._working = self._working, None
        event = Failed(failure(error))
        live = self._sessions.get(session.identity, session.id) if session else None
        if live is None:
            self._put(Happened(event, at))
            return
        after = with_failure(live)
        self._sessions.replace(after)
        self._put(Happened(event, at, after.id, after))
        if after.frozen and not live.frozen:
            self._put(Happened(Frozen(after.frozen), at, after.id, after))

    def refused_certificate(self, host: str, detail: str, at: float, client: str = "") -> None:
        """Record that a client does not trust our certificate."""
        self._put(Refused(host, at, detail, client))

    def warned(self, warning: Warned, at: float) -> None:
        """Record what the user should know of no one session."""
        self._put(Happened(warning, at))


def _betas(headers: Mapping[str, str]) -> frozenset[str]:
    names = headers.get("anthropic-beta", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())
