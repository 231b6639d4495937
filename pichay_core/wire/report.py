"""What a reply says about itself: tokens billed, thinking left out, errors.

Rule of this file: values, and what brings the pieces of a reply to whoever looks at them. The
bytes of the reply are somebody else's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pichay_core.model import Usage
from pichay_core.wire import jsontext, sse
from pichay_core.wire.encoding import Decoder, decoder
from pichay_core.wire.shapes import Json, mapping

LONGEST_REPLY = 32 * 1024 * 1024
_PIECE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Drop:
    """A thinking block that the provider kept from the model."""

    path: str
    """Where it stood in the request: ``messages.3.content.0``."""
    reason: str
    """``prefix_binding_mismatch`` (what stood before it was changed), ``model_...``, ..."""


class Taken(NamedTuple):
    """Tool results that the provider cleared."""

    pages: int
    tokens: int
    """As the provider counts."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a reply said. ``usage`` is None if it ended before it said what it cost."""

    usage: Usage | None
    error: str = ""
    """Type of an error inside the reply, empty without one."""
    dropped: tuple[Drop, ...] = ()
    """What the provider left out of the request, in the order it said so."""
    cache_miss: str = ""
    """The provider's own reason for not reading its cache, if the client asked for it."""
    missed_tokens: int = 0
    """How many it could not read, if it said so."""
    cleared: Taken | None = None
    """What the provider itself left out of this very request; the usage is without it. None if
    the reply ended before that was said, or nothing ever says it."""
    id: str = ""
    """Of the reply, where a client may go on from it by that; else empty."""


class Reader(Protocol):
    """Reads a reply as it passes.

    A reply that cannot be read (an unknown encoding, an endless frame) is not an error: the
    report then says nothing.
    """

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply, as it came."""
        ...

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        ...


class Objects:
    """The objects of a reply, one for each event of a stream, else the one it is.

    Of a stream only the events that hold one of the words in *telling* are read.
    """

    def __init__(self, content_type: str, encoding: str, telling: tuple[bytes, ...]) -> None:
        self._telling = telling
        self._stream = "event-stream" in content_type.lower()
        self._splitter = sse.Splitter()
        self._body = bytearray()
        self._decoder: Decoder | None = _decoder(encoding)

    def feed(self, data: bytes) -> Iterator[Json]:
        """Yield the objects that are complete now."""
        if self._decoder is None or not data:
            return
        try:
            yield from self._read(self._decoder.decode(data, _PIECE))
        except (jsontext.Unreadable, OverflowError):
            self._decoder = None

    def rest(self) -> Json:
        """Return what is left when the reply has ended; empty if that is no object."""
        rest = sse.parse(self._splitter.flush()).data if self._stream else bytes(self._body)
        return _object(rest)

    def _read(self, data: bytes) -> Iterator[Json]:
        if not self._stream:
            if len(self._body) + len(data) > LONGEST_REPLY:
                raise OverflowError("the reply is too long to read")
            self._body += data
            return
        for frame in self._splitter.feed(data):
            if any(word in frame for word in self._telling):
                yield _object(sse.parse(frame).data)


def count(counts: Json, name: str) -> int:
    """Return a count of tokens; 0 if it is absent, or none."""
    found = counts.get(name)
    return found if isinstance(found, int) and found >= 0 else 0


def _decoder(encoding: str) -> Decoder | None:
    try:
        return decoder(encoding)
    except jsontext.Unreadable:
        return None


def _object(text: bytes) -> Json:
    try:
        return mapping(jsontext.value(text))
    except jsontext.Unreadable:
        return {}
