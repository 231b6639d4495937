"""A turn as it is recorded, and a request as the model knows it."""

import time
from collections.abc import Callable
from dataclasses import replace

from pichay_core.cooperate.asides import told, untold
from pichay_core.events import Event, Warned
from pichay_core.models import context_window
from pichay_core.neighbours import TWO, Neighbour
from pichay_core.request import Request
from pichay_core.session import Match, Session
from pichay_core.store.records import Turned
from pichay_core.turn import Rules, Turn
from pichay_proxy.exchange import Carried
from pichay_proxy.outcomes import held_of, outcome_of, shared_of


def as_model_knows(
    matched: Match, request: Request, rules: Rules
) -> tuple[Match, Request, tuple[Event, ...]]:
    """Return a request with what its client was not shown, if it may be edited at all."""
    session = matched.session
    if session.frozen and not (rules.edit and session.keeps):
        return matched, request, ()
    known = told(matched, request) if rules.edit else untold(matched, request)
    return known.matched, known.request, known.events


def turned(carried: Carried, matched: Match, turn: Turn, why: str | None) -> Turned:
    """Return what is recorded of a turn."""
    request, arrived, before = carried.request, carried.arrived, matched.session
    client_body = request.client_body
    known = before if before.requests else None
    return Turned(
        before=known,
        after=turn.session,
        shared=shared_of(matched, turn) if known else 0,
        format=request.format,
        credential=carried.credential,
        source=carried.identity.source,
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
        overhead_microseconds=(time.perf_counter_ns() - arrived.started) // 1000,
        definitions=turn.front.definitions,
        protocol=turn.front.protocol,
        listed=turn.listed,
        leg=carried.leg,
        unseen=_unseen(turn.session),
        window=context_window(request.head.model, request.betas),
    )


def edited_by_two(turn: Turn, found: Neighbour | None, warn: Callable[[str], None]) -> Turn:
    """Return a turn in which its session is warned, once, of somebody else who edits it."""
    session = turn.session
    if found is None or TWO in session.warned:
        return turn
    warn(
        f"{found.name} edits these requests too (known by {found.by}): each undoes what the other "
        "saves. Use one of the two; pichay doctor says how"
    )
    warning = Warned(TWO, f"{found.name}, known by {found.by}")
    session = replace(session, warned=session.warned | {TWO})
    return replace(turn, session=session, events=(*turn.events, warning))


def _unseen(session: Session) -> int:
    """Return the bytes of what passed between the model and us, as it is billed."""
    if session.heard is None:
        return 0
    sizes = (sum(m.size for m in messages) for messages in (session.messages, session.heard))
    return max(0, next(sizes) - next(sizes))
