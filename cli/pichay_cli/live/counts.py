"""What paging did, and whether it thrashes, each in a line with a label.

Rule of this file: a count stands with what it is made of.
"""

from collections.abc import Iterator, Sequence

from pichay_cli.amounts import dollars, share, times, tokens
from pichay_cli.fitting import Slot
from pichay_cli.gauges import Facts, Labelled, facts
from pichay_cli.panels import FAULTS, ID_SHOWN, THRASH_STYLES
from pichay_cli.render import BAD, GOOD, QUIET, STRONG, Part, RenderableType, lines, title
from pichay_core.store.activity import Activity, Tally, Thrash
from pichay_core.store.episodes import EpisodeStory
from pichay_core.store.figures import Net
from pichay_core.store.glance import Glance


def count_slots(seen: Glance) -> Iterator[Slot]:
    """What was done, in pieces: faults and flushes first, names and episodes later."""
    done = seen.activity
    rows = (
        title("Paging", (f" of {_scope(seen)}", QUIET)),
        Labelled("moved", _moved(done)),
        Labelled("faults", _faults(done)),
    )
    yield Slot(lines(rows), 3)
    yield Slot(Labelled("prefix", _prefix(seen.net)), 6, joined=True)
    yield Slot(Labelled("flushes", _flushes(done)), 5, joined=True)
    if asked := _asked(done):
        yield Slot(Labelled("model", asked), 7, joined=True)
    yield Slot(Labelled("thrash", _thrash(seen)), 3, joined=True)
    if seen.back.named:
        yield Slot(Labelled("bounced", _bounced(seen)), 6, joined=True)
    if seen.thrashing.count:
        yield Slot(Labelled("episodes", _episodes(seen)), 6, joined=True)


def _scope(seen: Glance) -> str:
    if seen.session is not None:
        return f"session {seen.session[:ID_SHOWN]}"
    return times(len(seen.sessions), "session") if len(seen.sessions) != 1 else "one session"


def _prefix(net: Net) -> Facts:
    """The share of the input that was read from the cache, as billed and as estimated."""
    read, estimated = (_hit(one.cache_read, one.sent) for one in (net.actual, net.untouched))
    return facts(
        (f"{read} read from cache", STRONG) if read else "nothing billed yet",
        f"untouched {estimated} (estimate)" if estimated else None,
    )


def _hit(read: int, sent: int) -> str:
    return f"{100 * read / sent:.1f} %" if sent else ""


def _moved(done: Activity) -> Facts:
    def of(kind: str, named: str) -> Part | None:
        count, amount = done.count(kind), done.tokens(kind)
        return f"{count:,} {named}, {tokens(amount)}" if count or kind == "evicted" else None

    return facts(
        of("evicted", "evicted"),
        of("collected", "collected"),
        of("cleared", "cleared"),
        f"{times(done.count('pinned'), 'pin')} set",
    )


def _faults(done: Activity) -> Facts:
    classes = ((kind, done.count("faulted", kind)) for kind in FAULTS)
    of = share(done.count("faulted"), done.count("evicted"))
    return facts(
        (f"{done.count('faulted'):,}", STRONG),
        *(((f"{count:,} {kind}", "yellow") if count else None) for kind, count in classes),
        f"{of} of evictions" if of else None,
    )


def _flushes(done: Activity) -> Facts:
    held = sum(tally.count for tally in done.held)
    return facts(
        (f"{_sum(done.flushes):,}", STRONG),
        *(f"{tally.count:,} {tally.why}" for tally in done.flushes),
        None if done.paid_back is None else (f"{done.paid_back:,} paid back", GOOD),
        f"held back in {times(held, 'request')}" if held else None,
    )


def _sum(tallies: Sequence[Tally]) -> int:
    return sum(tally.count for tally in tallies)


def _asked(done: Activity) -> Facts | None:
    """What the model did with its memory; None if it did nothing."""
    counts = (
        ("asked", done.count("asked")),
        ("recalled", done.count("faulted", "recall")),
        ("let go", done.count("released")),
        ("collapsed", done.count("collapsed")),
        ("advised", done.count("advised")),
    )
    said = [f"{count:,} {name}" for name, count in counts if count]
    return facts(*said) if said else None


def _thrash(seen: Glance) -> Facts:
    """The verdict and the meter's figures: faults per flush, turns away."""
    done, back = seen.activity, seen.back
    flushes = _sum(done.flushes)
    rate = f"{done.count('faulted') / flushes:.1f} faults a flush" if flushes else None
    away = None if back.median is None else f"away {times(back.median, 'turn')} (median)"
    return facts(
        _verdict(done.thrash()),
        rate,
        away and f"{away}, {back.longest:,} at most",
        None if back.named else "no page bounced",
    )


def _verdict(verdict: Thrash) -> Part:
    """Whether it thrashes now, or has."""
    now = verdict is Thrash.THRASHING
    return verdict.value, f"bold {'reverse ' if now else ''}{THRASH_STYLES[verdict]}"


def _bounced(seen: Glance) -> Facts:
    """The pages that came back twice or more, by name."""
    return facts(
        *(f"{name} {count}×" for name, count in seen.back.named),
        f"{seen.back.more:,} more" if seen.back.more else None,
    )


def _episodes(seen: Glance) -> RenderableType:
    """How many there were, and the last ones with what they cost."""
    of = seen.thrashing
    cost = f"cost {dollars(of.dollars)}" if of.dollars else None
    lasting = (f"{of.lasting:,} lasting", f"bold {BAD}") if of.lasting else None
    total = facts(f"{of.count:,}", lasting, cost)
    return lines([total, *(_episode(one, seen.session) for one in reversed(of.last))])


def _episode(one: EpisodeStory, session: str | None) -> Facts:
    whose = "" if session else f"{one.session[:ID_SHOWN]} "
    turns = f"turns {one.start} to {one.ended}" if one.ended is not None else "since turn "
    since = "" if one.ended is not None else f"{one.start}"
    return facts(
        (f"{whose}{turns}{since}", BAD if one.ended is None else ""),
        f"{times(one.faults, 'refetch', 'refetches')}, {tokens(one.tokens)}",
        None if one.dollars is None else dollars(one.dollars),
        f"{one.bounced:,} bounced" if one.bounced else None,
    )
