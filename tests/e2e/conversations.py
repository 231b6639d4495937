"""Conversations as an agent sends them, one request after the other."""

import json
from itertools import count

MODEL = "claude-sonnet-4-6"
_numbers = count(1)
TOOLS = [
    {"name": name, "description": name, "input_schema": {"type": "object"}}
    for name in ("Read", "Bash")
]


def text_of(name: str, size: int = 4000) -> str:
    """A text of about *size* bytes that only *name* has, with what JSON likes to escape."""
    line = f'{name}: "été" \\ / \u2028 <tag>\n'
    return line * (size // len(line.encode()) + 1)


class Conversation:
    """Grows by what the model called and what came back. The first prompt is its name."""

    def __init__(self, name: str | None = None, **fields):
        self.name = name or f"conversation {next(_numbers)}"
        self.messages = [{"role": "user", "content": f"Please begin: {self.name}"}]
        self.fields = {"model": MODEL, "max_tokens": 100, "tools": TOOLS} | fields
        self._calls = count(1)

    def call(self, tool: str, result: str, **arguments) -> "Conversation":
        name = f"toolu_{next(self._calls):04d}"
        use = {"type": "tool_use", "id": name, "name": tool, "input": arguments}
        self.messages.append({"role": "assistant", "content": [use]})
        answer = {"type": "tool_result", "tool_use_id": name, "content": result}
        self.messages.append({"role": "user", "content": [answer]})
        return self

    def read(self, path: str, text: str | None = None, size: int = 4000) -> "Conversation":
        return self.call("Read", text_of(path, size) if text is None else text, file_path=path)

    def body(self, **fields) -> bytes:
        """The request, written by no common library: odd spaces, escapes and numbers."""
        whole = {**self.fields, "temperature": 1.0, **fields, "messages": self.messages}
        parts = (
            f"{json.dumps(name)}:{json.dumps(item, separators=(',', ': '))}"
            for name, item in whole.items()
        )
        return ("{ " + " ,".join(parts) + ' , "x":1.50e1 }\n').encode()


def results(body) -> dict[str, str]:
    """What stands in each frame, by the name of its call."""
    return {
        block["tool_use_id"]: block["content"]
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    }


def calls(body) -> list[str]:
    return [
        block["id"]
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_use"
    ]


def is_stub(text: str) -> bool:
    return text.startswith("[Older result of ")
