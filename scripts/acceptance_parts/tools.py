"""The moves of the script as calls of a client's own tools.

Rule of this file: tables. A tool is known by its name, a parameter by its name in the tool's own
schema; what a schema requires beside that is filled in by its type. Names and parameters are
those that the clients offered when this was written.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acceptance_parts.script import PROMPTS, Act, Delegate, Edit, Read, Run, Search, Write

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client offers."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_free: bool = False
    """Takes text, not arguments."""
    namespace: str = ""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The schemas of its parameters, by name."""
        return self.schema.get("properties") or {}


@dataclass(frozen=True, slots=True)
class Called:
    """A call of one of them: with arguments, or with a text."""

    tool: Tool
    arguments: Json
    text: str = ""


type Tools = Mapping[str, Tool]

_SHELLS = ("Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell")
_READERS = ("Read", "read_file", "read", "view")
_SEARCHERS = ("Grep", "grep_search", "search_file_content", "grep")
_EDITORS = ("Edit", "replace", "edit", "str_replace")
_WRITERS = ("Write", "write_file", "write", "create_file")
_DELEGATES = ("Agent", "Task", "task", "agent")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "path": ("file_path", "filePath", "absolute_path", "path", "dir_path"),
    "first": ("offset", "start_line"),
    "count": ("limit",),
    "last": ("end_line",),
    "pattern": ("pattern", "query"),
    "command": ("command", "cmd"),
    "why": ("description",),
    "old": ("old_string", "oldString", "oldText", "old_str"),
    "new": ("new_string", "newString", "newText", "new_str"),
    "text": ("content", "contents"),
    "prompt": ("prompt", "message", "task", "objective"),
    "mode": ("output_mode",),
    "kind": ("subagent_type", "agent_name"),
}
"""What an argument means -> what clients call it."""


def call(act: Act, tools: Tools, root: Path) -> Called | None:
    """Return the call that does *act* in the project *root*; None if no tool can."""
    match act:
        case Read(path, first, count):
            last = first + count - 1 if first and count else None
            given = {"path": str(root / path), "first": first, "count": count, "last": last}
            return _called(tools, _READERS, given) or _shell(_shown(act), tools)
        case Search(pattern, path):
            given = {"pattern": pattern, "path": str(root / path), "mode": "content"}
            command = f"grep -rn {shlex.quote(pattern)} {path}"
            return _called(tools, _SEARCHERS, given) or _shell(command, tools)
        case Run(command):
            return _shell(command, tools)
        case Edit():
            return _edit(act, tools, root)
        case Write(path, text):
            given = {"path": str(root / path), "text": text}
            return _called(tools, _WRITERS, given) or _patch(_adding(act), tools) or _shell(
                f"cat > {path} <<'END'\n{text}END", tools)  # fmt: skip
        case Delegate(task):
            kind = "general" if "task" in tools else "general-purpose"
            given = {"prompt": PROMPTS[task], "why": "Count the rules", "kind": kind}
            return _called(tools, _DELEGATES, given) or _shell(
                "grep -c 'def ' harbour/cranes.py", tools
            )


def _shown(read: Read) -> str:
    if read.first is None or read.count is None:
        return f"cat {read.path}"
    return f"sed -n '{read.first},{read.first + read.count - 1}p' {read.path}"


def _edit(act: Edit, tools: Tools, root: Path) -> Called | None:
    given = {"path": str(root / act.path), "old": act.old, "new": act.new}
    tool = _first(tools, _EDITORS)
    if tool and "edits" in tool.parameters:
        edits = [{"oldText": act.old, "newText": act.new}]
        return Called(tool, _filled(tool, _named(tool, given) | {"edits": edits}))
    if tool:
        return Called(tool, _filled(tool, _named(tool, given)))
    return _patch(_changing(act), tools) or _shell(_replacing(act), tools)


def _replacing(act: Edit) -> str:
    change = f"s.write_text(s.read_text().replace({act.old!r}, {act.new!r}))"
    program = f"import pathlib; s = pathlib.Path({act.path!r}); {change}"
    return f"python3 -c {shlex.quote(program)}"


def _adding(act: Write) -> str:
    return f"*** Add File: {act.path}\n" + "".join(f"+{line}\n" for line in act.text.splitlines())


def _changing(act: Edit) -> str:
    gone = "".join(f"-{line}\n" for line in act.old.splitlines())
    come = "".join(f"+{line}\n" for line in act.new.splitlines())
    return f"*** Update File: {act.path}\n@@\n{gone}{come}"


def _patch(hunk: str, tools: Tools) -> Called | None:
    tool = _first(tools, ("apply_patch",))
    if tool is None:
        return None
    text = f"*** Begin Patch\n{hunk}*** End Patch\n"
    name = next((n for n in ("patchText", "patch", "input") if n in tool.parameters), "input")
    return Called(tool, {}, text) if tool.is_free else Called(tool, _filled(tool, {name: text}))


def _shell(command: str, tools: Tools) -> Called | None:
    tool = _first(tools, _SHELLS)
    if tool is None:
        return None
    arguments = _named(tool, {"command": command, "why": "One step of the script"})
    for name, value in arguments.items():
        if tool.parameters[name].get("type") == "array":
            arguments[name] = ["bash", "-lc", value]
    return Called(tool, _filled(tool, arguments))


def _called(tools: Tools, names: tuple[str, ...], given: Mapping[str, Any]) -> Called | None:
    tool = _first(tools, names)
    return None if tool is None else Called(tool, _filled(tool, _named(tool, given)))


def _first(tools: Tools, names: tuple[str, ...]) -> Tool | None:
    return next((tools[name] for name in names if name in tools), None)


def _named(tool: Tool, given: Mapping[str, Any]) -> Json:
    """The arguments under the tool's own names; what it has no name for is left out."""
    found: Json = {}
    for meaning, value in given.items():
        name = next((name for name in _NAMES[meaning] if name in tool.parameters), None)
        if name and value is not None:
            found[name] = value
    return found


def _filled(tool: Tool, arguments: Json) -> Json:
    required = tool.schema.get("required") or ()
    missing = [name for name in required if name not in arguments]
    return arguments | {name: example(tool.parameters.get(name) or {}) for name in missing}


def example(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a JSON schema, as far as clients use them."""
    match schema:
        case {"const": value}:
            return value
        case {"enum": [value, *_]} | {"default": value}:
            return value
        case {"anyOf": [one, *_]} | {"oneOf": [one, *_]}:
            return example(one)
        case _:
            return _of_type(schema)


def _of_type(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    match (kind[0] if isinstance(kind, list) else str(kind)).lower():
        case "object":
            parameters = schema.get("properties") or {}
            return {name: example(parameters.get(name) or {})
                    for name in schema.get("required") or ()}  # fmt: skip
        case "array":
            return [example(schema.get("items") or {})] * int(schema.get("minItems") or 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "acceptance"


def canonical(value: Any) -> str:
    """Return JSON text; the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
