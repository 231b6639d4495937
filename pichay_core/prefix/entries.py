"""Prefixes that a provider holds because a request asked for it at a breakpoint.

Rule of this file: what Anthropic and OpenAI (from GPT-5.6) have in common. An entry is one exact
prefix; it is found by name, never by being part of a longer one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pichay_core.prefix.request import Request

type Key = tuple[str, int]
"""Scope, and the digest of the prefix."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One prefix that is held."""

    seconds: float
    """For how long after each use."""
    expires: float
    """In the caller's seconds; from then on it is not found."""
    readable: float
    """In the caller's seconds; before then it is not found."""

    def found(self, at: float) -> bool:
        """True if a request that starts at *at* can read it."""
        return self.readable <= at < self.expires

    def used(self, at: float) -> "Entry":
        """Return the entry after a request that started at *at* has read it."""
        return Entry(self.seconds, max(self.expires, at + self.seconds), self.readable)


@dataclass(frozen=True, slots=True)
class Write:
    """A breakpoint that asks for the first *count* units to be held."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Habits:
    """What no documentation says about entries, and what is assumed."""

    refresh_prefixes: bool = False
    """A hit also prolongs the shorter entries that it covers. Not documented. Anthropic's advice
    to mark the system prompt as well, so that it is written again after five idle minutes
    ("Continuing a multi-turn conversation"), speaks against it."""
    writes_below_hit: bool = True
    """A breakpoint at or before the longest hit leaves an entry too, and is not billed. Not
    documented for certain; the same advice assumes it, and "marking a block
    writes exactly one cache entry" makes no exception."""
    raises_ttl: bool = False
    """A longer time to live on a prefix that is held for a shorter one prolongs it, unbilled.
    Not documented; the billing rule for mixed times charges nothing there."""


_FEWEST_TO_PRUNE = 256


@dataclass(frozen=True, slots=True)
class Entries:
    """Everything held, of all scopes."""

    held: Mapping[Key, Entry] = field(default_factory=lambda: MappingProxyType({}))
    room: int = _FEWEST_TO_PRUNE
    """Expired entries are dropped when there are more than this."""

    def longest(self, request: Request, counts: Iterable[int]) -> int:
        """Return the first of *counts* whose prefix can be read; 0 if there is none."""
        digests = request.chain.digests
        for count in counts:
            entry = self.held.get((request.scope, digests[count - 1]))
            if entry is not None and entry.found(request.start):
                return count
        return 0

    def after(
        self, request: Request, hit: int, writes: Iterable[Write], habits: Habits
    ) -> "Entries":
        """Return what is held once *request* has read *hit* units and written *writes*."""
        held = dict(self.held)
        shortest = 1 if habits.refresh_prefixes else max(1, hit)
        for count in range(shortest, hit + 1):
            _refresh(held, request, count)
        for write in writes:
            if write.count > hit or habits.writes_below_hit:
                key = request.scope, request.chain.digests[write.count - 1]
                held[key] = _written(held.get(key), request, write.seconds, habits)
        return self._pruned(held, request.start)

    def _pruned(self, held: dict[Key, Entry], at: float) -> "Entries":
        if len(held) <= self.room:
            return Entries(held, self.room)
        alive = {key: entry for key, entry in held.items() if entry.expires > at}
        return Entries(alive, max(_FEWEST_TO_PRUNE, 2 * len(alive)))


def _refresh(held: dict[Key, Entry], request: Request, count: int) -> None:
    """Prolong the entry for the first *count* units, if there is one that can be read."""
    key = request.scope, request.chain.digests[count - 1]
    entry = held.get(key)
    if entry is not None and entry.found(request.start):
        held[key] = entry.used(request.start)


def _written(held: Entry | None, request: Request, seconds: float, habits: Habits) -> Entry:
    """Return the entry at a breakpoint, given what was held there."""
    fresh = Entry(seconds, request.start + seconds, request.readable)
    if held is None or held.expires <= request.start:
        return fresh
    if held.found(request.start) and not habits.raises_ttl:
        fresh = Entry(held.seconds, request.start + min(held.seconds, seconds), held.readable)
    longer = fresh if fresh.expires > held.expires else held
    return Entry(longer.seconds, longer.expires, min(held.readable, fresh.readable))
