"""What a command is known by, whatever its arguments.

Rule of this file: pure. Where a shell would have to be understood, the first word does.
"""

import json
import re

_BEFORE = re.compile(r"^(?:cd\s+[^;&|]+(?:&&|;)\s*|\w+=\S*\s+|(?:sudo|time|env|timeout\s+\S+)\s+)*")
_WITH_VERBS = frozenset(
    (
        *("git", "cargo", "npm", "pnpm", "yarn", "bun", "npx", "uv", "pip", "go", "docker"),
        *("kubectl", "gh", "make", "poetry", "dotnet", "mvn"),
    )
)
_VERB = re.compile(r"[a-z][a-z:-]*")


def command_name(command: str) -> str:
    """Return its program, and what that is told to do: ``git log``, ``python -m pytest``, ``cat``.

    Folders that are gone to first and variables that are set do not count. A command as a list of
    words is the last of them, if a shell is to read it.
    """
    words = _BEFORE.sub("", _written(command).strip()).split(maxsplit=3)
    if not words:
        return command.strip()
    first = words[0].rpartition("/")[2] or words[0]
    if words[1:2] == ["-m"] and len(words) > 2:
        return f"{first} -m {words[2]}"
    verb = first in _WITH_VERBS and len(words) > 1 and _VERB.fullmatch(words[1])
    return f"{first} {words[1]}" if verb else first


def _written(command: str) -> str:
    if not command.startswith("["):
        return command
    try:
        words = [str(word) for word in json.loads(command)]
    except (json.JSONDecodeError, TypeError):
        return command
    return words[-1] if words[1:2] in (["-c"], ["-lc"]) else " ".join(words)
