"""Recordings made for the tests, and conversations in a form that a test can compare whole."""

import json
from typing import Any

from pichay_core import traces
from pichay_core.traces import Conversation, Trace
from pichay_core.wire.message import Message

type Json = dict[str, Any]

REQUEST_AT = 1767225600.0
"""2026-01-01T00:00:00Z"""


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def time(seconds: int) -> str:
    return f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}.000Z"


def read(*records: object) -> Trace:
    """Read JSON Lines; one record alone is a whole file."""
    data = lines(*records) if len(records) > 1 else json.dumps(records[0]).encode()
    return traces.read("it", data)


def only(trace: Trace) -> Conversation:
    (conversation,) = trace.conversations
    return conversation


def shown(conversation: Conversation) -> list[tuple[int, list[str], str | None]]:
    """Each step: how many messages it keeps, what follows them, the reply."""
    return [
        (step.keeps, [show(said) for said in step.new], step.reply and show(step.reply))
        for step in conversation.steps
    ]


def show(message: Message) -> str:
    content = json.loads(message.raw)["content"]
    return " ".join([f"{message.role[0]}:", *(_block(block) for block in content)])


def _block(block: Json) -> str:
    match block["type"]:
        case "text":
            return block["text"]
        case "thinking":
            return f"({block['thinking']})"
        case "tool_use":
            return f"{block['name']}[{block['id']}]"
        case "tool_result":
            error = "!" if block.get("is_error") else ""
            return f"{block['tool_use_id']}{error}={_content(block['content'])}"
        case kind:
            return f"<{kind}>"


def _content(content: Any) -> str:
    return content if isinstance(content, str) else "+".join(_block(part) for part in content)
