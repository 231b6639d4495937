"""One request, read: what the rest of the core is told of it."""

from dataclasses import dataclass

from pichay_core.wire.format import Format, Head, Outline
from pichay_core.wire.message import Message


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a conversation."""

    format: Format
    outline: Outline
    head: Head
    messages: tuple[Message, ...]
    at: float
    """Seconds since the epoch."""
    betas: frozenset[str] = frozenset()
    """Features that the client asks for, by the names of the ``anthropic-beta`` header."""
