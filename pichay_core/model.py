"""The nouns of paging, as values.

Rule of this file: frozen and slotted, no behaviour beyond what can be read off the fields.
A *page* is one tool result; a *frame* is where a request holds it; a *key* is what a tool
call must name to want the page again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

PageId = NewType("PageId", str)
"""Names one page of one session: a hash of call id, occurrence, key and content."""

Handle = NewType("Handle", str)
"""The short random-looking name printed in a stub; eight letters of RFC 4648 base32."""

SessionId = NewType("SessionId", str)
"""Names one recognised conversation; a subagent has one of its own."""


class Kind(StrEnum):
    """What a tool does, as far as paging is concerned."""

    READ = "read"
    """Reads one named thing, perhaps a range of it."""
    QUERY = "query"
    """Deterministic in its arguments and the state of the project: search, listing, fetch."""
    RUN = "run"
    """Ephemeral: a command that may do more than read, a subagent. Nothing can ask for this very
    output again."""
    WRITE = "write"
    """Changes a named thing; earlier reads of it are stale."""


class State(StrEnum):
    """Where a page is."""

    RESIDENT = "resident"
    """In the window."""
    EVICTED = "evicted"
    """A stub stands in its frame; its content may be asked for (it may fault)."""
    COLLECTED = "collected"
    """A stub stands in its frame; nothing can ask for its content (it cannot fault)."""
    GONE = "gone"
    """The client no longer sends it (rewind, compaction, its own clearing)."""


class Form(StrEnum):
    """How a page stands in the window, from the first time that it is sent."""

    WHOLE = "whole"
    """As the client sent it."""
    SAME = "same"
    """A line says that an earlier result, which stands there whole, is the same."""
    DIFF = "diff"
    """What is different from an earlier result, which stands there whole."""
    TRIMMED = "trimmed"
    """Its beginning, its end and the lines that matter."""


class FaultKind(StrEnum):
    """How a page that is out was asked for."""

    REFETCH = "refetch"
    """The same call, and the content is the same: the eviction was a mistake."""
    REFRESH = "refresh"
    """The same call, but the content has changed: it would have been called anyway."""
    WIDEN = "widen"
    """The same thing, another range of it."""
    RECALL = "recall"
    """By handle."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of lines, 1-based, last line included; ``last`` None means to the end."""

    first: int = 1
    last: int | None = None

    def covers(self, other: "Span") -> bool:
        """True if every line of *other* is in this span."""
        if self.first > other.first:
            return False
        return self.last is None or (other.last is not None and other.last <= self.last)

    def overlaps(self, other: "Span") -> bool:
        """True if the two spans share a line."""
        return (self.last is None or other.first <= self.last) and (
            other.last is None or self.first <= other.last
        )


WHOLE = Span()


@dataclass(frozen=True, slots=True)
class Key:
    """What a call must name to want a page again.

    ``target`` is the thing named (a path, a URL, or the canonical arguments), ``span`` the
    part of it. Two keys with equal ``tool`` and ``target`` name the same thing.
    """

    tool: str
    target: str
    span: Span = WHOLE

    def same_thing(self, other: "Key") -> bool:
        """True if both name the same thing, whatever the range."""
        return self.tool == other.tool and self.target == other.target


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of the model. ``arguments`` is canonical JSON (sorted keys)."""

    id: str
    tool: str
    arguments: str
    kind: Kind
    label: str
    """The argument that a reader recognises the call by (a path, a pattern, a command)."""
    key: Key | None = None
    """None for a call whose output nothing can ask for again."""
    writes: str | None = None
    """The thing this call changes, if it changes a named thing."""


@dataclass(frozen=True, slots=True)
class Page:
    """One tool result, without its content. Sizes are those of the text the model reads."""

    id: PageId
    call: Call
    digest: str
    """Hash of the content, hexadecimal."""
    bytes: int
    lines: int
    tokens: int
    """Estimated from ``bytes`` and the model's family, so that a restart decides alike."""
    error: bool = False
    opaque: bool = False
    """Holds something other than text (an image, a tool reference): never moved."""
    cleared: bool = False
    """The client itself put a placeholder here: nothing to move."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request as the provider billed them. The five counts do not overlap."""

    input: int = 0
    """Neither read from nor written to the prompt cache."""
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0

    @property
    def cache_write(self) -> int:
        """Tokens written to the prompt cache, whatever their time to live."""
        return self.cache_write_5m + self.cache_write_1h

    @property
    def window(self) -> int:
        """Tokens the model was sent: the whole input side."""
        return self.input + self.cache_read + self.cache_write
