"""OpenAI Responses: what stands beside the messages.

Rule of this file: ``instructions`` are the system prompt, and ``tools`` the tools. A client that
sends none of these says them in the first items of its input, as Codex does from GPT-6 on: then
they are told and offered there, while the items stay messages.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.openai_responses_items import items_of, kind_of, side
from pichay_core.wire.shapes import Json, items, mapping, string

_SAID_FIRST = ("developer", "system")


def leading(
    body: bytes, fields: Mapping[str, Place], messages: Sequence[Place]
) -> dict[str, Place]:
    """Return the fields with the places of ``system`` and ``tools``, wherever they are said."""
    found = {name: at for name, at in fields.items() if name not in ("system", "tools")}
    said = fields.get("instructions")
    if said is not None and body[said.start : said.start + 1] == b'"':
        found["system"] = said
    if (tools := fields.get("tools")) is not None and body[tools.start : tools.end] != b"null":
        found["tools"] = tools
    if "system" in found and "tools" in found:
        return found
    for name, at in _said_first(body, messages):
        found.setdefault(name, at)
    return found


def _said_first(body: bytes, messages: Sequence[Place]) -> Iterator[tuple[str, Place]]:
    """Yield what the items say that stand before all that user and model say."""
    for message in messages:
        first = items_of(body[message.start : message.end])[0]
        if side(first) or body[message.start : message.start + 1] != b"{":
            return
        where = jsontext.members(body, message)
        if kind_of(first) == "additional_tools" and "tools" in where:
            yield "tools", where["tools"]
        elif first.get("role") in _SAID_FIRST and "content" in where:
            yield "system", where["content"]
        else:
            return


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the messages; system and tools only where their text is new."""
    system, tools = outline.field("system"), outline.field("tools")
    if previous and (previous.raw_system, previous.raw_tools) == (system, tools):
        front = _Front(previous.first_system, previous.front, previous.tool_names)
    else:
        front = _front(system, tools)
    return Head(
        model=string(_field(outline, "model")),
        raw_system=system,
        raw_tools=tools,
        first_system=front.first_system,
        front=front.digest,
        tool_names=front.tool_names,
        ttls=(),
        automatic=None,
        stream=_field(outline, "stream") is True,
        user="",
        untouchable="input" if (outline.field("input") or b"")[:1] == b'"' else None,
        size=sum(_beside(outline, name) for name in ("system", "tools")),
        forced=string(mapping(_field(outline, "tool_choice")).get("name")),
        partial=_goes_on_from(outline),
        unanswerable=_field(outline, "store") is not False,
    )


def _goes_on_from(outline: Outline) -> str:
    """Return the id of the reply, or of the conversation, that the provider has; else nothing."""
    whole = _field(outline, "conversation")
    named = whole if isinstance(whole, str) else mapping(whole).get("id")
    return string(_field(outline, "previous_response_id")) or string(named)


def _beside(outline: Outline, name: str) -> int:
    """Return the bytes of a field, 0 if it is absent, or stands in a message."""
    place, messages = outline.fields.get(name), outline.fields["messages"]
    if place is None or messages.start <= place.start < messages.end:
        return 0
    return place.end - place.start


class _Front(NamedTuple):
    """What is read of system and tools."""

    first_system: str
    digest: str
    tool_names: tuple[str, ...]


def _front(system: bytes | None, tools: bytes | None) -> _Front:
    said = jsontext.value(system) if system else ""
    listed = list(map(mapping, items(jsontext.value(tools)))) if tools else []
    texts = [said] if isinstance(said, str) else _texts(said)
    sent = [tool for tool in listed if tool.get("defer_loading") is not True]
    return _Front(
        first_system=next((text for text in texts if text), ""),
        digest=hashlib.blake2b(msgspec.json.encode([sent, texts]), digest_size=16).hexdigest(),
        tool_names=tuple(_names(listed)),
    )


def _texts(said: object) -> list[str]:
    return [string(mapping(part).get("text")) for part in items(said)]


def _names(tools: Sequence[Json]) -> Iterator[str]:
    """Yield the names of tools; those of the provider's own are called like their types."""
    for tool in tools:
        yield string(tool.get("name")) or string(tool.get("type"))
        yield from _names([mapping(inner) for inner in items(tool.get("tools"))])


def _field(outline: Outline, field: str) -> object:
    raw = outline.field(field)
    return None if raw is None else jsontext.value(raw)
