"""The working set: what was not used in the last tau turns leaves, least recently used first.

A use is the read itself, and every later read of the same thing. Source: P. Denning, "The working
set model for program behavior", 1968: W(t, tau) is what was referenced in the last tau turns.
"""

from collections.abc import Sequence

from pichay_core.policies.moment import Moment
from pichay_core.table import Entry


def working_set(pages: Sequence[Entry], now: Moment) -> list[Entry]:
    """Return the pages outside W(t, tau), least recently used first."""
    outside = (e for e in pages if now.turn - e.last_use >= now.tau)
    return sorted(outside, key=lambda e: e.last_use)
