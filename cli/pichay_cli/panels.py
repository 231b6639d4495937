"""Figures as drawings: the net first, then what paging did, what was not paged, the sessions.

Rule of this file: a loss is drawn as plainly as a saving, and what is estimated says so.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from pichay_cli.amounts import ago, dollars, percent, share, signed, times, tokens
from pichay_cli.breaks import breaks
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
from pichay_core.bounds import LEAST_REFETCHES, REFETCH_BOUND
from pichay_core.store.activity import REFAULT_BOUND, Activity, Tally, Thrash
from pichay_core.store.figures import Net, SessionFigures

BAR_WIDTH = 24
ID_SHOWN = 8
"""Letters of a session's id that are shown; ``show`` takes any beginning."""
FAULTS = ("refetch", "refresh", "widen", "recall")
_THRASH = (
    f"thrashing: {LEAST_REFETCHES} refetches or more, being {100 * REFETCH_BOUND:.0f} % of the "
    f"evictions, or {100 * REFAULT_BOUND:.0f} % for the same page again"
)
THRASH_STYLES = dict(zip(Thrash, ("", "yellow", "yellow", BAD), strict=True))
PAGED = ("edited", "as_is")
"""Outcomes of requests with which all went as it should."""
OUTCOMES = {
    "edited": "edited",
    "as_is": "as they came",
    "observed": "only observed",
    "retried": "retried with the client's own bytes",
    "failed": "failed inside Pichay",
}


def net_panel(net: Net, scope: str = "") -> RenderableType:
    """The net figure, then what it is made of. *scope* says of what."""
    title = line(("Net against untouched (estimate)", QUIET), (scope and f" · {scope}", QUIET))
    parts = [title, "", headline(net), "", _bill(net), *bill_notes(net)]
    return lines(parts)


def headline(net: Net) -> RenderableType:
    """The difference in one line, in words: saved, or more."""
    if not net.settled:
        return line((" no reply has been billed yet ", "bold reverse"))
    money = _verdict(net.saved_dollars, net.untouched_dollars, dollars, "money")
    saved = _verdict(net.saved_tokens, net.untouched.sent, tokens, "input tokens")
    return line(*((money, "  ") if net.priced else ()), saved)


def _verdict(saved: float, untouched: float, say: Callable[[float], str], what: str) -> Part:
    unit = "" if what == "money" else f" {what}"
    if saved > 0:
        return f" {say(saved)}{unit} saved · {share(saved, untouched)} ", f"bold reverse {GOOD}"
    if saved < 0:
        of = percent(-saved, untouched)
        return f" {say(-saved)}{unit} MORE{of and ' · '}{of} ", f"bold reverse {BAD}"
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
            *(
                [bill_row("money", net.dollars, net.untouched_dollars, dollars)]
                if net.priced
                else []
            ),
            bill_row("input tokens", actual.sent, untouched.sent, tokens),
            _part("fresh", actual.input, untouched.input),
            _part("cache read", actual.cache_read, untouched.cache_read),
            _part("cache write", actual.cache_write, untouched.cache_write),
            bill_row("output tokens", actual.output, untouched.output, tokens),
        ],
    )


def bill_row(
    name: str, actual: float, untouched: float, say: Callable[[float], str]
) -> Sequence[Cell]:
    """An amount with, without, and the difference."""
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


def bill_notes(net: Net, usual: int = 0) -> list[RenderableType]:
    """What the bill leaves out. So many requests in flight, the *usual*, are not worth a line."""
    waiting = net.requests + net.legs - net.settled
    notes = []
    if net.unpriced:
        of = f"money is of {net.priced:,} of {times(net.settled, 'request')}"
        known = of if net.priced else "tokens only"
        unknown = f"The price of {', '.join(net.unpriced)} is not known"
        notes.append(f"{unknown}: {known}. prices.json may name it.")
    if waiting > usual:
        notes.append(f"{times(waiting, 'request')} without a bill: in flight, or refused.")
    return [line((note, "yellow")) for note in notes]


def paging_panel(activity: Activity) -> RenderableType:
    """What paging did, every count with what it is made of."""
    thrash = activity.thrash()
    rows: list[Sequence[Cell]] = [
        counted("requests", sum(t.count for _, t in activity.outcomes), outcomes(activity)),
        counted("evicted", activity.count("evicted"), _moved(activity, "evicted")),
        counted("collected", activity.count("collected"), _moved(activity, "collected")),
        *_cleared(activity),
        counted("faults", activity.count("faulted"), _faults(activity)),
        counted("pins", activity.pins_now, f"now · {activity.count('pinned'):,} set so far"),
        counted("repairs", activity.count("repaired"), '"file unchanged" notes made good'),
        counted("flushes", sum(t.count for t in activity.flushes), _flushes(activity)),
        counted("prefix breaks", activity.prefix_breaks, breaks(activity)),
        ("thrash", (thrash.value, THRASH_STYLES[thrash]), (_thrash(activity), QUIET)),
    ]
    return section("Paging", Sheet(COUNTS, rows))


COUNTS = (Column(), Column(right=True), Column())


def counted(name: str, count: int, of: str) -> Sequence[Cell]:
    """A row of ``COUNTS``: what was counted, how often, what it is made of."""
    return name, _number(count), (of, QUIET)


def outcomes(activity: Activity) -> str:
    """Return how many requests went which way."""
    counts: Counter[str] = Counter()
    for outcome, tally in activity.outcomes:
        counts[OUTCOMES.get(outcome, outcome)] += tally.count
    return " · ".join(f"{outcome} {count:,}" for outcome, count in counts.most_common())


def _number(count: int) -> str:
    return f"{count:,}"


def _moved(activity: Activity, kind: str) -> str:
    amount = activity.tokens(kind)
    of = _reasons(tuple(t for t in activity.reasons(kind) if t.why))
    return " · ".join(part for part in (f"{tokens(amount)} tokens" if amount else "", of) if part)


def _cleared(activity: Activity) -> list[Sequence[Cell]]:
    """What the provider took out itself; nothing is said where it took out nothing."""
    count, amount = activity.count("cleared"), tokens(activity.tokens("cleared"))
    of = f"tool results by the provider, {amount} tokens · {_reasons(activity.reasons('cleared'))}"
    return [counted("cleared", count, of)] if activity.reasons("cleared") else []


def _faults(activity: Activity) -> str:
    classes = " · ".join(f"{kind} {activity.count('faulted', kind):,}" for kind in FAULTS)
    of = share(activity.count("faulted"), activity.count("evicted"))
    return f"{classes} · {of} of evictions" if of else classes


def _thrash(activity: Activity) -> str:
    of = share(activity.count("faulted", "refetch"), activity.count("evicted"))
    if activity.episodes is not None:
        return f"{of or '0 %'} of evictions refetched, {times(activity.episodes, 'episode')}"
    return f"{of or '0 %'} of evictions refetched, {activity.refaults:,} again ({_THRASH})"


def _flushes(activity: Activity) -> str:
    paid = [] if activity.paid_back is None else [f"{activity.paid_back:,} paid back"]
    return " · ".join([_reasons(activity.flushes), *paid])


def _reasons(tallies: Sequence[Tally]) -> str:
    return " · ".join(f"{tally.why} {tally.count:,}" for tally in tallies)


def sessions_sheet(sessions: Sequence[SessionFigures], now: float) -> RenderableType:
    """Sessions, a line each."""
    columns = (
        Column("session"),
        Column("kind"),
        Column("model", least=118),
        Column("mode", least=132),
        Column("turns", right=True, least=66),
        Column("window", right=True),
        Column("net tokens", right=True),
        Column("net money", right=True),
        Column("evicted", right=True, least=90),
        Column("faults", right=True, least=90),
        Column("seen", right=True, least=66),
        Column(),
    )
    return Sheet(columns, [_session(session, now) for session in sessions])


def _session(session: SessionFigures, now: float) -> Sequence[Cell]:
    net = session.net
    return (
        session.id[:ID_SHOWN],
        session.kind,
        session.model,
        session.mode,
        _number(session.turns),
        "" if session.window is None else tokens(session.window),
        change(-net.saved_tokens, tokens) if net.settled else "",
        change(-net.saved_dollars, dollars) if net.priced else "",
        _number(session.evictions),
        _number(session.faults),
        f"{ago(now - session.last_at)} ago",
        ("frozen", "yellow") if session.frozen else "",
    )


def change(difference: float, say: Callable[[float], str]) -> Part:
    """A difference with its sign, in the colour of a loss or a saving."""
    colour = BAD if difference > 0 else GOOD if difference < 0 else ""
    return signed(difference, say(difference)), colour
