"""Gemini generateContent: how a call to a tool of ours is answered.

Rule of this file: an answer knows the id of its call, which may be empty; the name, which the
provider wants too, is that of the call, and is put in where call and answer are told together.
"""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.gemini_parts import RESPONSE, call_of, place_in
from pichay_core.wire.jsontext import Place
from pichay_core.wire.reply import Leg
from pichay_core.wire.shapes import mapping, string


def answer(call_id: str, text: str, error: bool) -> bytes:
    """Return the result of a call as a part, without the name of the tool.

    What cannot be said in UTF-8 (half of a surrogate pair) becomes a question mark.
    """
    id = b'"id":' + jsontext.encode(_sayable(call_id)) + b"," if call_id else b""
    said = b"error" if error else b"output", jsontext.encode(_sayable(text))
    return b'{"functionResponse":{%b"response":{"%b":%b}}}' % (id, *said)


def _sayable(text: str) -> str:
    return text.encode(errors="replace").decode()


def answers_of(leg: Leg) -> Iterator[bytes]:
    """Yield the answers of a leg with the names of the calls that they answer."""
    hidden = (call_of(mapping(jsontext.value(p.raw))) for p in leg.parts if p.shown is None)
    names = [string(call.get("name")) for call in hidden if call]
    for name, part in zip(names, leg.answers, strict=False):
        place = place_in(part, jsontext.whole(part), RESPONSE)
        start = place.start + 1 if place else 0
        named = b'"name":' + jsontext.encode(name) + b","
        yield jsontext.splice(part, [(Place(start, start), named)] if start else [])
