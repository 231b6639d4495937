"""Anthropic Messages: where tool results stand, and how a stub is put in their place.

Rule of this file: only the ``content`` of a ``tool_result`` and the ``text`` of a text block are
ever replaced, only thinking is ever left out, and only a ``cache_control``, and a text at the end,
are ever added (``anthropic_write.py``). ``is_error``, ids, order and every unknown key stay as they
came.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_aside import offered, retold, spoken
from pichay_core.wire.anthropic_blocks import content_blocks, mappings, ttl_of, unmarked
from pichay_core.wire.anthropic_clearing import asked, manages
from pichay_core.wire.anthropic_front import definitions, mentions, searches, told
from pichay_core.wire.anthropic_head import head
from pichay_core.wire.anthropic_memory import answer_block as answer
from pichay_core.wire.anthropic_memory import definition
from pichay_core.wire.anthropic_plain import plain, user_says
from pichay_core.wire.anthropic_reply import Reader as reader
from pichay_core.wire.anthropic_stream import stream
from pichay_core.wire.anthropic_write import write
from pichay_core.wire.clientstubs import lists_skills
from pichay_core.wire.format import Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import THINKING, Block, Message, Result
from pichay_core.wire.pictures import unbilled
from pichay_core.wire.results import first_and_last, joined, result
from pichay_core.wire.rules import marker_problems, problems, takes_note
from pichay_core.wire.shapes import Json, mapping, string

name = "anthropic"
leaves_out_thinking = True

_CANONICAL = msgspec.json.Encoder(order="sorted")


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


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    said = jsontext.value(raw)
    message = mapping(said)
    content = content_blocks(message.get("content"))
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
        text=first_and_last(_texts(content)),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it holds anything but text."""
    content = content_blocks(mapping(jsontext.value(raw)).get("content"))
    return _result_text(content[block].get("content")) if block < len(content) else None


def said(raw: bytes, block: int) -> str | None:
    """Return the text of the text in *block*, None if there is none."""
    content = content_blocks(mapping(jsontext.value(raw)).get("content"))
    is_text = block < len(content) and content[block].get("type") == "text"
    return string(content[block].get("text")) if is_text else None


def _lists(role: object, content: list[Json]) -> Iterable[int]:
    texts = enumerate(content) if role == "user" else ()
    return (at for at, block in texts if lists_skills(string(block.get("text"))))


def _identity(said: object) -> bytes:
    """Hash what a message says: no markers, and a string is a list of one text block."""
    return hashlib.blake2b(_CANONICAL.encode(unmarked(said)), digest_size=16).digest()


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
    marked = (
        ttl_of(item.get("cache_control")) for item in (*mappings(block.get("content")), block)
    )
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
                said = _result_text(block.get("content"))
                yield result(position, call_id, said, block.get("is_error") is True)
            case _:
                pass


def _texts(content: list[Json]) -> Iterable[str]:
    return (string(block.get("text")) for block in content if block.get("type") == "text")


def _result_text(content: object) -> str | None:
    """Return the text of a result; None if any part of it is not text."""
    if content is None:
        return ""
    if not isinstance(content, str | list):
        return None
    return joined(content_blocks(cast("object", content)))


__all__ = [
    "answer",
    "asked",
    "definition",
    "definitions",
    "head",
    "leaves_out_thinking",
    "manages",
    "marker_problems",
    "mentions",
    "name",
    "offered",
    "outline",
    "plain",
    "problems",
    "read",
    "reader",
    "retold",
    "said",
    "searches",
    "spoken",
    "stream",
    "takes_note",
    "text",
    "told",
    "user_says",
    "write",
]
