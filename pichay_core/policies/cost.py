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
from itertools import accumulate, pairwise

from pichay_core.model import Kind
from pichay_core.policies.moment import Moment
from pichay_core.policies.priors import AGES, RATES, WEIGHTS
from pichay_core.policies.references import Named, Standing, named, referenced, standing
from pichay_core.table import Entry

FLUSHES = 1 / 23
"""A turn: 669 in the 15,266 requests of 174 recorded sessions (fifo, break-even, tau 1)."""
FRONT = 20_000
"""Tokens of system prompt and tools in front of the messages; nobody tells a policy."""


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
    prior = RATES[stands][bisect_right(AGES, max(0, age)) - 1]
    return prior * factors[entry.page.call.kind] * 2.0**entry.faults


def _factors(now: Moment, last: Named) -> dict[Kind, float]:
    """Return by how much this session's pages are referenced more than usual, by kind of tool."""
    kinds = {Kind.READ: last.reads.values(), Kind.QUERY: last.queries}
    return {kind: _factor(pages, now, last, WEIGHTS[kind]) for kind, pages in kinds.items()}


def _factor(pages: Iterable[Entry], now: Moment, last: Named, weight: float) -> float:
    counted = expected = 0.0
    for entry in pages:
        counted += entry.faults > 0
        if entry.out and entry.moved is not None:
            asked = referenced(entry, last)
            used = asked if asked <= entry.moved else max(entry.born, entry.last_use)
            end = now.turn if asked <= entry.moved else asked
            counted += asked > entry.moved
            stands = standing(entry, last) or Standing.OLDER
            expected += _until(stands, end - used) - _until(stands, entry.moved - used)
    return (weight + counted) / (weight + expected)


def _until(stands: Standing, age: int) -> float:
    """Return how many references a page is expected to have got by an age."""
    bucket = bisect_right(AGES, max(0, age)) - 1
    return _REACHED[stands][bucket] + (max(0, age) - AGES[bucket]) * RATES[stands][bucket]


def _reached(rates: Sequence[float]) -> tuple[float, ...]:
    spans = (b - a for a, b in pairwise(AGES))
    return tuple(accumulate((s * r for s, r in zip(spans, rates, strict=False)), initial=0.0))


_REACHED = {stands: _reached(rates) for stands, rates in RATES.items()}
"""The same where each bucket begins."""
