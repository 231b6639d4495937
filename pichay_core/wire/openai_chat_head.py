"""Chat Completions: what stands beside the messages, and in front of them.

Rule of this file: every message of system or developer that stands first is in the front's hash,
without cache markers; a text of ours stands at the end of the last of them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import ttl_of
from pichay_core.wire.format import Asked, Clearing, Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.openai_chat_items import calls, items_of, markers, parts, unmarked
from pichay_core.wire.shapes import Json, items, mapping, string


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the messages."""
    tools, leading = outline.field("tools"), _leading(outline)
    front = _front(leading, tools)
    return Head(
        model=string(_field(outline, "model")),
        raw_system=outline.field("system"),
        raw_tools=tools,
        first_system=front.first_system,
        front=front.digest,
        tool_names=front.tool_names,
        ttls=front.ttls,
        automatic=ttl_of(_field(outline, "cache_control")),
        stream=_field(outline, "stream") is True,
        user="",
        untouchable=_untouchable(outline),
        size=len(leading) + len(tools or b""),
        forced=string(_inner(mapping(_field(outline, "tool_choice"))).get("name")),
    )


def _untouchable(outline: Outline) -> str | None:
    """Say which member asks for several replies at once: a call of ours could stand in each."""
    choices = _field(outline, "n")
    return "n" if isinstance(choices, int) and choices > 1 else None


def _leading(outline: Outline) -> bytes:
    """Return the text of the messages that are the head, with the commas between."""
    place = outline.fields["messages"]
    first = next(iter(outline.messages), None)
    end = place.end - 1 if first is None else first.start
    return outline.body[place.start + 1 : end].rstrip(b" \t\r\n").removesuffix(b",")


class _Front(NamedTuple):
    """What is read of the leading messages and the tools."""

    first_system: str
    digest: str
    tool_names: tuple[str, ...]
    ttls: tuple[str, ...]


@lru_cache(maxsize=16)
def _front(leading: bytes, tools: bytes | None) -> _Front:
    defined = [mapping(tool) for tool in items(jsontext.value(tools))] if tools else []
    said = items_of(leading)
    texts = (string(part.get("text")) for item in said for part in parts(item))
    plain = [[_defined(tool) for tool in defined], [_said(item) for item in said]]
    return _Front(
        first_system=next((text for text in texts if text), ""),
        digest=hashlib.blake2b(msgspec.json.encode(plain), digest_size=16).hexdigest(),
        tool_names=tuple(map(_named, defined)),
        ttls=tuple(_ttls(defined, said)),
    )


def _defined(tool: Json) -> Json:
    """Return a tool without cache markers, which LiteLLM takes beside or in the function."""
    inside = {name: unmarked(mapping(tool[name])) for name in _INSIDE if name in tool}
    return {**unmarked(tool), **inside}


def _said(item: Json) -> object:
    return [item.get("role"), item.get("name"), [unmarked(part) for part in parts(item)]]


def _ttls(defined: Sequence[Json], said: Iterable[Json]) -> Iterator[str]:
    for tool in defined:
        marked = (ttl_of(one.get("cache_control")) for one in (_inner(tool), tool))
        yield from (ttl for ttl in marked if ttl)
    for item in said:
        yield from markers(item)


_INSIDE = ("function", "custom")
"""Where a tool, or a choice of one, holds its name, by its type."""


def _inner(tool: Json) -> Json:
    return next((mapping(tool[name]) for name in _INSIDE if name in tool), mapping(None))


def _named(tool: Json) -> str:
    """Return the name of a tool; of one that the provider runs, its type."""
    return string(_inner(tool).get("name")) or string(tool.get("type"))


def _field(outline: Outline, field: str) -> object:
    raw = outline.field(field)
    return None if raw is None else jsontext.value(raw)


def definition(name: str, description: str, schema: bytes) -> bytes:
    """Return the definition of a tool; *schema* is that of its arguments, as JSON."""
    return b'{"type":"function","function":{"name":%b,"description":%b,"parameters":%b}}' % (
        jsontext.encode(name),
        jsontext.encode(description),
        schema,
    )


def definitions(tools: bytes) -> dict[str, Place]:
    """Say where each tool's definition stands in the array of tools, by name: inside its type.

    Empty if a name occurs twice: then nobody knows which of them a call means.
    """
    if tools[:1] != b"[":
        return {}
    places = jsontext.elements(tools, Place(0, len(tools)))
    named = [found for place in places if (found := _defining(tools, place))]
    return dict(named) if len(dict(named)) == len(named) else {}


def _defining(tools: bytes, tool: Place) -> tuple[str, Place] | None:
    if tools[tool.start : tool.start + 1] != b"{":
        return None
    fields = jsontext.members(tools, tool)
    place = next((fields[name] for name in _INSIDE if name in fields), None)
    name = string(mapping(jsontext.value(tools, place)).get("name")) if place else ""
    return (name, place) if place and name else None


def searches(tools: bytes) -> bool:
    """Return False: no provider searches among the tools of a Chat."""
    return False


def mentions(raw: bytes) -> frozenset[str]:
    """Return the names of the tools that a message calls."""
    if b'"tool_calls"' not in raw:
        return frozenset()
    names = (string(_inner(call).get("name")) for item in items_of(raw) for call in calls(item))
    return frozenset(name for name in names if name)


def told(system: bytes, text: str) -> bytes:
    """Return the content of a message with a text at its end; its JSON type stays."""
    match system[:1]:
        case b'"':
            return lengthened(system, text)
        case b"[":
            return with_part(system, text_part(text))
        case _:
            return system


def lengthened(said: bytes, text: str) -> bytes:
    """Return a JSON string with a paragraph more; an empty one becomes that paragraph."""
    gap = "\n\n" if said != b'""' else ""
    return said[:-1] + jsontext.encode(gap + text)[1:]


def with_part(content: bytes, part: bytes) -> bytes:
    """Return a JSON list with one element more at its end."""
    comma = b"," if jsontext.elements(content, Place(0, len(content))) else b""
    return content[:-1].rstrip(b" \t\r\n") + comma + part + b"]"


def text_part(text: str) -> bytes:
    """Return a content part that says this."""
    return b'{"type":"text","text":' + jsontext.encode(text) + b"}"


def manages(outline: Outline) -> bool:
    """Return False: there is nothing that a provider of a Chat would be asked to clear."""
    return False


def asked(outline: Outline, clearing: Clearing) -> Asked | None:
    """Return None: nobody can be asked."""
    return None
