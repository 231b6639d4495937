"""OpenAI Responses: how one message is written anew.

Rule of this file: bytes are spliced into the client's own text; what is not named by an edit stays
as it came. There are no cache markers to add, and nothing of the model's is left out.
"""

from collections.abc import Iterator, Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.jsontext import Place
from pichay_core.wire.openai_responses_items import (
    MARKERS,
    Unit,
    kind_of,
    output_of,
    places_of,
    units,
)
from pichay_core.wire.openai_responses_plain import user_says
from pichay_core.wire.shapes import mapping

_EXITED = b'{"type":"exit","exit_code":0}'


def write(raw: bytes, edits: Edits) -> bytes:
    """Return the message with new texts and a note; the rest as it came."""
    if not (edits.texts or edits.said or edits.note) or raw[:1] == b'"':
        return raw
    listed, places = places_of(raw)
    found = list(units([mapping(jsontext.value(listed, place)) for place in places]))
    spliced = [edit for block, new in edits.texts.items()
               for edit in _answered(listed, places, found[block], new)]  # fmt: skip
    spliced += [edit for block, new in edits.said.items()
                for edit in _said(listed, places, found[block], new)]  # fmt: skip
    if edits.note and places:
        end = places[-1].end
        spliced.append((Place(end, end), b"," + user_says(edits.note)))
    return jsontext.splice(listed, spliced)[1:-1]


def _answered(
    listed: bytes, places: Sequence[Place], unit: Unit, new: str
) -> Iterator[tuple[Place, bytes]]:
    """Yield the edit that puts a text in place of an answer, with as much of its head as is kept.

    A list that holds a cache marker becomes one part with the marker, since the next request
    reads the cache there.
    """
    place = jsontext.members(listed, places[unit.item]).get("output")
    said = output_of(unit.said)
    if place is None or said is None or unit.type != "tool_result":
        return
    if kind_of(unit.said) == "shell_call_output":
        yield place, _shell_output(listed, place, new)
        return
    encoded = jsontext.encode(said.kept + new)
    marker = next(_markers(listed, place), None)
    part = b'[{"type":"input_text","text":%b,%b}]'
    yield place, encoded if marker is None else part % (encoded, marker)


def _shell_output(listed: bytes, place: Place, new: str) -> bytes:
    """Return the outputs of a shell as one, which ends as the last of them."""
    outcome = _EXITED
    for part in _elements(listed, place):
        if (found := jsontext.members(listed, part).get("outcome")) is not None:
            outcome = listed[found.start : found.end]
    return b'[{"stdout":%b,"stderr":"","outcome":%b}]' % (jsontext.encode(new), outcome)


def _markers(listed: bytes, place: Place) -> Iterator[bytes]:
    for part in _elements(listed, place):
        fields = jsontext.members(listed, part)
        for name in MARKERS:
            if (found := fields.get(name)) and listed[found.start : found.end] != b"null":
                yield jsontext.encode(name) + b":" + listed[found.start : found.end]


def _elements(listed: bytes, place: Place) -> Iterator[Place]:
    if listed[place.start : place.start + 1] == b"[":
        for part in jsontext.elements(listed, place):
            if listed[part.start : part.start + 1] == b"{":
                yield part


def _said(
    listed: bytes, places: Sequence[Place], unit: Unit, new: str
) -> Iterator[tuple[Place, bytes]]:
    """Yield the edit that puts a text in place of one of a message."""
    content = jsontext.members(listed, places[unit.item]).get("content")
    if content is None or unit.type != "text":
        return
    if unit.part is None:
        yield content, jsontext.encode(new)
        return
    part = jsontext.elements(listed, content)[unit.part]
    if (place := jsontext.members(listed, part).get("text")) is not None:
        yield place, jsontext.encode(new)
