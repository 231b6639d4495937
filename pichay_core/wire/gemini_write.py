"""Gemini generateContent: how one message is written anew.

Rule of this file: bytes are spliced into the client's own text; what is not named by an edit
stays as it came. A result stays an object with its name, its id and its place: where it held one
text, that is another now, and any other is ``{"output": text}``.
"""

from collections.abc import Iterable

from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.gemini_parts import RESPONSE, part_places, place_in
from pichay_core.wire.jsontext import Place


def write(raw: bytes, edits: Edits) -> bytes:
    """Return the message with new texts and a note; the rest as it came."""
    if not (edits.texts or edits.said or edits.note):
        return raw
    listed = b"[" + raw + b"]"
    contents = jsontext.elements(listed, Place(0, len(listed)))
    places = part_places(listed, contents)
    spliced = [_said(listed, places[at], new) for at, new in edits.said.items()]
    spliced += [_result(listed, places[at], new) for at, new in edits.texts.items()]
    if edits.note and contents:
        spliced.append(_note(listed, contents[-1], edits.note))
    written = jsontext.splice(listed, [edit for edits in spliced for edit in edits])
    return raw if written is listed else written[1:-1]


def _said(text: bytes, part: Place, new: str) -> list[tuple[Place, bytes]]:
    place = place_in(text, part, "text")
    return [] if place is None else [(place, jsontext.encode(new))]


def _result(text: bytes, part: Place, new: str) -> list[tuple[Place, bytes]]:
    place = place_in(text, place_in(text, part, RESPONSE), "response")
    if place is None:
        return []
    if text[place.start : place.start + 1] == b"{":
        match list(jsontext.members(text, place).items()):
            case [("output" | "error", inner)] if text[inner.start : inner.start + 1] == b'"':
                return [(inner, jsontext.encode(new))]
            case _:
                pass
    return [(place, b'{"output":' + jsontext.encode(new) + b"}")]


def _note(text: bytes, content: Place, note: str) -> list[tuple[Place, bytes]]:
    parts = place_in(text, content, "parts")
    if parts is None:
        return []
    part, end = b"," + text_part(note), Place(parts.end - 1, parts.end - 1)
    if text[parts.start : parts.start + 1] == b"{":
        return [(parts, b"[" + text[parts.start : parts.end] + part + b"]")]
    return [(end, part)] if part_places(text, [content]) else []


def text_part(said: str) -> bytes:
    """Return a part that says this."""
    return b'{"text":' + jsontext.encode(said) + b"}"


def content(role: str, parts: Iterable[bytes]) -> bytes:
    """Return a content of these parts."""
    return b'{"role":"%b","parts":[%b]}' % (role.encode(), b",".join(parts))


def user_says(text: str) -> bytes:
    """Return a message of the user that says this."""
    return content("user", [text_part(text)])
