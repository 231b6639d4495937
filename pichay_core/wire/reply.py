"""One reply of a model, as far as it differs for the model and for its client.

Rule of this file: values, and what makes them. What a block is known by is found the same way in
the reply that passes and in the history that the client sends back.
"""

from dataclasses import dataclass
from typing import Protocol

TOOL_USE = "tool_use"
"""Why a reply ends that calls tools, whatever the provider calls that."""


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
    """Why it ended: ``tool_use`` if tools are to be run now, else in the provider's words; empty
    if that was not said."""
    whole: bool = False
    """It came to its end, and every block of it could be read."""

    @property
    def differs(self) -> bool:
        """True if the client was not shown all that the model wrote."""
        return any(part.shown is None or part.altered for part in self.parts)

    @property
    def waits(self) -> bool:
        """True if nobody but us can answer it: it calls tools of ours, and none of the client's."""
        return bool(self.asks) and not self.calls and self.whole and self.stop == TOOL_USE


class TextFilter(Protocol):
    """Takes out of one text, as it comes in pieces, what is not for the client."""

    @property
    def taken(self) -> tuple[str, ...]:
        """What stood in the tags that were taken out so far, in their order."""
        ...

    def feed(self, text: str) -> str:
        """Return what may be shown now, of this piece and of those that were held back."""
        ...

    def end(self) -> str:
        """Return what was still held back; the text is over."""
        ...


class Stream(Protocol):
    """One reply on its way to the client, over as many requests upstream as it takes.

    Of each method: what it returns goes to the client at once, and no piece of it is empty.
    No bytes from upstream make it raise.
    """

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next piece from upstream, decoded."""
        ...

    def end(self) -> Reply:
        """Say what the model wrote in this leg: the upstream reply has ended."""
        ...

    def go_on(self) -> None:
        """Expect another leg of the same client message, after a reply that ``waits``.

        What was held back of the end is void.
        """
        ...

    def finish(self) -> list[bytes]:
        """Return the end of the client's message: nothing follows."""
        ...

    def fail(self, why: str) -> list[bytes]:
        """Return an end that the client can live with: the leg expected or begun was lost."""
        ...

    def waiting(self) -> bytes:
        """Return what keeps the client waiting where nothing else is to be said; perhaps empty."""
        ...
