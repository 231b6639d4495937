"""What the proxy tells the recorder. Values only; the writer thread does all the work.

Rule of this file: a record is cheap to make (references, no copies), because it is made while
an agent waits.
"""

from dataclasses import dataclass

from pichay_core.events import Event
from pichay_core.ledger import TurnFacts
from pichay_core.model import SessionId, Usage
from pichay_core.pager import Held
from pichay_core.session import Session
from pichay_core.wire.format import Format


@dataclass(frozen=True, slots=True)
class Turned:
    """A request went upstream. A decision: never dropped."""

    before: Session | None
    """As it stood before; None for a session seen for the first time (or forked)."""
    after: Session
    shared: int
    """Messages that were the same as before."""
    format: Format
    credential: str
    """Kind of credential, never the credential."""
    source: str
    """How the session was recognised."""
    at: float
    model: str
    outcome: str
    why: str | None
    bytes_before: int
    bytes_after: int
    events: tuple[Event, ...]
    flushed: str | None
    held: Held
    pending: int
    overhead_microseconds: int
    definitions: int = 0
    """Bytes of tool definitions that were not sent."""
    protocol: int = 0
    """Bytes of text that the client did not send."""
    listed: int = 0
    """Bytes of the user's text that were not sent."""
    leg: int = 0
    """0 for the client's own request, n for the n-th that we made in its place."""
    unseen: int = 0
    """Bytes of its messages that the client did not send: what passed between the model and us."""
    window: int | None = None
    """Tokens that the model can take; None if nobody knows."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A reply ended; ``usage`` is None if it said nothing of it. A decision: never dropped."""

    session: SessionId
    request: int
    status: int
    facts: TurnFacts
    usage: Usage | None
    outcome: str | None = None
    """Replaces the turn's outcome, if the reply changed it."""
    why: str | None = None
    cleared: int = 0
    """Tokens that the provider left out because we asked it to; they are missing from *usage*."""
    asked: int = 0
    """Calls to tools of ours in the reply."""
    at: float = 0.0
    """When that was; 0 if nobody said."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened outside a turn."""

    event: Event
    at: float
    session: SessionId | None = None
    session_state: Session | None = None
    """The session as it stands now, if the event changed it (frozen, failed)."""
    telemetry: bool = False
    """May be dropped when the writer is far behind (and is counted then)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply was taken over into its session: what the client was not shown, and what was asked
    in it. A decision: never dropped."""

    before: Session
    after: Session
    events: tuple[Event, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A client refused our certificate for a host."""

    host: str
    at: float
    detail: str
    client: str = ""
    """Which program that was, as far as it said so."""


type Record = Turned | Settlement | Answered | Happened | Refused
