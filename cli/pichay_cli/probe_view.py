"""Measurements of recordings as drawings, beside those of the paper.

Rule of this file: a figure that a recording cannot give says so. The paper's figures are of its
own 857 sessions (T. Mason, arXiv 2603.09023), the replay's of 29.
"""

from collections.abc import Iterator, Mapping, Sequence

from pichay_cli.amounts import dollars, percent, times, tokens
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
from pichay_cli.saving import ASSUMED, PLAN, Saving
from pichay_core.model import FaultKind, Kind
from pichay_core.probe import Probe, Sort, amplification, together
from pichay_core.replay import Report
from pichay_core.store.history import FORMAT

TOOLS_SHOWN = 8
NONE = "-"
"""Stands for a share of nothing."""
_NOT_RECORDED = "not recorded"
_FIGURES = (Column(), Column("here", right=True), Column("paper", right=True), Column(least=90))

_MADE_UP = (
    f"{FORMAT}: texts are not recorded, only results; their sizes are estimated from bills.",
    QUIET,
)
_MEDIAN = ("median of the main conversations; the longer, the more", QUIET)

type Row = Sequence[Cell]


def drawing(formats: Mapping[str, Probe], saved: RenderableType | None = None) -> RenderableType:
    """Return all figures: together beside the paper's, then by format.

    ``saved``, where there is one, says what Pichay would have saved.
    """
    whole = together(formats.values())
    parts = [
        _head(whole),
        section("What is sent", Sheet(_FIGURES, _sent(whole))),
        section("Sent again without need, of all bytes sent", lines(_waste_sheet(whole))),
        section("Calls that ask again", Sheet(_FIGURES, _again(whole))),
        section("The paper's rule: out when 4 user turns old", Sheet(_FIGURES, _age_rule(whole))),
        *([saved] if saved is not None else []),
        *([section("Results by tool", _tools(whole))] if whole.tools.total() else []),
        section("By format", _formats(formats)),
        *([line(_MADE_UP)] if FORMAT in formats else []),
    ]
    return stack(*parts)


def _head(whole: Probe) -> RenderableType:
    said = (
        times(whole.recordings, "recording"),
        times(whole.conversations, "conversation"),
        times(whole.requests, "request"),
        times(whole.results, "tool result"),
    )
    skipped = f" · {times(whole.skipped, 'broken line')} skipped" if whole.skipped else ""
    return line((" · ".join(said), STRONG), (skipped, "yellow"))


def _sent(whole: Probe) -> list[Row]:
    size = whole.bytes
    text = size[Sort.RESULT] + size[Sort.ASSISTANT] + size[Sort.USER]
    main, subagents = amplification(whole.main), amplification(whole.subagents)
    return [
        ("tool results, of results and text", _share(size[Sort.RESULT], text), "79.4 %", ""),
        ("what reads gave, of tool results", _reads(whole), "75 %", ""),
        ("times a byte of a result is sent", _fold(main.median), "84.4x", _MEDIAN),
        ("  75 % of conversations: at most", _fold(main.p75), "", ""),
        ("  90 % of conversations: at most", _fold(main.p90), "", ""),
        ("  in subagents", _fold(subagents.median), "12.8x", ("median", QUIET)),
        *((f"bytes of {sort}", _bytes(size[sort]), "", "") for sort in Sort),
    ]


def _reads(whole: Probe) -> str:
    return _share(whole.kinds[Kind.READ], whole.bytes[Sort.RESULT])


def _waste_sheet(whole: Probe) -> list[RenderableType]:
    """A recording holds neither system prompt nor tool definitions: shares are of the rest."""
    return [
        Sheet(_FIGURES, _waste(whole)),
        line(("Idle is known in hindsight only, and is an upper bound.", QUIET)),
    ]


def _waste(whole: Probe) -> list[Row]:
    waste = whole.waste
    return [
        _part("idle results", waste.idle, whole, "8.7 %", "not named for 4 turns, nor ever again"),
        _part("superseded results", waste.superseded, whole, "", "read again, or changed since"),
        _part("duplicate results", waste.duplicates, whole, "2.2 %", "the same stands there too"),
        _part("repeated user text", waste.reminders, whole, "", "reminders, skills, rules"),
        ("unused tool definitions", _NOT_RECORDED, "11.0 %", ""),
    ]


def _part(name: str, part: int, whole: Probe, paper: str, about: str) -> Row:
    return name, _share(part, whole.waste.sent), paper, (about, QUIET)


def _again(whole: Probe) -> list[Row]:
    again = whole.again
    return [
        _count("same tool and arguments", again.repeats, again.calls, "of all calls"),
        _count("  and the same output", again.repeats_same, again.calls, "of all calls"),
        _count("refetch", again.refetch, again.calls, "same thing and range, unchanged"),
        _count("refresh", again.refresh, again.calls, "same thing and range, changed"),
        _count("widen", again.widen, again.calls, "same thing, another range"),
        _count("rerun", again.rerun, again.calls, "the same command once more"),
    ]


def _count(name: str, count: int, whole: int, about: str) -> Row:
    return f"{name} ({count:,})", _share(count, whole), "", (about, QUIET)


def _age_rule(whole: Probe) -> list[Row]:
    rule = whole.age_rule
    return [
        ("results that leave", f"{rule.evictions:,}", "", ""),
        ("  once for each request", f"{rule.request_evictions:,}", "1,393,000", ""),
        ("faults: same tool and arguments", f"{rule.faults:,}", "354", ""),
        ("  of results that left", _share(rule.faults, rule.evictions), "", ""),
        ("  once for each request", _rate(rule.faults, rule.request_evictions), "0.0254 %", ""),
        ("  and the same content", f"{rule.same:,}", "", ""),
        ("reads of a thing that left", f"{rule.read_faults:,}", "", ("whatever range", QUIET)),
        ("  of reads that left", _share(rule.read_faults, rule.reads), "", ""),
        ("  and the same content", f"{rule.read_same:,}", "", ""),
    ]


def saved(saving: Saving) -> RenderableType | None:
    """Return what Pichay would have saved; nothing where there was nothing to save."""
    report = saving.report
    if not report.requests:
        return None
    columns = Column(), Column("Pichay", right=True), Column("untouched", right=True), Column()
    told = [
        line((f"A replay of {times(saving.recordings, 'recording')} with tool results under "
              f"{PLAN.name}; the model asks for what it asked for.", QUIET)),
    ]  # fmt: skip
    if saving.assumed:
        said = f"{times(saving.assumed, 'recording')} of a model whose cache is not known: taken"
        told.append(line((f"{said} as {ASSUMED}, without dollars. Another one: --model", QUIET)))
    sheet = Sheet(columns, [*_paid(report), *_moved(report)])
    return section("What Pichay would have saved", lines([sheet, *told]))


def _paid(report: Report) -> Iterator[Row]:
    requests, priced = report.requests, report.priced
    part = f"of {priced:,} requests with a price, input side" if priced < requests else "input side"
    cost, untouched = report.cost, report.untouched_cost
    yield "input cost, in input tokens", tokens(cost), tokens(untouched), _less(report.net)
    if priced:
        paid, bare = report.dollars, report.untouched_dollars
        yield "at list prices", dollars(paid), dollars(bare), (part, QUIET)
    mean, bare = report.tokens / requests, report.untouched_tokens / requests
    yield "mean window", tokens(mean), tokens(bare), _less(report.context)
    yield "largest window", tokens(report.peak), tokens(report.untouched_peak), ""


def _moved(report: Report) -> Iterator[Row]:
    refetches = report.faults.get(FaultKind.REFETCH, 0)
    yield "flushes", f"{report.flushes:,}", "", ""
    yield "pages evicted", f"{report.evicted:,}", "", ("may be asked for again", QUIET)
    yield "pages collected", f"{report.collected:,}", "", ("nothing can ask for these", QUIET)
    yield (
        "refetches of evicted pages",
        f"{refetches:,}",
        "",
        (_of(refetches, report.evicted), QUIET),
    )
    yield "episodes of thrash", f"{report.thrash:,}", "", ""


def _less(net: float) -> Cell:
    return percent(net - 1, 1.0), GOOD if net < 1 else BAD if net > 1 else ""


def _of(part: int, whole: int) -> str:
    return f"{_share(part, whole)} of evictions" if whole else ""


def _tools(whole: Probe) -> RenderableType:
    columns = (Column(), Column(right=True), Column(right=True))
    size = whole.tools.total()
    shown = whole.tools.most_common(TOOLS_SHOWN)
    rest = size - sum(count for _, count in shown)
    others = [("others", rest)] if rest else []
    rows = [(name, _bytes(count), _share(count, size)) for name, count in [*shown, *others]]
    return Sheet(columns, rows)


def _formats(formats: Mapping[str, Probe]) -> RenderableType:
    columns = (
        Column(),
        Column("files", right=True),
        Column("requests", right=True),
        Column("count", right=True, least=90),
        Column("bytes", right=True, least=90),
        Column("results", right=True),
        Column("reads", right=True, least=76),
        Column("median", right=True),
        Column("P75", right=True, least=100),
        Column("P90", right=True, least=100),
        Column("sub", right=True, least=76),
        Column("waste", right=True, least=64),
    )
    by_size = sorted(formats.items(), key=lambda pair: -pair[1].recordings)
    return Sheet(columns, [_format(name, one) for name, one in by_size])


def _format(name: str, one: Probe) -> Row:
    size = one.bytes
    text = size[Sort.RESULT] + size[Sort.ASSISTANT] + size[Sort.USER]
    main, subagents = amplification(one.main), amplification(one.subagents)
    return (
        name,
        f"{one.recordings:,}",
        f"{one.requests:,}",
        f"{one.results:,}",
        _bytes(size[Sort.RESULT]),
        _share(size[Sort.RESULT], text),
        _reads(one),
        _fold(main.median),
        _fold(main.p75),
        _fold(main.p90),
        _fold(subagents.median),
        _share(one.waste.wasted, one.waste.sent),
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else NONE


def _rate(part: float, whole: float) -> str:
    return f"{100 * part / whole:.4f} %" if whole else NONE


def _fold(times: float | None) -> str:
    return NONE if times is None else f"{times:.1f}x"


def _bytes(count: int) -> str:
    return f"{tokens(count)}B"
