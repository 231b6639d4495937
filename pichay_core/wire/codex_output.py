"""What Codex puts in front of a tool's output: how long it took, and how it ended.

Rule of this file: only a head that is there in full, at the very beginning, is taken off; anything
else is content. Two runs with the same output differ in their heads (wall time, chunk and session
ids), so a head is no part of what a result says.
Sources: Codex CLI 0.46 to 0.169 and its recordings.
"""

import re
from typing import NamedTuple

from pichay_core.wire import jsontext
from pichay_core.wire.shapes import mapping

_SECONDS = r"\d+(?:\.\d+)? seconds\n"
_EXEC = re.compile(
    r"(?:Command: [^\n]*\n)?"
    r"(?:Chunk ID: [0-9a-f]*\n)?"
    rf"Wall time: {_SECONDS}"
    r"(?:Process exited with code (?P<code>-?\d+)\n)?"
    r"(?P<running>Process running with session ID -?\d+\n)?"
    r"(?:Original token count: \d+\n)?"
    r"Output:(?:\n|\Z)"
)
"""Of ``exec_command`` and ``write_stdin``, and, with nothing but the time, of MCP tools."""
_SHELL = re.compile(
    rf"Exit code: (?P<code>-?\d+)\nWall time: {_SECONDS}"
    r"(?:Total output lines: \d+\n)?Output:(?:\n|\Z)"
)
"""Of ``shell_command``, ``shell`` and ``apply_patch``."""
_SCRIPT = re.compile(
    r"Script (?:completed|(?P<failed>failed|terminated)|(?P<running>running with cell ID [^\n]*))\n"
    rf"Wall time {_SECONDS}Output:(?:\n|\Z)"
)
"""Of ``exec`` and ``wait``, in which the model writes programs that call tools."""
_FORMS = (_EXEC, _SHELL, _SCRIPT)
_JSON = '{"output":'


class Output(NamedTuple):
    """What a tool's output says."""

    text: str
    """Without the head."""
    failed: bool = False
    """It ended with an exit code other than 0."""
    kept: str = ""
    """The head, where the model needs it later on: it tells a failure, or what still runs."""


def output(said: str) -> Output:
    """Return what an output says."""
    if said.startswith(_JSON):
        return _from_json(said)
    found = next((head for form in _FORMS if (head := form.match(said))), None)
    if found is None:
        return Output(said)
    named = found.groupdict()
    failed = named.get("code") not in (None, "0") or bool(named.get("failed"))
    kept = found.group() if failed or named.get("running") else ""
    return Output(said[found.end() :], failed, kept)


def _from_json(said: str) -> Output:
    """Return what the form of the first versions says, which later ones use for patches."""
    try:
        outer = mapping(jsontext.value(said.encode(errors="surrogatepass")))
    except jsontext.Unreadable:
        return Output(said)
    match outer:
        case {
            "output": str(text),
            "metadata": {"exit_code": int(code), "duration_seconds": int() | float()},
        } if len(outer) == 2:
            return Output(text, code != 0)
        case _:
            return Output(said)
