"""Chat Completions: how one message is written anew, and as plain text.

Rule of this file: bytes are spliced into the client's own text; what is not named by an edit
stays as it came. A string stays a string, unless a cache marker must stand on it. Where a message
ends in a result, a note stands at the end of that result: some hosts take no message of the user
there.
"""

from collections.abc import Iterator, Mapping

from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.jsontext import Place
from pichay_core.wire.openai_chat_head import told
from pichay_core.wire.openai_chat_items import (
    MARKERS,
    TOOL,
    called,
    calls,
    items_of,
    kind_of,
    others,
    parts,
)
from pichay_core.wire.shapes import Json, mapping, string


def write(raw: bytes, edits: Edits) -> bytes:
    """Return the message with new texts, cache markers and a note; the rest as it came."""
    text = b"[" + raw + b"]"
    places = jsontext.elements(text, jsontext.whole(text))
    contents = {at: place for at, item in enumerate(places) if (place := _content(text, item))}
    if 0 not in contents:
        return raw
    said = mapping(jsontext.value(text, places[0]))
    answers, last = said.get("role") == TOOL, len(places) - 1
    spliced = (
        _answers(text, contents, edits, last) if answers else _others(text, contents[0], edits)
    )
    return jsontext.splice(text, spliced)[1:-1]


def _content(text: bytes, item: Place) -> Place | None:
    is_object = text[item.start : item.start + 1] == b"{"
    return jsontext.members(text, item).get("content") if is_object else None


def _answers(
    text: bytes, contents: Mapping[int, Place], edits: Edits, last: int
) -> Iterator[tuple[Place, bytes]]:
    """Yield the new contents of results, one for each that is edited."""
    noted = {last} if edits.note else set[int]()
    for at in sorted((edits.texts.keys() | edits.markers.keys() | noted) & contents.keys()):
        place = contents[at]
        new = text[place.start : place.end]
        if at in edits.texts:
            new = replaced(new, jsontext.encode(edits.texts[at]))
        if at in edits.markers:
            new = _marked(new, -1, edits.markers[at])
        if at in noted:
            new = told(new, edits.note)
        yield place, new


def _others(text: bytes, place: Place, edits: Edits) -> Iterator[tuple[Place, bytes]]:
    """Yield the new content of a message that is no result."""
    came = new = text[place.start : place.end]
    for at, said in edits.said.items():
        new = _said(new, at, said)
    for at, ttl in edits.markers.items():
        new = _marked(new, at, ttl)
    new = told(new, edits.note) if edits.note else new
    if new != came:
        yield place, new


def replaced(content: bytes, text: bytes) -> bytes:
    """Return a text, as JSON, in the shape of a content: a list where a cache marker stood in it.

    OpenAI's marker is a breakpoint of another name: it is carried over likewise.
    """
    kept = [marker for part in _parts(content) for marker in _markers(content, part)][:1]
    return b'[{"type":"text","text":' + text + b"," + kept[0] + b"}]" if kept else text


def _said(content: bytes, at: int, text: str) -> bytes:
    """Return the content with another text in one of its parts."""
    if content[:1] == b'"':
        return jsontext.encode(text) if at == 0 else content
    place = _parts(content)[at]
    fields = jsontext.members(content, place)
    return jsontext.splice(content, [(fields["text"], jsontext.encode(text))])


def _marked(content: bytes, at: int, ttl: str) -> bytes:
    """Return the content with a cache marker on one of its parts, if it has none."""
    marker = b'"cache_control":' + _MARKERS[ttl]
    if content[:1] == b'"':
        return b'[{"type":"text","text":' + content + b"," + marker + b"}]"
    places = _parts(content)
    if not -1 <= at < len(places) or not places or _markers(content, places[at]):
        return content
    end = Place(places[at].end - 1, places[at].end - 1)
    return jsontext.splice(content, [(end, b"," + marker)])


_MARKERS = {"5m": b'{"type":"ephemeral"}', "1h": b'{"type":"ephemeral","ttl":"1h"}'}


def _parts(content: bytes) -> list[Place]:
    """Say where the parts of a list stand that are objects with something in them."""
    if content[:1] != b"[":
        return []
    return jsontext.elements(content, Place(0, len(content)))


def _markers(content: bytes, part: Place) -> list[bytes]:
    """Return the cache markers of a part as they came: members of it."""
    if content[part.start : part.start + 1] != b"{":
        return []
    fields = jsontext.members(content, part)
    found = ((name, content[fields[name].start : fields[name].end])
             for name in MARKERS if name in fields)  # fmt: skip
    return [jsontext.encode(name) + b":" + said for name, said in found if said[:1] == b"{"]


def plain(raw: bytes) -> str:
    """Return what a message says: texts, calls with their arguments, results; no thinking."""
    return "\n".join(part for item in items_of(raw) for part in _plain(item))


def _plain(item: Json) -> Iterator[str]:
    if item.get("role") == TOOL:
        yield "[result]"
    for part in parts(item):
        match part:
            case {"type": "text", "text": str(text)}:
                yield text
            case {"type": "thinking"}:
                pass
            case _:
                yield f"[{kind_of(part) or 'something'}, not kept]"
    for call in calls(item):
        _, tool, arguments = called(call)
        yield f"[call of {tool}] {jsontext.encode(arguments).decode()}"
    for what in others(item):
        yield f"[{what}, not kept]"


def user_says(text: str) -> bytes:
    """Return a message of the user that says this."""
    return b'{"role":"user","content":' + jsontext.encode(text) + b"}"


def said(raw: bytes, block: int) -> str | None:
    """Return the text of the text in *block*, None if there is none."""
    found = [part for item in items_of(raw)[:1] for part in parts(item)]
    is_text = block < len(found) and found[block].get("type") == "text"
    return string(found[block].get("text")) if is_text else None
