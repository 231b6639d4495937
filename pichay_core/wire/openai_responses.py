"""OpenAI Responses: where tool results stand, and how a stub is put in their place.

Rule of this file: only the ``output`` of an answer and the text of the user are ever replaced, and
only a message of the user's, at the end, is ever added (``openai_responses_write.py``). Reasoning,
compactions, calls, ids and every unknown item and key stay as they came.

What one side says at once is one message: all items of the model between two of its client's, and
all answers between two of the model's. Its place is the slice of the list that holds them.
"""

from collections.abc import Iterable, Iterator, Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.clientstubs import COMPACTION, lists_skills
from pichay_core.wire.format import Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import ASSISTANT, Block, Message, Result
from pichay_core.wire.openai_responses_aside import answer, retold, spoken
from pichay_core.wire.openai_responses_front import (
    asked,
    definition,
    definitions,
    manages,
    mentions,
    offered,
    searches,
    told,
)
from pichay_core.wire.openai_responses_head import head, leading
from pichay_core.wire.openai_responses_identity import identity
from pichay_core.wire.openai_responses_items import (
    PASSTHROUGH,
    RESULTS,
    Unit,
    call_id,
    call_of,
    items_of,
    output_of,
    role_of,
    side,
    units,
)
from pichay_core.wire.openai_responses_plain import plain, user_says
from pichay_core.wire.openai_responses_reply import Reader as reader
from pichay_core.wire.openai_responses_rules import marker_problems, problems, takes_note
from pichay_core.wire.openai_responses_stream import stream
from pichay_core.wire.openai_responses_write import write
from pichay_core.wire.pictures import unbilled
from pichay_core.wire.results import first_and_last, result
from pichay_core.wire.shapes import Json, items, mapping, string

name = "openai_responses"
leaves_out_thinking = False


def outline(body: bytes, likely: Iterable[Sequence[Message]] = ()) -> Outline:
    """Say where every top-level value and every message stands. Raises Unreadable.

    ``likely`` are conversations that this one may continue. An input that is a string is the one
    message of the user that it stands for.
    """
    fields = jsontext.members(body)
    if "input" not in fields:
        raise jsontext.Unreadable("there is no 'input'")
    place = fields["input"]
    fields["messages"] = place
    if body[place.start : place.start + 1] == b'"':
        return Outline(body, leading(body, fields, []), [place])
    starts = [(_begins(body, place, known), known) for known in likely]
    same, known = max(starts, key=lambda found: len(found[0]), default=_NOTHING_KNOWN)
    new = jsontext.elements(body, place, same)[len(same) :]
    if same and new and side(_item(body, new[0])) == (_side(known[len(same) - 1]) or "-"):
        same = same[:-1]
        new = jsontext.elements(body, place, same)[len(same) :]
    places = [*same, *_grouped(body, new)]
    return Outline(body, leading(body, fields, places), places, known, len(same))


_NOTHING_KNOWN: tuple[list[Place], Sequence[Message]] = ([], ())


def _begins(body: bytes, place: Place, known: Sequence[Message]) -> list[Place]:
    """Say where the first messages stand that are known; none that another would be a part of."""
    found = jsontext.leading(body, place, (message.raw for message in known))
    sides = [_side(message) for message in known[: len(found)]]
    joined = (at for at in range(1, len(sides)) if sides[at] and sides[at] == sides[at - 1])
    return found[: next(joined, len(found))]


def _side(message: Message) -> str:
    """Say whose a message is that may go on, as :func:`side` does of its items."""
    if message.role == ASSISTANT:
        return ASSISTANT
    kind = message.blocks[0].type if message.blocks else ""
    return RESULTS if kind == "tool_result" or kind.endswith("_output") else ""


def _grouped(body: bytes, found: Sequence[Place]) -> Iterator[Place]:
    """Yield the places of messages: of items side by side that one side says at once."""
    start, last, whose = 0, 0, ""
    for number, place in enumerate(found):
        now = side(_item(body, place))
        if number and not (now and now == whose):
            yield Place(start, last)
        if not number or not (now and now == whose):
            start = place.start
        last, whose = place.end, now
    if found:
        yield Place(start, last)


def _item(body: bytes, place: Place) -> Json:
    return mapping(jsontext.value(body, place))


def read(raw: bytes) -> Message:
    """Read one message. What is not understood is an opaque block, never an error."""
    said = items_of(raw)
    found = list(units(said))
    return Message(
        raw=raw,
        digest=identity(said),
        role=role_of(said[0]) if said else "",
        blocks=tuple(map(_block, found)),
        lists=tuple(_lists(said, found)),
        thinks=any(_is_bound(item) for item in said),
        calls=tuple(call for call in map(call_of, said) if call is not None),
        results=tuple(_results(found)),
        size=len(raw) - sum(map(_unbilled, said)),
        text=_plain_text(said, found),
    )


def text(raw: bytes, block: int) -> str | None:
    """Return the text of the tool result in *block*, None if it holds anything but text."""
    found = list(units(items_of(raw)))
    if block >= len(found) or found[block].type != "tool_result":
        return None
    said = output_of(found[block].said)
    return None if said is None else said.text


def said(raw: bytes, block: int) -> str | None:
    """Return the text of the text in *block*, None if there is none."""
    found = list(units(items_of(raw)))
    is_text = block < len(found) and found[block].type == "text"
    return string(found[block].said.get("text")) if is_text else None


def _lists(said: Sequence[Json], found: Sequence[Unit]) -> Iterator[int]:
    for at, unit in enumerate(found):
        users = unit.type == "text" and said[unit.item].get("role") == "user"
        if users and lists_skills(string(unit.said.get("text"))):
            yield at


def _block(unit: Unit) -> Block:
    paired = unit.type in ("tool_use", "tool_result")
    return Block(
        type=unit.type,
        id=call_id(unit.said) if paired else None,
        empty=unit.type == "text" and not string(unit.said.get("text")).strip(),
    )


def _is_bound(item: Json) -> bool:
    """True for reasoning that the provider may bind to what stands before it.

    GPT-6.2 and later leave it out if that was changed (OpenAI, "Keep the prefix unchanged").
    """
    return item.get("type") == "reasoning" and bool(item.get("encrypted_content"))


def _results(found: Sequence[Unit]) -> Iterator[Result]:
    for position, unit in enumerate(found):
        if unit.type == "tool_result":
            said = output_of(unit.said)
            failed = said.failed if said else unit.said.get("status") == "failed"
            yield result(position, call_id(unit.said), said.text if said else None, failed)


def _unbilled(item: Json) -> int:
    """Return how many bytes of an item are no text that a model is billed for."""
    parts = [*items(item.get("content")), *items(item.get("output"))]
    noted = item.get(PASSTHROUGH)
    note = 0 if noted is None else len(jsontext.encode(noted)) + len(PASSTHROUGH) + 4
    return unbilled(item) + sum(unbilled(mapping(part)) for part in parts) + note


def _plain_text(said: Sequence[Json], found: Sequence[Unit]) -> str:
    if said and said[-1].get("type") == "compaction_trigger":
        return COMPACTION
    return first_and_last(string(unit.said.get("text")) for unit in found if unit.type == "text")


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
