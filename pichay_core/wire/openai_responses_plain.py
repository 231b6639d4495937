"""OpenAI Responses: a message as plain text, to be read again, and a message of ours."""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.openai_responses_items import (
    CALLS,
    Unit,
    items_of,
    kind_of,
    output_of,
    tool_of,
    units,
)
from pichay_core.wire.shapes import string


def plain(raw: bytes) -> str:
    """Return what a message says: texts, calls with their arguments, answers; no reasoning."""
    return "\n".join(part for unit in units(items_of(raw)) for part in _said(unit))


def user_says(text: str) -> bytes:
    """Return a message of the user that says this."""
    part = b'{"type":"input_text","text":' + jsontext.encode(text) + b"}"
    return b'{"type":"message","role":"user","content":[' + part + b"]}"


def _said(unit: Unit) -> Iterator[str]:
    kind = kind_of(unit.said)
    match unit.type:
        case "text":
            yield string(unit.said.get("text"))
        case "tool_use":
            yield f"[call of {tool_of(unit.said)}] {_json(unit.said.get(CALLS[kind]))}"
        case "tool_result":
            answered = output_of(unit.said)
            yield "[result, an error]" if answered and answered.failed else "[result]"
            yield answered.text if answered else f"[{kind}, not kept]"
        case "reasoning":
            return
        case named:
            yield f"[{named}, not kept]"


def _json(item: object) -> str:
    return item if isinstance(item, str) else jsontext.encode(item).decode()
