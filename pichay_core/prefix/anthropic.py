"""Anthropic's prompt cache, simulated.

Rule of this file: the documented model (Anthropic, "Prompt caching", as of September 2026), and a
named switch for each point that it leaves open. An entry is written for each marker, over
everything up to it. A read looks back from each marker, the last one first, for an earlier
*entry*, not for equal content. An entry lives from the start of the request that wrote or read
it, and can be read once that request's response has begun.

Left out: the entry of five minutes that the provider adds behind the results of its own server
tools. What the tools, system and message tiers share is the caller's chain to say: parameters
that are rendered into the prompt (thinking, effort, tool choice) go into the identities.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pichay_core.model import Usage
from pichay_core.prefix.chain import Chain
from pichay_core.prefix.entries import Entries, Habits, Write
from pichay_core.prefix.request import Billed, Mark, Refused, Request, Ttl


@dataclass(frozen=True, slots=True)
class AnthropicRules:
    """How the cache works for one model."""

    minimum: int
    """Tokens; a shorter prefix is neither written nor looked for, without an error
    ("Cache limitations"; by model in :func:`pichay_core.models.minimum_prefix`)."""
    breakpoints: int = 4
    """More are refused ("When to use multiple breakpoints")."""
    look_back: int = 20
    """Positions examined from a marker, its own being the first ("How automatic prefix checking
    works")."""
    collapse_runs: bool = True
    """A run of calls, or of results, is one position. Documented for the Claude API since
    September 2026 ("How automatic prefix checking works"); of other platforms nothing is said."""
    finds_inside_runs: bool = True
    """An entry that ends inside a run, with more of the run behind it, is found. Not documented:
    a run counts as one position, and whether all its ends are examined is left open."""
    habits: Habits = field(default_factory=Habits)


@dataclass(frozen=True, slots=True)
class AnthropicCache:
    """What Anthropic holds for one model."""

    rules: AnthropicRules
    entries: Entries = field(default_factory=Entries)

    def bill(self, request: Request) -> Billed:
        """Return the bill for *request*; Refused if the API would answer with an error."""
        chain, rules = request.chain, self.rules
        marks = [
            mark
            for mark in marks_of(request, rules.breakpoints)
            if chain.tokens[mark.unit] >= rules.minimum
        ]
        hit = self.entries.longest(request, _candidates(chain, marks, rules))
        writes = [Write(mark.unit + 1, mark.ttl.seconds) for mark in marks]
        entries = self.entries.after(request, hit, writes, rules.habits)
        return Billed(_usage(chain, marks, hit), AnthropicCache(rules, entries))


def marks_of(request: Request, most: int = 4) -> tuple[Mark, ...]:
    """Return the markers of *request* with the automatic one in its place.

    Refused if there are more than *most*, or a shorter time to live stands before a longer one
    ("Automatic caching: Edge cases", "Mixing different TTLs").
    """
    marks = request.marks
    if request.automatic is not None:
        marks = _with_automatic(request.chain, marks, request.automatic, most)
    if len(marks) > most:
        raise Refused(f"{len(marks)} cache markers; at most {most} are allowed")
    if any(one.unit >= other.unit for one, other in pairwise(marks)):
        raise ValueError("cache markers must be given in the order of their units")
    if any(one.ttl is Ttl.MINUTES and other.ttl is Ttl.HOUR for one, other in pairwise(marks)):
        raise Refused("a marker of 1h must not come after one of 5m")
    return marks


def _with_automatic(chain: Chain, marks: tuple[Mark, ...], ttl: Ttl, most: int) -> tuple[Mark, ...]:
    """Return *marks* and one on the last unit that may carry one, if there is such a unit."""
    if len(marks) >= most:
        raise Refused(f"no slot left for automatic caching: {most} cache markers")
    unit = next((at for at in reversed(range(len(chain))) if chain.units[at].markable), None)
    if unit is None:
        return marks
    there = next((mark for mark in marks if mark.unit == unit), None)
    if there is None:
        return tuple(sorted((*marks, Mark(unit, ttl)), key=lambda mark: mark.unit))
    if there.ttl is not ttl:
        raise Refused("automatic caching asks for another time to live than the marker there")
    return marks


def _candidates(chain: Chain, marks: Sequence[Mark], rules: AnthropicRules) -> Iterator[int]:
    """Yield the counts of units at which an entry is looked for, in the provider's order."""
    for mark in reversed(marks):
        for unit in range(mark.unit, _farthest(chain, mark.unit, rules) - 1, -1):
            if unit == mark.unit or rules.finds_inside_runs or not _inside_run(chain, unit):
                yield unit + 1


def _farthest(chain: Chain, unit: int, rules: AnthropicRules) -> int:
    """Return the first unit that is not too far back from *unit* to be examined."""
    if rules.collapse_runs:
        return bisect_left(chain.places, chain.places[unit] - rules.look_back + 1)
    return max(0, unit - rules.look_back + 1)


def _inside_run(chain: Chain, unit: int) -> bool:
    return chain.places[unit] == chain.places[unit + 1]


def _usage(chain: Chain, marks: Sequence[Mark], hit: int) -> Usage:
    """Return the bill: read to A, written for an hour to B, for five minutes to C, the rest plain.

    A is the longest hit, B the last marker of 1h behind it, C the last marker ("Mixing different
    TTLs").
    """
    read = chain.prefix_tokens(hit)
    hour = max((chain.tokens[mark.unit] for mark in marks if mark.ttl is Ttl.HOUR), default=0)
    last = chain.tokens[marks[-1].unit] if marks else 0
    hour = max(read, hour)
    return Usage(chain.total - last, read, last - hour, hour - read)
