"""What a reader says about one message of a conversation, whatever the wire format.

Rule of this file: values only. The client's text is kept as it came (``raw``); everything
else is what the pager must know, and nothing here is ever turned back into text.
"""

from dataclasses import dataclass

from pichay_core.model import Call

ASSISTANT = "assistant"
THINKING = ("thinking", "redacted_thinking")
"""Types of the content blocks that hold signed thinking."""


@dataclass(frozen=True, slots=True)
class Result:
    """One tool result inside a message."""

    block: int
    """Position among the message's content blocks."""
    call_id: str
    digest: str
    """Hash of the text the model reads."""
    bytes: int
    lines: int
    error: bool = False
    opaque: bool = False
    cleared: bool = False
    """The client's own placeholder: nothing to move."""
    unchanged: bool = False
    """The client's own note that the file is unchanged since an earlier result."""


@dataclass(frozen=True, slots=True)
class Block:
    """What the structural rules must know of one content block."""

    type: str
    id: str | None = None
    """The call this block makes or answers, if it does."""
    ttl: str | None = None
    """Time to live of the cache marker on it, ``5m`` or ``1h``; None without a marker."""
    empty: bool = False
    """A text block that holds nothing but white space."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Two messages with equal digests say the same, whatever their markers."""

    raw: bytes
    digest: bytes
    role: str
    blocks: tuple[Block, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    size: int = 0
    """Bytes of it that a model is billed for as text; a picture counts for a few of its own."""
    text: str = ""
    """The plain text of it, shortened; the first text for identity, the last for recognition."""

    marks: tuple[tuple[int, str], ...] = ()
    """Position and time to live of each cache marker in it."""
    lists: tuple[int, ...] = ()
    """Blocks of the user's text in which the client lists skills."""
    thinks: bool = False
    """A block of it holds signed thinking."""
    thought: int = 0
    """Bytes of its thinking as the model reads it, estimated where only a cipher is sent."""

    @property
    def only_thinks(self) -> bool:
        """True if nothing would be left of it without its thinking."""
        return self.thinks and all(block.type in THINKING for block in self.blocks)

    def same_structure(self, other: "Message") -> bool:
        """True if both differ in texts and cache markers only: no other rule can tell them."""
        return self.role == other.role and _skeleton(self) == _skeleton(other)


def _skeleton(message: Message) -> list[tuple[str, str | None, bool]]:
    return [(block.type, block.id, block.empty) for block in message.blocks]
