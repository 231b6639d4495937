"""Replays as tables and as data.

Rule of this file: pure. ``net`` is cost over untouched: below one is a saving.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pichay_cli.amounts import dollars, percent, times, tokens
from pichay_cli.render import (
    BAD,
    GOOD,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
    stack,
)
from pichay_cli.replaying import LOSS
from pichay_core.replay import Report

SHOWN = 20
"""Sessions that are listed: those that lost money, then the dearest."""

FIGURES: Mapping[str, Callable[[Report], Cell]] = {
    "requests": lambda report: f"{report.requests:,}",
    "net": lambda report: (f"{report.net:.3f}", _style(report.net)),
    "charged": lambda report: f"{report.charged:.3f}",
    "context": lambda report: f"{report.context:.3f}",
    "peak": lambda report: tokens(report.peak),
    "flushes": lambda report: f"{report.flushes:,}",
    "breaks": lambda report: f"{report.breaks:,}",
    "evicted": lambda report: f"{report.evicted:,}",
    "collected": lambda report: f"{report.collected:,}",
    "refetch": lambda report: f"{report.faults.get('refetch', 0):,}",
    "thrash": lambda report: (f"{report.thrash:,}", BAD if report.thrash else ""),
    "edits": lambda report: f"{report.edits:,}",
}
"""What is said of a report, by the title of the column that it stands in."""

_LEAST = {"requests": 110, "net": 0, "charged": 90, "context": 0, "peak": 130, "flushes": 80,
          "breaks": 120, "evicted": 0, "collected": 100, "refetch": 0, "thrash": 94,
          "edits": 125}  # fmt: skip
_COLUMNS = tuple(Column(title, right=True, least=least) for title, least in _LEAST.items())


def cells(report: Report, columns: Sequence[Column]) -> list[Cell]:
    """Return what stands in these columns."""
    return [FIGURES[column.title](report) for column in columns]


def _style(net: float) -> str:
    return BAD if net > 1 + LOSS else GOOD if net < 1 else ""


def replay_sheet(plan: str, found: Sequence[tuple[Path, Report]], whole: Report) -> RenderableType:
    """Return the sessions that lost or cost most, and what all of them came to."""
    losing = [pair for pair in found if pair[1].net > 1 + LOSS]
    others = [pair for pair in found if pair not in losing]
    shown = [*losing, *sorted(others, key=lambda pair: -pair[1].untouched_cost)[:SHOWN]]
    rows = [[*cells(report, _COLUMNS), path.name] for path, report in shown]
    rows.append([*cells(whole, _COLUMNS), (times(len(found), "session"), STRONG)])
    said = [
        line(f"{plan}: the input side costs ", percent(whole.net - 1, 1.0),
             " against untouched, the mean window ", percent(whole.context - 1, 1.0), "."),
        *_money(whole),
        line(f"Per eviction {_faults(whole, whole.evicted)}; per request and page out "
             f"{_faults(whole, whole.request_evictions)}."),
        *_thinking(whole),
        *_thrash(whole),
        *_birth(whole),
    ]  # fmt: skip
    sheet = Sheet([*_COLUMNS, Column("session")], rows, cut=True)
    return stack(sheet, lines([*said, *_losses(found)]))


def _money(report: Report) -> list[RenderableType]:
    if not report.priced:
        return [line("No list price is known: tokens only.")]
    paid, untouched = dollars(report.dollars), dollars(report.untouched_dollars)
    some = report.priced < report.requests
    of = f" for the {times(report.priced, 'request')} with a price" if some else ""
    return [line(f"At list prices {paid} instead of {untouched}{of}, output not counted.")]


def _thinking(report: Report) -> list[RenderableType]:
    if not report.thinking:
        return []
    return [
        line(f"Given up so that pages could leave: {tokens(report.thinking)} tokens of thinking.")
    ]


def _thrash(report: Report) -> list[RenderableType]:
    if not report.thrash:
        return [line("No thrash.")]
    said = (
        f"Thrash: {times(report.thrash, 'episode')} in which refetches brought back "
        f"{tokens(report.thrash_tokens)} tokens, {times(report.bounced, 'page')} twice or more."
    )
    return [line((said, BAD))]


def _birth(report: Report) -> list[RenderableType]:
    if not report.born:
        return []
    told = f"what the model is told of paging costs {percent(report.protocol, report.cost)}"
    if not report.offered:
        return [line(f"At birth: {told}. No tool definitions are known: --definitions names them.")]
    left_out = (
        f"{tokens(report.definitions)} tokens of definitions not sent, in {report.short:,} of "
        f"{times(report.offered, 'conversation')}, {times(report.misses, 'miss', 'misses')}"
    )
    return [line(f"At birth: {left_out}; {told}.")]


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
    return [line((f"{lost} lost more than 1 %, the worst {percent(max(losing), 1.0)}.", BAD))]


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
        "thinking_given_up": report.thinking,
        "edits_of_pages_out": report.edits,
        "faults": dict(report.faults),
        "thrash": {
            "episodes": report.thrash,
            "tokens": report.thrash_tokens,
            "bounced": report.bounced,
        },
        "birth": {
            "conversations": report.born,
            "offered": report.offered,
            "short": report.short,
            "squeezed": report.squeezed,
            "definitions_tokens": report.definitions,
            "protocol_cost": report.protocol,
            "misses": report.misses,
            "net_missed": report.net_missed,
        },
        "dollars": money_data(report),
    }


def money_data(report: Report) -> Mapping[str, object] | None:
    """Return what the input side costs at list prices; None where no price is known."""
    if not report.priced:
        return None
    return {
        "requests": report.priced,
        "dollars": report.dollars,
        "untouched_dollars": report.untouched_dollars,
    }
