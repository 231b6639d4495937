"""What clients record, as content blocks of the Anthropic Messages format.

One idea: every format says the same five things (text, thinking, a call, a result, an image);
said in one shape, they are read by the reader of live traffic.
"""

import json
from collections.abc import Mapping
from typing import cast

from pichay_core.wire import jsontext
from pichay_core.wire.shapes import items, mapping, string

type Block = Mapping[str, object]

_TEXTS = ("text", "input_text", "output_text", "summary_text", "tool_output", "inputText")
_IMAGES = ("image", "input_image", "image_url", "inputImage")
_DEEPEST = 100
"""Brackets in arguments that are JSON in a string. Above it they stay a string."""


def text(said: object) -> list[Block]:
    """Return a text block; none for an empty text, which no provider takes."""
    return _text(said) if isinstance(said, str) and said else []


def texts(content: object) -> list[Block]:
    """Return content, a string or a list of parts, as blocks; empty texts are left out."""
    return [block for block in _parts(content) if block.get("text") != ""]


def thinking(said: object) -> Block:
    """Return a thinking block; empty where the client keeps no more than a signature."""
    return {"type": "thinking", "thinking": string(said)}


def call(call_id: object, tool: object, arguments: object) -> Block:
    """Return the call of a tool. ``arguments`` that are no object stand under ``input``."""
    return {
        "type": "tool_use",
        "id": string(call_id),
        "name": string(tool) or "?",
        "input": _arguments(arguments),
    }


def result(call_id: object, content: object, error: object = False) -> Block:
    """Return what a tool answered: text, or blocks if any part of it is not text."""
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": string(call_id)}
    block["content"] = _content(content)
    if error is True:
        block["is_error"] = True
    return block


def image(size: int) -> Block:
    """Return an image of *size* recorded bytes without its data: no page, and no text either."""
    return {"type": "image", "source": {"type": "omitted", "bytes": size}}


def dumped(item: object) -> str:
    """Return an object that stands where text is expected as JSON text."""
    return json.dumps(item, ensure_ascii=False)


def _arguments(given: object) -> Block:
    said = _decoded(given) if isinstance(given, str) else given
    named = mapping(said)
    return named if named or not said else {"input": said}


def _decoded(given: str) -> object:
    if given.count("{") + given.count("[") > _DEEPEST:
        return given
    try:
        return jsontext.value(given.encode())
    except jsontext.Unreadable:
        return given


def _content(content: object) -> object:
    """Return a result as the text it is, or else as blocks."""
    if content is None:
        return ""
    return content if isinstance(content, str) else _parts(content)


def _parts(content: object) -> list[Block]:
    """Return content as blocks. A part of an unknown kind stays as it came: it is opaque."""
    match content:
        case None:
            return _text("")
        case str():
            return _text(content)
        case list():
            return [block for part in items(cast("object", content)) for block in _parts(part)]
        case dict():
            return _part(mapping(cast("object", content)))
        case _:
            return _text(dumped(content))


def _part(part: Block) -> list[Block]:
    kind = string(part.get("type"))
    if kind in _IMAGES:
        return [image(_image_size(part))]
    if kind in _TEXTS or (not kind and "text" in part):
        return _parts(part.get("text"))
    return [part] if kind else _text(dumped(part))


def _text(said: str) -> list[Block]:
    return [{"type": "text", "text": said}]


def _image_size(part: Block) -> int:
    source = mapping(part.get("source"))
    size = source.get("bytes")
    if isinstance(size, int):
        return size
    address = part.get("image_url")
    url = string(mapping(address).get("url")) or string(address)
    return len(string(source.get("data")) or string(part.get("data")) or url)
