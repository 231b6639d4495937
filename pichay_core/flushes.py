"""What each flush has brought: the difference that paging made to one request, taken apart.

Rule of this file: the parts add up to what ``ledger.py`` estimates, exactly. For every request

    untouched - actual = saved - rewritten - faulted + front + born + rest

Front is what a smaller front saved there (or a larger one cost), born what was saved by what is
sent shorter from its first time on: no flush has to do with either.
Saved is what the pages that are out would have cost there, at the price class they would have
had: read where they would have been cached, else written or plain. Rewritten is what was paid
more for text that a flush took out of the cache. Faulted is the text that refetches brought a
second time, what passed between the model and us, and all of a request that brought nothing else
or that was ours. The rest is less than a token
(writes of two times to live are divided by whole tokens), but where edits were given up or
where more was refetched than the whole request holds.

Amounts are tokens at the base input price: as many tokens of plain input as cost the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pichay_core.ledger import Amounts, Ledger, TurnFacts, as_written, settle
from pichay_core.model import Usage
from pichay_core.prices import Rates


@dataclass(frozen=True, slots=True)
class Weights:
    """What the cache costs, as multiples of the base input price. Defaults are Anthropic's."""

    read: float = 0.1
    write_5m: float = 1.25
    write_1h: float = 2.0

    def where(self, facts: TurnFacts) -> "Weights":
        """Return what the cache costs in a request: where writes are free, plain input's price."""
        return replace(self, write_5m=1.0, write_1h=1.0) if facts.free_writes else self

    def of(self, usage: Usage) -> float:
        """Return what the input side of a request cost."""
        written = self.write_5m * usage.cache_write_5m + self.write_1h * usage.cache_write_1h
        return usage.input + self.read * usage.cache_read + written

    def uncached(self, usage: Usage, one_hour: bool) -> float:
        """Return what one more token would have cost that this request did not read."""
        if usage.cache_write:
            hour = usage.cache_write_1h / usage.cache_write
            return self.write_5m + (self.write_1h - self.write_5m) * hour
        if not usage.cache_read:
            return 1.0
        return self.write_1h if one_hour else self.write_5m


@dataclass(frozen=True, slots=True)
class Parts:
    """What paging did to the cost of one request. Rest and front may be less than nought."""

    saved: float = 0.0
    rewritten: float = 0.0
    faulted: float = 0.0
    rest: float = 0.0
    front: float = 0.0
    born: float = 0.0

    @property
    def net(self) -> float:
        """What untouched would have been more, without the rest; negative is a loss."""
        return self.saved + self.front + self.born - self.rewritten - self.faulted

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(
            self.saved + other.saved,
            self.rewritten + other.rewritten,
            self.faulted + other.faulted,
            self.rest + other.rest,
            self.front + other.front,
            self.born + other.born,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What one flush has to do with one request, in tokens."""

    removed: int = 0
    """Of its pages that are out, after stubs."""
    refetched: int = 0
    """Of its pages that came back by a refetch."""
    fresh: int = 0
    """Of those, what came with this request."""


def divide(
    ledger: Ledger,
    facts: TurnFacts,
    amounts: Amounts,
    usage: Usage,
    weights: Weights,
    fresh: int = 0,
    new: int = 0,
) -> Parts:
    """Return the parts of one settled request; *ledger* is the one before it.

    Of what was refetched *fresh* tokens came with this request. What came before was cached by
    now: if it is written again, that is the doing of the flush. Of what is shorter from its first
    time on, this is the first time for *new* tokens: they would have been written, not read.
    """
    asked = replace(facts, only_refetched=False, ours=False, goes_on=False, to_us=0)
    without = replace(amounts, front=0)
    usage, weights = as_written(facts, usage), weights.where(facts)
    untouched = _untouched(ledger, asked, without, usage)
    uncached = weights.uncached(usage, facts.one_hour)
    read = untouched.cache_read - usage.cache_read
    again = _read_again(facts, amounts, amounts.removed - read, fresh)
    again = again if untouched.cache_read + usage.cache_read else 0
    removed_read = min(amounts.removed, max(0, read + again))
    rewritten = max(0, read + again - amounts.removed) * (uncached - weights.read)
    if facts.only_refetched or facts.ours:
        return Parts(0.0, rewritten, weights.of(usage) - rewritten)
    saved = weights.read * removed_read + uncached * (amounts.removed - removed_read)
    never = min(new, amounts.born, amounts.removed - removed_read)
    born = uncached * never + _portion(
        saved - uncached * never, amounts.born - never, amounts.removed - never
    )
    faulted = weights.read * again + uncached * (amounts.refetched - again)
    whole = weights.of(untouched) - weights.of(usage)
    rest = whole - (saved - rewritten - faulted)
    front = weights.of(_untouched(ledger, asked, amounts, usage)) - weights.of(untouched)
    return Parts(saved - born, rewritten, faulted, rest, front, born)


def _untouched(ledger: Ledger, facts: TurnFacts, amounts: Amounts, usage: Usage) -> Usage:
    return as_written(facts, settle(ledger, facts, amounts, usage).untouched)


def _portion(amount: float, part: int, whole: int) -> float:
    return amount * part / whole if whole else 0.0


def _read_again(facts: TurnFacts, amounts: Amounts, missing: int, fresh: int) -> int:
    """Return how much of what was refetched is paid for as read.

    As much as is *missing*: what was removed comes back as read but for what refetches had
    brought into the cache instead. A flush may have taken that out again.
    """
    broke = facts.flushed and facts.warm and not facts.client_broke
    least = amounts.refetched - fresh if broke else 0
    return min(max(least, missing, 0), amounts.refetched)


def in_dollars(parts: Parts, usage: Usage, untouched: Usage, rates: Rates, paid: float) -> Parts:
    """Return the parts in dollars; *paid* is what the request cost, the rest is left out.

    *rates* are those of the larger of the two windows. Where the request fell into a cheaper
    price band, all of it was cheaper because of what is out. Output counts where untouched
    there would have been no request; what was said to us only is part of the rest.
    """
    cheaper, whole = rates.price(usage).total - paid, parts.saved + parts.born
    born = cheaper * parts.born / whole if whole else 0.0
    output = 0.0 if untouched.window else (usage.output - untouched.output) * rates.output
    return Parts(
        parts.saved * rates.input + cheaper - born,
        parts.rewritten * rates.input,
        parts.faulted * rates.input + output,
        front=parts.front * rates.input,
        born=parts.born * rates.input + born,
    )


def shared(
    parts: Parts,
    shares: Mapping[int, Share],
    turn: int | None,
    facts: TurnFacts,
    weights: Weights,
) -> dict[int, Parts]:
    """Return the parts of one request by flush, each named by its turn; the rest is nobody's.

    What was saved goes by the tokens that are out, what was rewritten to the flush of this
    *turn* (None if there was none), what was faulted by what it cost to bring the pages again:
    new text is written, text of an earlier request read.
    """
    read = 0.0 if facts.only_refetched or facts.ours else weights.read
    saved = _portions({flush: float(share.removed) for flush, share in shares.items()})
    brought = {
        flush: weights.write_5m * share.fresh + read * (share.refetched - share.fresh)
        for flush, share in shares.items()
    }
    faulted = _portions(brought)
    flushes = shares.keys() | ({turn} if turn is not None else set[int]())
    return {
        flush: Parts(
            parts.saved * saved.get(flush, 0.0),
            parts.rewritten if flush == turn else 0.0,
            parts.faulted * faulted.get(flush, 0.0),
        )
        for flush in flushes
    }


def _portions(amounts: Mapping[int, float]) -> dict[int, float]:
    whole = sum(amounts.values())
    return {name: amount / whole for name, amount in amounts.items()} if whole else {}
