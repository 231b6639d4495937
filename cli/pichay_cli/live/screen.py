"""The whole screen: the net, the session that is looked at, what paging did, the list, the events.

Rule of this file: what one must see at a glance has the lowest rank and goes last.
"""

from collections.abc import Sequence
from functools import partial

from pichay_cli.amounts import dollars, tokens
from pichay_cli.events_view import name_of, story_of
from pichay_cli.fitting import LAST, Fitted, Later, Slot
from pichay_cli.live.counts import count_slots
from pichay_cli.live.near import near_slots
from pichay_cli.live.roll import around, live_at, ordered, roll
from pichay_cli.panels import (
    ID_SHOWN,
    bill_notes,
    bill_row,
    headline,
)
from pichay_cli.render import (
    QUIET,
    Beside,
    Cell,
    Column,
    Either,
    RenderableType,
    Sheet,
    inset,
    line,
    lines,
    title,
)
from pichay_cli.unpaged import unpaged_panel
from pichay_core.store.figures import Net
from pichay_core.store.glance import Glance
from pichay_core.store.stories import EventStory

LEAST = 3
"""Lines below which a list is not worth its title."""
WIDE = 116
"""Columns from which the session and the counts stand side by side."""
KEYS = "↑ ↓ choose · Enter opens it · a all · q ends"


def drawing(seen: Glance, now: float, keys: bool, rows: int) -> RenderableType:
    """The screen at *now* (seconds since the epoch); with *keys*, which of them do what.

    Of sessions and events no more than *rows* are drawn.
    """

    def fitted(wide: bool) -> RenderableType:
        return Fitted(_slots(seen, now, keys, rows, wide))

    return inset(Either(Later(partial(fitted, False)), Later(partial(fitted, True)), WIDE))


def _slots(seen: Glance, now: float, keys: bool, rows: int, wide: bool) -> list[Slot]:
    near = [*near_slots(seen.near)] if seen.near else []
    done = [*count_slots(seen)]
    unpaged = unpaged_panel(seen.activity)
    pair = Beside(*(lines([slot.drawing for slot in slots]) for slots in (near, done)))
    return [
        Slot(_head(seen, now), 0),
        *([Slot(pair, 1)] if wide else [*near, *done]),
        *_list(seen, now, rows),
        *([Slot(unpaged, 8)] if unpaged else []),
        *([Slot(_events(seen, rows), 4, LEAST, LAST)] if seen.events else []),
        *([Slot(line((KEYS, QUIET)), 4)] if keys else []),
    ]


def _head(seen: Glance, now: float) -> RenderableType:
    """The net in words, then with, without and the difference."""
    # A note that comes and goes with each request would make everything below it jump.
    notes = bill_notes(seen.net, usual=_live(seen, now))
    return lines([_title(seen, now), headline(seen.net), _bill(seen.net), *notes])


def _live(seen: Glance, now: float) -> int:
    return sum(live_at(one, now) for one in seen.sessions)


def _title(seen: Glance, now: float) -> RenderableType:
    every = f"all sessions: {len(seen.sessions):,}, {_live(seen, now):,} live"
    of = every if seen.session is None else f"session {seen.session[:ID_SHOWN]}"
    return title("Net", (f" against untouched (estimate) · {of}", QUIET))


def _bill(net: Net) -> RenderableType:
    columns = (
        Column(),
        Column("with", right=True),
        Column("without", right=True),
        Column("difference", right=True),
        Column(right=True),
        Column(least=90),
    )
    money = bill_row("money", net.dollars, net.untouched_dollars, dollars)
    sent = bill_row("input tokens", net.actual.sent, net.untouched.sent, tokens)
    return Sheet(columns, [*([money] if net.priced else []), sent])


def _list(seen: Glance, now: float, rows: int) -> list[Slot]:
    """The sessions, if there are several."""
    if len(seen.sessions) < 2 or seen.session is not None:
        return []
    marked = seen.near.session if seen.near else None
    shown, at = around(ordered(seen.sessions, now), marked, rows)
    return [Slot(roll(shown, marked, now, "session"), 2, LEAST, at)]


def _events(seen: Glance, most: int) -> RenderableType:
    columns = (
        Column(style=QUIET, least=70 if seen.session is None else LAST),
        Column(right=True, style=QUIET),
        Column(),
        Column(),
    )
    rows = [_event(event) for event in seen.events[-most:]]
    return lines([title("Events"), Sheet(columns, rows, cut=True)])


def _event(event: EventStory) -> Sequence[Cell]:
    turn = "" if event.turn is None else f"turn {event.turn}"
    return (event.session or "")[:ID_SHOWN], turn, name_of(event), story_of(event)
