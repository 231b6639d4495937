"""A file, decoded as far as every format needs it: JSON objects, one a line or in one value.

Rule of this file: bytes in, values out. What is broken is counted or named, never guessed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pichay_core.traces.trace import Conversation, NotATrace
from pichay_core.wire import encoding, jsontext
from pichay_core.wire.shapes import Json, items, mapping

LARGEST = 1 << 28
"""Bytes after decompression: far above any session of text. Some hold images."""

_MAGIC = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Recording:
    """The JSON objects of one file."""

    name: str
    """The name of the session where it records none."""
    records: tuple[Json, ...]
    """The lines of JSON Lines, the elements of a list, or the one object."""
    whole: Json
    """The one object, if the file is one; else empty."""
    skipped: int = 0
    """Lines that are no JSON object: cut off, broken, nested too deeply."""


class Format(Protocol):
    """One tool's way to record sessions."""

    @property
    def name(self) -> str:
        """What the format is called."""
        ...

    def recognises(self, recording: Recording) -> bool:
        """True if the content is of this format, whatever the file is called."""
        ...

    def conversations(self, recording: Recording) -> Iterable[Conversation]:
        """Yield the conversations, the main one first."""
        ...


def decode(name: str, data: bytes, limit: int = LARGEST) -> Recording:
    """Decompress and decode a file of at most *limit* bytes.

    Raises NotATrace, saying what is wrong with it.
    """
    plain = decompressed(name, data, limit)
    if not plain.strip():
        raise NotATrace(f"{name}: the file is empty")
    try:
        return _of_value(name, jsontext.value(plain))
    except jsontext.Unreadable as error:
        return _of_lines(name, plain, error)


def decompressed(name: str, data: bytes, limit: int = LARGEST) -> bytes:
    """Return a file as text, of at most *limit* bytes. Raises NotATrace, saying what is wrong."""
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")
    try:
        return encoding.decoded(data, kind, limit).removeprefix(_BYTE_ORDER_MARK)
    except jsontext.Unreadable as error:
        raise NotATrace(f"{name}: {error}") from error


def _of_value(name: str, value: object) -> Recording:
    whole = mapping(value)
    if whole:
        return Recording(name, (whole,), whole)
    elements = items(value)
    records = tuple(mapping(element) for element in elements if mapping(element))
    if not records:
        raise NotATrace(f"{name}: JSON, but neither an object nor a list of objects")
    return Recording(name, records, {}, len(elements) - len(records))


def _of_lines(name: str, plain: bytes, error: jsontext.Unreadable) -> Recording:
    lines = [line for line in plain.split(b"\n") if line.strip()]
    records = tuple(record for line in lines if (record := _record(line)))
    if not records:
        raise NotATrace(f"{name}: neither JSON ({error}) nor JSON Lines")
    return Recording(name, records, {}, len(lines) - len(records))


def _record(line: bytes) -> Json:
    try:
        return mapping(jsontext.value(line))
    except jsontext.Unreadable:
        return {}


def seconds(time: object) -> float | None:
    """Return a recorded time, ISO 8601 or a number, as seconds since the epoch."""
    match time:
        case bool():
            return None
        case int() | float():
            return _from_number(time)
        case str():
            return _from_text(time)
        case _:
            return None


_MILLISECONDS = 1e11
"""Clients write seconds or milliseconds. As seconds this is the year 5138, as milliseconds 1973."""


def _from_number(time: float) -> float | None:
    if not 0 < time < _MILLISECONDS * 1000:
        return None
    return time / 1000 if time > _MILLISECONDS else float(time)


def _from_text(time: str) -> float | None:
    try:
        moment = datetime.fromisoformat(time)
        return _from_number(moment.timestamp()) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def count(counts: Mapping[str, object], name: str) -> int:
    """Return a count of tokens; 0 where it was not recorded."""
    number = counts.get(name)
    return number if type(number) is int and number > 0 else 0
