"""Compared plans as a table, as data, and as what a picture is drawn of.

Rule of this file: pure. ``net`` is cost over untouched: below one is a saving.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pichay_cli.amounts import percent, share, times
from pichay_cli.plot import Dot, Look, Picture
from pichay_cli.render import (
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
    stack,
)
from pichay_cli.replay_view import cells, report_data
from pichay_cli.replaying import LOSS, PAPER, Plan
from pichay_core.policies import POLICIES
from pichay_core.replay import Report, together


@dataclass(frozen=True, slots=True)
class Row:
    """One plan over all sessions."""

    plan: Plan
    sessions: tuple[Report, ...]

    @property
    def whole(self) -> Report:
        """All sessions together."""
        return together(self.sessions)

    @property
    def losing(self) -> int:
        """How many sessions lost money."""
        return sum(report.net > 1 + LOSS for report in self.sessions)

    @property
    def worst(self) -> float:
        """The largest net of a session."""
        return max((report.net for report in self.sessions), default=1.0)


_LEAST = {"net": 0, "context": 0, "charged": 78, "refetch": 89, "thrash": 97, "flushes": 106,
          "evicted": 115, "breaks": 123, "collected": 134, "edits": 141, "peak": 149}  # fmt: skip
_COLUMNS = tuple(Column(title, right=True, least=least) for title, least in _LEAST.items())
_PLAN = (Column("policy"), Column("schedule"), Column("tau", right=True))
_SESSIONS = (Column("losing", right=True), Column("worst", right=True))


def compare_sheet(rows: Sequence[Row], least: float) -> RenderableType:
    """Return one line for each plan, the bound, and what the columns mean."""
    table = [_compared(row) for row in rows]
    none = [""] * (len(_SESSIONS) + len(_COLUMNS) - 1)
    table.append(["cost-optimal", "bound", "", f"{least:.3f}", *none])
    sheet = Sheet([*_PLAN, *_COLUMNS[:2], *_SESSIONS, *_COLUMNS[2:]], table)
    return stack(sheet, lines(_legend(rows[0])), lines(_best(rows, least)))


def _compared(row: Row) -> list[Cell]:
    plan, whole = row.plan, cells(row.whole, _COLUMNS)
    said = f"{plan.schedule} (paper)" if plan == PAPER else plan.schedule
    style = STRONG if plan == Plan() else ""
    named = [(name, style) for name in (plan.policy, said, str(plan.tau))]
    sessions = [f"{row.losing:,}", percent(row.worst - 1, 1.0)]
    return [*named, *whole[:2], *sessions, *whole[2:]]


def _legend(row: Row) -> list[RenderableType]:
    sessions, requests = times(len(row.sessions), "session"), times(row.whole.requests, "request")
    return [
        line((f"{sessions}, {requests}. net and context: input cost and mean window over "
              f"untouched. losing: sessions that cost over {100 * LOSS:.0f} % more.", QUIET)),
        line(("charged: if each refetch, and each edit of a page that is out, had needed one "
              "request more. (paper): without a marker on the eviction boundary.", QUIET)),
    ]  # fmt: skip


def _best(rows: Sequence[Row], least: float) -> list[RenderableType]:
    best, saved = min(rows, key=lambda row: row.whole.net), 1 - least
    if saved <= 0:
        return [line("Nothing can be saved here, says the bound.")]
    usual = [row for row in rows if row.plan == Plan() and row is not best]
    named = [("best by the bill", best), *(("default", row) for row in usual)]
    if (charged := _best_charged(rows)) is not best:
        named.append(("best if charged, of those that do not know the future", charged))
    return [
        line(f"The {what}, {row.plan.name}, reaches {share(1 - row.whole.net, saved)} "
             "of what the bound saves.")
        for what, row in named
    ]  # fmt: skip


def _best_charged(rows: Sequence[Row]) -> Row:
    live = [row for row in rows if row.plan.policy in POLICIES]
    return min(live or rows, key=lambda row: row.whole.charged)


def row_data(row: Row) -> Mapping[str, object]:
    """Return a plan over all sessions for machines."""
    plan = {
        "policy": row.plan.policy,
        "schedule": row.plan.schedule,
        "tau": row.plan.tau,
        "boundary_marker": row.plan.boundary,
    }
    return plan | {"losing": row.losing, "worst": row.worst} | dict(report_data(row.whole))


def compare_picture(rows: Sequence[Row], least: float, model: str) -> Picture:
    """Return the plans as dots; those that come to the same share one."""
    whole = rows[0].whole
    about = ", ".join([
        times(len(rows[0].sessions), "session"),
        times(whole.requests, "request"),
        f"at the prices of {model}" if model else "each at its own model's prices",
    ])  # fmt: skip
    untouched = Dot("untouched", 1.0, 1.0, Look.UNTOUCHED)
    return Picture("Input cost against window size", about, [untouched, *_dots(rows)], least)


def _dots(rows: Sequence[Row]) -> Iterator[Dot]:
    same: defaultdict[tuple[float, float], list[Plan]] = defaultdict(list)
    for row in rows:
        same[round(row.whole.context, 3), round(row.whole.net, 3)].append(row.plan)
    for (context, net), plans in same.items():
        name = _shared_name(plans)
        if Plan() in plans:
            yield Dot(f"{name} (default)", context, net, Look.DEFAULT)
        elif PAPER in plans:
            yield Dot(f"{name} (the paper)", context, net, Look.PAPER)
        else:
            yield Dot(name, context, net)


def _shared_name(plans: Sequence[Plan]) -> str:
    """``fifo, lru · batch · tau 4``"""
    policies, schedules, taus = (
        ", ".join(dict.fromkeys(str(part) for part in parts))
        for parts in zip(*((p.policy, p.schedule, p.tau) for p in plans), strict=True)
    )
    marker = "" if plans[0].boundary else " · no marker"
    return f"{policies} · {schedules} · tau {taus}{marker}"
