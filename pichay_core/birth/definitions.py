"""Tool definitions in short: name, first sentence, and what the arguments are called.

A short definition is a pure function of the full one, so that it stays the same for as long as
the client sends the same. Its schema accepts whatever the full one accepts: the types of the
arguments stay, what is inside them and what forbids others goes. A call that the client cannot
use is answered by the client, as always.
"""

import re
from collections.abc import Mapping

from pichay_core.wire import jsontext
from pichay_core.wire.shapes import Json, items, mapping, string

LEAST_BYTES = 600
"""A definition of this size or less is not worth shortening."""
LONGEST_SENTENCE = 240
"""Characters kept of a description at most."""
LEAST_SHARE = 0.5
"""A definition whose short form is more than this share of it stays as it is."""
_SCHEMAS = ("input_schema", "parameters", "parametersJsonSchema")
"""Where a definition holds the schema of its arguments; each provider has a name of its own."""
_PLAIN_TYPES = ("custom", "function")
"""Types of a tool that the client itself runs: custom where it has an ``input_schema``."""
_OWN_FIELDS = {"name", "description", *_SCHEMAS, "cache_control", "type", "strict",
               "eager_input_streaming"}  # fmt: skip
"""Fields of a tool that the client itself runs. With any other, its meaning is not known here."""
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")


def short(definition: bytes) -> bytes | None:
    """Return the definition in short; None if it should go as it came.

    So do tools that run at the provider, tools the client has deferred itself, definitions
    without an object as schema, and small ones. Cache markers stay. Raises nothing of its own
    on a definition that is JSON.
    """
    if len(definition) <= LEAST_BYTES:
        return None
    tool = mapping(jsontext.value(definition))
    where = next((name for name in _SCHEMAS if name in tool), "")
    schema = mapping(tool.get(where))
    if not _is_plain(tool) or string(schema.get("type")).lower() != "object":
        return None
    sentence = _first_sentence(string(tool.get("description")))
    new = {"description": sentence, where: _open(schema)}
    places = jsontext.members(definition)
    edits = [(places[name], jsontext.encode(said)) for name, said in new.items() if name in places]
    result = jsontext.splice(definition, edits)
    return result if len(result) <= LEAST_SHARE * len(definition) else None


def deferred(definition: bytes) -> bytes | None:
    """Return the definition as one that the provider loads when it is looked for.

    None if it should go as it came: so do those that :func:`short` leaves alone, whatever their
    size, and those with a cache marker, which the provider refuses beside a deferral.
    """
    tool = mapping(jsontext.value(definition))
    if not _is_plain(tool) or "cache_control" in tool:
        return None
    if mapping(tool.get("input_schema")).get("type") != "object":
        return None
    end = jsontext.whole(definition).end - 1
    return definition[:end] + b',"defer_loading":true' + definition[end:]


def _is_plain(tool: Json) -> bool:
    if tool.get("type", "custom") not in _PLAIN_TYPES or tool.get("strict") is True:
        return False
    return bool(string(tool.get("name"))) and tool.keys() <= _OWN_FIELDS


def _first_sentence(description: str) -> str:
    words = _SENTENCE.split(description.strip(), maxsplit=1)[0]
    return words if len(words) <= LONGEST_SENTENCE else words[:LONGEST_SENTENCE] + "…"


def _open(schema: Json) -> Mapping[str, object]:
    """Return a schema that says what the arguments are called, and no more than that."""
    arguments = mapping(schema.get("properties"))
    found: dict[str, object] = {
        "type": schema.get("type"),
        "properties": {name: _type_of(mapping(said)) for name, said in arguments.items()},
    }
    if required := [name for name in items(schema.get("required")) if isinstance(name, str)]:
        found["required"] = required
    return found


def _type_of(argument: Json) -> Mapping[str, object]:
    match argument:
        case {"type": str(kind), "enum": list()}:
            return {"type": kind, "enum": argument["enum"]}
        case {"type": "array" | "ARRAY" as kind}:
            return {"type": kind, "items": {}}
        case {"type": str(kind)}:
            return {"type": kind}
        case _:
            return {}
