"""What can happen when pages leave that are still in use. Part of ``events.py``, which is what to
import.

Rule of this file: as there. Of one episode there is one event that begins it and at most one that
ends it; between them one for each turn in which the answer changes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thrashed:
    """An episode of thrash begins: pages leave although others keep coming back."""

    start: int
    """The turn of its first refetch."""
    faults: int
    """Refetches in it so far."""
    tokens: int
    """That they brought back."""
    pages: int
    """That came back."""


@dataclass(frozen=True, slots=True)
class Eased:
    """The pager changes what it does, to answer an episode."""

    tau: int
    """Turns that a page must be unused from now on to leave."""
    pins: int
    """Pages whose pin holds longer from now on."""
    until: int
    """The turn from which flushes may cost something again, if nothing comes back until then."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """An episode of thrash is over."""

    start: int
    """The turn of its first refetch."""
    last: int
    """The turn of its last refetch."""
    faults: int
    """Refetches in it."""
    tokens: int
    """That they brought back."""
    bounced: int
    """Pages that came back twice or more."""
