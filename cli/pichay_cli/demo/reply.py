"""A reply of the scripted model, and the two forms in which it goes over the wire.

Rule of this file: the same reply gives the same bytes. A stream and a whole message say the
same thing; the tests put them side by side.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pichay_cli.demo.places import Json, tokens_of
from pichay_core.model import Usage

PIECE = 48
"""Letters in one delta."""


@dataclass(frozen=True, slots=True)
class Text:
    """Something said to the person at the keyboard."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning, with the signature that a client must send back untouched."""

    thinking: str
    signature: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool of the client."""

    id: str
    name: str
    input: Mapping[str, Any]


type Block = Text | Thinking | ToolUse


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says at one point of a conversation."""

    blocks: tuple[Block, ...]

    @property
    def stop_reason(self) -> str:
        """``tool_use`` if it waits for a result, else ``end_turn``."""
        return "tool_use" if any(isinstance(b, ToolUse) for b in self.blocks) else "end_turn"

    @property
    def tokens(self) -> int:
        """How many output tokens are billed."""
        return 4 + sum(tokens_of("".join(_pieces_of(block))) for block in self.blocks)


def usage_fields(usage: Usage) -> Json:
    """Return the usage as the provider reports it."""
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "service_tier": "standard",
    }


def message(reply: Reply, name: str, model: str, usage: Usage) -> Json:
    """Return the whole message, as a request without ``stream`` gets it."""
    return _envelope(name, model, usage) | {
        "content": [_whole(block) for block in reply.blocks],
        "stop_reason": reply.stop_reason,
    }


def frames(reply: Reply, name: str, model: str, usage: Usage) -> Iterator[bytes]:
    """Yield the events of the stream, one whole event at a time."""
    start = _envelope(name, model, usage)
    start["usage"] = start["usage"] | {"output_tokens": 1}
    yield _frame("message_start", message=start)
    for index, block in enumerate(reply.blocks):
        yield _frame("content_block_start", index=index, content_block=_opening(block))
        if not index:
            yield _frame("ping")
        for delta in _deltas(block):
            yield _frame("content_block_delta", index=index, delta=delta)
        yield _frame("content_block_stop", index=index)
    ending = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    yield _frame("message_delta", delta=ending, usage=usage_fields(usage))
    yield _frame("message_stop")


def error(kind: str, text: str) -> bytes:
    """Return the body of an error, as the provider writes it."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": text}}).encode()


def _envelope(name: str, model: str, usage: Usage) -> Json:
    return {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_fields(usage),
    }


def _whole(block: Block) -> Json:
    match block:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(thinking, signature):
            return {"type": "thinking", "thinking": thinking, "signature": signature}
        case ToolUse(name, tool, arguments):
            return {"type": "tool_use", "id": name, "name": tool, "input": dict(arguments)}


def _opening(block: Block) -> Json:
    match block:
        case Text():
            return {"type": "text", "text": ""}
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolUse(name, tool):
            return {"type": "tool_use", "id": name, "name": tool, "input": {}}


def _deltas(block: Block) -> Iterator[Json]:
    match block:
        case Text():
            yield from ({"type": "text_delta", "text": piece} for piece in _pieces_of(block))
        case Thinking():
            for piece in _pieces_of(block):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block.signature}
        case ToolUse():
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in _pieces_of(block):
                yield {"type": "input_json_delta", "partial_json": piece}


def _pieces_of(block: Block) -> list[str]:
    match block:
        case Text(text) | Thinking(text):
            whole = text
        case ToolUse():
            whole = json.dumps(dict(block.input), ensure_ascii=False)
    return [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]


def _frame(event: str, **fields: object) -> bytes:
    data = json.dumps({"type": event, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event}\ndata: {data}\n\n".encode()
