"""One request and its reply, as long as they are in flight."""

from dataclasses import dataclass

from pichay_core.ledger import TurnFacts
from pichay_core.model import SessionId
from pichay_core.wire.anthropic_reply import Reader


@dataclass(slots=True)
class Exchange:
    """What must be remembered between a request and the end of its reply."""

    identity: str
    session: SessionId
    request: int
    facts: TurnFacts
    client_body: bytes | None
    """The client's own bytes as they came, if others were sent."""
    client_encoding: str | None
    """The content encoding they came in."""
    reader: Reader | None = None
    settled: bool = False

    @property
    def edited(self) -> bool:
        """True if upstream got other bytes than the client sent."""
        return self.client_body is not None
