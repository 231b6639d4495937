"""What a schedule is told."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pending:
    """What a flush would do now, and how the cache stands."""

    tokens: int
    """That the pending pages hold, less what their stubs take."""
    cold: bool
    """The provider's cache has expired by the clock: a flush costs nothing."""
    threshold: int
    """Tokens from which a batch is taken to be worth its rewrite."""
    paid: float = 0.0
    """What it has cost so far to keep the pending pages since they could have left; in tokens
    at the base input price."""
    rewrite: float = 0.0
    """What it would cost to write again what the flush takes out of the cache; likewise."""


type Schedule = Callable[[Pending], str | None]
"""What is pending -> why to flush now, None to wait."""
