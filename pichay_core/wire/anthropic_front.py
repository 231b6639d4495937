"""Anthropic Messages: what stands before the messages, and how it goes out smaller.

Rule of this file: a definition is replaced as a whole, a text is appended as the last system
block; everything else, the client's first block above all, stays as it came.
"""

from collections.abc import Iterable, Mapping

from pichay_core.wire import jsontext
from pichay_core.wire.format import Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import mapping, string

type Splice = tuple[Place, bytes]


def definitions(outline: Outline) -> dict[str, Place]:
    """Say where each tool's definition stands, by name.

    Empty if a name occurs twice: then nobody knows which of them a call means.
    """
    place = outline.fields.get("tools")
    if place is None or outline.body[place.start : place.start + 1] != b"[":
        return {}
    places = jsontext.elements(outline.body, place)
    names = [string(mapping(jsontext.value(outline.body, p)).get("name")) for p in places]
    return dict(zip(names, places, strict=True)) if len(set(names)) == len(names) else {}


def replaced(outline: Outline, new: Mapping[str, bytes]) -> Iterable[Splice]:
    """Return what puts these definitions in place of those with the same names."""
    found = definitions(outline) if new else {}
    return [(place, new[name]) for name, place in found.items() if name in new]


def told(outline: Outline, text: str) -> Iterable[Splice]:
    """Return what appends a text to the system prompt as a block of its own.

    A prompt in one string becomes a list of two blocks. Nothing if there is no prompt.
    """
    place = outline.fields.get("system")
    if place is None:
        return []
    block = b'{"type":"text","text":' + jsontext.encode(text) + b"}"
    raw = outline.body[place.start : place.end]
    match raw[:1]:
        case b'"':
            return [(place, b'[{"type":"text","text":' + raw + b"}," + block + b"]")]
        case b"[":
            comma = b"," if jsontext.elements(outline.body, place) else b""
            return [(Place(place.end - 1, place.end - 1), comma + block)]
        case _:
            return []
