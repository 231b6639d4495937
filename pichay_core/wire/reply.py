"""One reply of a model, as far as it differs for the model and for its client.

Rule of this file: values only. What a block is known by is found the same way in the reply that
passes and in the history that the client sends back.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One content block of a reply."""

    raw: bytes
    """As the model wrote it: JSON."""
    shown: str | None
    """What the block is known by that the client was shown, None if it was shown none."""
    altered: bool = False
    """The client was shown something else than the model wrote."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one reply brought that the client was not shown, and what was answered to it."""

    parts: tuple[Part, ...]
    answers: tuple[bytes, ...] = ()
    """Tool results of ours, as JSON."""
    goes_on: bool = True
    """Another reply of the model's followed it in the same reply to the client."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call to a tool of ours."""

    id: str
    tool: str
    arguments: bytes
    """JSON as the model wrote it; perhaps none that can be read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, from one request upstream to its end."""

    parts: tuple[Part, ...] = ()
    asks: tuple[Ask, ...] = ()
    """In the order of the reply."""
    calls: int = 0
    """Calls to tools of the client's."""
    tags: tuple[str, ...] = ()
    """What stood in tags that were taken out of the text, in the order of the reply."""
    stop: str = ""
    """Why it ended, in the provider's words; empty if that was not said."""
    whole: bool = False
    """It came to its end, and every block of it could be read."""

    @property
    def differs(self) -> bool:
        """True if the client was not shown all that the model wrote."""
        return any(part.shown is None or part.altered for part in self.parts)

    @property
    def waits(self) -> bool:
        """True if nobody but us can answer it: it calls tools of ours, and none of the client's."""
        return bool(self.asks) and not self.calls and self.whole and self.stop == "tool_use"
