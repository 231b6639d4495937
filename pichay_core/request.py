"""One request, read: what the rest of the core is told of it.

Rule of this file: what is known already is not read again.
"""

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
    provider: str = ""
    """Who serves it, as the price list has it; empty if that goes by the model."""
    own: tuple[Message, ...] | None = None
    """The client's own messages, where these are told as the model knows them."""
    came: bytes | None = None
    """The client's own body, where the outline is of another."""

    @property
    def client_body(self) -> bytes:
        """The body as the client sent it, decoded."""
        return self.outline.body if self.came is None else self.came


def read_messages(format: Format, outline: Outline) -> tuple[Message, ...]:
    """Read every message, reusing those that are known already."""
    known = outline.known
    same = tuple(known[: outline.same])
    return same + tuple(
        _message(format, outline.raw(position), known[position] if position < len(known) else None)
        for position in range(outline.same, len(outline.messages))
    )


def _message(format: Format, raw: bytes, likely: Message | None) -> Message:
    return likely if likely is not None and likely.raw == raw else format.read(raw)
