"""Anthropic Messages: a message as plain text, to be read again, and a message of ours."""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import content_blocks
from pichay_core.wire.shapes import Json, mapping, string


def plain(raw: bytes) -> str:
    """Return what a message says: texts, calls with their arguments, results; no thinking."""
    blocks = content_blocks(mapping(jsontext.value(raw)).get("content"))
    return "\n".join(part for block in blocks for part in _said(block))


def user_says(text: str) -> bytes:
    """Return a message of the user that says this."""
    return b'{"role":"user","content":[{"type":"text","text":' + jsontext.encode(text) + b"}]}"


def _said(block: Json) -> Iterator[str]:
    match block:
        case {"type": "text", "text": str(text)}:
            yield text
        case {"type": "tool_use", "name": str(tool)}:
            yield f"[call of {tool}] {_json(block.get('input'))}"
        case {"type": "tool_result"}:
            failed = ", an error" if block.get("is_error") is True else ""
            yield f"[result{failed}]"
            for part in content_blocks(block.get("content")):
                yield from _said(part)
        case {"type": "thinking" | "redacted_thinking"}:
            return
        case {"type": "server_tool_use", "name": str(tool)}:
            yield f"[call of {tool}, which the provider answers] {_json(block.get('input'))}"
        case _:
            yield f"[{string(block.get('type')) or 'something'}, not kept]"


def _json(item: object) -> str:
    return jsontext.encode(item).decode()
