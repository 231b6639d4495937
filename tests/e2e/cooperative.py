"""A conversation in which everything that a model can ask of its memory happens, step by step."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.builders import prose, unmarked
from tests.replies import call, text

type Json = dict[str, Any]

NAMES = re.compile(r"(?<=[Pp]age )[A-Z2-7]{8}|(?<=memory_)[a-z2-7]{8}(?=>| )")
"""What comes from the secret of a session."""
MODEL = "claude-sonnet-4-5"
FIELDS: Json = {
    "model": MODEL, "max_tokens": 100, "stream": True,
    "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("Read", "Bash")],
}  # fmt: skip
SIZES = {"large.py": 320_000}
"""Bytes of a file, where it is no usual one: this one brings the window into a zone."""


def read(path):
    return call("Read", f"toolu_{path[:-3]}", file_path=path)


def recall(path, number):
    return call("memory_fault", f"toolu_m{number}", pages=[path])


def tagged(body):
    """A text with a tag in it, as the model was told of it."""
    nonce = re.search(r"<memory_([a-z2-7]{8})>", json.dumps(body["system"]))[1]
    return text(f"I keep it.\n<memory_{nonce}>anchor: block:3.py</memory_{nonce}>\nSo.")


COLLAPSE = call("memory_collapse", "toolu_c1", turns="2-5", summary="Three files were read.")
STEPS = [
    [[read("0.py")]],
    [[read("1.py")]],
    [[text("I look."), recall("0.py", 1)], [read("2.py")]],
    [[recall("1.py", 2), read("3.py")]],
    [[tagged, read("large.py")]],
    [[COLLAPSE, read("4.py")]],
    [[read("5.py")]],
    [[text("Full?"), call("memory_status", "toolu_m3")], [recall("2.py", 4)], [read("6.py")]],
    [[recall("0.py", 5), read("7.py"), call("memory_pin", "toolu_m6", pages=["7.py"])]],
    [[text("Done.")]],
    [[text("Bye.")]],
]
"""What the model says to each request of the client's, leg by leg."""


def played(blocks, body):
    return [block(body) if callable(block) else block for block in blocks]


@dataclass
class Agent:
    """The client: it knows what it was shown, and runs its own tools."""

    name: str = "one"
    messages: list[Json] = field(default_factory=list)

    def __post_init__(self):
        self.messages = [{"role": "user", "content": f"Please begin: {self.name}"}]

    def body(self) -> bytes:
        return json.dumps({**FIELDS, "messages": self.messages}).encode()

    def take(self, content):
        """Keep a reply, and go on with the results of its calls, or with a new question."""
        self.messages.append({"role": "assistant", "content": content})
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": _file(block["input"])}
            for block in content
            if block["type"] == "tool_use"
        ]
        self.messages.append({"role": "user", "content": results or "And then?"})


def _file(given):
    path = given["file_path"]
    return prose(path, SIZES.get(path, 4000))


def as_sent(body):
    """A body without what only one session has: names become numbers, in their order."""
    known: dict[str, int] = {}
    sent = json.dumps(body)
    return json.loads(NAMES.sub(lambda found: str(known.setdefault(found[0], len(known))), sent))


def without_markers(body):
    return unmarked(body["messages"])
