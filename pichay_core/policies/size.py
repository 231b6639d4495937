"""Largest first: a fixed allocation holds the smallest pages, so as many as there can be.

Source: S. Williams, M. Abrams, C. Standridge, G. Abdulla, E. Fox, "Removal policies in network
caches for World-Wide Web documents", SIGCOMM 1996 (SIZE).
"""

from collections.abc import Sequence

from pichay_core.policies.allocation import beyond
from pichay_core.policies.moment import Moment
from pichay_core.table import Entry


def size(pages: Sequence[Entry], now: Moment) -> list[Entry]:
    """Return the pages at least tau turns old that are not among the smallest, in ``now.keep``
    tokens; largest first."""
    return beyond(sorted(pages, key=lambda e: (e.page.tokens, -e.born)), now)
