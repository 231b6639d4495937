"""What every wire format provides.

A format reads *places* out of a body and writes text into places. It decides nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Message
from pichay_core.wire.reply import Leg, Stream, TextFilter
from pichay_core.wire.report import Reader


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the parts of one request body stand.

    A message is what one side says at once. Where the wire has several items for that (the calls
    of one reply, their results), they stand side by side in the list, and one place holds them
    all, with the commas between.
    """

    body: bytes
    fields: Mapping[str, Place]
    messages: Sequence[Place]
    known: Sequence[Message] = ()
    """The conversation among the likely ones that this one begins like."""
    same: int = 0
    """How many of its messages stand here byte for byte, from the first on."""
    came: bytes | None = None
    """The body as it came, where that holds results twice; *body* holds them once."""
    twice: int = 0
    """Bytes of results that the client's body holds a second time."""

    def raw(self, position: int) -> bytes:
        """Return the text of one message."""
        place = self.messages[position]
        return self.body[place.start : place.end]

    def field(self, name: str) -> bytes | None:
        """Return the text of one top-level value, None if it is absent."""
        place = self.fields.get(name)
        return None if place is None else self.body[place.start : place.end]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before and beside the messages."""

    model: str
    raw_system: bytes | None
    raw_tools: bytes | None
    first_system: str
    """The first system text that says something of the conversation (no billing line)."""
    front: str
    """A hash of all that stands before the messages, without markers, billing line and what the
    provider itself keeps out of the prefix (deferred tools)."""
    tool_names: tuple[str, ...]
    ttls: tuple[str, ...]
    """Times to live of the cache markers on tools and system, in prefix order."""
    automatic: str | None
    """Time to live of the request's automatic cache marker, None without one."""
    stream: bool
    user: str
    """``metadata.user_id`` as the client sent it."""
    untouchable: str | None
    """Why a body of this kind must go upstream as it came, None if it may be edited."""
    size: int = 0
    """Bytes of system prompt and tools."""
    forced: str = ""
    """The tool that the model must call, by its name; empty if it has a choice."""
    partial: str = ""
    """What the request goes on from, by its id: the provider has it, and the body holds only what
    is new. Empty where all of the conversation is sent."""
    unanswerable: bool = False
    """What the reply asks of us could not be answered: the provider keeps it, and the client may go
    on from it by its id; or it comes in a form that is not edited."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What is to change in one message: texts of results by block, cache markers by block.

    Blocks are counted as the client sends them, whatever is left out.
    """

    texts: Mapping[int, str]
    markers: Mapping[int, str]
    unthought: bool = False
    """All its thinking is left out."""
    said: Mapping[int, str] = field(default_factory=dict[int, str])
    """Texts of the user, by block."""
    note: str = ""
    """A text of ours, behind all blocks; empty for none."""

    def __bool__(self) -> bool:
        return bool(self.texts or self.markers or self.unthought or self.said or self.note)


class Clearing(NamedTuple):
    """How the provider is to clear old tool results itself."""

    trigger: int
    """Tokens of the window from which it does."""
    keep: int
    """Tool uses whose results stay, the newest."""
    at_least: int
    """Tokens that it removes, or else none."""


class Asked(NamedTuple):
    """What asks a provider for something: text in the body, and the name of the feature."""

    place: Place
    text: bytes
    beta: str


class Format(Protocol):
    """One provider's request format."""

    name: str
    leaves_out_thinking: bool
    """A message can be written without its thinking."""

    def outline(self, body: bytes, likely: Iterable[Sequence[Message]] = ()) -> Outline:
        """Say where everything stands; raises Unreadable."""
        ...

    def head(self, outline: Outline, previous: Head | None) -> Head:
        """Read what stands beside the messages; reuses *previous* where the text is equal."""
        ...

    def read(self, raw: bytes) -> Message:
        """Read one message; what is not understood is left out, never an error."""
        ...

    def text(self, raw: bytes, block: int) -> str | None:
        """Return the text of the tool result in *block*, None if it is not all text."""
        ...

    def said(self, raw: bytes, block: int) -> str | None:
        """Return the text of the text in *block*, None if there is none."""
        ...

    def plain(self, raw: bytes) -> str:
        """Return what a message says as plain text, without its thinking."""
        ...

    def user_says(self, text: str) -> bytes:
        """Return a message of the user that says this."""
        ...

    def write(self, raw: bytes, edits: Edits) -> bytes:
        """Return the message with the edits spliced in; everything else as it came."""
        ...

    def definition(self, name: str, description: str, schema: bytes) -> bytes:
        """Return the definition of a tool; *schema* is that of its arguments, as JSON Schema."""
        ...

    def definitions(self, tools: bytes) -> Mapping[str, Place]:
        """Say where each tool's definition stands in the text of the tools, by name."""
        ...

    def searches(self, tools: bytes) -> bool:
        """True if the provider searches among these tools for those that are deferred."""
        ...

    def mentions(self, raw: bytes) -> frozenset[str]:
        """Return the names of the tools that a message calls or refers to."""
        ...

    def told(self, system: bytes, text: str) -> bytes:
        """Return the system prompt with a text at its end; the rest as it came."""
        ...

    def manages(self, outline: Outline) -> bool:
        """True if the client says itself what the provider is to do with its context."""
        ...

    def asked(self, outline: Outline, clearing: Clearing) -> Asked | None:
        """Return what asks the provider to clear; None if it cannot be, or the client does."""
        ...

    def offered(self, tools: bytes, definitions: Sequence[bytes]) -> bytes:
        """Return the tools with these definitions at their end; the rest as it came."""
        ...

    def retold(
        self, raw: bytes, after: bytes | None, legs: Sequence[Leg], sure: bool = False
    ) -> tuple[list[bytes], bytes | None] | None:
        """Return the messages that stand for a reply, and the message after it with our answers.

        None if the client's message is not what it was shown, or, to be *sure*, if nothing in it
        is. Raises Unreadable.
        """
        ...

    def spoken(self, leg: Leg) -> list[bytes]:
        """Return the messages that a leg adds to a conversation: the reply, and our answers."""
        ...

    def answer(self, call_id: str, text: str, error: bool) -> bytes:
        """Return the result of a call to a tool of ours."""
        ...

    def takes_note(self, messages: Sequence[Message]) -> bool:
        """True if a text of ours may stand behind the last of the messages."""
        ...

    def problems(self, head: Head, messages: Sequence[Message]) -> frozenset[str]:
        """Say which of the provider's structural rules a conversation breaks."""
        ...

    def marker_problems(self, head: Head, messages: Sequence[Message]) -> frozenset[str]:
        """Say which of the rules on cache markers it breaks: all that a marker can break."""
        ...

    def reader(self, content_type: str, encoding: str) -> Reader:
        """Return what reads a reply of this type and content encoding as it passes."""
        ...

    def stream(
        self,
        names: frozenset[str],
        text_filter: Callable[[], TextFilter] | None = None,
        streamed: bool = True,
    ) -> Stream:
        """Return what a reply passes through on its way to the client.

        Calls to the tools of these *names* are kept from him, and what a filter takes out of a
        text, one filter a text. *streamed* is how the reply comes, as events or in one piece.
        """
        ...
