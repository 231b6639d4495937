"""Leave when keeping costs more than the fault it may save. Prices are tokens of base input.

A page is looked at anew on every turn, so what is asked is whether to keep it for one turn more.
The rate at which pages are referenced falls as they lie unused (``priors`` makes sure of it); then
looking one turn ahead is as good as looking to the end, and how long the session goes on need not
be guessed. Source: Y. S. Chow, H. Robbins, "A martingale system theorem and applications", 1961
(the monotone case of optimal stopping).

Keeping a page for a turn costs a cache read of it, and, if this is the turn of a flush, the wait
for the next one: as many reads as turns lie between two of them, and its being written again
behind the cut. A fault costs the page, written anew, and the request that asks for it: the whole
window read once more.

How often a page is referenced: measured over recordings (``priors.RATES``, for a turn, by
standing and by turns without a reference), times what the session itself has shown of pages that
left it. That factor has a Gamma prior of mean one, worth ``priors.WEIGHTS`` references; references
to pages that are out (refetch faults, changes of their files) are counted against the number to be
expected of them. All is read off the table: a restart decides alike. Each refetch of a page itself
doubles its rate, as it doubles the strength of its pin.

What the priors cannot know: they come from sessions in which everything was still in the window,
and count every change of a file as a need to see it, which is more than there will be.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from pichay_core.model import Kind
from pichay_core.policies.moment import Moment
from pichay_core.policies.priors import AGES, RATES, WEIGHTS
from pichay_core.policies.references import Named, Standing, named, referenced, standing
from pichay_core.table import Entry

FLUSHES = 1 / 23
"""A turn: 669 in the 15,266 requests of 174 recorded sessions (fifo, break-even, tau 1)."""
FRONT = 20_000
"""Tokens of system prompt and tools in front of the messages; nobody tells a policy."""
LONGEST = 2 * AGES[-1]
"""Turns after which a page is no longer followed."""


def cost(pages: Sequence[Entry], now: Moment) -> list[Entry]:
    """Return the pages at least tau turns old that cost more to keep than their expected fault.

    Those whose expected fault is the smallest part of what they cost leave first.
    """
    last = named(now.table)
    factors, sent = _factors(now, last), window(now, last.out)
    leaving: list[tuple[float, Entry]] = []
    for entry in pages:
        if now.turn - entry.born < now.tau:
            continue
        kept = _keeping(entry, now)
        saved = _rate(entry, now, last, factors) * fault(entry, now, sent)
        if saved < kept:
            leaving.append((saved / kept, entry))
    return [entry for _, entry in sorted(leaving, key=lambda pair: (pair[0], pair[1].born))]


def window(now: Moment, out: int) -> int:
    """Return about how many tokens a request sends, with so many tokens of pages out."""
    return FRONT + max(0, now.sent - out)


def rent(entry: Entry, now: Moment) -> float:
    """Return what it costs to keep a page in the window for one turn."""
    return now.read * entry.gain


def fault(entry: Entry, now: Moment, sent: int) -> float:
    """Return what a fault on a page costs in a window of so many tokens."""
    return now.write * entry.page.tokens + now.read * sent


def _keeping(entry: Entry, now: Moment) -> float:
    """Return what it costs to keep a page now rather than to let it leave."""
    missed = now.read / FLUSHES + now.write - now.read
    return rent(entry, now) + FLUSHES * missed * entry.gain


def _rate(entry: Entry, now: Moment, last: Named, factors: Mapping[Kind, float]) -> float:
    """Return how many references to a page are to be expected in a turn."""
    stands = standing(entry, last)
    if stands is None:
        return 0.0
    age = now.turn - referenced(entry, last)
    return _RATE_AT[stands][_lain(age)] * factors[entry.page.call.kind] * 2.0**entry.faults


def _factors(now: Moment, last: Named) -> dict[Kind, float]:
    """Return by how much this session's pages are referenced more than usual, by kind of tool."""
    kinds = {Kind.READ: last.reads.values(), Kind.QUERY: last.queries}
    return {kind: _factor(pages, now, last, WEIGHTS[kind]) for kind, pages in kinds.items()}


def _factor(pages: Iterable[Entry], now: Moment, last: Named, weight: float) -> float:
    asked = expected = 0.0
    for entry in pages:
        asked += entry.faults > 0
        if entry.moved is not None and entry.out:
            again = referenced(entry, last)
            asked += again > entry.moved
            expected += _expected(entry, entry.moved, again, now.turn, last)
    return (weight + asked) / (weight + expected)


def _expected(entry: Entry, moved: int, again: int, turn: int, last: Named) -> float:
    """Return how many references a page was to expect from when it left to the next one."""
    reached = _REACHED[standing(entry, last) or Standing.OLDER]
    since, end = (again, turn) if again <= moved else (max(entry.born, entry.last_use), again)
    return reached[_lain(end - since)] - reached[_lain(moved - since)]


def _lain(turns: int) -> int:
    """Return where to look up what has lain unused for so many turns."""
    return min(max(0, turns), LONGEST)


_RATE_AT = {
    stands: tuple(rates[bisect_right(AGES, turn) - 1] for turn in range(LONGEST + 1))
    for stands, rates in RATES.items()
}
"""The rate of each turn."""
_REACHED = {stands: (0.0, *accumulate(rates)) for stands, rates in _RATE_AT.items()}
"""References to be expected up to each turn."""
