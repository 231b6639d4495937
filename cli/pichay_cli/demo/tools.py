"""The tools of the demo's agent: what they promise the model, and what they really do.

Rule of this file: names and arguments are those coding agents have in common; everything
happens inside one folder; a tool that fails says why, in its result.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND_SECONDS = 30
LINES = 2000
"""Lines that Read returns when the call names no limit."""

type Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool has to say; never empty."""

    text: str
    error: bool = False


class ToolError(Exception):
    """A tool could not do what it was asked; its text is for the model."""


def run_tool(folder: Path, name: str, arguments: Arguments) -> Outcome:
    """Run one call inside *folder* and return its outcome."""
    tool = _TOOLS.get(name)
    if tool is None:
        return Outcome(f"There is no tool named {name}.", error=True)
    try:
        return Outcome(tool(folder, arguments) or "(no output)")
    except ToolError as wrong:
        return Outcome(str(wrong), error=True)
    except (OSError, KeyError, re.error, subprocess.TimeoutExpired) as wrong:
        return Outcome(f"{name} failed: {wrong}", error=True)


def _inside(folder: Path, path: str) -> Path:
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ToolError(f"{path} is outside the project.")
    return target


def _existing(folder: Path, arguments: Arguments) -> Path:
    target = _inside(folder, arguments["file_path"])
    if not target.is_file():
        raise ToolError(f"File does not exist: {arguments['file_path']}")
    return target


def _read(folder: Path, arguments: Arguments) -> str:
    lines = _existing(folder, arguments).read_text(encoding="utf-8").splitlines()
    first = max(1, arguments.get("offset", 1))
    wanted = lines[first - 1 : first - 1 + arguments.get("limit", LINES)]
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(wanted, start=first))


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def _glob(folder: Path, arguments: Arguments) -> str:
    found = _files(folder, arguments["pattern"])
    return "\n".join(path.relative_to(folder).as_posix() for path in found)


def _grep(folder: Path, arguments: Arguments) -> str:
    wanted = re.compile(arguments["pattern"])
    found = [
        f"{path.relative_to(folder).as_posix()}:{number}:{line}"
        for path in _files(folder, arguments.get("glob", "**/*"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if wanted.search(line)
    ]
    return "\n".join(found)


def _bash(folder: Path, arguments: Arguments) -> str:
    done = subprocess.run(
        arguments["command"],
        shell=True,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    output = (done.stdout + done.stderr).strip()
    if done.returncode:
        raise ToolError(f"Exit code {done.returncode}\n{output}")
    return output


def _environment() -> dict[str, str]:
    """Return an environment in which ``python3`` is the interpreter that runs the demo."""
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join((here, os.environ.get("PATH", os.defpath)))
    return os.environ | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _edit(folder: Path, arguments: Arguments) -> str:
    target = _existing(folder, arguments)
    text = target.read_text(encoding="utf-8")
    if (times := text.count(arguments["old_string"])) != 1:
        raise ToolError(f"old_string occurs {times} times in {arguments['file_path']}, not once.")
    changed = text.replace(arguments["old_string"], arguments["new_string"])
    target.write_text(changed, encoding="utf-8", newline="\n")
    return f"{arguments['file_path']} has been changed."


def _write(folder: Path, arguments: Arguments) -> str:
    target = _inside(folder, arguments["file_path"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(arguments["content"], encoding="utf-8", newline="\n")
    return f"{arguments['file_path']} has been written."


def _todo_write(_folder: Path, arguments: Arguments) -> str:
    return f"The list has {len(arguments['todos'])} entries."


_TOOLS: Mapping[str, Callable[[Path, Arguments], str]] = {
    "Read": _read,
    "Glob": _glob,
    "Grep": _grep,
    "Bash": _bash,
    "Edit": _edit,
    "Write": _write,
    "TodoWrite": _todo_write,
}


def _definition(name: str, says: str, required: str, **properties: str) -> dict[str, Any]:
    """Return one tool definition; a property is ``type: what it means``."""
    schema = {
        key: dict(zip(("type", "description"), text.split(": ", 1), strict=True))
        for key, text in properties.items()
    }
    return {
        "name": name,
        "description": says,
        "input_schema": {
            "type": "object",
            "properties": schema,
            "required": required.split(),
            "additionalProperties": False,
        },
    }


_PATH = "string: The file, relative to the folder of the project."

DEFINITIONS: tuple[dict[str, Any], ...] = (
    _definition(
        "Read",
        "Reads a text file of the project and returns its lines with their numbers, counted from "
        "one. Without offset and limit it returns the first 2000 lines. Use it before you change "
        "a file. A file that does not exist is reported as an error.",
        "file_path",
        file_path=_PATH,
        offset="integer: The number of the first line wanted.",
        limit="integer: How many lines are wanted.",
    ),
    _definition(
        "Glob",
        "Lists the files whose path matches a glob pattern such as **/*.py, in order of path.",
        "pattern",
        pattern="string: The glob pattern.",
    ),
    _definition(
        "Grep",
        "Searches the files of the project for a regular expression and returns each line that "
        "matches as path:number:line. Prefer it to grep in a shell.",
        "pattern",
        pattern="string: The regular expression, in Python syntax.",
        glob="string: Only files whose path matches this glob pattern; all files if missing.",
    ),
    _definition(
        "Bash",
        "Runs a command in a shell, in the folder of the project, and returns what it wrote to "
        "standard output and standard error. A command that ends with an exit code other than "
        "zero is reported as an error. It is stopped after thirty seconds.",
        "command",
        command="string: The command.",
        description="string: What the command does, in a few words.",
    ),
    _definition(
        "Edit",
        "Replaces one piece of text in a file by another. The old text must occur exactly once; "
        "give enough of its surroundings to make it so.",
        "file_path old_string new_string",
        file_path=_PATH,
        old_string="string: The text to be replaced, to the letter.",
        new_string="string: The text that stands there afterwards.",
    ),
    _definition(
        "Write",
        "Writes a whole file, and replaces it if it exists. Folders are made as needed.",
        "file_path content",
        file_path=_PATH,
        content="string: The whole text of the file.",
    ),
    _definition(
        "TodoWrite",
        "Keeps the list of what is to be done, so that the user can see how far you are.",
        "todos",
        todos="array: The whole list; each entry is an object with content and status.",
    ),
)
"""What the model is told of the tools."""
