"""The client: a coding agent with the usual tools, which compacts before its window is full.

Rule of this file: an ordinary client. It keeps the conversation as it was shown it, and knows of
nothing in between.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from cooperation_parts.project import files, text

type Json = dict[str, Any]

MODEL = "claude-sonnet-4-5"
WINDOW = 200_000
COMPACTS_AT = 0.8
"""Share of the window from which coding agents compact."""
COMPACT = (
    "Your task is to create a detailed summary of our conversation so far, so that the work can go "
    "on from it."
)
_MARKER = {"cache_control": {"type": "ephemeral"}}
_TOOLS = ("Read", "Grep", "Bash", "Glob", "Edit", "Write", "TodoWrite", "WebFetch", "Task", "Skill")
_SYSTEM_BYTES, _TOOL_BYTES = 9_000, 3_000


@dataclass(slots=True)
class Client:
    """One conversation, from the client's side."""

    name: str
    messages: list[Json] = field(default_factory=list[Json])
    compactions: int = 0
    _files: dict[str, str] = field(default_factory=files)
    _prompt: str = ""

    def ask(self, prompt: str) -> None:
        """Take what the user types."""
        self._prompt = prompt
        self.messages.append({"role": "user", "content": [_text(prompt)]})

    def take(self, blocks: list[Json]) -> None:
        """Take a reply, and do what it calls for."""
        self.messages.append({"role": "assistant", "content": blocks})
        results = [self._run(block) for block in blocks if block["type"] == "tool_use"]
        if results:
            self.messages.append({"role": "user", "content": results})

    def asks_for_summary(self) -> None:
        """Ask the model to sum up, where the user's next word would stand."""
        self.compactions += 1
        if self.messages[-1]["role"] == "user":
            last = self.messages.pop()
            self.messages.append({**last, "content": [*last["content"], _text(COMPACT)]})
        else:
            self.messages.append({"role": "user", "content": [_text(COMPACT)]})

    def goes_on_from(self, summary: str) -> None:
        """Begin the conversation anew with a summary."""
        said = f"This session is being continued from an earlier one. Its summary:\n{summary}"
        self.messages = [{"role": "user", "content": [_text(said), _text(self._prompt)]}]

    def body(self) -> bytes:
        """Return the request as it is sent, with a marker on its newest block."""
        *before, last = self.messages
        *others, newest = last["content"]
        marked = {**last, "content": [*others, {**newest, **_MARKER}]}
        return _dumped(
            {
                "model": MODEL,
                "max_tokens": 32_000,
                "system": [{**_text(text("system", _SYSTEM_BYTES)), **_MARKER}],
                "tools": [_tool(name) for name in _TOOLS],
                "messages": [*before, marked],
            }
        )

    def _run(self, call: Json) -> Json:
        said = self._done(call["name"], call["input"])
        return {"type": "tool_result", "tool_use_id": call["id"], "content": said}

    def _done(self, tool: str, given: Json) -> str:
        match tool:
            case "Read":
                lines = self._files[given["file_path"]].splitlines()
                return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))
            case "Edit":
                self._files[given["file_path"]] += given["new_string"]
                return f"The file {given['file_path']} has been updated."
            case "Write":
                self._files[given["file_path"]] = given["content"]
                return f"File created successfully at: {given['file_path']}"
            case "Grep":
                return text(json.dumps(given), 5_000)
            case _:
                return text(json.dumps(given), 3_000)


def _text(said: str) -> Json:
    return {"type": "text", "text": said}


def _tool(name: str) -> Json:
    schema = {"type": "object", "properties": {"file_path": {"type": "string"}}}
    return {"name": name, "description": text(name, _TOOL_BYTES), "input_schema": schema}


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
