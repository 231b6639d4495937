"""What a conversation cost, beside what it would have cost untouched.

The second is an estimate, and is called one everywhere. It is made from the provider's own
counts: what we removed is added back, at the price class it would have had. A later
simulation of the whole prefix cache replaces it; until then its assumptions are:

1. Untouched, the prefix of the last request would have been read from the cache if it was
   still warm and the client itself did not change it; the rest would have been written.
2. On turns without a flush, the cache hits and misses that happened would have happened.
3. What stands before the messages is cached if anything is. Where another session has just sent
   the same front, untouched it would have been read on the first request; it counts as read here
   only if ours was.
4. A refetch of unchanged content would not have been asked for: its text, and the whole
   request where it brought nothing else, are costs of paging.
5. What passed between the model and us would not have been said: neither it nor the requests that
   we made to answer the model. What the model said to the client in the end it would have said
   in reply to the client's own request.
6. Where a provider caches unasked and bills no writes, it has cached all that it was sent with a
   request of which it read something: some never do.
"""

from dataclasses import dataclass, replace

from pichay_core.model import Usage


@dataclass(frozen=True, slots=True)
class Ledger:
    """What must be remembered from turn to turn. Amounts are tokens."""

    cached: int = 0
    """Prefix that the provider holds after the last request, as it really is."""
    untouched_cached: int = 0
    """Prefix that it would hold if nothing had been removed."""


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What the ledger must know of the circumstances of one request."""

    only_refetched: bool = False
    """The request brought nothing else, so that untouched it would not have been made."""
    flushed: bool = False
    """We changed what the provider had cached: pages left, or came back as an edit was given up."""
    warm: bool = True
    """The last request is younger than the time to live of the cache."""
    client_broke: bool = False
    """The client itself changed what the provider had cached: history, tools, prompt, model."""
    one_hour: bool = False
    """Cache writes are asked for with a time to live of one hour."""
    ours: bool = False
    """We made the request, to answer the model; its reply is part of that to the client."""
    goes_on: bool = False
    """The reply called tools of ours only, and another request of ours answers it."""
    to_us: int = 0
    """Tokens of the reply that were said to us, beside what was said to the client."""
    free_writes: bool = False
    """The provider caches unasked, and what it writes costs what plain input does."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What paging did to the tokens of one request."""

    removed: int = 0
    """Missing from its messages, after what stands there instead: because pages are out, or
    because they were sent shorter from the first time on."""
    refetched: int = 0
    """In it and not in the client's own: there a second time because of refetch faults, or what
    passed between the model and us."""
    resident: int = 0
    """Of tool results that are in the window."""
    front: int = 0
    """By which what stands before the messages is smaller than the client's; negative if larger."""
    born: int = 0
    """Of what is removed, what was sent shorter from the first time on."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One request, settled."""

    ledger: Ledger
    untouched: Usage
    """Estimate of what the provider would have billed without Pichay."""
    prefix_broken: bool
    """Less came from the cache than it held."""


BREAK_TOLERANCE = 0.95
"""Providers round and skip short tails: only a clear loss is a break."""


def settle(ledger: Ledger, facts: TurnFacts, amounts: Amounts, usage: Usage) -> Settled:
    """Return the ledger after a reply, with the estimate of the untouched request."""
    usage = as_written(facts, usage)
    window = max(0, usage.window + amounts.removed - amounts.refetched)
    read = _untouched_read(ledger, facts, amounts, usage)
    untouched = _split(window, read, usage, facts.one_hour)
    whole = _with_front(untouched, amounts.front, facts.one_hour)
    caches = usage.cache_read > 0 or not facts.free_writes
    held = untouched.cache_read + untouched.cache_write if caches else 0
    after = Ledger(
        cached=usage.cache_read + usage.cache_write if caches else 0,
        untouched_cached=ledger.untouched_cached if facts.ours else held,
    )
    broken = _broken(ledger, facts, usage)
    return Settled(after, _as_billed(facts, _would_have_been(facts, whole)), broken)


def as_written(facts: TurnFacts, usage: Usage) -> Usage:
    """Return the usage with plain input as what it is where writes are free: written."""
    if not facts.free_writes:
        return usage
    return replace(usage, input=0, cache_write_5m=usage.cache_write_5m + usage.input)


def _as_billed(facts: TurnFacts, usage: Usage) -> Usage:
    if not facts.free_writes:
        return usage
    return replace(usage, input=usage.input + usage.cache_write_5m, cache_write_5m=0)


def _would_have_been(facts: TurnFacts, whole: Usage) -> Usage:
    """Return what of an untouched request there would have been at all."""
    if facts.ours:
        whole = Usage(output=whole.output)
    elif facts.only_refetched:
        whole = Usage()
    return replace(whole, output=0 if facts.goes_on else max(0, whole.output - facts.to_us))


def _with_front(usage: Usage, front: int, one_hour: bool) -> Usage:
    """Return the usage with *front* tokens more before the messages.

    They come first, so they are read if anything is, and written if anything is.
    """
    if usage.cache_read:
        return replace(usage, cache_read=max(0, usage.cache_read + front))
    if usage.cache_write == 0:
        return replace(usage, input=max(0, usage.input + front))
    long_lived = one_hour and usage.cache_write_1h > 0
    name = "cache_write_1h" if long_lived or not usage.cache_write_5m else "cache_write_5m"
    return replace(usage, **{name: max(0, getattr(usage, name) + front)})


def _untouched_read(ledger: Ledger, facts: TurnFacts, amounts: Amounts, usage: Usage) -> int:
    """Return how much would have been read from the cache.

    What we keep out of the cache is no more than what is missing from this request: after a
    compaction by the client nothing is. What we put into it beside the client's own would not have
    been read. What was read in spite of a flush would have been read without it, even where nobody
    knows what was cached (a conversation that is joined late).
    """
    if facts.flushed and facts.warm and not facts.client_broke:
        return max(ledger.untouched_cached, usage.cache_read)
    if usage.cache_read == 0:
        return 0
    kept_out = min(ledger.untouched_cached - ledger.cached, amounts.removed)
    return max(0, usage.cache_read + max(kept_out, -amounts.refetched))


def _split(window: int, read: int, usage: Usage, one_hour: bool) -> Usage:
    """Divide an untouched window into what is read, written and neither, like the real one."""
    caches = usage.cache_read + usage.cache_write > 0
    plain = min(window, usage.input if caches else window)
    read = min(read, window - plain)
    written = window - plain - read
    long_lived = _long_lived(written, usage, one_hour)
    return Usage(plain, read, written - long_lived, long_lived, usage.output)


def _long_lived(written: int, usage: Usage, one_hour: bool) -> int:
    """Return how much would have been written for an hour: the share that really was."""
    if usage.cache_write == 0:
        return written if one_hour else 0
    return round(written * usage.cache_write_1h / usage.cache_write)


def _broken(ledger: Ledger, facts: TurnFacts, usage: Usage) -> bool:
    if facts.client_broke or not facts.warm or ledger.cached == 0:
        return False
    return usage.cache_read < BREAK_TOLERANCE * ledger.cached
