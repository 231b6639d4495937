"""OpenAI Responses: where tool definitions stand, and where a text of ours is appended.

Rule of this file: a text stands at the end of the system prompt, a definition behind the last;
everything else stays as it came.
"""

from collections.abc import Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.format import Asked, Clearing, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.openai_responses_items import CALLS, items_of
from pichay_core.wire.shapes import mapping, string


def definition(name: str, description: str, schema: bytes) -> bytes:
    """Return the definition of a tool; *schema* is that of its arguments, as JSON."""
    return b'{"type":"function","name":%b,"description":%b,"parameters":%b,"strict":false}' % (
        jsontext.encode(name),
        jsontext.encode(description),
        schema,
    )


def definitions(tools: bytes) -> dict[str, Place]:
    """Say where each function's definition stands in the array of tools, by name.

    The provider's own tools, those with a grammar and those in a namespace are left out. Empty if
    a name occurs twice: then nobody knows which of them a call means.
    """
    if tools[:1] != b"[":
        return {}
    places = jsontext.elements(tools, Place(0, len(tools)))
    named = [(name, place) for place in places if (name := _function(tools, place))]
    found = dict(named)
    return found if len(found) == len(named) else {}


def _function(tools: bytes, place: Place) -> str:
    tool = mapping(jsontext.value(tools, place))
    return string(tool.get("name")) if tool.get("type") == "function" else ""


def offered(tools: bytes, definitions: Sequence[bytes]) -> bytes:
    """Return the tools with these definitions at their end; the rest as it came."""
    if tools[:1] != b"[" or not definitions:
        return tools
    places = jsontext.elements(tools, Place(0, len(tools)))
    end = places[-1].end if places else 1
    comma = b"," if places else b""
    return jsontext.splice(tools, [(Place(end, end), comma + b",".join(definitions))])


def searches(tools: bytes) -> bool:
    """Return False: on this wire nothing is deferred for the provider to search."""
    return False


def mentions(raw: bytes) -> frozenset[str]:
    """Return the names of the tools that a message calls."""
    if not any(kind.encode() in raw for kind in CALLS):
        return frozenset()
    called = (item for item in items_of(raw) if item.get("type") in CALLS)
    names = (string(item.get("name")) for item in called)
    return frozenset(name for name in names if name)


def told(system: bytes, text: str) -> bytes:
    """Return the system prompt with a text at its end: in a string, or as one part more.

    What is neither stays as it came.
    """
    match system[:1]:
        case b'"':
            gap = "\n\n" if len(system) > 2 else ""
            return system[:-1] + jsontext.encode(gap + text)[1:]
        case b"[":
            part = b'{"type":"input_text","text":' + jsontext.encode(text) + b"}"
            return offered(system, [part])
        case _:
            return system


def manages(outline: Outline) -> bool:
    """True if the client says itself what the provider is to do with its context."""
    return outline.field("context_management") not in (None, b"null", b"[]")


def asked(outline: Outline, clearing: Clearing) -> Asked | None:
    """Return None: this provider clears no tool results, it compacts all that there is."""
    return None
