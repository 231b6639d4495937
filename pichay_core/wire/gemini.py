"""Gemini generateContent: where tool results stand, and how a stub is put in their place.

Rule of this file: a message is one item of ``contents``, but consecutive items of the model are one
message (a client that streams keeps one for each piece). Only what a ``functionResponse`` says and
the text of a text part are ever replaced, only a text at the end is ever added
(``gemini_write.py``). Thoughts, signatures, names, ids, order and number of the parts stay.
Results that stand there twice are read once (``gemini_once.py``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.format import Outline
from pichay_core.wire.gemini_aside import retold, spoken
from pichay_core.wire.gemini_front import (
    asked,
    definition,
    definitions,
    manages,
    offered,
    searches,
    told,
)
from pichay_core.wire.gemini_head import head
from pichay_core.wire.gemini_memory import answer
from pichay_core.wire.gemini_once import twice
from pichay_core.wire.gemini_parts import (
    MODEL,
    call_of,
    contents_of,
    id_of,
    identity_of,
    is_error,
    kind_of,
    parts_in,
    parts_of,
    place_in,
    response_of,
    result_text,
    text_of,
    texts_of,
)
from pichay_core.wire.gemini_plain import mentions, plain
from pichay_core.wire.gemini_reply import Reader as reader
from pichay_core.wire.gemini_rules import marker_problems, problems, takes_note
from pichay_core.wire.gemini_stream import stream
from pichay_core.wire.gemini_write import user_says, write
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.message import ASSISTANT, Block, Message, Result
from pichay_core.wire.pictures import unbilled
from pichay_core.wire.results import first_and_last, result
from pichay_core.wire.shapes import Json, string

name = "gemini"
leaves_out_thinking = False

_PLACES = {
    "messages": ("contents",),
    "system": ("systemInstruction", "system_instruction"),
    "tools": ("tools",),
}
"""What the core calls the places that it reads and writes, and what the body calls them."""


def outline(body: bytes, likely: Iterable[Sequence[Message]] = ()) -> Outline:
    """Say where every top-level value and every message stands. Raises Unreadable.

    ``likely`` are conversations that this one may continue. Where results stand twice, it is the
    outline of the body in which they stand once.
    """
    fields, likely = _fields(body), tuple(likely)
    place = fields["messages"]
    starts = [(_leading(body, place, known), known) for known in likely]
    same, known = max(starts, key=lambda found: len(found[0]), default=_NOTHING_KNOWN)
    new = jsontext.elements(body, place, same)[len(same) :]
    if same and known[len(same) - 1].role == ASSISTANT and new and _is_model(body, new[0]):
        del same[-1]
        new = jsontext.elements(body, place, same)[len(same) :]
    messages = [*same, *_grouped(body, new)]
    doubled = [edit for at in messages[len(same) :] for edit in twice(body, at)]
    if doubled:
        once = jsontext.splice(body, doubled)
        return replace(outline(once, likely), came=body, twice=len(body) - len(once))
    return Outline(body, fields, messages, known, len(same))


_NOTHING_KNOWN: tuple[list[Place], Sequence[Message]] = ([], ())


def _fields(body: bytes) -> dict[str, Place]:
    own = jsontext.members(body)
    if "contents" not in own:
        raise Unreadable("there are no 'contents'")
    called = {one: field for field, names in _PLACES.items() for one in names}
    hidden = _PLACES.keys() - called.keys()
    return {called.get(one, one): place for one, place in own.items() if one not in hidden}


def _leading(body: bytes, place: Place, known: Sequence[Message]) -> list[Place]:
    """Say where the first messages stand, as far as they are those that are known.

    Not beyond two of the model in a row: they are one.
    """
    same = jsontext.leading(body, place, (message.raw for message in known))
    pairs = enumerate(pairwise(message.role for message in known[: len(same)]))
    return same[: next((at for at, pair in pairs if pair == (ASSISTANT, ASSISTANT)), len(same))]


def _grouped(body: bytes, contents: Sequence[Place]) -> Iterator[Place]:
    """Yield the place of each message: what the model says in several pieces is one."""
    for of_model, group in groupby(contents, key=lambda place: _is_model(body, place)):
        places = list(group)
        yield from [Place(places[0].start, places[-1].end)] if of_model else places


def _is_model(body: bytes, content: Place) -> bool:
    place = place_in(body, content, "role")
    return place is not None and jsontext.value(body, place) == MODEL


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    contents = contents_of(raw)
    parts = [part for content in contents for part in parts_in(content)]
    role = ASSISTANT if any(one.get("role") == MODEL for one in contents[:1]) else "user"
    return Message(
        raw=raw,
        digest=identity_of(role, parts),
        role=role,
        blocks=tuple(map(_block, parts)),
        calls=tuple(_calls(parts)),
        results=tuple(_results(parts)),
        size=len(raw) - sum(map(unbilled, parts)),
        text=first_and_last(texts_of(parts)),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it holds anything but text."""
    response = response_of(_part(raw, block))
    return result_text(response) if response else None


def said(raw: bytes, block: int) -> str | None:
    """Return the text of the text in *block*, None if there is none."""
    return text_of(_part(raw, block))


def _part(raw: bytes, block: int) -> Json:
    parts = parts_of(raw)
    return parts[block] if block < len(parts) else {}


def _block(part: Json) -> Block:
    kind, answered = kind_of(part), response_of(part)
    if kind == "text":
        return Block(kind, empty=not (text_of(part) or "").strip())
    return Block(kind, id=id_of(call_of(part) or answered) if kind in _NAMING else None)


_NAMING = ("tool_use", "tool_result")


def _calls(parts: Sequence[Json]) -> Iterator[Call]:
    for call in map(call_of, parts):
        if call:
            yield describe(id_of(call), string(call.get("name")), call.get("args") or {})


def _results(parts: Sequence[Json]) -> Iterator[Result]:
    for position, part in enumerate(parts):
        if response := response_of(part):
            said = result_text(response)
            yield result(position, id_of(response), said, is_error(response))


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
