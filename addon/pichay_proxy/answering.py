"""What a reply asked of the model's memory: answered, kept, and sent on in a request of ours.

Rule of this file: a request of ours is a request like any other. The same turn is taken with it,
the same rules hold for it, and it is recorded like the client's own.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pichay_core.cooperate.answers import (
    Answer,
    answer,
    carried_out,
    may_ask,
    means_of,
)
from pichay_core.cooperate.answers import Answered as Answers
from pichay_core.cooperate.asides import aside_after, extended
from pichay_core.cooperate.folds import collapsed, folded_text, named
from pichay_core.cooperate.tags import commands_of
from pichay_core.events import Asked, Event, Failed
from pichay_core.ledger import TurnFacts
from pichay_core.request import Request
from pichay_core.session import Match, Session
from pichay_core.store.records import Answered, Happened, Record
from pichay_core.tokens import tokens_of_bytes
from pichay_core.turn import Rules, Turn, take, untouched, view
from pichay_core.wire.format import Format
from pichay_core.wire.reply import Ask, Leg, Reply
from pichay_proxy.boundary import contained
from pichay_proxy.committing import turned
from pichay_proxy.exchange import Carried, Decision, Exchange, decision
from pichay_proxy.outcomes import failure
from pichay_proxy.sessions import LiveSessions

MOST_LEGS = 3
"""Requests of ours in the place of one of the client's that bring what the model asked for. One
more tells it that there is no more of that; after it the reply ends."""
TOO_OFTEN = (
    "The memory tools cannot be used again before the next ordinary tool call or message. Use the "
    "ordinary tool instead."
)

FAILED = "This could not be done. Use the ordinary tool instead."

log = logging.getLogger("pichay")


def facts_of(exchange: Exchange, reply: Reply, goes_on: bool) -> TurnFacts:
    """Return what the ledger must know of a request whose reply may have asked something of us."""
    if exchange.carried is None or not reply.asks:
        return exchange.facts
    size = sum(len(ask.tool) + len(ask.arguments) for ask in reply.asks)
    to_us = tokens_of_bytes(size, exchange.carried.request.head.model)
    return replace(exchange.facts, goes_on=goes_on, to_us=to_us)


class Answering:
    """Takes what the client is not shown over into the sessions and the recording."""

    def __init__(
        self,
        sessions: LiveSessions,
        put: Callable[[Record], None],
        stored: Callable[[str], str | None],
    ) -> None:
        self._sessions = sessions
        self._put = put
        self._stored = stored

    def answered(self, exchange: Exchange, reply: Reply, at: float) -> Decision | None:
        """Return the request that answers a reply; None if nothing, or the client, does.

        A conversation that has gone on meanwhile is not answered: its client has given the
        reply up.
        """
        carried = exchange.carried
        live = self._sessions.get(exchange.identity, exchange.session)
        if carried is None or live is None or not (reply.differs and reply.whole):
            return None
        if live.requests != exchange.request or (live.frozen and not live.keeps):
            return None
        goes_on = reply.waits and carried.leg <= _most_legs(live)
        asked = self._tried(lambda: self._asked(live, carried, reply, at), live, at)
        if asked is None:
            asked = _undone(live, carried, reply, at)
        if goes_on and (sent := self._tried(lambda: self._sent(asked), live, at)) is not None:
            return sent
        self._keep(asked)
        return None

    def _tried[T](self, action: Callable[[], T], live: Session, at: float) -> T | None:
        """Return what an action returns; None if it raises, which is recorded and logged.

        Whatever fails here, the model is answered, and what it wrote stays in its history.
        """
        done: list[T] = []
        if (error := contained(lambda: done.append(action()))) is not None:
            self._put(Happened(Failed(failure(error)), at, live.id))
            log.warning("pichay: a call to our tools failed, after %r", error, exc_info=error)
        return done[0] if done else None

    def _asked(self, live: Session, carried: Carried, reply: Reply, at: float) -> "_Asked":
        """Return what a reply asked for, done as far as it could be."""
        means = means_of(
            live,
            carried.request,
            self._stored,
            carried.rules.limits,
            carried.rules.prices,
            collapsed,
            partial(_folded, live, carried.request.format, self._stored),
        )
        commands = [command for tag in reply.tags for command in commands_of(tag)]
        tidied = carried_out(live, commands, means)
        often = carried.leg >= MOST_LEGS
        answers = _refused(tidied.session, reply.asks, TOO_OFTEN, "too often")
        said = answers if often else answer(tidied.session, reply.asks, means)
        events = (*tidied.events, *said.events)
        return _Asked(live, said.session, carried, reply, _blocks(carried, reply, said), events, at)

    def _sent(self, asked: "_Asked") -> Decision | None:
        """Return the request that tells the model what it asked for, None if it may not be sent."""
        leg = Leg(asked.reply.parts, asked.blocks, goes_on=True)
        request = extended(asked.carried.request, leg)
        session = aside_after(asked.session, asked.at_message, leg)
        matched = Match(session, len(session.messages), "extends")
        turn = self._turn(matched, request, asked.carried.rules)
        if turn.problems:
            return None
        carried = _in_its_place(asked.carried, request, asked.at)
        turn = replace(
            turn,
            events=(*asked.events, *turn.events),
            facts=replace(turn.facts, ours=True),
        )
        record = turned(carried, replace(matched, session=asked.live), turn, session.frozen)
        sent = decision(carried, turn)
        self._sessions.commit(matched, turn.session)
        self._put(record)
        return sent

    def _turn(self, matched: Match, request: Request, rules: Rules) -> Turn:
        """Return the turn of a request of ours.

        A session that decides nothing more is answered all the same: its tools are still offered.
        """
        if matched.session.frozen:
            return untouched(matched, request, view(matched.session, request, self._stored))
        return take(matched, request, _answering(rules), self._stored)

    def _keep(self, asked: "_Asked") -> None:
        """Keep what the client was not shown: it is told with its next request."""
        leg = Leg(asked.reply.parts, asked.blocks, goes_on=False)
        session = aside_after(asked.session, asked.at_message, leg)
        self._sessions.replace(session)
        self._put(Answered(asked.live, session, asked.events, asked.at))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a reply asked, and what came of it."""

    live: Session
    session: Session
    carried: Carried
    reply: Reply
    blocks: tuple[bytes, ...]
    """Our answers, as the wire has them."""
    events: tuple[Event, ...]
    at: float

    @property
    def at_message(self) -> int:
        """The client's message that the reply will be."""
        request = self.carried.request
        return len(request.messages if request.own is None else request.own)


def _folded(
    session: Session, format: Format, stored: Callable[[str], str | None], handle: str
) -> str | None:
    """Return the text of collapsed turns by their handle, None if there are none."""
    fold = named(session, handle)
    if fold is None:
        return None
    text = folded_text(session, fold, format)
    return stored(fold.digest) if text is None else text


def _most_legs(live: Session) -> int:
    """Return how many requests of ours may come before one that says that there is no more.

    None do once the whole conversation has asked as often as it may: a model that has been talked
    into asking costs one request each time, not four.
    """
    return MOST_LEGS if may_ask(live.table) else 0


def _refused(session: Session, asks: Sequence[Ask], text: str, why: str) -> Answers:
    """Return the same error for each call: nothing is done."""
    answers = tuple(Answer(text, error=True) for _ in asks)
    return Answers(session, answers, tuple(Asked(ask.tool, why, 0) for ask in asks))


def _undone(live: Session, carried: Carried, reply: Reply, at: float) -> _Asked:
    """Return what a reply asked for if nothing of it could be done."""
    said = _refused(live, reply.asks, FAILED, "failed")
    return _Asked(live, live, carried, reply, _blocks(carried, reply, said), said.events, at)


def _blocks(carried: Carried, reply: Reply, said: Answers) -> tuple[bytes, ...]:
    """Return the answers as the wire has them."""
    return tuple(
        carried.request.format.answer(ask.id, one.text, one.error)
        for ask, one in zip(reply.asks, said.results, strict=True)
    )


def _answering(rules: Rules) -> Rules:
    """Return the rules for a request of ours: nothing leaves before the model has gone on.

    Its newest results it has seen, but not used.
    """
    return replace(rules, evicts=False)


def _in_its_place(carried: Carried, request: Request, at: float) -> Carried:
    """Return what a request of ours comes with, made in the place of another."""
    arrived = replace(carried.arrived, at=at, started=time.perf_counter_ns())
    return replace(carried, arrived=arrived, request=request, leg=carried.leg + 1)
