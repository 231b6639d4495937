"""Anthropic Messages: where tool definitions stand, and where a text of ours is appended.

Rule of this file: a text is appended as the last system block; everything else, the client's
first block above all, stays as it came.
"""

from collections.abc import Iterable, Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import Json, items, mapping, string

SEARCH = "tool_search_tool_"
"""How the types of the provider's own tool search begin."""
_NAMING = {"tool_use": "name", "tool_reference": "tool_name"}
"""Blocks that name a tool, and where they do."""


def definitions(tools: bytes) -> dict[str, Place]:
    """Say where each tool's definition stands in the array of tools, by name.

    Toolsets have no name and are left out. Empty if a name occurs twice: then nobody knows
    which of them a call means.
    """
    if tools[:1] != b"[":
        return {}
    places = jsontext.elements(tools, Place(0, len(tools)))
    names = (string(mapping(jsontext.value(tools, place)).get("name")) for place in places)
    named = [(name, place) for name, place in zip(names, places, strict=True) if name]
    found = dict(named)
    return found if len(found) == len(named) else {}


def searches(tools: bytes) -> bool:
    """True if the provider searches among these tools for those that are deferred."""
    if SEARCH.encode() not in tools:
        return False
    types = (string(mapping(tool).get("type")) for tool in items(jsontext.value(tools)))
    return any(kind.startswith(SEARCH) for kind in types)


def mentions(raw: bytes) -> frozenset[str]:
    """Return the names of the tools that a message calls or refers to."""
    if not any(kind.encode() in raw for kind in _NAMING):
        return frozenset()
    blocks = _blocks(mapping(jsontext.value(raw)).get("content"))
    names = (string(block.get(_NAMING.get(string(block.get("type")), ""))) for block in blocks)
    return frozenset(name for name in names if name)


def _blocks(content: object) -> Iterator[Json]:
    """Yield the blocks of a message, and those inside of results."""
    for block in map(mapping, items(content)):
        yield block
        yield from map(mapping, _inside(block))


def _inside(block: Json) -> Iterable[object]:
    content = block.get("content")
    return items(content) or items(mapping(content).get("tool_references"))


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
