"""Anthropic Messages: how one message is written anew.

Rule of this file: bytes are spliced into the client's own text; what is not named by an edit
stays as it came. Thinking leaves a message whole or not at all, and never leaves it empty.
"""

from collections.abc import Iterable, Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import THINKING


def write(raw: bytes, edits: Edits) -> bytes:
    """Return the message with new texts, cache markers and a note; the rest as it came."""
    content = jsontext.members(raw).get("content")
    if content is None:
        return raw
    match raw[content.start : content.start + 1]:
        case b"[":
            return _write_blocks(raw, jsontext.elements(raw, content), edits)
        case b'"' if edits.said or edits.note:
            return jsontext.splice(raw, [(content, _written_text(raw, content, edits))])
        case _:
            return raw


def _write_blocks(raw: bytes, places: Sequence[Place], edits: Edits) -> bytes:
    spliced: list[tuple[Place, bytes]] = []
    for position, new in edits.said.items():
        if (place := jsontext.members(raw, places[position]).get("text")) is not None:
            spliced.append((place, jsontext.encode(new)))
    for position, new in edits.texts.items():
        spliced += _replace_content(raw, places[position], new)
    for position, ttl in edits.markers.items():
        spliced += _add_marker(raw, places[position], ttl)
    if edits.unthought:
        spliced += _without(places, [_is_thinking(raw, place) for place in places])
    if edits.note and places:
        end = Place(places[-1].end, places[-1].end)
        spliced.append((end, b"," + _text_block(jsontext.encode(edits.note))))
    return jsontext.splice(raw, spliced)


def _written_text(raw: bytes, content: Place, edits: Edits) -> bytes:
    """Return content that came as a string: with a note behind it, as two blocks."""
    came = raw[content.start : content.end]
    text = jsontext.encode(edits.said[0]) if 0 in edits.said else came
    if not edits.note:
        return text
    return b"[" + _text_block(text) + b"," + _text_block(jsontext.encode(edits.note)) + b"]"


def _text_block(text: bytes) -> bytes:
    return b'{"type":"text","text":' + text + b"}"


def _is_thinking(raw: bytes, block: Place) -> bool:
    kind = jsontext.members(raw, block).get("type")
    return kind is not None and jsontext.value(raw, kind) in THINKING


def _without(places: Sequence[Place], gone: Sequence[bool]) -> Iterable[tuple[Place, bytes]]:
    """Yield the edits that take these blocks out, each with one comma; none if none would stay."""
    if all(gone):
        return
    last = max(position for position, out in enumerate(gone) if not out)
    for position in range(last):
        if gone[position]:
            yield Place(places[position].start, places[position + 1].start), b""
    if last + 1 < len(places):
        yield Place(places[last].end, places[-1].end), b""


def _replace_content(raw: bytes, block: Place, new: str) -> list[tuple[Place, bytes]]:
    place = jsontext.members(raw, block).get("content")
    if place is None:
        return []
    marker = next(iter(_inner_markers(raw, place)), None)
    encoded = jsontext.encode(new)
    if marker is None:
        return [(place, encoded)]
    part = b'[{"type":"text","text":' + encoded + b',"cache_control":' + marker + b"}]"
    return [(place, part)]


def _inner_markers(raw: bytes, content: Place) -> Iterable[bytes]:
    """Yield the cache markers inside a list-shaped result: they must survive its text."""
    if raw[content.start : content.start + 1] != b"[":
        return
    for item in jsontext.elements(raw, content):
        if raw[item.start : item.start + 1] == b"{":
            marker = jsontext.members(raw, item).get("cache_control")
            if marker and raw[marker.start : marker.start + 1] == b"{":
                yield raw[marker.start : marker.end]


def _add_marker(raw: bytes, block: Place, ttl: str) -> list[tuple[Place, bytes]]:
    fields = jsontext.members(raw, block)
    if not fields or "cache_control" in fields:
        return []
    marker = b'{"type":"ephemeral"}' if ttl == "5m" else b'{"type":"ephemeral","ttl":"1h"}'
    end = Place(block.end - 1, block.end - 1)
    return [(end, b',"cache_control":' + marker)]
