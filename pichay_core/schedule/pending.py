"""What a schedule is told."""

from collections.abc import Callable
from dataclasses import dataclass

from pichay_core.tariff import Surcharge


@dataclass(frozen=True, slots=True)
class Window:
    """How a request fills the window of its model."""

    tokens: int = 0
    """On the input side of the request."""
    size: int | None = None
    """What the model can take, in tokens; None if nobody knows."""
    surcharges: tuple[Surcharge, ...] = ()
    """The smallest first."""

    def times(self, tokens: int) -> float:
        """Return the price of a request of so many tokens, as a multiple of a short one's."""
        return max((s.times for s in self.surcharges if tokens > s.above), default=1.0)


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
    read: float = 0.1
    """Price of a cache read, as a multiple of the base input price."""
    window: Window = Window()
    """What the request holds if nothing is flushed."""


type Schedule = Callable[[Pending], str | None]
"""What is pending -> why to flush now, None to wait."""
