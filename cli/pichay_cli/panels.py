"""Figures as drawings: the net first, then what paging did, what was not paged, the sessions.

Rule of this file: a loss is drawn as plainly as a saving, and what is estimated says so.
"""

from collections.abc import Callable, Sequence

from pichay_cli.amounts import ago, dollars, percent, share, signed, times, tokens
from pichay_cli.environment import CERTIFICATE_VARIABLES
from pichay_cli.render import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    Cell,
    Column,
    Part,
    RenderableType,
    Sheet,
    bar,
    line,
    lines,
    section,
)
from pichay_core.store.activity import (
    LEAST_REFETCHES,
    REFAULT_BOUND,
    REFETCH_BOUND,
    Activity,
    Tally,
    Thrash,
)
from pichay_core.store.figures import Net, SessionFigures

BAR_WIDTH = 24
ID_SHOWN = 8
"""Letters of a session's id that are shown; ``show`` takes any beginning."""
FAULTS = ("refetch", "refresh", "widen", "recall")
_THRASH = (
    f"none: no refetch. thrashing: at least {LEAST_REFETCHES}, being {REFETCH_BOUND:.0%} of the "
    f"evictions or {REFAULT_BOUND:.0%} for the same page again. some: between"
).replace("%", " %")
_THRASH_STYLES = {Thrash.NONE: "", Thrash.SOME: "yellow", Thrash.THRASHING: BAD}
OUTCOMES = {
    "edited": "edited",
    "as_is": "as they came",
    "observed": "only observed",
    "retried": "retried with the client's own bytes",
    "failed": "failed inside Pichay",
}
_TRUST = (
    f"set {CERTIFICATE_VARIABLES[0]} (Node) or {CERTIFICATE_VARIABLES[1]} (Python, Rust, Go) to "
    "mitmproxy's CA, as pichay run does; pichay doctor checks it"
)


def net_panel(net: Net, scope: str = "") -> RenderableType:
    """The net figure, then what it is made of. *scope* says of what."""
    title = line(("Net against untouched (estimate)", QUIET), (scope and f" · {scope}", QUIET))
    parts = [title, "", headline(net), "", _bill(net), *_notes(net)]
    return lines(parts)


def headline(net: Net) -> RenderableType:
    """The difference in one line, in words: saved, or more."""
    if not net.settled:
        return line((" no reply has been billed yet ", "bold reverse"))
    money = [_verdict(net.saved_dollars, dollars, "money"), ("  ", "")] if net.priced else []
    return line(*money, _verdict(net.saved_tokens, tokens, "input tokens"))


def _verdict(saved: float, say: Callable[[float], str], what: str) -> Part:
    unit = "" if what == "money" else f" {what}"
    if saved > 0:
        return f" {say(saved)}{unit} saved ", f"bold reverse {GOOD}"
    if saved < 0:
        return f" {say(-saved)}{unit} MORE ", f"bold reverse {BAD}"
    return f" no {what} saved or lost ", "bold reverse"


def _bill(net: Net) -> RenderableType:
    columns = (
        Column(),
        Column("with", right=True),
        Column("without", right=True),
        Column("difference", right=True),
        Column(right=True),
        Column(least=90),
    )
    actual, untouched = net.actual, net.untouched
    return Sheet(
        columns,
        [
            *([_row("money", net.dollars, net.untouched_dollars, dollars)] if net.priced else []),
            _row("input tokens", actual.sent, untouched.sent, tokens),
            _part("fresh", actual.input, untouched.input),
            _part("cache read", actual.cache_read, untouched.cache_read),
            _part("cache write", actual.cache_write, untouched.cache_write),
            _row("output tokens", actual.output, untouched.output, tokens),
        ],
    )


def _row(
    name: str, actual: float, untouched: float, say: Callable[[float], str]
) -> Sequence[Cell]:
    difference = actual - untouched
    return (
        (name, STRONG),
        (say(actual), STRONG),
        (say(untouched), STRONG),
        *_difference(difference, untouched, say),
        bar(actual, untouched, BAR_WIDTH),
    )


def _part(name: str, actual: int, untouched: int) -> Sequence[Cell]:
    """A kind of token: dearer or cheaper, more of it is not by itself a loss."""
    difference = actual - untouched
    said = signed(difference, tokens(difference))
    return f"  {name}", tokens(actual), tokens(untouched), said, percent(difference, untouched), ""


def _difference(
    difference: float, untouched: float, say: Callable[[float], str]
) -> tuple[Part, Part]:
    colour = BAD if difference > 0 else GOOD if difference < 0 else ""
    said = signed(difference, say(difference))
    return (said, f"bold {colour}"), (percent(difference, untouched), f"bold {colour}")


def _notes(net: Net) -> list[RenderableType]:
    waiting = net.requests - net.settled
    notes = []
    if net.unpriced:
        of = f"money is of {net.priced:,} of {times(net.settled, 'request')}"
        known = of if net.priced else "tokens only"
        notes.append(f"The price of {', '.join(net.unpriced)} is not known: {known}.")
    if waiting:
        notes.append(f"{times(waiting, 'request')} without a bill: in flight, or refused.")
    return [line((note, "yellow")) for note in notes]


def paging_panel(activity: Activity) -> RenderableType:
    """What paging did, every count with what it is made of."""
    evicted, faults = activity.count("evicted"), activity.count("faulted")
    thrash = activity.thrash()
    rows: list[Sequence[Cell]] = [
        ("evicted", _number(evicted), _moved(activity, "evicted")),
        ("collected", _number(activity.count("collected")), _moved(activity, "collected")),
        ("faults", _number(faults), _faults(activity, evicted)),
        ("pins", _number(activity.pins_now), f"now; {activity.count('pinned'):,} set so far"),
        ("repairs", _number(activity.count("repaired")), "notes of a file unchanged, made good"),
        ("flushes", _number(sum(t.count for t in activity.flushes)), _reasons(activity.flushes)),
        ("prefix breaks", _number(activity.prefix_breaks), "less read from the cache than it held"),
        ("thrash", (thrash.value, _THRASH_STYLES[thrash]), (_THRASH, QUIET)),
    ]
    return section("Paging", Sheet((Column(), Column(right=True), Column(folds=True)), rows))


def _number(count: int) -> str:
    return f"{count:,}"


def _moved(activity: Activity, kind: str) -> str:
    amount = activity.tokens(kind)
    of = _reasons(tuple(t for t in activity.reasons(kind) if t.why))
    return " · ".join(part for part in (f"{tokens(amount)} tokens" if amount else "", of) if part)


def _faults(activity: Activity, evicted: int) -> str:
    counts = [(kind, activity.count("faulted", kind)) for kind in FAULTS]
    return " · ".join(
        f"{kind} {count:,}" + (f" ({share(count, evicted)})" if count and evicted else "")
        for kind, count in counts
    ) + (" of evictions" if evicted and any(count for _, count in counts) else "")


def _reasons(tallies: Sequence[Tally]) -> str:
    return " · ".join(f"{tally.why} {tally.count:,}" for tally in tallies)


def unpaged_panel(activity: Activity) -> RenderableType | None:
    """What was not paged, and why; None if there is nothing to say."""
    outcomes = [(o, t) for o, t in activity.outcomes if o in ("observed", "retried", "failed")]
    rows: list[Sequence[Cell]] = [
        *(("held back", _number(t.count), _held(t)) for t in activity.held),
        *((o, _number(t.count), _because(OUTCOMES[o], t.why)) for o, t in outcomes),
        *(("passed", _number(t.count), t.why) for t in activity.reasons("passed")),
        *(("failures", _number(t.count), t.why) for t in activity.reasons("failed")),
        *(("frozen", _number(t.count), f"only observed: {t.why}") for t in activity.frozen),
        *(("warned", _number(t.count), t.why) for t in activity.reasons("warned")),
        *(("TLS refused", _number(t.count), f"{t.why}: {_TRUST}") for t in activity.refusals),
    ]
    sheet = Sheet((Column(), Column(right=True), Column(folds=True)), rows)
    return section("Not paged", sheet) if rows else None


def _held(tally: Tally) -> str:
    return f"requests, up to {tokens(tally.tokens)} tokens each: {tally.why}"


def _because(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


def sessions_sheet(sessions: Sequence[SessionFigures], now: float) -> RenderableType:
    """Sessions, a line each."""
    columns = (
        Column("session"),
        Column("kind", least=70),
        Column("model", least=100),
        Column("turns", right=True),
        Column("window", right=True),
        Column("net tokens", right=True),
        Column("net money", right=True),
        Column("evicted", right=True, least=70),
        Column("faults", right=True, least=76),
        Column("seen", right=True),
    )
    return Sheet(columns, [_session(session, now) for session in sessions])


def _session(session: SessionFigures, now: float) -> Sequence[Cell]:
    net = session.net
    return (
        session.id[:ID_SHOWN],
        session.kind + (" frozen" if session.frozen else ""),
        session.model,
        _number(session.turns),
        "" if session.window is None else tokens(session.window),
        change(-net.saved_tokens, tokens) if net.settled else "",
        change(-net.saved_dollars, dollars) if net.priced else "",
        _number(session.evictions),
        _number(session.faults),
        f"{ago(now - session.last_at)} ago",
    )


def change(difference: float, say: Callable[[float], str]) -> Part:
    colour = BAD if difference > 0 else GOOD if difference < 0 else ""
    return signed(difference, say(difference)), colour
