"""One request as it was settled, and what is made of it beside the flushes."""

from dataclasses import dataclass
from typing import NamedTuple

from pichay_core.flushes import Weights
from pichay_core.ledger import Amounts, Ledger, TurnFacts
from pichay_core.model import SessionId, Usage


@dataclass(frozen=True, slots=True)
class Bill:
    """One request as it was settled."""

    session: SessionId
    request: int
    model: str
    at: float
    """Seconds since the epoch."""
    turn: int
    flushed: bool
    """Pages left in this turn."""
    ledger: Ledger
    """As it stood before."""
    facts: TurnFacts
    amounts: Amounts
    usage: Usage
    untouched: Usage
    dollars: float | None
    """What it cost, None if the price is not known."""
    cleared: int = 0
    """Of what was removed, the tokens that the provider took out itself."""
    provider: str = ""
    """Who served it, as the price list has it; empty if that goes by the model."""

    @property
    def window(self) -> int:
        """Tokens of the larger of the two windows: its price band is that of both."""
        return max(self.usage.window, self.untouched.window)


class Cost(NamedTuple):
    """What something cost, or saved, in one request."""

    tokens: float
    """Of plain input that cost as much."""
    dollars: float | None
    """None if the price is not known."""


class Beside(NamedTuple):
    """What one request says beside what each flush has brought."""

    born: Cost
    """What was saved by what is sent smaller from the first time."""
    faulted: Cost
    """What it cost that pages came back, whatever flush they had left with."""
    weights: Weights
    """What the cache costs there."""
