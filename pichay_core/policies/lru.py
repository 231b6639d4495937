"""Least recently used: a fixed allocation holds the pages that were used last.

A use is the read itself, and every later read of the same thing. What an allocation keeps, a
larger one keeps too. Source: R. Mattson, J. Gecsei, D. Slutz, I. Traiger, "Evaluation techniques
for storage hierarchies", IBM Systems Journal 9, 1970 (the LRU stack).
"""

from collections.abc import Sequence

from pichay_core.policies.allocation import beyond
from pichay_core.policies.moment import Moment
from pichay_core.table import Entry


def lru(pages: Sequence[Entry], now: Moment) -> list[Entry]:
    """Return the pages at least tau turns old that are not among the last used, in ``now.keep``
    tokens; least recently used first."""
    return beyond(sorted(pages, key=lambda e: e.last_use)[::-1], now)
