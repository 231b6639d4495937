"""What a replay came to.

Rule of this file: values that add up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter


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
    thinking: int = 0
    """Tokens of thinking that were given up so that pages could leave; each counted once."""
    edits: int = 0
    """Writes to a thing whose last read was out: the model may have had to read it again."""
    doubt: float = 0.0
    """What it would have cost if each of these, and each refetch, had needed a request more."""
    faults: Mapping[str, int] = field(default_factory=dict[str, int])
    thrash: int = 0
    """Episodes of thrash (:mod:`pichay_core.thrash`)."""
    thrash_tokens: int = 0
    """That refetches brought back in them."""
    bounced: int = 0
    """Pages that came back twice or more in one of them."""
    definitions: int = 0
    """Tokens of tool definitions that were not sent, counted once for each request."""
    protocol: float = 0.0
    """What the text that a model is told of paging cost, as part of ``cost``."""
    misses: int = 0
    """Tools whose definition went out in short and that were called all the same."""
    missed: float = 0.0
    """What it would have cost if each of these had needed a request more."""
    born: int = 0
    """Conversations that were given something at their birth."""
    offered: int = 0
    """Of these, the ones of which it is known what tools they were offered."""
    short: int = 0
    """Of these, the ones with definitions in short."""
    squeezed: int = 0
    """Of these, the ones whose bill has no room for the definitions as they are known."""
    priced: int = 0
    """Requests of a model whose price is known; the dollars are of these."""
    dollars: float = 0.0
    """Of the input side, at the user's own prices where there are any, else at list prices."""
    untouched_dollars: float = 0.0

    @property
    def net(self) -> float:
        """Cost over untouched; below one is a saving."""
        return self.cost / self.untouched_cost if self.untouched_cost else 1.0

    @property
    def charged(self) -> float:
        """The same if every refetch, and every edit of a page that is out, is our fault."""
        return (self.cost + self.doubt) / self.untouched_cost if self.untouched_cost else 1.0

    @property
    def net_missed(self) -> float:
        """Cost over untouched if each miss had needed one request more."""
        return (self.cost + self.missed) / self.untouched_cost if self.untouched_cost else 1.0

    @property
    def context(self) -> float:
        """Mean window over the untouched one."""
        return self.tokens / self.untouched_tokens if self.untouched_tokens else 1.0

    def plus(self, other: "Report") -> "Report":
        """Return both added up; the larger of two peaks."""
        return together((self, other))


def together(reports: Sequence[Report]) -> Report:
    """Return all of them added up; the largest of their peaks."""
    faults = Counter[str]()
    for report in reports:
        if report.faults:
            faults.update(report.faults)
    return Report(
        **{name: sum(map(amount, reports)) for name, amount in _AMOUNTS.items()},
        peak=max((report.peak for report in reports), default=0),
        untouched_peak=max((report.untouched_peak for report in reports), default=0),
        faults=dict(faults),
    )


_AMOUNTS = {
    part.name: attrgetter(part.name)
    for part in fields(Report)
    if part.name not in ("peak", "untouched_peak", "faults")
}
"""What adds up, and how it is read."""
