"""Caches that find the longest common beginning by themselves: no markers, no fee for writing.

Rule of this file: what OpenAI before GPT-5.6 and Gemini have in common. What is held is not an
exact prefix but all prefixes of an earlier request, so each request leaves a *trail*, and a
later one reads as far as it goes along one of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pichay_core.model import Usage
from pichay_core.prefix.chain import Chain, common
from pichay_core.prefix.request import Billed, Request


@dataclass(frozen=True, slots=True)
class AutomaticRules:
    """How the cache works for one model. Units are never split, so a hit ends where one does."""

    minimum: int
    """Tokens; a shorter common prefix is not read."""
    idle_seconds: float
    """How long a prefix is held after the start of the last request that used it."""
    interval: int = 1
    """Tokens between the places at which a cached prefix may end."""
    grid: int = 1
    """Tokens; what was read is rounded down to a multiple of this in the bill."""
    hidden: int = 0
    """Tokens of the provider's own instructions, which are in the intervals, not in the bill."""
    hits: bool = True
    """False: nothing is ever read. The caches are best effort; a simulation with and one without
    hits give the range."""

    def read(self, tokens: int) -> int:
        """Return how many of *tokens* in common are billed as read."""
        end = (tokens + self.hidden) // self.interval * self.interval - self.hidden
        return end // self.grid * self.grid if self.hits and end >= self.minimum else 0


@dataclass(frozen=True, slots=True)
class Trail:
    """One earlier request."""

    scope: str
    chain: Chain
    expires: float
    """In the caller's seconds."""
    readable: float
    """In the caller's seconds; when all of it can be read."""
    warm: int
    """Units that could be read already when it started."""

    def ready(self, request: Request) -> int:
        """Return how many units of it can be read when *request* starts."""
        if self.scope != request.scope or self.expires <= request.start:
            return 0
        return len(self.chain) if self.readable <= request.start else self.warm

    def outlived(self, later: "Trail") -> bool:
        """True if *later*, which started later, holds all that this one holds, and longer."""
        return (
            self.scope == later.scope
            and len(self.chain) <= later.warm
            and common(self.chain, later.chain) == len(self.chain)
        )


@dataclass(frozen=True, slots=True)
class AutomaticCache:
    """What such a provider holds for one model."""

    rules: AutomaticRules
    trails: tuple[Trail, ...] = ()

    def bill(self, request: Request) -> Billed:
        """Return the bill for *request*. What is written costs what plain input costs."""
        chain = request.chain
        warm = _reach(self.trails, request)
        expires = request.start + self.rules.idle_seconds
        own = Trail(request.scope, chain, expires, request.readable, warm)
        kept = (
            trail
            for trail in self.trails
            if trail.expires > request.start and not trail.outlived(own)
        )
        read = self.rules.read(chain.prefix_tokens(warm))
        return Billed(Usage(chain.total - read, read), AutomaticCache(self.rules, (*kept, own)))


def _reach(trails: Iterable[Trail], request: Request) -> int:
    """Return how many units of *request* can be read along the trail that goes farthest."""
    farthest, chain = 0, request.chain
    for trail in trails:
        ready = min(trail.ready(request), len(chain))
        # Most trails leave the chain before the farthest point so far: one comparison shows it.
        if ready > farthest and trail.chain.digests[farthest] == chain.digests[farthest]:
            farthest = min(ready, common(trail.chain, chain))
    return farthest
