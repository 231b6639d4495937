"""What a reply brings about: its bill, what the provider said of our edits, what it cleared.

Rule of this file: a reply is settled once, whatever becomes of its connection. Knows no mitmproxy.
"""

from collections.abc import Callable
from dataclasses import replace

from pichay_core.events import Event, Frozen, Stopped, Warned
from pichay_core.session import Session
from pichay_core.store.records import Happened, Record, Settlement
from pichay_core.wire.report import Report
from pichay_proxy.clearings import SLIDES, Clearing, clearing, refused_asking
from pichay_proxy.exchange import Exchange
from pichay_proxy.replies import told
from pichay_proxy.sessions import LiveSessions


class Aftermath:
    """Takes replies over into the sessions and the recording."""

    def __init__(self, sessions: LiveSessions, put: Callable[[Record], None]) -> None:
        self._sessions = sessions
        self._put = put
        self._not_asked: set[str] = set()

    def may_ask(self, host: str) -> bool:
        """True unless this host has refused to clear, or clears anew with every request."""
        return host not in self._not_asked

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
        live = self._sessions.get(exchange.identity, exchange.session)
        found = self._settled(exchange, status, report, retried, live, at)
        if report is None or live is None:
            return ()
        if report.id:
            live = replace(live, reply=report.id)
            self._sessions.replace(live)
        said = told(report, live.edited, found.facts.flushed)
        for event in said.events:
            self._put(Happened(event, at, live.id))
        if said.harm:
            self._hold(live, said.harm, at)
        return self._warned(exchange, (*said.warnings, *self._cleared(exchange, found, at)), at)

    def _settled(
        self,
        exchange: Exchange,
        status: int,
        report: Report | None,
        retried: str | None,
        live: Session | None,
        at: float,
    ) -> Clearing:
        """Record what the request cost; return what the provider cleared of it."""
        usage = report.usage if report and status == 200 else None
        facts = replace(exchange.facts, flushed=True) if retried else exchange.facts
        asked = exchange.clears and not retried
        found = clearing(live, facts, report if usage else None, asked)
        self._put(
            Settlement(
                exchange.session,
                exchange.request,
                status,
                found.facts,
                usage,
                "retried" if retried else None,
                retried,
                found.tokens,
                exchange.asked,
                at,
            )
        )
        return found

    def _cleared(self, exchange: Exchange, found: Clearing, at: float) -> tuple[Warned, ...]:
        """Take over what the provider cleared; ask it no more if it does not do it as it should."""
        live = self._sessions.get(exchange.identity, exchange.session)
        if live is None:
            return ()
        after = found.after(live)
        if after is not live:
            self._sessions.replace(after)
        if found.event is not None:
            self._put(Happened(found.event, at, after.id, after))
        if found.slides:
            self._not_asked.add(exchange.host)
        return (SLIDES,) if found.slides else ()

    def freeze(self, exchange: Exchange, why: str, at: float) -> None:
        """Only observe this session from now on."""
        if exchange.clears and refused_asking(why):  # else every session would begin with a 400
            self._not_asked.add(exchange.host)
        live = self._sessions.get(exchange.identity, exchange.session)
        if live is not None and not live.frozen:
            self._changed(replace(live, frozen=why), Frozen(why), at)

    def _hold(self, live: Session, why: str, at: float) -> None:
        """Let no more pages leave. Those that are out stay out: newer thinking is bound to that."""
        if not (live.held or live.frozen):
            self._changed(replace(live, held=why), Stopped(why), at)

    def _changed(self, after: Session, event: Event, at: float) -> None:
        self._sessions.replace(after)
        self._put(Happened(event, at, after.id, after))

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
