"""Gemini generateContent: tool definitions, and where a text or a tool of ours is appended.

Rule of this file: constant bytes for a constant text; what the client sent stays as it came. A
client that describes arguments in the provider's own dialect gets ours described in it too.
"""

from collections.abc import Iterator, Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.format import Asked, Clearing, Outline
from pichay_core.wire.gemini_parts import named, place_in
from pichay_core.wire.gemini_write import text_part
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import Json, items, mapping, string

_DECLARED = "functionDeclarations"
_SCHEMA = "parametersJsonSchema"


def definition(name: str, description: str, schema: bytes) -> bytes:
    """Return the declaration of a function; *schema* is that of its arguments, as JSON Schema."""
    said = jsontext.encode(name), jsontext.encode(description), schema
    return b'{"name":%b,"description":%b,"parametersJsonSchema":%b}' % said


def definitions(tools: bytes) -> dict[str, Place]:
    """Say where each function's declaration stands in the text of the tools, by name.

    Empty if a name occurs twice: then nobody knows which of them a call means.
    """
    places = [place for array in _arrays(tools) for place in jsontext.elements(tools, array)]
    names = (string(mapping(jsontext.value(tools, place)).get("name")) for place in places)
    known = [(name, place) for name, place in zip(names, places, strict=True) if name]
    found = dict(known)
    return found if len(found) == len(known) else {}


def _arrays(tools: bytes) -> Iterator[Place]:
    """Yield the place of each list of declarations."""
    if tools[:1] != b"[":
        return
    for tool in jsontext.elements(tools, Place(0, len(tools))):
        array = place_in(tools, tool, _DECLARED)
        if array is not None and tools[array.start : array.start + 1] == b"[":
            yield array


def offered(tools: bytes, definitions: Sequence[bytes]) -> bytes:
    """Return the tools with these declarations behind the client's last; the rest as it came."""
    if tools[:1] != b"[" or not definitions:
        return tools
    arrays = list(_arrays(tools))
    ours = list(map(_in_dialect, definitions)) if _speaks_dialect(tools, arrays) else definitions
    added = b",".join(ours)
    if not arrays:
        tool = b'{"functionDeclarations":[' + added + b"]}"
        return _behind(tools, Place(0, len(tools)), tool)
    return _behind(tools, arrays[-1], added)


def _behind(text: bytes, array: Place, added: bytes) -> bytes:
    places = jsontext.elements(text, array)
    end = places[-1].end if places else array.start + 1
    return jsontext.splice(text, [(Place(end, end), (b"," if places else b"") + added)])


def _speaks_dialect(tools: bytes, arrays: Sequence[Place]) -> bool:
    """True if the client describes arguments, and none of them in JSON Schema."""
    declared = [mapping(one) for at in arrays for one in items(jsontext.value(tools, at))]
    return any("parameters" in one for one in declared) and not any(
        named(one, _SCHEMA) is not None for one in declared
    )


def _in_dialect(definition: bytes) -> bytes:
    """Return a declaration of ours with its arguments described in the provider's dialect."""
    said = dict(mapping(jsontext.value(definition)))
    said["parameters"] = _schema(mapping(said.pop(_SCHEMA)))
    return jsontext.encode(said)


def _schema(schema: Json) -> Json:
    return {name: _of_schema(name, said) for name, said in schema.items()}


def _of_schema(name: str, said: object) -> object:
    match name:
        case "type":
            return string(said).upper()
        case "properties":
            return {key: _schema(mapping(one)) for key, one in mapping(said).items()}
        case "items":
            return _schema(mapping(said))
        case _:
            return said


def told(system: bytes, text: str) -> bytes:
    """Return the system prompt with a text at its end; what is none stays as it came."""
    match system[:1]:
        case b'"':
            return jsontext.encode(f"{jsontext.value(system)}\n\n{text}")
        case b"[":
            return _behind(system, Place(0, len(system)), text_part(text))
        case b"{":
            return _told(system, text)
        case _:
            return system


def _told(system: bytes, text: str) -> bytes:
    fields = jsontext.members(system)
    parts = fields.get("parts")
    if parts is None:
        part = b'{"parts":[' + system + b"," + text_part(text) + b"]}"
        return part if "text" in fields else system
    match system[parts.start : parts.start + 1]:
        case b"[":
            return _behind(system, parts, text_part(text))
        case b"{":
            both = b"[" + system[parts.start : parts.end] + b"," + text_part(text) + b"]"
            return jsontext.splice(system, [(parts, both)])
        case _:
            return system


def searches(tools: bytes) -> bool:
    """Return False: this provider defers no definitions."""
    return False


def manages(outline: Outline) -> bool:
    """Return False: nothing can be said here of what the provider is to clear."""
    return False


def asked(outline: Outline, clearing: Clearing) -> Asked | None:
    """Return None: this provider clears nothing."""
    return None
