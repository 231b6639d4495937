"""How much is recorded, and how it is shared out among sessions."""

import random
from dataclasses import dataclass

DAY = 86_400.0
DAYS = 60
"""That a recording covers."""
SMALL_END = 1_790_000_000.0
"""Seconds since the epoch: when a small recording ends."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows there are; of pages and events nearly so many."""

    sessions: int = 500
    turns: int = 50_000
    events: int = 1_000_000
    pages: int = 400_000


BIG = Size()
SMALL = Size(sessions=12, turns=300, events=4_000, pages=2_000)
"""For tests: made in a fraction of a second."""


def shares(size: Size, drawn: random.Random) -> list[int]:
    """Return the turns of each session: most are short, a few are very long."""
    weights = [drawn.lognormvariate(0, 1.3) for _ in range(size.sessions)]
    spare = size.turns - size.sessions
    found = [1 + int(spare * weight / sum(weights)) for weight in weights]
    found[weights.index(max(weights))] += size.turns - sum(found)
    return found
