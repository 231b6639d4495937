"""Gemini generateContent: the shapes that contents and parts come in, read the same everywhere.

Rule of this file: both spellings of a name are read, ``functionCall`` and ``function_call``: the
provider takes either (protocol buffers' JSON mapping). What has neither is a part like any other.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.clientstubs import sets_the_scene
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import Json, items, mapping, string

MODEL = "model"
THOUGHT = "thought"
CALL, RESPONSE, SIGNATURE = "functionCall", "functionResponse", "thoughtSignature"

_CANONICAL = msgspec.json.Encoder(order="sorted")
_SNAKE = {
    CALL: "function_call",
    RESPONSE: "function_response",
    SIGNATURE: "thought_signature",
    "functionDeclarations": "function_declarations",
    "inlineData": "inline_data",
    "mimeType": "mime_type",
    "parametersJsonSchema": "parameters_json_schema",
    "functionCallingConfig": "function_calling_config",
    "allowedFunctionNames": "allowed_function_names",
}


def named[T](fields: Mapping[str, T], name: str) -> T | None:
    """Return a member by its name, in either spelling; None if it is absent."""
    found = fields.get(name)
    return fields.get(_SNAKE[name]) if found is None and name in _SNAKE else found


def call_of(part: Json) -> Json:
    """Return the call that a part makes; empty if it makes none."""
    return mapping(named(part, CALL))


def response_of(part: Json) -> Json:
    """Return the result that a part holds; empty if it holds none."""
    return mapping(named(part, RESPONSE))


def is_thought(part: Json) -> bool:
    """True for what the provider shows of the model's thinking; it is never sent to the model."""
    return part.get("thought") is True


def text_of(part: Json) -> str | None:
    """Return the text of a part that is text, and no thought; None for any other."""
    text = part.get("text")
    return text if isinstance(text, str) and not is_thought(part) else None


def kind_of(part: Json) -> str:
    """Return what a part is, in the words of the core where it has one."""
    if is_thought(part):
        return THOUGHT
    if text_of(part) is not None:
        return "text"
    if call_of(part):
        return "tool_use"
    if response_of(part):
        return "tool_result"
    if string(named(mapping(named(part, "inlineData")), "mimeType")).startswith("image/"):
        return "image"
    return next((name for name in part if name != SIGNATURE), "")


def id_of(call: Json) -> str:
    """Return the id of a call or a result; empty if it has none: then its place tells."""
    return string(call.get("id"))


def contents_of(raw: bytes) -> list[Json]:
    """Return the contents that a message is made of."""
    return [mapping(content) for content in items(jsontext.value(b"[" + raw + b"]"))]


def parts_of(raw: bytes) -> list[Json]:
    """Return the parts of a message."""
    return [part for content in contents_of(raw) for part in parts_in(content)]


def parts_in(content: object) -> list[Json]:
    """Return the parts of one content; one that stands without a list is one."""
    parts = mapping(content).get("parts")
    found = [cast("object", parts)] if isinstance(parts, dict) else items(parts)
    return [mapping(part) for part in found]


def texts_of(parts: Iterable[Json]) -> Iterator[str]:
    """Yield what is said in texts: not where a client only says where it is."""
    found = (text_of(part) for part in parts)
    return (text for text in found if text is not None and not sets_the_scene(text))


def result_text(response: Json) -> str | None:
    """Return what the model reads of a result; None if it holds more than text."""
    if items(response.get("parts")):
        return None
    said = response.get("response")
    match said:
        case {"output": str(text)} | {"error": str(text)} if len(mapping(said)) == 1:
            return text
        case None:
            return ""
        case _:
            return jsontext.encode(said).decode()


def is_error(response: Json) -> bool:
    """True if a result says nothing but what went wrong."""
    return list(mapping(response.get("response"))) == ["error"]


def unsigned(part: Json) -> Json:
    """Return a part without its signature."""
    return {name: said for name, said in part.items() if name not in (SIGNATURE, _SNAKE[SIGNATURE])}


def identity_of(role: str, parts: Sequence[Json]) -> bytes:
    """Hash what one side says, without what gemini-cli leaves out of older turns, or changes.

    That is: thoughts, signatures, and in what the model says the space around a text and where
    one piece of it ends. Items of one side count as one.
    """
    said = [unsigned(part) for part in parts if not is_thought(part)]
    plain = list(_joined(said)) if role == "assistant" else said
    return hashlib.blake2b(_CANONICAL.encode([role, plain]), digest_size=16).digest()


def _joined(parts: Iterable[Json]) -> Iterator[Json]:
    text = ""
    for part in parts:
        if list(part) == ["text"]:
            text += string(part["text"])
            continue
        if text.strip():
            yield {"text": text.strip()}
        text = ""
        yield part
    if text.strip():
        yield {"text": text.strip()}


def known_by(part: Json) -> str:
    """Return what a part of a reply is known by, in the reply and in the history alike.

    gemini-cli gives calls ids of its own making, so a call is known by its name and arguments; it
    trims texts and joins them, so of a text all of it is kept.
    """
    if is_thought(part):
        return THOUGHT
    if (text := text_of(part)) is not None:
        return TEXT + text
    if call := call_of(part):
        return f"call {string(call.get('name'))} {_digest(call.get('args') or {})}"
    return "other " + _digest(unsigned(part))


TEXT = "text "
"""How begins what a text is known by."""


def _digest(said: object) -> str:
    return hashlib.blake2b(_CANONICAL.encode(said), digest_size=12).hexdigest()


# -- places -------------------------------------------------------------------------------


def part_places(text: bytes, contents: Iterable[Place]) -> list[Place]:
    """Say where each part of some contents stands."""
    return [place for content in contents for place in _part_places(text, content)]


def _part_places(text: bytes, content: Place) -> list[Place]:
    place = place_in(text, content, "parts")
    if place is None:
        return []
    match text[place.start : place.start + 1]:
        case b"[":
            return jsontext.elements(text, place)
        case b"{":
            return [place]
        case _:
            return []


def place_in(text: bytes, place: Place | None, name: str) -> Place | None:
    """Say where a member of the object at a place stands; None if there is none."""
    if place is None or text[place.start : place.start + 1] != b"{":
        return None
    return named(jsontext.members(text, place), name)
