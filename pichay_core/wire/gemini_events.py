"""Gemini generateContent: one response of a reply, edited by place, or of our own making.

A stream is a row of such responses, one to an event; a reply in one piece is one. Each has some
parts of the message, all that was billed until now, and the last says why the message ended.

Rule of this file: what the provider wrote keeps its order and its spelling; only the parts, why
the message ended, the counts of the output side and the response's id are ever replaced.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pichay_core.wire import jsontext, sse
from pichay_core.wire.gemini_parts import place_in
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.shapes import Json, items, mapping, string
from pichay_core.wire.tally import Tally, counts_in

_WRITTEN = ("candidatesTokenCount", "thoughtsTokenCount")
_TOTAL = "totalTokenCount"
_BESIDE = {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"}
"""Members of a response that say nothing which the next does not say too."""
_SILENT = {"content", "index"}
_ENDED = b'{"candidates":[{"content":{"parts":[],"role":"model"},"finishReason":"STOP","index":0}]}'


@dataclass(frozen=True, slots=True)
class Response:
    """One response, and where in it stands what may be replaced."""

    data: bytes
    said: Json
    fields: Mapping[str, Place]
    candidate: Json = field(default_factory=dict[str, object])
    inner: Mapping[str, Place] = field(default_factory=dict[str, Place])
    """The members of its candidate."""
    array: Place | None = None
    """The list of its parts."""
    parts: tuple[bytes, ...] = ()

    @property
    def finish(self) -> str:
        """Why the message ended, in the provider's words; empty where it has not."""
        return string(self.candidate.get("finishReason"))

    @property
    def failed(self) -> bool:
        """True for an error."""
        return "error" in self.said

    @property
    def says_more(self) -> bool:
        """True if it says something beside its parts and what every response says."""
        return not (self.said.keys() <= _BESIDE and self.candidate.keys() <= _SILENT)

    @property
    def id(self) -> bytes | None:
        """Its ``responseId``, as JSON."""
        place = self.fields.get("responseId")
        return None if place is None else self.data[place.start : place.end]


def response_in(data: bytes) -> Response:
    """Return one response. Raises Unreadable if it has another shape, or several candidates."""
    said, fields = mapping(jsontext.value(data)), jsontext.members(data)
    candidates = jsontext.elements(data, fields["candidates"]) if "candidates" in fields else []
    if not candidates:
        return Response(data, said, fields)
    candidate = mapping(items(said["candidates"])[0])
    if len(candidates) > 1 or candidate.get("index", 0) != 0:
        raise Unreadable("there are several candidates")
    inner = jsontext.members(data, candidates[0])
    array = place_in(data, inner.get("content"), "parts")
    places = [] if array is None else jsontext.elements(data, array)
    parts = tuple(data[place.start : place.end] for place in places)
    return Response(data, said, fields, candidate, inner, array, parts)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be another in a response; nothing of what is None, or empty."""

    parts: Sequence[bytes] | None = None
    ends: bool = True
    """False where it may not say that the message has ended."""
    before: Tally = field(default_factory=dict[tuple[str, ...], int])
    """What earlier requests of the same message have written."""
    id: bytes | None = None


def changed(response: Response, change: Change) -> bytes:
    """Return a response with other parts, and so on; the same object if nothing is another."""
    data, edits = response.data, list[tuple[Place, bytes]]()
    if change.parts is not None and response.array and tuple(change.parts) != response.parts:
        edits.append((response.array, b"[" + b",".join(change.parts) + b"]"))
    if not change.ends and response.finish:
        edits.append((response.inner["finishReason"], b"null"))
    if change.id is not None and response.id not in (None, change.id):
        edits.append((response.fields["responseId"], change.id))
    if any(change.before.values()) and (usage := response.fields.get("usageMetadata")):
        edits += _recounted(data, usage, change.before)
    return jsontext.splice(data, edits)


def _recounted(data: bytes, usage: Place, before: Tally) -> Iterator[tuple[Place, bytes]]:
    """Yield the edits that add what was written before to a usage."""
    if data[usage.start : usage.start + 1] != b"{":
        return
    counts, last = jsontext.members(data, usage), usage.end - 1
    adds = {**before, (_TOTAL,): sum(before.values())} if _TOTAL in counts else before
    missing = b""
    for (name,), more in adds.items():
        place = counts.get(name)
        if place is None:
            missing += b',"%b":%d' % (name.encode(), more) if more else b""
        elif data[place.start : place.end].isdigit():
            yield place, b"%d" % (int(data[place.start : place.end]) + more)
    yield Place(last, last), missing if counts else missing[1:]


def tally(response: Response) -> Tally:
    """Return what a response says was written until now."""
    usage = mapping(response.said.get("usageMetadata"))
    return counts_in(((name,), usage.get(name)) for name in _WRITTEN)


def reframed(frame: bytes, data: bytes) -> bytes:
    """Return an event with other data; the same object if it is the same."""
    before = sse.data_of(frame)
    if data == before:
        return frame
    if data.count(b"\n") == before.count(b"\n"):
        return sse.with_data(frame, data)
    # Between the values of JSON a line end is a space, and within them there is none.
    end = b"\r\n\r\n" if frame.endswith(b"\r\n") else b"\n\n"
    return b"data: " + data.replace(b"\n", b" ") + end


def text_event(said: bytes) -> bytes:
    """Return parts as an event of our own."""
    return b'data: {"candidates":[{"content":{"parts":[%b],"role":"model"},"index":0}]}\n\n' % said


def end_event() -> bytes:
    """Return the end of a message as an event of our own."""
    return b"data: " + _ENDED + b"\n\n"


def error_event(why: str) -> bytes:
    """Return an error inside a stream, as the provider has it: no event, the bare object."""
    said = {"code": 503, "message": why, "status": "UNAVAILABLE"}
    return jsontext.encode({"error": said}) + b"\n\n"
