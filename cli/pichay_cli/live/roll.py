"""The sessions, a line each, and which of them the keys have chosen.

Rule of this file: pure. Those that are live stand first and keep their order, so that a line does
not move under the eye that reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pichay_cli.amounts import ago, dollars, tokens
from pichay_cli.gauges import Fill, gauge
from pichay_cli.live.near import ZONES, whole_percent, zone_style
from pichay_cli.panels import ID_SHOWN, change
from pichay_cli.render import BAD, GOOD, QUIET, STRONG, Cell, Column, Part, Sheet
from pichay_core.store.glance import SessionLine

LIVE_SECONDS = 120
"""A session whose last request is not older is live."""
GAUGE = 10
"""Columns of a window in the list."""
UP, DOWN, FIRST, LAST, OPEN, ALL, QUIT = "up", "down", "first", "last", "open", "all", "quit"


@dataclass(frozen=True, slots=True)
class View:
    """What the keys have chosen."""

    chosen: str | None = None
    """The session that is marked; None for the newest."""
    opened: bool = False
    """The figures are of that one only."""
    over: bool = False


def pressed(view: View, key: str, order: Sequence[str], marked: str | None) -> View:
    """What is chosen after a key. *order*: the sessions as listed; *marked*: the one that is."""
    match key:
        case "up" | "down" | "first" | "last":
            return replace(view, chosen=_moved(key, order, marked))
        case "open" if marked is not None:
            return replace(view, chosen=marked, opened=True)
        case "all":
            return replace(view, opened=False)
        case "quit":
            return replace(view, over=True)
        case _:
            return view


def _moved(key: str, order: Sequence[str], marked: str | None) -> str | None:
    if not order:
        return marked
    at = order.index(marked) if marked in order else -1
    goal = {UP: at - 1, DOWN: at + 1, FIRST: 0, LAST: len(order) - 1}[key]
    return order[max(0, min(goal, len(order) - 1))]


def ordered(sessions: Sequence[SessionLine], now: float) -> tuple[SessionLine, ...]:
    """The sessions as they are listed: the live ones by their start, then by when last seen."""

    def place(one: SessionLine) -> tuple[bool, float, str]:
        live = live_at(one, now)
        return not live, -(one.started_at if live else one.last_at), one.id

    return tuple(sorted(sessions, key=place))


def live_at(session: SessionLine, now: float) -> bool:
    """True if it was seen so lately that it may go on."""
    return now - session.last_at <= LIVE_SECONDS


def around(
    sessions: Sequence[SessionLine], marked: str | None, most: int
) -> tuple[Sequence[SessionLine], int]:
    """At most so many sessions, those near the marked one, and where it stands among them."""
    at = next((i for i, one in enumerate(sessions) if one.id == marked), 0)
    start = max(0, min(at - most // 2, len(sessions) - most))
    return sessions[start : start + most], at - start


def roll(sessions: Sequence[SessionLine], marked: str | None, now: float, many: str) -> Sheet:
    """The sessions as a sheet, *many* as its title."""
    columns = (
        Column(),
        Column(many),
        Column("kind", least=72),
        Column("model", least=100),
        Column("turns", right=True, least=110),
        Column("window"),
        Column(right=True),
        Column("net money", right=True),
        Column("net tokens", right=True, least=86),
        Column("evicted", right=True, least=120),
        Column("faults", right=True),
        Column(least=100),
        Column("seen", right=True),
    )
    return Sheet(columns, [_row(one, one.id == marked, now) for one in sessions])


def _row(one: SessionLine, marked: bool, now: float) -> Sequence[Cell]:
    style, net = STRONG if marked else "", one.net
    fill = one.window / one.limit if one.window is not None and one.limit else None
    return (
        ("›" if marked else " ", STRONG),
        (one.id[:ID_SHOWN], style),
        (one.kind, style),
        (one.model, style),
        (f"{one.turn:,}", style),
        gauge([] if fill is None else [Fill(fill, "█", zone_style(fill))], ZONES, GAUGE),
        ("" if fill is None else whole_percent(fill), zone_style(fill)),
        change(-net.saved_dollars, dollars) if net.priced else "",
        change(-net.saved_tokens, tokens) if net.settled else "",
        (f"{one.evictions:,}", style),
        (f"{one.faults:,}", style),
        ("frozen", "yellow") if one.frozen else "",
        _seen(one, now),
    )


def _seen(one: SessionLine, now: float) -> Part:
    """Whether it is live, and thrashes; else how long ago it was seen."""
    if not live_at(one, now):
        return ago(now - one.last_at), QUIET
    return ("thrash", f"bold {BAD}") if one.thrashing else ("live", f"bold {GOOD}")
