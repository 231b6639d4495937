"""Conversations as coding agents send them: compact JSON, one pair of messages more each time.

Rule of this file: made by seeded chance, so that two runs send the same bytes. The shape is
Claude Code's: about 60 KB of tools and system, results of about 7 KB, a cache marker on the
system prompt and one on the newest block, which moves with every request.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

MODEL = "claude-sonnet-4-5"
TOOLS = ("Read", "Grep", "Bash", "Glob", "Edit", "Write", *(f"mcp__wiki__{n}" for n in range(14)))
_MARKER = {"type": "ephemeral"}
_RESULT_LINES = 115
_AGAIN = 0.08
"""Share of the calls that repeat an earlier one."""
GROWTH = 8_000
"""About how many bytes a turn adds."""
LIFE = 10
"""Turns of a conversation whose size is to stay near one figure."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a conversation."""

    session: str
    body: bytes
    first: bool
    """All of it is new, as after a restart; else one pair of messages is."""


def turns(name: str, size: int, rounds: int, life: int = LIFE) -> Iterator[Turn]:
    """Yield *rounds* turns of about *size* bytes, and a first one before every *life* of them.

    Conversations follow one another, so that the size stays near the figure.
    """
    for number in range(rounds // life):
        talk = Conversation(f"{name}-{number}", size - life // 2 * GROWTH)
        yield Turn(talk.name, talk.body(), first=True)
        for _ in range(life):
            talk.grow()
            yield Turn(talk.name, talk.body(), first=False)


class Conversation:
    """One conversation. :meth:`grow` adds what a turn adds; :meth:`body` is what is sent."""

    def __init__(self, name: str, size: int) -> None:
        """Begin a conversation of about *size* bytes. Its name decides what is said."""
        self.name = name
        self._chance = random.Random(name)
        self._first, self._last = _frame()
        self._messages = [_dumped({"role": "user", "content": f"Please look into {name}."})]
        self._marked = self._messages[0]
        self._bytes = len(self._first) + len(self._last)
        self._calls: list[tuple[str, dict[str, str], str]] = []
        while self._bytes < size:
            self.grow()

    def grow(self) -> None:
        """Add one call and its result."""
        tool, arguments, text = self._call()
        name = f"toolu_{self._chance.getrandbits(64):016x}"
        result: dict[str, object] = {"tool_use_id": name, "type": "tool_result", "content": text}
        self._messages += [_asked(name, tool, arguments), _said([result])]
        self._marked = _said([result | {"cache_control": _MARKER}])
        self._bytes += len(self._messages[-1]) + len(self._messages[-2]) + 2

    def body(self) -> bytes:
        """The request, with the marker on its newest block."""
        messages = b",".join((*self._messages[:-1], self._marked))
        return self._first + messages + self._last

    def _call(self) -> tuple[str, dict[str, str], str]:
        if self._calls and self._chance.random() < _AGAIN:
            return self._chance.choice(self._calls)
        call = self._new_call()
        self._calls.append(call)
        return call

    def _new_call(self) -> tuple[str, dict[str, str], str]:
        word = self._chance.choice(_words())
        tool = self._chance.choices(("Read", "Grep", "Bash"), (6, 2, 2))[0]
        argument = {
            "Read": {"file_path": f"/project/src/{word}_{len(self._calls)}.py"},
            "Grep": {"pattern": f"{word}_{len(self._calls)}", "path": "/project/src"},
            "Bash": {"command": f"pytest -q -k {word} # {len(self._calls)}"},
        }[tool]
        chosen = self._chance.choices(_lines(), k=_RESULT_LINES)
        return tool, argument, "\n".join(f"{n:5}→{line}" for n, line in enumerate(chosen, 1))


def _asked(name: str, tool: str, arguments: dict[str, str]) -> bytes:
    said = {"type": "text", "text": f"I look at it with {tool}."}
    call = {"type": "tool_use", "id": name, "name": tool, "input": arguments}
    return _dumped({"role": "assistant", "content": [said, call]})


def _said(content: list[dict[str, object]]) -> bytes:
    return _dumped({"role": "user", "content": content})


@cache
def _frame() -> tuple[bytes, bytes]:
    """What stands before and after the messages."""
    system = [
        {"type": "text", "text": "You are an agent that works on a project."},
        {"type": "text", "text": _prose(22_000), "cache_control": _MARKER},
    ]
    tools = [_tool(tool) for tool in TOOLS]
    rest = {"system": system, "tools": tools, "max_tokens": 32_000, "stream": True}
    return b'{"model":' + _dumped(MODEL) + b',"messages":[', b"]," + _dumped(rest)[1:]


def _tool(name: str) -> dict[str, object]:
    text = {"type": "string", "description": _prose(200)}
    schema = {"type": "object", "properties": {"file_path": text, "pattern": text}}
    return {"name": name, "description": _prose(1_400), "input_schema": schema}


def _prose(size: int) -> str:
    chance = random.Random(size)
    words = chance.choices(_words(), k=size // 8)
    return (" ".join(words) + ". ").ljust(size, ".")[:size]


@cache
def _words() -> tuple[str, ...]:
    chance = random.Random(1)
    parts = ("page", "table", "frame", "fault", "evict", "pin", "turn", "store", "route", "wire")
    return tuple(f"{chance.choice(parts)}_{chance.choice(parts)}" for _ in range(400))


@cache
def _lines() -> tuple[str, ...]:
    """Lines of something like source code, with what JSON must escape in them."""
    chance = random.Random(2)
    return tuple(_source_line(chance) for _ in range(4000))


def _source_line(chance: random.Random) -> str:
    one, two, three = chance.choices(_words(), k=3)
    indent = "    " * chance.randrange(4)
    number = chance.randrange(10_000)
    forms = (
        f"{indent}{one} = {two}({three}, {number})",
        f'{indent}if {one}["{two}"] != "{three}\\n":',
        f"{indent}return {one}.{two}  # {three}, as §{number} says",
        f"{indent}def {one}(self, {two}: int = {number}) -> {three}:",
    )
    return chance.choice(forms)


def _dumped(item: object) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
