"""Server-sent events: a stream cut into frames, byte for byte.

Rule of this file: the frames, joined, are the stream, wherever its pieces were cut. A frame is
everything up to and including the blank line that ends an event.
Source: WHATWG HTML, section 9.2 (lines end in CR LF, LF or CR).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pichay_core.wire import jsontext
from pichay_core.wire.jsontext import Place, Unreadable

LONGEST_FRAME = 32 * 1024 * 1024
"""Bytes. A longer one is not an event of any provider; the splitter gives up on it."""

_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|\Z))")
"""Two line ends, of whichever kind. A CR that is the last byte so far may be half of a CR LF."""

_BLANK_LAST = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)\Z")
_DATA = re.compile(rb"(?<![^\r\n])data(?:: ?([^\r\n]*))?(?![^\r\n])")


@dataclass(frozen=True, slots=True)
class Event:
    """What one frame says; both empty for a comment or a keep-alive."""

    name: str
    data: bytes


class Splitter:
    """Cuts a stream into frames, whatever the pieces it arrives in."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are complete now. Raises OverflowError on an endless one."""
        searched = max(0, len(self._rest) - 3)
        self._rest += data
        frames: list[bytes] = []
        start = 0
        while match := _END.search(self._rest, max(start, searched)):
            frames.append(bytes(self._rest[start : match.end()]))
            start = match.end()
        del self._rest[:start]
        if len(self._rest) > LONGEST_FRAME:
            raise OverflowError(f"an event of more than {LONGEST_FRAME:,} bytes")
        return frames

    def flush(self) -> bytes:
        """Return what has come in since the last complete frame; the stream has ended."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest


def parse(frame: bytes) -> Event:
    """Return what a frame says."""
    name, data = "", list[bytes]()
    for line in re.split(rb"\r\n|\n|\r", frame):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
    return Event(name, b"\n".join(data))


def data_of(frame: bytes) -> bytes:
    """Return the data of a frame: what :func:`parse` says of it, sooner."""
    found: list[bytes] = _DATA.findall(frame)
    return found[0] if len(found) == 1 else b"\n".join(found)


def with_data(frame: bytes, data: bytes) -> bytes:
    """Return the frame with other data, which must have as many lines; the rest as it came."""
    lines = iter(data.split(b"\n"))
    return _DATA.sub(lambda found: _filled(found, lines), frame)


def spliced(frame: bytes, data: bytes, edits: Iterable[tuple[Place, bytes]]) -> bytes:
    """Return the frame with its data edited; the same object if that changes nothing."""
    new = jsontext.splice(data, edits)
    if new == data:
        return frame
    if new.count(b"\n") != data.count(b"\n"):
        raise Unreadable("what was to be replaced stands on several lines")
    return with_data(frame, new)


def _filled(found: re.Match[bytes], lines: Iterator[bytes]) -> bytes:
    line = next(lines, b"")
    named = found.group(1) is not None
    return found.string[found.start() : found.start(1)] + line if named else found.group()


def is_complete(frame: bytes) -> bool:
    """True if what was left at the end of a stream is a frame: it ends with a blank line.

    A stream that ends in a CR leaves its last frame, since an LF might have followed.
    """
    return _BLANK_LAST.search(frame[-4:]) is not None
