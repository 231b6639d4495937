"""OpenAI Responses: the events of a streamed reply, edited by place, or of our own making.

Rule of this file: an event that the provider wrote keeps its lines, its order and its spelling;
only its numbers, a text, and what its end says of the whole are ever replaced. Raises Unreadable
where an event has no such place.
Source: the event types of openai-python 3.52.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pichay_core.wire import jsontext, sse
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.shapes import Json, mapping
from pichay_core.wire.tally import Tally, counts_in

SEQUENCE, INDEX = "sequence_number", "output_index"
WAITING = b": waiting\n\n"
"""A comment: several clients fail on an event that they do not know (openai-node 6.45)."""

_COUNT, _TOTAL = "output_tokens", "total_tokens"
_DETAILS = "output_tokens_details"


class Whole(NamedTuple):
    """What a client is to be told of its response, where that is not what its last leg says."""

    id: str
    """Of its first leg: clients hold on to the id that they were told first."""
    output: Sequence[bytes]
    before: Tally
    """What the legs before the last have written."""


def numbered(frame: bytes, sequence: int | None, index: int | None) -> bytes:
    """Return the event with these numbers; None stays as it is."""
    data = sse.data_of(frame)
    fields = jsontext.members(data)
    new = {SEQUENCE: sequence, INDEX: index}
    edits = [(fields[name], b"%d" % number) for name, number in new.items()
             if number is not None and name in fields]  # fmt: skip
    return sse.spliced(frame, data, edits)


def sequence_of(event: Json) -> int | None:
    """Return the number of an event, None if it has none."""
    number = event.get(SEQUENCE)
    return number if isinstance(number, int) else None


def with_text(frame: bytes, path: Sequence[str | int], text: str) -> bytes:
    """Return the event with another text at the end of a path."""
    data = sse.data_of(frame)
    place = jsontext.below(data, jsontext.whole(data), path)
    if place is None:
        raise Unreadable("there is no text")
    return sse.spliced(frame, data, [(place, jsontext.encode(text))])


def member(frame: bytes, name: str) -> bytes:
    """Return the text of a member of an event."""
    data = sse.data_of(frame)
    place = jsontext.members(data).get(name)
    if place is None:
        raise Unreadable(f"there is no {name!r}")
    return data[place.start : place.end]


def ended(frame: bytes, whole: Whole) -> bytes:
    """Return the last event of a response with what the client is to be told of it."""
    data = sse.data_of(frame)
    place = jsontext.members(data)["response"]
    return sse.spliced(frame, data, [(place, rebuilt(data[place.start : place.end], whole))])


def rebuilt(response: bytes, whole: Whole) -> bytes:
    """Return a response with the id of the first, this output, and what all have written."""
    fields = jsontext.members(response)
    edits = (
        [(fields["output"], b"[" + b",".join(whole.output) + b"]")] if "output" in fields else []
    )
    edits += [(fields["id"], jsontext.encode(whole.id))] if whole.id and "id" in fields else []
    if "usage" in fields and whole.before:
        edits += _recounted(response, fields["usage"], whole.before)
    return jsontext.splice(response, edits)


def _recounted(text: bytes, usage: Place, before: Tally) -> Iterator[tuple[Place, bytes]]:
    """Yield the edits that add what was written before to what a usage counts."""
    added = {**before, (_TOTAL,): before.get((_COUNT,), 0)}
    for path, more in added.items():
        place = jsontext.below(text, usage, path)
        if place is not None and text[place.start : place.end].isdigit():
            yield place, b"%d" % (int(text[place.start : place.end]) + more)


def tally(usage: Json) -> Tally:
    """Return what a usage counts on the output side."""
    details = mapping(usage.get(_DETAILS))
    counts: dict[tuple[str, ...], object] = {(_DETAILS, name): details[name] for name in details}
    counts[(_COUNT,)] = usage.get(_COUNT)
    return counts_in(counts.items())


def error_event(why: str, sequence: int) -> bytes:
    """Return an error inside a stream, as the provider would say that it has one."""
    said = {"type": "error", "code": "server_error", "message": why, "param": None,
            SEQUENCE: sequence}  # fmt: skip
    return b"event: error\ndata: " + jsontext.encode(said) + b"\n\n"
