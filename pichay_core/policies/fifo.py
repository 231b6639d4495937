"""First in, first out: what came in earliest leaves first, once it is tau turns old.

Source: T. Mason, arXiv 2603.09023 (age in user turns, tau = 4).
"""

from collections.abc import Sequence

from pichay_core.policies.moment import Moment
from pichay_core.table import Entry


def fifo(pages: Sequence[Entry], now: Moment) -> list[Entry]:
    """Return the pages that are at least *tau* turns old, oldest first."""
    return sorted((e for e in pages if now.turn - e.born >= now.tau), key=lambda e: e.born)
