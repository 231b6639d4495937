"""Every prefix of a request, each named by one number.

Rule of this file: values. The caller keeps a chain from request to request: what is appended is
hashed, what stands before it is not hashed again, and an edit costs what follows it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import accumulate

LARGEST_IDENTITY = 2**61 - 2
"""Python's hash tells all whole numbers from 0 to this one apart, and no others."""


class Part(StrEnum):
    """What a unit is, as far as a prefix cache cares."""

    TOOL = "tool"
    """A tool's definition."""
    SYSTEM = "system"
    """System prompt, or a developer message."""
    USER = "user"
    ASSISTANT = "assistant"
    CALL = "call"
    """A tool call; neighbours form a run."""
    RESULT = "result"
    """What a tool returned; neighbours form a run."""


_RUNS = frozenset({Part.CALL, Part.RESULT})


@dataclass(frozen=True, slots=True)
class Unit:
    """The least that can be cached: a tool definition, a content block, an input item.

    Cache markers are not part of it: they move while the content stays.
    """

    identity: int
    """Names all that the provider compares (kind, role, content): see :func:`identity`."""
    tokens: int
    part: Part = Part.USER
    ends: bool = True
    """It is the last unit of its message."""
    markable: bool = True
    """A cache marker may stand on it; not so for thinking and for empty text."""


def identity(content: bytes) -> int:
    """Return a number that stands for *content*: 60 bits of its BLAKE2b hash."""
    return int.from_bytes(blake2b(content, digest_size=8).digest()) >> 4


@dataclass(frozen=True, slots=True)
class Chain:
    """The units of a request in the provider's order: tools, system, messages.

    The four rows are equally long. The numbers in ``digests`` mean nothing outside this process.
    """

    units: tuple[Unit, ...] = ()
    digests: tuple[int, ...] = ()
    """For each unit the name of the prefix that ends with it."""
    tokens: tuple[int, ...] = ()
    """For each unit the tokens of the prefix that ends with it."""
    places: tuple[int, ...] = ()
    """For each unit its position when a run of calls, or of results, counts once."""

    def __len__(self) -> int:
        return len(self.units)

    @property
    def total(self) -> int:
        """Tokens of the whole request."""
        return self.tokens[-1] if self.tokens else 0

    def prefix_tokens(self, count: int) -> int:
        """Tokens of the first *count* units."""
        return self.tokens[count - 1] if count else 0

    def then(self, new: Iterable[Unit]) -> "Chain":
        """Return this chain with *new* units after it; ValueError if one has no fit identity."""
        units = tuple(new)
        if not units:
            return self
        names = [unit.identity for unit in units]
        if min(names) < 0 or max(names) > LARGEST_IDENTITY:
            raise ValueError(f"an identity must lie between 0 and {LARGEST_IDENTITY}")
        tokens = accumulate([unit.tokens for unit in units], initial=self.total)
        return Chain(
            self.units + units,
            self.digests + _digests(self.digests[-1] if self.digests else 0, names),
            self.tokens + tuple(tokens)[1:],
            self.places + self._places(units),
        )

    def upto(self, count: int) -> "Chain":
        """Return the first *count* units."""
        if count >= len(self.units):
            return self
        return Chain(
            self.units[:count], self.digests[:count], self.tokens[:count], self.places[:count]
        )

    def replaced(self, changes: Mapping[int, Unit]) -> "Chain":
        """Return this chain with other units at some indexes; what follows the first is rehashed.

        Every index must lie inside the chain.
        """
        if not changes:
            return self
        first = min(changes)
        rest = list(self.units[first:])
        for index, unit in changes.items():
            rest[index - first] = unit
        return self.upto(first).then(rest)

    def _places(self, new: Iterable[Unit]) -> tuple[int, ...]:
        found: list[int] = []
        place = self.places[-1] if self.places else -1
        before = self.units[-1].part if self.units else None
        for unit in new:
            part = unit.part
            if part is not before or part not in _RUNS:
                place += 1
            before = part
            found.append(place)
        return tuple(found)


def common(one: Chain, other: Chain) -> int:
    """Return how many units two chains have in common from the start."""
    shortest = min(len(one), len(other))
    if shortest == 0 or one.digests[shortest - 1] == other.digests[shortest - 1]:
        return shortest
    return bisect_left(
        range(shortest), True, key=lambda index: one.digests[index] != other.digests[index]
    )


def _digests(before: int, names: Iterable[int]) -> tuple[int, ...]:
    """Return the names of the prefixes that end with each of *names*, one naming the next."""
    found: list[int] = []
    for name in names:
        before = hash((before, name))
        found.append(before)
    return tuple(found)
