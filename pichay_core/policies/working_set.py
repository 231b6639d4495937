"""The working set: what was not used in the last tau turns leaves, least recently used first.

A use is the read itself, and every later read of the same thing. Source: P. Denning, "The working
set model for program behavior", 1968: W(t, tau) is what was referenced in the last tau turns.
"""

from collections.abc import Sequence

from pichay_core.table import Entry


def working_set(pages: Sequence[Entry], turn: int, tau: int) -> list[Entry]:
    """Return the pages outside W(turn, tau), least recently used first."""
    return sorted((e for e in pages if turn - e.last_use >= tau), key=lambda e: e.last_use)
