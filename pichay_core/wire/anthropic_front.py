"""Anthropic Messages: where tool definitions stand, and where a text of ours is appended.

Rule of this file: a text is appended as the last system block; everything else, the client's
first block above all, stays as it came.
"""

from pichay_core.wire import jsontext
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import mapping, string


def definitions(tools: bytes) -> dict[str, Place]:
    """Say where each tool's definition stands in the array of tools, by name.

    Empty if a name occurs twice: then nobody knows which of them a call means.
    """
    if tools[:1] != b"[":
        return {}
    places = jsontext.elements(tools, Place(0, len(tools)))
    names = [string(mapping(jsontext.value(tools, p)).get("name")) for p in places]
    return dict(zip(names, places, strict=True)) if len(set(names)) == len(names) else {}


def told(system: bytes, text: str) -> bytes:
    """Return the system prompt with a text appended as a block of its own.

    A prompt in one string becomes a list of two blocks. What is neither stays as it came.
    """
    block = b'{"type":"text","text":' + jsontext.encode(text) + b"}"
    match system[:1]:
        case b'"':
            return b'[{"type":"text","text":' + system + b"}," + block + b"]"
        case b"[":
            comma = b"," if jsontext.elements(system, Place(0, len(system))) else b""
            return system[:-1] + comma + block + b"]"
        case _:
            return system
