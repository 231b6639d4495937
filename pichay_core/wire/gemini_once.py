"""Gemini generateContent: tool results that a client sends twice are sent once.

gemini-cli 0.61 sends each result of before twice in one content after ``--resume``: the same id,
the same words. What the model asked for once is answered once: so the history that goes upstream
is the one that went there before the client was started again, and it has as many results as calls.

Rule of this file: the first stays, and only a later part that says the very same, under the same
id, in the same content, is left out.
"""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.gemini_parts import id_of, part_places, response_of
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import mapping

_WORDS = (b'"functionResponse"', b'"function_response"')


def twice(body: bytes, content: Place) -> Iterator[tuple[Place, bytes]]:
    """Yield the edits that leave out each result that stands in a content already."""
    if sum(body.count(word, content.start, content.end) for word in _WORDS) < 2:
        return
    places = part_places(body, [content])
    seen = dict[str, list[object]]()
    for position, place in enumerate(places):
        part = mapping(jsontext.value(body, place))
        id = id_of(response_of(part))
        if part in seen.get(id, ()) and id:
            yield Place(places[position - 1].end, place.end), b""
        else:
            seen.setdefault(id, []).append(part)
