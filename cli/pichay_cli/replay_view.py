"""Replays as tables and as data.

Rule of this file: pure. ``net`` is cost over untouched: below one is a saving.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pichay_cli.amounts import percent, times, tokens
from pichay_cli.plot import BAD, GOOD, QUIET, Dot, Picture
from pichay_cli.render import Cell, Column, RenderableType, Sheet, line, stack
from pichay_cli.replaying import LOSS, PAPER, Plan
from pichay_core.replay import Report

SHOWN = 20
"""Sessions that are listed: those that lost money, then the dearest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One plan over all sessions."""

    plan: Plan
    sessions: tuple[Report, ...]

    @property
    def whole(self) -> Report:
        """All sessions together."""
        found = Report()
        for report in self.sessions:
            found = found.plus(report)
        return found

    @property
    def losing(self) -> int:
        """How many sessions lost money."""
        return sum(report.net > 1 + LOSS for report in self.sessions)

    @property
    def worst(self) -> float:
        """The largest net of a session."""
        return max((report.net for report in self.sessions), default=1.0)


_REPORT = (
    Column("requests", right=True, least=110),
    Column("net", right=True),
    Column("charged", right=True, least=90),
    Column("context", right=True),
    Column("peak", right=True, least=130),
    Column("flushes", right=True, least=80),
    Column("breaks", right=True, least=120),
    Column("evicted", right=True),
    Column("collected", right=True, least=100),
    Column("refetch", right=True),
    Column("edits", right=True, least=125),
)


def _cells(report: Report) -> list[Cell]:
    style = "red" if report.net > 1 + LOSS else "green" if report.net < 1 else ""
    return [
        f"{report.requests:,}",
        (f"{report.net:.3f}", style),
        f"{report.charged:.3f}",
        f"{report.context:.3f}",
        tokens(report.peak),
        f"{report.flushes:,}",
        f"{report.breaks:,}",
        f"{report.evicted:,}",
        f"{report.collected:,}",
        f"{report.faults.get('refetch', 0):,}",
        f"{report.edits:,}",
    ]


def replay_sheet(plan: str, found: Sequence[tuple[Path, Report]], whole: Report) -> RenderableType:
    """Return the sessions that lost or cost most, and what all of them came to."""
    losing = [pair for pair in found if pair[1].net > 1 + LOSS]
    others = [pair for pair in found if pair not in losing]
    shown = [*losing, *sorted(others, key=lambda pair: -pair[1].untouched_cost)[:SHOWN]]
    rows = [[*_cells(report), path.name] for path, report in shown]
    rows.append([*_cells(whole), times(len(found), "session")])
    said = [
        line(f"{plan}: the input side costs ", percent(whole.net - 1, 1.0) or "0 %",
             " against untouched, the mean window ", percent(whole.context - 1, 1.0) or "0 %", "."),
        line(f"Per eviction {_faults(whole, whole.evicted)}; per request and page out "
             f"{_faults(whole, whole.request_evictions)}."),
    ]  # fmt: skip
    return stack(Sheet([*_REPORT, Column("session")], rows, cut=True), *said, *_losses(found))


def _faults(report: Report, of: int) -> str:
    if not of:
        return "nothing"
    shares = (f"{kind} {100 * n / of:.3g} %" for kind, n in sorted(report.faults.items()))
    return ", ".join(shares) or "no fault"


def _losses(found: Sequence[tuple[Path, Report]]) -> list[RenderableType]:
    losing = [report.net - 1 for _, report in found if report.net > 1 + LOSS]
    if not losing:
        return [line("No session lost more than 1 %.")]
    lost = times(len(losing), "session")
    return [line((f"{lost} lost more than 1 %, the worst {percent(max(losing), 1.0)}.", "red"))]


def compare_sheet(rows: Sequence[Row], least: float) -> RenderableType:
    """Return one line for each plan, and the bound."""
    columns = [
        Column("policy"),
        Column("schedule"),
        Column("tau", right=True),
        Column("lost >1 %", right=True),
        Column("worst", right=True),
        *_REPORT,
    ]
    table = [_compared(row) for row in rows]
    table.append(["cost-optimal", "bound", "", "", "", "", f"{least:.3f}", *[""] * 9])
    saved = 1 - least
    best = min(rows, key=lambda row: row.whole.net)
    share = (1 - best.whole.net) / saved if saved > 0 else 1.0
    return stack(
        Sheet(columns, table),
        line(f"{times(len(rows[0].sessions), 'session')}, "
             f"{rows[0].whole.requests:,} requests. net: input side over untouched. "
             "charged: if each refetch and each edit of a page that is out had needed one "
             "request more."),
        line(f"The best, {best.plan.name}, reaches {100 * share:.0f} % of what the bound saves."),
    )  # fmt: skip


def _compared(row: Row) -> list[Cell]:
    marker = " (paper, no marker)" if row.plan == PAPER else ""
    return [
        row.plan.policy,
        row.plan.schedule + marker,
        str(row.plan.tau),
        str(row.losing),
        percent(row.worst - 1, 1.0),
        *_cells(row.whole),
    ]


def report_data(report: Report) -> Mapping[str, object]:
    """Return a report for machines. Costs are in tokens at the base input price."""
    return {
        "requests": report.requests,
        "net": report.net,
        "net_charged": report.charged,
        "context": report.context,
        "cost": report.cost,
        "untouched_cost": report.untouched_cost,
        "tokens": report.tokens,
        "untouched_tokens": report.untouched_tokens,
        "peak": report.peak,
        "untouched_peak": report.untouched_peak,
        "flushes": report.flushes,
        "breaks": report.breaks,
        "evicted": report.evicted,
        "collected": report.collected,
        "request_evictions": report.request_evictions,
        "edits_of_pages_out": report.edits,
        "faults": dict(report.faults),
    }


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
    untouched = Dot("untouched", 1.0, 1.0, QUIET, "D")
    return Picture("Input cost against window size", about, [untouched, *_dots(rows)], least)


def _dots(rows: Sequence[Row]) -> Iterator[Dot]:
    same: defaultdict[tuple[float, float], list[Plan]] = defaultdict(list)
    for row in rows:
        same[round(row.whole.context, 3), round(row.whole.net, 3)].append(row.plan)
    for (context, net), plans in same.items():
        name = _shared_name(plans)
        if Plan() in plans:
            yield Dot(f"{name} (default)", context, net, GOOD, "*", 120.0)
        elif PAPER in plans:
            yield Dot(f"{name} (the paper)", context, net, BAD, "s", 40.0)
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
