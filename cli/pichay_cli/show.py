"""``pichay show SESSION``: its requests, and what happened in and between them."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import click

from pichay_cli.amounts import ago, dollars, times, tokens
from pichay_cli.collapsed_view import collapsed_data, collapsed_sheet
from pichay_cli.data import session_data
from pichay_cli.events_view import NAME_WIDTH, name_of, story_of
from pichay_cli.flushes_view import flushes_data, flushes_sheet, rest
from pichay_cli.panels import OUTCOMES, PAGED, change, headline
from pichay_cli.recording import database_option, json_option, session_named, something
from pichay_cli.render import (
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    Text,
    display,
    inset,
    line,
    lines,
)
from pichay_core.store import figures, stories
from pichay_core.store.births import Births, births
from pichay_core.store.figures import SessionFigures
from pichay_core.store.scope import Scope
from pichay_core.store.stories import EventStory, FlushStory, TurnStory

_COLUMNS = (
    Column("request", right=True),
    Column("turn", right=True, least=66),
    Column("window", right=True),
    Column("read", right=True, least=66),
    Column("written", right=True),
    Column("removed", right=True),
    Column("pending", right=True, least=96),
    Column("net so far", right=True),
    Column("money", right=True),
    Column("flush", least=76),
)


@click.command()
@click.argument("session")
@json_option
@database_option
def show(session: str, as_json: bool, database: Path) -> None:
    """Show one session: its requests, and what happened in them.

    SESSION is its id, the beginning of it, or: last.
    """
    with something(database) as db:
        name = session_named(db, session)
        (found,) = figures.sessions(db, scope=Scope(name))
        turns, events = stories.turns(db, name), stories.events(db, name)
        flushes, born = stories.flushes(db, name), births(db, Scope(name))
    if as_json:
        click.echo(json.dumps(as_data(found, turns, events, flushes, born), indent=2))
    else:
        display(inset(drawing(found, turns, events, flushes, born, time.time())))


def as_data(
    session: SessionFigures,
    turns: Sequence[TurnStory],
    events: Sequence[EventStory],
    flushes: Sequence[FlushStory],
    born: Births,
) -> dict[str, Any]:
    """The session as plain data; what happened before the first request stands apart."""
    told = by_request(turns, events)
    return {
        "session": session_data(session),
        "flushes": flushes_data(flushes),
        "collapsed": collapsed_data(events, flushes),
        "births": asdict(born),
        "not_of_a_flush_dollars": rest(session.net, flushes, born),
        "before": [asdict(event) for event in told[None]],
        "turns": [
            asdict(turn) | {"events": [asdict(event) for event in told[turn.request]]}
            for turn in turns
        ],
    }


def by_request(
    turns: Sequence[TurnStory], events: Sequence[EventStory]
) -> Mapping[int | None, list[EventStory]]:
    """Each request's events, in order. One outside of requests follows the last one before it."""
    told: dict[int | None, list[EventStory]] = defaultdict(list)
    for event in events:
        before = (turn.request for turn in reversed(turns) if turn.at <= event.at)
        told[event.request or next(before, None)].append(event)
    return told


def drawing(
    session: SessionFigures,
    turns: Sequence[TurnStory],
    events: Sequence[EventStory],
    flushes: Sequence[FlushStory],
    born: Births,
    now: float,
) -> RenderableType:
    """The session's head and its flushes, then a line a request with its events below."""
    told = by_request(turns, events)
    saved = list(accumulate(_saved_tokens(turn) for turn in turns))
    money = list(accumulate(_saved_dollars(turn) for turn in turns))
    before = (None, *turns)
    rows = [_row(*each) for each in zip(turns, saved, money, strict=True)]
    notes = [
        _notes(turn, last, told[turn.request]) for turn, last in zip(turns, before, strict=False)
    ]
    folds = collapsed_sheet(events, flushes)
    sections = (
        [*_head(session, now), headline(session.net), ""],
        [flushes_sheet(flushes, session.net, born), ""] if flushes else [],
        [folds, ""] if folds else [],
        [line((_LEGS, QUIET)), ""] if session.net.legs else [],
        map(_event, told[None]),
        [Sheet(_COLUMNS, rows, notes)],
    )
    return lines(chain.from_iterable(sections))


_LEGS = "leg: a turn of Pichay's own in place of the client's, to answer the model"


def _head(session: SessionFigures, now: float) -> list[RenderableType]:
    about = (
        session.kind,
        session.model,
        *([f"mode {session.mode}"] if session.mode else []),
        times(session.requests, "request"),
        *([times(session.net.legs, "leg")] if session.net.legs else []),
        times(session.turns, "turn"),
        f"seen {ago(now - session.last_at)} ago",
    )
    tools = [f"tool definitions {session.definitions}"] if session.definitions else []
    parent = [f"of session {session.parent}"] if session.parent else []
    frozen = [f"frozen, only observed: {session.frozen}"] if session.frozen else []
    return [
        line(("Session ", STRONG), (session.id, STRONG)),
        *(line((text, QUIET)) for text in (" · ".join(about), *tools, *parent)),
        *(line((text, "yellow")) for text in frozen),
        "",
    ]


def _row(turn: TurnStory, saved_tokens: int, saved_dollars: float) -> Sequence[Cell]:
    bill = turn.actual
    return (
        f"{turn.request} leg {turn.leg}" if turn.leg else str(turn.request),
        str(turn.turn),
        tokens(bill.sent) if bill else "",
        tokens(bill.cache_read) if bill else "",
        tokens(bill.cache_write) if bill else "",
        tokens(removed) if (removed := turn.removed_tokens + turn.cleared_tokens) else "",
        tokens(turn.pending_tokens) if turn.pending_tokens else "",
        change(-saved_tokens, tokens) if bill else "",
        change(-saved_dollars, dollars) if turn.dollars is not None else "",
        (turn.flushed or "", "cyan"),
    )


def _saved_tokens(turn: TurnStory) -> int:
    return turn.untouched.sent - turn.actual.sent if turn.untouched and turn.actual else 0


def _saved_dollars(turn: TurnStory) -> float:
    if turn.dollars is None or turn.untouched_dollars is None:
        return 0.0
    return turn.untouched_dollars - turn.dollars


def _notes(turn: TurnStory, last: TurnStory | None, events: Sequence[EventStory]) -> list[Text]:
    said = (
        _outcome(turn),
        _held(turn, last),
        "prefix broken: less read from the cache than it held" if turn.prefix_broken else "",
    )
    return [*(line((text, "yellow")) for text in said if text), *map(_event, events)]


def _held(turn: TurnStory, last: TurnStory | None) -> str:
    """Said where it begins, not with every request that it goes on for."""
    if not turn.held_tokens or (last and last.held_tokens and last.held_why == turn.held_why):
        return ""
    return f"held back from here on, {tokens(turn.held_tokens)} tokens: {turn.held_why}"


def _outcome(turn: TurnStory) -> str:
    """What is out of the ordinary about a request."""
    parts = (_odd(turn), "" if turn.actual else _unbilled(turn.status))
    return "; ".join(part for part in parts if part)


def _odd(turn: TurnStory) -> str:
    if turn.outcome in PAGED:
        return ""
    said = OUTCOMES.get(turn.outcome, turn.outcome)
    return f"{said}: {turn.why}" if turn.why else said


def _unbilled(status: int | None) -> str:
    return "in flight" if status is None else f"not billed, status {status}"


def _event(event: EventStory) -> Text:
    word, style = name_of(event)
    return line((f"{word:<{NAME_WIDTH}}  ", style), story_of(event))
