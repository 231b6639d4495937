"""Chat Completions: the chunks of a streamed reply, edited by place, or of our own making.

Rule of this file: a chunk that a host wrote keeps its lines and its spelling; only its delta, why
the reply ended, how much was written and the reply's own name are ever replaced. Raises Unreadable
where a chunk has no such place.
Source: OpenAI's reference of Chat Completions, "Streaming".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic_edits import recounted
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.openai_chat_items import members_of, object_of
from pichay_core.wire.shapes import Json, mapping
from pichay_core.wire.tally import Tally, counts_in

DONE = b"data: [DONE]\n\n"
WAITING = b": waiting\n\n"
NAMED = ("id", "created", "model", "object")
"""Members by which all chunks of a reply are known to be of it."""
KEPT = ("id", "created")
"""Of those, the ones that a later reply has others of."""

_COUNT = "completion_tokens"
_DETAILS = "completion_tokens_details"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be another in a chunk."""

    delta: Mapping[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    """Its members; None for one that goes."""
    bare: bool = False
    """Nothing of the delta stays."""
    finish: bytes | None = None
    """Why the reply ended, as JSON."""
    uncounted: bool = False
    """It does not say what was written."""
    named: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    before: Tally | None = None
    """What replies before this one have written."""

    def __bool__(self) -> bool:
        """True if anything is."""
        changes = (self.delta, self.bare, self.finish, self.uncounted, self.named, self.before)
        return any(changes)


def edited(frame: bytes, change: Change) -> bytes:
    """Return a chunk as the client is to see it; as it came if nothing is to be another."""
    if not change:
        return frame
    data = sse.data_of(frame)
    return sse.spliced(frame, data, list(_edits(data, change)))


def _edits(data: bytes, change: Change) -> Iterator[tuple[Place, bytes]]:
    fields = jsontext.members(data)
    for name in KEPT:
        if name in change.named and name in fields:
            yield fields[name], change.named[name]
    yield from _usage(data, fields, change)
    choice = _choice(data, fields)
    if choice is None:
        return
    inner = jsontext.members(data, choice)
    yield from _usage(data, inner, change)
    why = inner.get("finish_reason")
    if change.finish is not None and why and data[why.start : why.end] != b"null":
        yield why, change.finish
    if (change.delta or change.bare) and "delta" in inner:
        yield inner["delta"], _delta(data, inner["delta"], change)


def _choice(data: bytes, fields: Mapping[str, Place]) -> Place | None:
    if "choices" not in fields:
        return None
    return next(iter(jsontext.elements(data, fields["choices"])), None)


def _delta(data: bytes, place: Place, change: Change) -> bytes:
    if change.bare:
        return b"{}"
    said = {**members_of(data[place.start : place.end]), **change.delta}
    return object_of({name: value for name, value in said.items() if value is not None})


def _usage(
    data: bytes, fields: Mapping[str, Place], change: Change
) -> Iterator[tuple[Place, bytes]]:
    place = fields.get("usage")
    if place is None or data[place.start : place.start + 1] != b"{":
        return
    if change.uncounted:
        yield place, b"null"
    elif change.before:
        yield from counted(data, place, change.before)


def counted(text: bytes, place: Place, before: Tally) -> Iterator[tuple[Place, bytes]]:
    """Yield the edits that add to a usage what replies *before* it have written."""
    usage = mapping(jsontext.value(text, place))
    totals = {path: count + before.get(path, 0) for path, count in tally(usage).items()}
    total = usage.get("total_tokens")
    if type(total) is int:
        totals[("total_tokens",)] = total + before.get((_COUNT,), 0)
    yield from recounted(text, place, totals)


def tally(usage: Json) -> Tally:
    """Return what a usage counts on the output side."""
    counts = {(_DETAILS, name): count for name, count in mapping(usage.get(_DETAILS)).items()}
    counts = {**counts, (_COUNT,): usage.get(_COUNT)}
    return counts_in(counts.items())


def calls_of(data: bytes) -> list[bytes]:
    """Return the elements of ``tool_calls`` in the delta of a chunk, as they came."""
    choice = _choice(data, jsontext.members(data))
    delta = jsontext.members(data, choice).get("delta")
    place = jsontext.members(data, delta).get("tool_calls") if delta else None
    if place is None:
        raise Unreadable("there are no calls")
    return [data[at.start : at.end] for at in jsontext.elements(data, place)]


def numbered(call: bytes, number: int) -> bytes:
    """Return a piece of a call as one of the call with this number; one without stays so."""
    place = jsontext.members(call).get("index")
    return call if place is None else jsontext.splice(call, [(place, b"%d" % number)])


def named(data: bytes) -> dict[str, bytes]:
    """Return by which members the chunks of a reply are known to be of it, as they came."""
    fields = jsontext.members(data)
    return {name: data[fields[name].start : fields[name].end] for name in NAMED if name in fields}


def chunk(named: Mapping[str, bytes], delta: Mapping[str, bytes], finish: bytes = b"null") -> bytes:
    """Return a chunk of our own making, of the reply that is *named* so."""
    choice = {"index": b"0", "delta": object_of(delta), "finish_reason": finish}
    said = {"object": b'"chat.completion.chunk"', **named}
    return b"data: " + object_of({**said, "choices": b"[" + object_of(choice) + b"]"}) + b"\n\n"


def error_event(why: str) -> bytes:
    """Return an error inside a stream, as a host would say that it has one."""
    error = {"message": why, "type": "server_error", "param": None, "code": None}
    return b"data: " + jsontext.encode({"error": error}) + b"\n\n"
