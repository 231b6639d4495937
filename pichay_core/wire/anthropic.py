"""Anthropic Messages: where tool results stand, and how a stub is put in their place.

Rule of this file: only the ``content`` of a ``tool_result`` and the ``text`` of a text block are
ever replaced, only thinking is ever left out, and only a ``cache_control`` is ever added
(``anthropic_write.py``). ``is_error``, ids, order and every unknown key stay as they came.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import msgspec

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_clearing import asked, manages
from pichay_core.wire.anthropic_front import definitions, mentions, searches, told
from pichay_core.wire.anthropic_write import write
from pichay_core.wire.clientstubs import is_cleared, is_unchanged, lists_skills
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import THINKING, Block, Message, Result
from pichay_core.wire.pictures import unbilled
from pichay_core.wire.rules import marker_problems, problems
from pichay_core.wire.shapes import Json, items, mapping, string

name = "anthropic"

BILLING_PREFIX = "x-anthropic-billing-header"
"""The client's attribution line. It changes with every request: never part of an identity."""

_UNTOUCHABLE = ("thread", "fallback_credit_token")
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
    same, known = max(starts, key=lambda found: len(found[0]), default=_NOTHING_KNOWN)
    return Outline(body, fields, jsontext.elements(body, place, same), known, len(same))


_NOTHING_KNOWN: tuple[list[Place], Sequence[Message]] = ([], ())


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
        model=string(_field(outline, "model")),
        raw_system=system,
        raw_tools=tools,
        first_system=front.first_system,
        front=front.digest,
        tool_names=front.tool_names,
        ttls=front.ttls,
        automatic=_ttl(_field(outline, "cache_control")),
        stream=_field(outline, "stream") is True,
        user=string(mapping(_field(outline, "metadata")).get("user_id")),
        untouchable=next((f for f in _UNTOUCHABLE if _field(outline, f) is not None), None),
        size=len(system or b"") + len(tools or b""),
        forced=string(mapping(_field(outline, "tool_choice")).get("name")),
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
    texts = (string(block.get("text")) for block in said)
    marked = (_ttl(item.get("cache_control")) for item in (*tool_list, *blocks))
    return _Front(
        first_system=next((text for text in texts if text), ""),
        digest=_digest([[_unmarked(tool) for tool in tool_list], [_unmarked(b) for b in said]]),
        tool_names=tuple(string(tool.get("name")) for tool in tool_list),
        ttls=tuple(ttl for ttl in marked if ttl),
    )


def _is_billing(block: Json) -> bool:
    return string(block.get("text")).startswith(BILLING_PREFIX)


def _digest(said: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    said = jsontext.value(raw)
    message = mapping(said)
    content = _content_blocks(message.get("content"))
    blocks = tuple(_block(block) for block in content)
    return Message(
        raw=raw,
        digest=_identity(said),
        role=string(message.get("role")),
        blocks=blocks,
        marks=tuple((at, ttl) for at, block in enumerate(content) for ttl in _ttls(block)),
        lists=tuple(_lists(message.get("role"), content)),
        thinks=any(block.type in THINKING for block in blocks),
        thought=sum(map(_thought, content)),
        calls=tuple(_calls(content)),
        results=tuple(_results(content)),
        size=len(raw) - sum(map(unbilled, content)),
        text=_plain_text(content),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it holds anything but text."""
    content = _content_blocks(mapping(jsontext.value(raw)).get("content"))
    return _result_text(content[block].get("content")) if block < len(content) else None


def said(raw: bytes, block: int) -> str | None:
    """Return the text of the text in *block*, None if there is none."""
    content = _content_blocks(mapping(jsontext.value(raw)).get("content"))
    is_text = block < len(content) and content[block].get("type") == "text"
    return string(content[block].get("text")) if is_text else None


def _lists(role: object, content: list[Json]) -> Iterable[int]:
    texts = enumerate(content) if role == "user" else ()
    return (at for at, block in texts if lists_skills(string(block.get("text"))))


def _identity(said: object) -> bytes:
    """Hash what a message says: no markers, and a string is a list of one text block."""
    return hashlib.blake2b(_CANONICAL.encode(_unmarked(said)), digest_size=16).digest()


def _unmarked(item: object) -> object:
    """Return a message or a block without markers. The input of a call holds data, not markers."""
    if not isinstance(item, dict):
        return item
    fields = mapping(cast("object", item)).items()
    return {key: _inside(key, part) for key, part in fields if key != "cache_control"}


def _inside(key: str, part: object) -> object:
    if key == "content" and isinstance(part, str | list):
        return [_unmarked(item) for item in _listed(cast("object", part))]
    return _unmarked(part) if key == "source" else part


def _block(block: Json) -> Block:
    kind = string(block.get("type"))
    id_field = {"tool_use": "id", "tool_result": "tool_use_id"}.get(kind)
    return Block(
        type=kind,
        id=string(block.get(id_field)) if id_field else None,
        ttl=next(iter(_ttls(block)), None),
        empty=kind == "text" and not string(block.get("text")).strip(),
    )


def _thought(block: Json) -> int:
    """Return how many bytes a block holds of thinking as the model reads it.

    Where the text is kept back, it is in the signature, enciphered and in base64.
    """
    match block:
        case {"type": "thinking", "thinking": str(text)} if text:
            return len(text.encode(errors="surrogatepass"))
        case {"type": "thinking", "signature": str(cipher)}:
            return len(cipher) * 3 // 4
        case {"type": "redacted_thinking", "data": str(cipher)}:
            return len(cipher) * 3 // 4
        case _:
            return 0


def _ttls(block: Json) -> list[str]:
    """Return the time to live of every cache marker in a block, in the order of the prefix."""
    marked = (_ttl(item.get("cache_control")) for item in (*_mappings(block.get("content")), block))
    return [ttl for ttl in marked if ttl]


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
    return "\n".join(string(block.get("text")) for block in blocks)


def _plain_text(content: list[Json]) -> str:
    """Return the first and the last text, each shortened: reminders stand between them."""
    texts = [string(block.get("text")) for block in content if block.get("type") == "text"]
    return "\n".join(text[:_TEXT_LENGTH] for text in (*texts[:1], *texts[1:][-1:]))


def _content_blocks(content: object) -> list[Json]:
    """Return content as a list of blocks, whichever of the two shapes it came in."""
    return [mapping(item) for item in _listed(content)]


def _listed(content: object) -> list[object]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else items(content)


def _mappings(content: object) -> list[Json]:
    return [mapping(item) for item in items(content)]


def _ttl(marker: object) -> str | None:
    """Return the time to live a cache marker asks for, None if there is no marker."""
    if not isinstance(marker, dict):
        return None
    return "1h" if mapping(cast("object", marker)).get("ttl") == "1h" else "5m"


def _field(outline: Outline, field: str) -> object:
    raw = outline.field(field)
    return None if raw is None else jsontext.value(raw)


__all__ = [
    "asked",
    "definitions",
    "head",
    "manages",
    "marker_problems",
    "mentions",
    "name",
    "outline",
    "problems",
    "read",
    "said",
    "searches",
    "text",
    "told",
    "write",
]
