"""Places in JSON text.

Rule of this file: nothing is parsed and dumped. A reader says *where* a value stands in the
client's bytes; one writer, :func:`splice`, puts other bytes there. Everything outside the
named places stays byte for byte as it came.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_SPACE = re.compile(rb"[ \t\r\n]*")
_KEY = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_COMMA, _COLON, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = b",:]{}"

MAXIMUM_DEPTH = 200
"""Containers deeper than this are not read. The decoder itself stops near 1,000."""


class Unreadable(ValueError):
    """The text is not JSON of the expected shape. Its message says what was found."""


class Place(NamedTuple):
    """A half-open range of bytes that holds one JSON value, without surrounding space."""

    start: int
    end: int


def members(text: bytes, place: Place | None = None) -> dict[str, Place]:
    """Say where each member of the object at *place* stands, in the order of the text.

    Raises Unreadable if there is no object, or if a name occurs twice (which copy counts
    differs between parsers, so we do not guess).
    """
    place = place or whole(text)
    raws = _decode(_OBJECT, text[place.start : place.end], "an object")
    position = _after_space(text, place.start + 1)
    found: dict[str, Place] = {}
    while text[position] != _CLOSE_OBJECT:
        name, position = _name(text, position)
        if name in found or name not in raws:
            raise Unreadable(f"the name {name!r} occurs twice in one object")
        found[name] = Place(position, position + _length(raws[name]))
        position = _next(text, found[name].end, _CLOSE_OBJECT)
    if position != place.end - 1:
        # The decoder keeps the last of two equal names: measured by that one, the first ends
        # in the wrong place, perhaps at a bracket inside a string.
        raise Unreadable("a name occurs twice in one object")
    return found


def elements(text: bytes, place: Place, known: Sequence[Place] = ()) -> list[Place]:
    """Say where each element of the list at *place* stands.

    ``known`` are the places of the first elements where they are known already
    (:func:`leading`): only what follows them is decoded. Raises Unreadable if there is no list.
    """
    if text[place.start : place.start + 1] != b"[":
        raise Unreadable("expected a list")
    found = list(known)
    start = _next(text, found[-1].end, _CLOSE_LIST) if found else place.start + 1
    position = _after_space(text, start)
    if text[position : position + 1] == b"]":
        return found
    for raw in _decode(_LIST, b"[" + text[position : place.end], "a list"):
        found.append(Place(position, position + _length(raw)))
        position = _next(text, found[-1].end, _CLOSE_LIST)
    return found


def leading(text: bytes, place: Place, expected: Iterable[bytes]) -> list[Place]:
    """Say where the first elements stand, as far as they equal *expected* byte for byte.

    A conversation is re-sent with something appended, so most of a list is recognised by
    comparison, without decoding.
    """
    found: list[Place] = []
    position = _after_space(text, place.start + 1)
    for raw in expected:
        end = position + len(raw)
        if not raw or end >= place.end or not text.startswith(raw, position):
            break
        after = end if text[end] == _COMMA else _after_space(text, end)
        if after >= place.end or text[after] not in (_COMMA, _CLOSE_LIST):
            break
        found.append(Place(position, end))
        if text[after] == _CLOSE_LIST:
            break
        after += 1
        position = after if text[after] == _OPEN_OBJECT else _after_space(text, after)
    return found


def whole(text: bytes) -> Place:
    """Say where the one top-level value of *text* stands."""
    start = _after_space(text, 0)
    end = len(text.rstrip(b" \t\r\n"))
    if start >= end:
        raise Unreadable("the text is empty")
    return Place(start, end)


def below(text: bytes, place: Place, path: Iterable[str | int]) -> Place | None:
    """Say where the value at the end of a path stands, None if it is absent."""
    found: Place | None = place
    for step in path:
        if found is None:
            return None
        opens = text[found.start : found.start + 1]
        if isinstance(step, str):
            found = members(text, found).get(step) if opens == b"{" else None
        else:
            listed = elements(text, found) if opens == b"[" else []
            found = listed[step] if step < len(listed) else None
    return found


def value(text: bytes, place: Place | None = None) -> object:
    """Decode the value at *place*. Raises Unreadable if it is not JSON, or nested too deeply."""
    part = text if place is None else text[place.start : place.end]
    decoded = _decode(_ANY, part, "a value")
    if part.count(b"[") + part.count(b"{") > MAXIMUM_DEPTH and _depth(decoded) > MAXIMUM_DEPTH:
        raise Unreadable(f"nested deeper than {MAXIMUM_DEPTH}")
    return decoded


def encode(item: object) -> bytes:
    """Return *item* as compact JSON."""
    return msgspec.json.encode(item)


def splice(text: bytes, edits: Iterable[tuple[Place, bytes]]) -> bytes:
    """Return *text* with the bytes at each place replaced; the same object if there are none.

    The places must not overlap. An empty place inserts. Raises ValueError on overlap.
    """
    parts: list[bytes] = []
    position = 0
    for place, new in sorted(edits):
        if place.start < position:
            raise ValueError(f"edits overlap at byte {place.start}")
        parts += (text[position : place.start], new)
        position = place.end
    if not parts:
        return text
    parts.append(text[position:])
    return b"".join(parts)


def _decode[T](decoder: msgspec.json.Decoder[T], text: bytes, what: str) -> T:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"expected {what}: {error}") from error


def _name(text: bytes, position: int) -> tuple[str, int]:
    """Return a member's name and where its value begins."""
    match = _KEY.match(text, position)
    if match is None:
        raise Unreadable("expected a member name")
    name = str(_decode(_ANY, match.group(), "a name"))
    colon = _after_space(text, match.end())
    if text[colon] != _COLON:
        raise Unreadable("expected a colon")
    return name, _after_space(text, colon + 1)


def _next(text: bytes, end: int, close: int) -> int:
    """Return where the next item begins, or where the closing bracket stands."""
    position = _after_space(text, end)
    if position >= len(text):
        raise Unreadable("the text ends too early")
    if text[position] == close:
        return position
    if text[position] != _COMMA:
        raise Unreadable("expected a comma")
    return _after_space(text, position + 1)


def _after_space(text: bytes, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _length(raw: msgspec.Raw) -> int:
    return memoryview(raw).nbytes


def _depth(item: object) -> int:
    deepest, level = 0, [item]
    while level and deepest <= MAXIMUM_DEPTH:
        deepest += 1
        level = [child for parent in level for child in _children(parent)]
    return deepest


def _children(item: object) -> Iterable[object]:
    match item:
        case dict():
            return item.values()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        case list():
            return item  # pyright: ignore[reportUnknownVariableType]
        case _:
            return ()
