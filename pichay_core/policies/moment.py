"""What a policy is told, and what it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pichay_core.table import Entry, PageTable


@dataclass(frozen=True, slots=True)
class Moment:
    """The turn in which it is asked, and what bounds it."""

    turn: int
    tau: int = 1
    """Turns a page stays at least."""
    keep: int = 20_000
    """Tokens of pages that a policy with a fixed allocation keeps in the window."""
    write: float = 1.25
    """Price of a cache write, as a multiple of the base input price."""
    read: float = 0.1
    """Price of a cache read, likewise."""
    table: PageTable = field(default_factory=PageTable)
    """Every page of the session, those that are out too."""
    sent: int = 0
    """Tokens of the client's own text in the messages that were sent before."""


type Policy = Callable[[Sequence[Entry], Moment], list[Entry]]
"""(pages that may leave, what a policy is told) -> those that should, first to leave first."""
