"""Anthropic Messages: the events of a streamed reply, edited by place, or of our own making.

Rule of this file: an event that the provider wrote keeps its lines, its order and its spelling;
only the number of a block, the text of one piece, why the message ended and how much was written
are ever replaced. Raises Unreadable where an event has no such place.
Source: https://docs.claude.com/en/docs/build-with-claude/streaming
"""

import re
from collections.abc import Iterator

from pichay_core.wire import jsontext, sse
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.shapes import Json, mapping
from pichay_core.wire.tally import Tally, counts_in

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOPPED = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_FIRST = re.compile(rb'\s*\{\s*"type"\s*:\s*"(\w*)"\s*,\s*"index"\s*:\s*(\d{1,9})\s*[,}]')
"""An event that begins as the provider's do, up to the number of its block."""

_COUNT = "output_tokens"
_GROUPS = ("output_tokens_details", "server_tool_use")


def renumbered(frame: bytes, index: int) -> bytes:
    """Return the event as one of the block with this index."""
    data = sse.data_of(frame)
    return sse.spliced(frame, data, [(_index(data), b"%d" % index)])


def outside(data: bytes) -> Json:
    """Return the type and the block of an event that cannot be read; nothing if it hides them.

    Half of a surrogate pair is no text, but the event that brings it has its place.
    """
    found = _FIRST.match(data)
    return {"type": found[1].decode(), "index": int(found[2])} if found else {}


def with_text(frame: bytes, index: int, text: str) -> bytes:
    """Return the start of a text, or a piece of one, with another text in it."""
    data = sse.data_of(frame)
    fields = jsontext.members(data)
    inner = fields.get("delta") or fields.get("content_block")
    place = jsontext.members(data, inner).get("text") if inner else None
    if place is None or "index" not in fields:
        raise Unreadable("there is no text")
    return sse.spliced(
        frame, data, [(fields["index"], b"%d" % index), (place, jsontext.encode(text))]
    )


def ended(frame: bytes, stop: str | None, totals: Tally) -> bytes:
    """Return a ``message_delta`` with this stop reason (None: its own) and these counts."""
    data = sse.data_of(frame)
    fields = jsontext.members(data)
    edits = list[tuple[Place, bytes]]()
    if stop is not None:
        place = jsontext.below(data, jsontext.whole(data), ("delta", "stop_reason"))
        edits += [] if place is None else [(place, jsontext.encode(stop))]
    if "usage" in fields:
        edits += recounted(data, fields["usage"], totals)
    return sse.spliced(frame, data, edits)


def tally(usage: Json) -> Tally:
    """Return what a usage counts on the output side."""
    grouped = ((group, mapping(usage.get(group))) for group in _GROUPS)
    counts: dict[tuple[str, ...], object] = {
        (group, name): count for group, members in grouped for name, count in members.items()
    }
    counts[(_COUNT,)] = usage.get(_COUNT)
    return counts_in(counts.items())


def recounted(text: bytes, usage: Place, totals: Tally) -> Iterator[tuple[Place, bytes]]:
    """Yield the edits that put totals where a usage has a count."""
    for path, total in totals.items():
        place = jsontext.below(text, usage, path)
        if place is not None and text[place.start : place.end].isdigit():
            yield place, b"%d" % total


def text_event(index: int, text: str) -> bytes:
    """Return a piece of text as an event of our own."""
    delta = {"type": "text_delta", "text": text}
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def stop_event(index: int) -> bytes:
    """Return the end of a block as an event of our own."""
    return _event({"type": "content_block_stop", "index": index})


def end_event(stop: str, totals: Tally) -> bytes:
    """Return the end of a message as an event of our own."""
    delta = {"stop_reason": stop, "stop_sequence": None}
    usage = {_COUNT: totals.get((_COUNT,), 0)}
    return _event({"type": "message_delta", "delta": delta, "usage": usage})


def error_event(why: str) -> bytes:
    """Return an error inside a stream, as the provider would say that it has one."""
    return _event({"type": "error", "error": {"type": "api_error", "message": why}})


def _event(said: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(said["type"]).encode(), jsontext.encode(said))


def _index(data: bytes) -> Place:
    """Say where the number of the block stands: soon found where it stands as usual, and once."""
    if (found := _FIRST.match(data)) and data.count(b'"index"') == 1:
        return Place(*found.span(2))
    place = jsontext.members(data).get("index")
    if place is None:
        raise Unreadable("there is no index")
    return place
