"""Anthropic Messages: where tool results stand, and how a stub is put in their place.

Rule of this file: only the ``content`` of a ``tool_result`` is ever replaced, and only a
``cache_control`` is ever added. ``is_error``, ``toolset_name``, ids, order, thinking and
every unknown key stay as they came.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import msgspec

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.clientstubs import is_cleared, is_unchanged
from pichay_core.wire.format import Edits, Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Block, Message, Result
from pichay_core.wire.rules import marker_problems, problems

type Json = Mapping[str, object]

name = "anthropic"

BILLING_PREFIX = "x-anthropic-billing-header"
"""The client's attribution line. It changes with every request: never part of an identity."""

_UNTOUCHABLE = ("thread", "fallback_credit_token")
_THINKING = ("thinking", "redacted_thinking")
_CANONICAL = msgspec.json.Encoder(order="sorted")
_TEXT_LENGTH = 4000


def outline(body: bytes, likely: Iterable[Sequence[Message]] = ()) -> Outline:
    """Say where every top-level value and every message stands. Raises Unreadable.

    ``likely`` are conversations that this one may continue.
    """
    fields = jsontext.members(body)
    if "messages" not in fields:
        raise jsontext.Unreadable("there is no 'messages'")
    place = fields["messages"]
    starts = [(_leading(body, place, known), known) for known in likely]
    same, known = max(starts, key=lambda found: len(found[0]), default=([], ()))
    return Outline(body, fields, jsontext.elements(body, place, same), known, len(same))


def _leading(body: bytes, place: Place, known: Sequence[Message]) -> list[Place]:
    return jsontext.leading(body, place, (message.raw for message in known))


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the messages; system and tools only where their text is new."""
    system, tools = outline.field("system"), outline.field("tools")
    if previous and (previous.raw_system, previous.raw_tools) == (system, tools):
        front = _Front(previous.first_system, previous.front, previous.tool_names, previous.ttls)
    else:
        front = _front(system, tools)
    return Head(
        model=_string(_field(outline, "model")),
        raw_system=system,
        raw_tools=tools,
        first_system=front.first_system,
        front=front.digest,
        tool_names=front.tool_names,
        ttls=front.ttls,
        automatic=_ttl(_field(outline, "cache_control")),
        stream=_field(outline, "stream") is True,
        user=_string(_mapping(_field(outline, "metadata")).get("user_id")),
        untouchable=next((field for field in _UNTOUCHABLE if _field(outline, field)), None),
    )


class _Front(NamedTuple):
    """What is read of system and tools."""

    first_system: str
    digest: str
    tool_names: tuple[str, ...]
    ttls: tuple[str, ...]


def _front(system: bytes | None, tools: bytes | None) -> _Front:
    tool_list = _mappings(jsontext.value(tools)) if tools else []
    blocks = _content_blocks(jsontext.value(system)) if system else []
    said = [block for block in blocks if not _is_billing(block)]
    texts = (_string(block.get("text")) for block in said)
    marked = (_ttl(item.get("cache_control")) for item in (*tool_list, *blocks))
    return _Front(
        first_system=next((text for text in texts if text), ""),
        digest=_digest([[_unmarked(tool) for tool in tool_list], [_unmarked(b) for b in said]]),
        tool_names=tuple(_string(tool.get("name")) for tool in tool_list),
        ttls=tuple(ttl for ttl in marked if ttl),
    )


def _is_billing(block: Json) -> bool:
    return _string(block.get("text")).startswith(BILLING_PREFIX)


def _digest(said: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    message = _mapping(jsontext.value(raw))
    content = _content_blocks(message.get("content"))
    blocks = tuple(_block(block) for block in content)
    return Message(
        raw=raw,
        digest=_identity(message, content),
        role=_string(message.get("role")),
        blocks=blocks,
        marks=tuple((at, block.ttl) for at, block in enumerate(blocks) if block.ttl),
        thinks=any(block.type in _THINKING for block in blocks),
        calls=tuple(_calls(content)),
        results=tuple(_results(content)),
        text=_plain_text(content),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it holds anything but text."""
    content = _content_blocks(_mapping(jsontext.value(raw)).get("content"))
    return _result_text(content[block].get("content")) if block < len(content) else None


def write(raw: bytes, edits: Edits) -> bytes:
    """Return the message with new result texts and cache markers; the rest as it came."""
    content = jsontext.members(raw).get("content")
    if content is None or raw[content.start : content.start + 1] != b"[":
        return raw
    places = jsontext.elements(raw, content)
    spliced: list[tuple[Place, bytes]] = []
    for position, new in edits.texts.items():
        spliced.append(_replace_content(raw, places[position], new))
    for position, ttl in edits.markers.items():
        spliced += _add_marker(raw, places[position], ttl)
    return jsontext.splice(raw, spliced)


def _replace_content(raw: bytes, block: Place, new: str) -> tuple[Place, bytes]:
    place = jsontext.members(raw, block)["content"]
    marker = next(iter(_inner_markers(raw, place)), None)
    encoded = jsontext.encode(new)
    if marker is None:
        return place, encoded
    part = b'[{"type":"text","text":' + encoded + b',"cache_control":' + marker + b"}]"
    return place, part


def _inner_markers(raw: bytes, content: Place) -> Iterable[bytes]:
    """Yield the cache markers inside a list-shaped result: they must survive its text."""
    if raw[content.start : content.start + 1] != b"[":
        return
    for item in jsontext.elements(raw, content):
        if raw[item.start : item.start + 1] == b"{":
            marker = jsontext.members(raw, item).get("cache_control")
            if marker:
                yield raw[marker.start : marker.end]


def _add_marker(raw: bytes, block: Place, ttl: str) -> list[tuple[Place, bytes]]:
    if "cache_control" in jsontext.members(raw, block):
        return []
    marker = b'{"type":"ephemeral"}' if ttl == "5m" else b'{"type":"ephemeral","ttl":"1h"}'
    end = Place(block.end - 1, block.end - 1)
    return [(end, b',"cache_control":' + marker)]


def _identity(message: Json, content: list[Json]) -> bytes:
    """Hash what the message says: no markers, and a string is a list of one text block."""
    rest = {key: item for key, item in message.items() if key not in ("content", "cache_control")}
    said = _CANONICAL.encode([rest, [_unmarked(block) for block in content]])
    return hashlib.blake2b(said, digest_size=16).digest()


def _unmarked(item: object) -> object:
    match item:
        case {"cache_control": _, **rest}:
            return _unmarked(rest)
        case {"type": "tool_result", "content": str() | list() as inner, **rest}:
            blocks = _content_blocks(cast("object", inner))
            return {**rest, "type": "tool_result", "content": [_unmarked(b) for b in blocks]}
        case _:
            return item


def _block(block: Json) -> Block:
    kind = _string(block.get("type"))
    id_field = {"tool_use": "id", "tool_result": "tool_use_id"}.get(kind)
    return Block(
        type=kind,
        id=_string(block.get(id_field)) if id_field else None,
        ttl=_ttl(block.get("cache_control")) or _inner_ttl(block),
        empty=kind == "text" and not _string(block.get("text")).strip(),
    )


def _inner_ttl(block: Json) -> str | None:
    if block.get("type") != "tool_result":
        return None
    inner = (_ttl(item.get("cache_control")) for item in _mappings(block.get("content")))
    return next((ttl for ttl in inner if ttl), None)


def _calls(content: list[Json]) -> Iterable[Call]:
    for block in content:
        match block:
            case {"type": "tool_use", "id": str(call_id), "name": str(tool)}:
                yield describe(call_id, tool, block.get("input"))
            case _:
                pass


def _results(content: list[Json]) -> Iterable[Result]:
    for position, block in enumerate(content):
        match block:
            case {"type": "tool_result", "tool_use_id": str(call_id)}:
                yield _result(position, call_id, block)
            case _:
                pass


def _result(position: int, call_id: str, block: Json) -> Result:
    said = _result_text(block.get("content"))
    plain = said if said is not None else ""
    encoded = plain.encode(errors="surrogatepass")
    return Result(
        block=position,
        call_id=call_id,
        digest=hashlib.blake2b(encoded, digest_size=16).hexdigest(),
        bytes=len(encoded),
        lines=plain.count("\n") + (not plain.endswith("\n") and bool(plain)),
        error=block.get("is_error") is True,
        opaque=said is None,
        cleared=is_cleared(plain),
        unchanged=is_unchanged(plain),
    )


def _result_text(content: object) -> str | None:
    """Return the text of a result; None if any part of it is not text."""
    if content is None:
        return ""
    if not isinstance(content, str | list):
        return None
    blocks = _content_blocks(cast("object", content))
    if any(block.get("type") != "text" for block in blocks):
        return None
    return "\n".join(_string(block.get("text")) for block in blocks)


def _plain_text(content: list[Json]) -> str:
    texts = [_string(block.get("text")) for block in content if block.get("type") == "text"]
    return "\n".join(texts)[:_TEXT_LENGTH]


def _content_blocks(content: object) -> list[Json]:
    """Return content as a list of blocks, whichever of the two shapes it came in."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    items = cast("list[object]", content)
    return [_mapping(item) for item in items]


def _mappings(items: object) -> list[Json]:
    found = cast("list[object]", items) if isinstance(items, list) else []
    return [_mapping(item) for item in found]


def _mapping(item: object) -> Json:
    return cast("Json", item) if isinstance(item, dict) else {}


def _string(item: object) -> str:
    return item if isinstance(item, str) else ""


def _ttl(marker: object) -> str | None:
    """Return the time to live a cache marker asks for, None if there is no marker."""
    if not isinstance(marker, dict):
        return None
    return "1h" if _mapping(cast("object", marker)).get("ttl") == "1h" else "5m"


def _field(outline: Outline, field: str) -> object:
    raw = outline.field(field)
    return None if raw is None else jsontext.value(raw)


__all__ = ["head", "marker_problems", "name", "outline", "problems", "read", "text", "write"]
