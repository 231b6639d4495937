"""OpenAI Responses: a reply as its client knows it, told again as the model wrote it.

Rule of this file: the client's items are aligned with those that it was shown. Where that does not
come out even, the client has changed the reply, and nothing is put back. An item goes upstream with
all that it needs: reasoning with what it led to, a call with its answer.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pichay_core.wire import jsontext
from pichay_core.wire.openai_responses_identity import known_by
from pichay_core.wire.openai_responses_items import (
    RESULTS,
    items_of,
    kind_of,
    places_of,
    role_of,
    side,
)
from pichay_core.wire.reply import Leg, Part

_EMPTY = known_by({"type": "message", "role": "assistant", "content": ""})


def answer(call_id: str, text: str, error: bool) -> bytes:
    """Return the output of a call to a tool of ours. This wire has no mark for a failure."""
    said = f"Error: {text}" if error else text
    return b'{"type":"function_call_output","call_id":%b,"output":%b}' % (
        jsontext.encode(_sayable(call_id)),
        jsontext.encode(_sayable(said)),
    )


def _sayable(text: str) -> str:
    return text.encode(errors="replace").decode()


def spoken(leg: Leg) -> list[bytes]:
    """Return the messages that a leg adds to a conversation: the reply, and our answers."""
    said = b",".join(part.raw for part in leg.parts if part.raw)
    return [said, b",".join(leg.answers)]


class _Item(NamedTuple):
    """An item of the client's, and what it is known by."""

    raw: bytes
    known: str


class _Aligned(NamedTuple):
    """A leg's items as they go upstream, and the client's items that follow them."""

    items: list[bytes]
    rest: Sequence[_Item]


def retold(
    raw: bytes, after: bytes | None, legs: Sequence[Leg], sure: bool = False
) -> tuple[list[bytes], bytes | None] | None:
    """Return the messages that stand for a reply, and the message *after* it with our answers.

    None if the client's items are not what it was shown, or, to be *sure*, if it holds nothing
    that was. Without a message after it, calls of a last leg are left out: nobody could answer
    them. Raises Unreadable.
    """
    rest: Sequence[_Item] = _items(raw)
    if sure and not {item.known for item in rest} & _shown(legs):
        return None
    messages = list[bytes]()
    for leg in legs[:-1] if not legs[-1].goes_on else legs:
        aligned = _align(leg, rest, own=True)
        if aligned is None:
            return None
        messages += (b",".join(aligned.items), b",".join(leg.answers))
        rest = aligned.rest
    if legs[-1].goes_on:
        return [*messages, *_joined(item.raw for item in rest)], after
    answered = after is not None and role_of(items_of(after)[0]) == "user"
    aligned = _align(legs[-1], rest, own=False, hidden=answered or not legs[-1].answers)
    if aligned is None or aligned.rest:
        return None
    messages += _joined(aligned.items)
    return messages, _with_answers(after, legs[-1].answers) if after and answered else after


def _joined(raws: Iterable[bytes]) -> list[bytes]:
    """Return the items as one message, none if there are none."""
    joined = b",".join(raws)
    return [joined] if joined else []


def _items(raw: bytes) -> list[_Item]:
    listed, places = places_of(raw)
    raws = (listed[place.start : place.end] for place in places)
    return [_Item(one, known_by(items_of(one)[0])) for one in raws]


def _shown(legs: Iterable[Leg]) -> set[str]:
    """Return what the items are known by that the client was shown of these legs."""
    shown = {part.shown for leg in legs for part in leg.parts if part.shown is not None}
    return shown - {_EMPTY}


def _align(leg: Leg, items: Sequence[_Item], own: bool, hidden: bool = True) -> _Aligned | None:
    """Return the items of a leg, None if the client's do not begin with those it was shown.

    *own*: as they went upstream already; else the client's own bytes where nothing was altered.
    A client may leave out reasoning, and empty texts; reasoning that it leaves out goes.
    """
    rest, found = list(items), list[bytes]()
    for part in leg.parts:
        if part.shown is None:
            found += [part.raw] if part.raw and (hidden or _is_text(part)) else []
        elif rest and rest[0].known == part.shown:
            item = rest.pop(0)
            went = part.raw if own or part.altered else item.raw
            found += [went] if went else []
        elif not (part.shown == _EMPTY or part.shown.startswith("reasoning ")):
            return None
    return _Aligned(found, rest)


def _is_text(part: Part) -> bool:
    return kind_of(items_of(part.raw)[0]) == "message"


def _with_answers(raw: bytes, answers: Sequence[bytes]) -> bytes:
    """Return a message of the client's with ours behind its answers, or before what it says."""
    theirs = side(items_of(raw)[0]) == RESULTS
    return b",".join([raw, *answers] if theirs else [*answers, raw])
