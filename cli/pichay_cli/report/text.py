"""The report on a screen: the net, its course, what to change, what costs most.

Rule of this file: what is most important stands on the first screen, and every figure that is an
estimate says so.
"""

from collections.abc import Iterable, Sequence

from pichay_cli.amounts import ago, dollars, plain, share, times, tokens
from pichay_cli.gauges import sparks
from pichay_cli.panels import ID_SHOWN, change, net_panel, sessions_sheet
from pichay_cli.render import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
    section,
    stack,
)
from pichay_cli.report.advice import advice
from pichay_cli.report.tables import dearest, dearest_sessions
from pichay_core.store.report import Report
from pichay_core.store.top import Cost

DEAREST = 5
"""Parts of the bill that are shown."""
ADVISED = 6
"""Findings that are shown; the page has all of them."""
SESSIONS = 5
BARS = 48
"""Of the course of the cost."""


def drawing(found: Report, now: float) -> RenderableType:
    """The report, as it is at *now* (seconds since the epoch)."""
    parts = (
        net_panel(found.net, about(found, now)),
        _course(found),
        _advice(found),
        _costs(found),
        _thrash(found),
        _sessions(found, now),
        line((_MORE, QUIET)),
    )
    return stack(*(part for part in parts if part is not None))


_MORE = "pichay report --html report.html has the charts, and all of the sessions"


def about(found: Report, now: float) -> str:
    """What part of the recording this is of."""
    scope = found.scope
    of = f"session {plain(scope.session[:ID_SHOWN])}" if scope.session else "all sessions"
    return of if scope.since is None else f"{of}, the last {ago(now - scope.since)}"


def _course(found: Report) -> RenderableType | None:
    """The cost with and without as it grew, the two on one scale."""
    if len(found.course) < 2:
        return None
    money = found.net.priced > 0
    paid = [spent.dollars if money else spent.tokens for spent in found.course]
    untouched = [
        spent.untouched_dollars if money else spent.untouched_tokens for spent in found.course
    ]
    say = dollars if money else tokens
    most, colour = max(*paid, *untouched), GOOD if paid[-1] <= untouched[-1] else BAD
    rows = [
        ("without", (sparks(untouched, BARS, most), QUIET), say(untouched[-1])),
        ("with", (sparks(paid, BARS, most), colour), say(paid[-1])),
    ]
    columns = (Column(), Column(), Column(right=True))
    return section("Cost so far, summed up by request", Sheet(columns, rows))


def _advice(found: Report) -> RenderableType | None:
    """What to change, the dearest first."""
    said = [advice(suggestion) for suggestion in found.suggestions[:ADVISED]]
    rows = [((one.amount, STRONG), one.found) for one in said]
    notes = [[line((text, QUIET)) for text in (one.names, one.todo) if text] for one in said]
    columns = (Column(right=True), Column())
    return section("What to change", Sheet(columns, rows, notes)) if rows else None


def _costs(found: Report) -> RenderableType | None:
    """What the bill was spent on."""
    costs = found.costs.get("tool", ())
    whole = sum(cost.dollars or 0 for cost in costs)
    columns = (
        Column("what"),
        Column("calls", right=True, least=66),
        Column("tokens sent", right=True),
        Column("money", right=True),
        Column("share", right=True),
        Column("net", right=True, least=76),
    )
    rows = [_cost(cost, whole) for cost in dearest(costs, DEAREST)]
    return section("What costs most (estimate)", Sheet(columns, rows)) if rows else None


def _cost(cost: Cost, whole: float) -> Sequence[Cell]:
    return (
        (plain(cost.what), QUIET if cost.rest else ""),
        f"{cost.calls:,}" if cost.calls else "",
        tokens(cost.sent),
        "" if cost.dollars is None else dollars(cost.dollars),
        "" if cost.dollars is None else share(cost.dollars, whole),
        change(-cost.saved_dollars, dollars) if cost.saved_dollars else "",
    )


def _thrash(found: Report) -> RenderableType | None:
    if not found.episodes:
        return None
    return section("Thrash", lines(_episodes(found)))


def _episodes(found: Report) -> Iterable[RenderableType]:
    for episode in sorted(found.episodes, key=lambda one: -one.cost_tokens)[:DEAREST]:
        cost = "" if episode.dollars is None else f", {dollars(episode.dollars)}"
        ended = "still on" if episode.ended is None else f"to turn {episode.ended}"
        yield line(
            (episode.session[:ID_SHOWN], STRONG),
            f"  turn {episode.start} {ended}: {times(episode.faults, 'refetch', 'refetches')}, "
            f"{tokens(episode.tokens)} tokens back{cost}",
        )


def _sessions(found: Report, now: float) -> RenderableType:
    shown = dearest_sessions(found)[:SESSIONS]
    more = len(found.sessions) > SESSIONS
    title = f"The dearest of {len(found.sessions):,} sessions" if more else "Sessions"
    return section(title, sessions_sheet(shown, now))
