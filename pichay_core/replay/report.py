"""What a replay came to.

Rule of this file: values that add up.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """What conversations came to. ``cost`` is in tokens at the base input price, output not
    counted; amounts are added up over all requests."""

    requests: int = 0
    cost: float = 0.0
    untouched_cost: float = 0.0
    tokens: int = 0
    untouched_tokens: int = 0
    peak: int = 0
    untouched_peak: int = 0
    flushes: int = 0
    breaks: int = 0
    """Requests that read less from the cache than the one before had left in it."""
    evicted: int = 0
    collected: int = 0
    request_evictions: int = 0
    """Pages that were out, counted once for each request, as the paper counts."""
    edits: int = 0
    """Writes to a thing whose last read was out: the model may have had to read it again."""
    doubt: float = 0.0
    """What it would have cost if each of these, and each refetch, had needed a request more."""
    faults: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def net(self) -> float:
        """Cost over untouched; below one is a saving."""
        return self.cost / self.untouched_cost if self.untouched_cost else 1.0

    @property
    def charged(self) -> float:
        """The same if every refetch, and every edit of a page that is out, is our fault."""
        return (self.cost + self.doubt) / self.untouched_cost if self.untouched_cost else 1.0

    @property
    def context(self) -> float:
        """Mean window over the untouched one."""
        return self.tokens / self.untouched_tokens if self.untouched_tokens else 1.0

    def plus(self, other: "Report") -> "Report":
        """Return both added up; the larger of two peaks."""
        return Report(
            requests=self.requests + other.requests,
            cost=self.cost + other.cost,
            untouched_cost=self.untouched_cost + other.untouched_cost,
            tokens=self.tokens + other.tokens,
            untouched_tokens=self.untouched_tokens + other.untouched_tokens,
            peak=max(self.peak, other.peak),
            untouched_peak=max(self.untouched_peak, other.untouched_peak),
            flushes=self.flushes + other.flushes,
            breaks=self.breaks + other.breaks,
            evicted=self.evicted + other.evicted,
            collected=self.collected + other.collected,
            request_evictions=self.request_evictions + other.request_evictions,
            edits=self.edits + other.edits,
            doubt=self.doubt + other.doubt,
            faults=dict(Counter(self.faults) + Counter(other.faults)),
        )
