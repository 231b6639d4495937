"""Chat Completions: where every message stands, and what it says.

Rule of this file: how items make messages depends on the items alone, never on what is known.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.clientstubs import lists_skills
from pichay_core.wire.format import Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Block, Message, Result
from pichay_core.wire.openai_chat_items import (
    LEADING,
    TOOL,
    called,
    calls,
    identity,
    is_signed,
    items_of,
    kind_of,
    markers,
    others,
    parts,
    role_of,
)
from pichay_core.wire.pictures import unbilled
from pichay_core.wire.results import first_and_last, joined, result
from pichay_core.wire.shapes import Json, mapping, string

LIST = "messages"


def outline(body: bytes, likely: Iterable[Sequence[Message]] = ()) -> Outline:
    """Say where every top-level value and every message stands. Raises Unreadable.

    ``likely`` are conversations that this one may continue. The messages of system and developer
    that stand first are none: ``system`` is the content of the last of them.
    """
    fields = jsontext.members(body)
    if LIST not in fields:
        raise jsontext.Unreadable(f"there is no {LIST!r}")
    items = jsontext.elements(body, fields[LIST])
    first = _first(body, items)
    starts = (_start(body, items, first, known) for known in likely)
    found = max(starts, key=lambda start: len(start.places), default=_Start([], first, ()))
    fields = {name: place for name, place in fields.items() if name != "system"}
    fields |= _system(body, items[:first])
    places = [*found.places, *_grouped(body, items[found.until :])]
    return Outline(body, fields, places, found.known, len(found.places))


class _Start(NamedTuple):
    """The messages at the beginning that are as they are known."""

    places: list[Place]
    until: int
    """The item that follows them."""
    known: Sequence[Message]


def _first(body: bytes, items: Sequence[Place]) -> int:
    """Return the position of the first item that is not the head."""
    head = (at for at, place in enumerate(items) if _role(body, place) not in LEADING)
    return next(head, len(items))


def _system(body: bytes, leading: Sequence[Place]) -> dict[str, Place]:
    content = jsontext.members(body, leading[-1]).get("content") if leading else None
    return {} if content is None else {"system": content}


def _start(body: bytes, items: Sequence[Place], first: int, known: Sequence[Message]) -> _Start:
    """Return the leading messages that stand in the body byte for byte.

    Not the last of them if the item behind it is of the same message.
    """
    places, at = list[Place](), first
    for message in known:
        until = _until(body, items, at, message)
        if until is None:
            break
        places.append(Place(items[at].start, items[until - 1].end))
        at = until
        if _answers(message) and at < len(items) and _role(body, items[at]) == TOOL:
            at -= len(message.blocks)
            places.pop()
            break
    return _Start(places, at, known)


def _until(body: bytes, items: Sequence[Place], at: int, message: Message) -> int | None:
    """Return the item behind a known message, None if another stands there."""
    if at >= len(items) or not message.raw or not body.startswith(message.raw, items[at].start):
        return None
    until = at + (len(message.blocks) if _answers(message) else 1)
    ends = items[at].start + len(message.raw)
    return until if until <= len(items) and items[until - 1].end == ends else None


def _answers(message: Message) -> bool:
    """True for a message of results: it is as many items as it has blocks."""
    return bool(message.blocks) and all(block.type == "tool_result" for block in message.blocks)


def _grouped(body: bytes, items: Sequence[Place]) -> Iterator[Place]:
    """Yield the place of each message: consecutive results are one."""
    for is_tool, group in groupby(items, lambda place: _role(body, place) == TOOL):
        if is_tool:
            places = list(group)
            yield Place(places[0].start, places[-1].end)
        else:
            yield from group


class _Said(msgspec.Struct):
    role: object = None


_SAID = msgspec.json.Decoder(_Said)


def _role(body: bytes, place: Place) -> str:
    try:
        return string(_SAID.decode(body[place.start : place.end]).role)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    said = items_of(raw)
    answers = bool(said) and all(item.get("role") == TOOL for item in said)
    said = said if answers else said[:1]
    item = said[0] if said else mapping(None)
    pictures = (part for one in said for part in parts(one))
    return Message(
        raw=raw,
        digest=identity(said),
        role=role_of(item),
        blocks=tuple(map(_answer, said)) if answers else tuple(_blocks(item)),
        marks=tuple(_answer_marks(said) if answers else _marks(item)),
        lists=() if answers else tuple(_lists(item)),
        thinks=is_signed(item),
        calls=tuple(_calls(item)),
        results=tuple(_results(said)) if answers else (),
        size=len(raw) - sum(map(unbilled, pictures)),
        text="" if answers else first_and_last(_texts(item)),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it is not all text."""
    found = items_of(raw)
    is_result = block < len(found) and found[block].get("role") == TOOL
    return _result_text(found[block]) if is_result else None


def _result_text(item: Json) -> str | None:
    content = item.get("content")
    return joined(parts(item)) if content is None or isinstance(content, str | list) else None


def _answer(item: Json) -> Block:
    ttl = next(iter(markers(item)), None)
    return Block("tool_result", id=string(item.get("tool_call_id")), ttl=ttl)


def _answer_marks(said: Sequence[Json]) -> Iterator[tuple[int, str]]:
    return ((at, ttl) for at, item in enumerate(said) for ttl in markers(item))


def _results(said: Sequence[Json]) -> Iterator[Result]:
    for at, item in enumerate(said):
        yield result(at, string(item.get("tool_call_id")), _result_text(item))


def _blocks(item: Json) -> Iterator[Block]:
    """Yield the blocks of an item that is no result: parts, calls, then all else."""
    marked = dict(reversed(list(_marks(item))))
    for at, part in enumerate(parts(item)):
        empty = part.get("type") == "text" and not string(part.get("text")).strip()
        yield Block(kind_of(part), ttl=marked.get(at), empty=empty)
    yield from (Block("tool_use", id=called(call).id) for call in calls(item))
    yield from map(Block, others(item))
    if is_signed(item):
        yield Block("thinking")


def _marks(item: Json) -> Iterator[tuple[int, str]]:
    """Yield the cache markers of an item with their blocks; its own counts for its last part."""
    found = parts(item)
    for at, part in enumerate(found):
        yield from ((at, ttl) for ttl in markers({"cache_control": part.get("cache_control")}))
    own = markers({"cache_control": item.get("cache_control")})
    yield from ((max(0, len(found) - 1), ttl) for ttl in own)


def _lists(item: Json) -> Iterator[int]:
    texts = enumerate(parts(item)) if item.get("role") == "user" else ()
    return (at for at, part in texts if lists_skills(string(part.get("text"))))


def _texts(item: Json) -> Iterator[str]:
    return (string(part.get("text")) for part in parts(item) if part.get("type") == "text")


def _calls(item: Json) -> Iterator[Call]:
    for call in calls(item):
        id, tool, arguments = called(call)
        if id and tool:
            yield describe(id, tool, arguments)
