"""Random conversations of a simulated coding agent, request by request.

``plays`` generates lists of moves; :func:`requests` turns them into the requests that a
client would send: it re-reads, edits, rewinds, forks, compacts, retries and pauses, some
clients answer a re-read with a note, and all of it is valid Anthropic traffic.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.builders import (
    CLEARED,
    NOTE,
    Talk,
    body,
    marked,
    prose,
    result,
    thought,
    use,
    user,
)

KINDS = (
    *["read"] * 6, "read part", "grep", "status", *["run"] * 2, "edit", "fail", "image", "small",
    "pair", *["ask"] * 2, "retry", "rewind", *["fork"] * 3, "pause", "compact", "clear", "large",
)  # fmt: skip


@dataclass(frozen=True)
class Move:
    kind: str
    file: int
    amount: int


@dataclass(frozen=True)
class Client:
    """How one client behaves."""

    notes: bool = False
    """Answers a re-read of an unchanged file with a note."""
    thinks: bool = False
    markers: str = "none"
    """``none``, ``tail``, ``hour``, ``four`` or ``automatic``."""
    lists: bool = False
    """Sends results as lists of blocks."""
    model: str = "claude-sonnet-4-5"


@dataclass(frozen=True)
class Sent:
    """One request; ``how`` it came about: ``first``, ``append``, ``retry``, ``rewind``, ..."""

    body: bytes
    after: float
    how: str


moves = st.builds(Move, st.sampled_from(KINDS), st.integers(0, 3), st.integers(1, 6))
plays = st.lists(moves, min_size=6, max_size=28)
straight = st.lists(
    moves.filter(lambda m: m.kind not in ("rewind", "fork", "compact", "clear")),
    min_size=6,
    max_size=28,
)
"""Of a client that never leaves the history it has sent."""
clients = st.builds(
    Client,
    notes=st.booleans(),
    thinks=st.booleans(),
    markers=st.sampled_from(["none", "tail", "hour", "four", "automatic"]),
    lists=st.booleans(),
)


@dataclass
class _Agent:
    client: Client
    talk: Talk = field(default_factory=Talk)
    versions: dict[int, int] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    """Version of each file that the client process has shown last."""
    branches: list[Talk] = field(default_factory=list)
    number: int = 0


def requests(play: list[Move], client: Client) -> Iterator[Sent]:
    """The requests that a client sends in one conversation."""
    agent, after = _Agent(client), 10.0
    yield _sent(agent, after, "first")
    for move in play:
        if move.kind == "pause":
            after = 400.0 if move.amount < 4 else 4000.0
            continue
        how = _made(agent, move)
        yield _sent(agent, after, how)
        after = 10.0


def _made(agent: _Agent, move: Move) -> str:
    """Change the conversation by one move; returns how the next request relates to the last."""
    match move.kind:
        case "retry":
            return "retry"
        case "rewind" | "fork" if len(agent.talk.messages) > 4:
            return _rewound(agent, move)
        case "compact" if len(agent.talk.messages) > 8:
            kept = agent.talk.messages[-2 * min(move.amount, 3) :]
            agent.talk.messages = [user(f"Summary {agent.number}."), *kept]
            agent.number += 1
            return "compact"
        case "clear" if _clear(agent, move):
            return "clear"
        case _:
            _worked(agent, move)
            return "append"


def _rewound(agent: _Agent, move: Move) -> str:
    if move.kind == "fork" and agent.branches:
        agent.branches.append(agent.talk)
        agent.talk = agent.branches.pop(0)
    else:
        agent.branches = [*agent.branches, agent.talk][-3:]
        length = max(1, len(agent.talk.messages) - 2 * move.amount)
        agent.talk = agent.talk.copy().to(length)
    _worked(agent, move)
    return "rewind"


def _clear(agent: _Agent, move: Move) -> bool:
    """The client itself takes an old result away."""
    for message in agent.talk.messages[2:-4:2]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block["type"] == "tool_result" and block["content"] not in (CLEARED, NOTE):
                if block.get("is_error") or move.amount > 3:
                    continue
                block["content"] = CLEARED
                _worked(agent, move)
                return True
    return False


def _worked(agent: _Agent, move: Move) -> None:
    count = 2 if move.kind == "pair" else 1
    if move.kind == "ask":
        agent.number += 1
        agent.talk.ask(f"prompt {agent.number}")
        agent.talk.messages[-2]["content"][:0] = _thoughts(agent, move)
        return
    pairs = [_call(agent, move, n) for n in range(count)]
    thoughts = _thoughts(agent, move)
    agent.talk.messages += [
        {"role": "assistant", "content": [*thoughts, *(call for call, _ in pairs)]},
        user([answer for _, answer in pairs]),
    ]


def _thoughts(agent: _Agent, move: Move) -> list[Any]:
    """What the model thinks before it speaks: nothing, one block, two, or one that is hidden."""
    if not agent.client.thinks:
        return []
    match move.amount:
        case 1:
            return [thought(agent.number)]
        case 3:
            return [
                thought(agent.number),
                {**thought(agent.number), "signature": f"{agent.number}b"},
            ]
        case 5:
            return [{"type": "redacted_thinking", "data": f"hidden {agent.number}"}]
        case _:
            return []


def _call(agent: _Agent, move: Move, nth: int) -> tuple[Any, Any]:
    agent.number += 1
    name, file = f"toolu_{agent.number:04d}", (move.file + nth) % 4
    match move.kind:
        case "grep":
            return use(name, "Grep", pattern=str(file)), _result(agent, name, f"grep {file}")
        case "run":
            return use(name, "Bash", command="make"), _result(agent, name, f"run {agent.number}")
        case "status":
            text = prose(f"status of {file}", 30_000 if file else 3_000)
            return use(name, "Bash", command=f"status {file}"), _result(agent, name, text)
        case "edit":
            agent.versions[file] = agent.versions.get(file, 0) + 1
            if file in agent.shown:  # what was never read is not known to the client either
                agent.shown[file] = agent.versions[file]
            given = use(name, "Edit", file_path=f"{file}.py", old_string="a", new_string="b")
            return given, result(name, "ok")
        case "fail":
            return use(name, "Bash", command="false"), result(name, prose("x"), is_error=True)
        case "image":
            image = {"type": "image", "source": {"type": "base64", "data": "A" * 3000}}
            return use(name, "Read", file_path="i.png"), result(name, [image])
        case "small":
            return use(name, "Bash", command="pwd"), result(name, "y" * 300)
        case "large":
            text = prose(f"large {agent.number}", 30_000)
            return use(name, "Bash", command="make"), _result(agent, name, text)
        case "read part":
            given = use(name, "Read", file_path=f"{file}.py", offset=5, limit=move.amount)
            return given, _result(agent, name, _file(agent, file)[:2000])
        case _:
            return use(name, "Read", file_path=f"{file}.py"), _read(agent, name, file)


def _read(agent: _Agent, name: str, file: int) -> Any:
    version = agent.versions.get(file, 0)
    if agent.client.notes and agent.shown.get(file) == version:
        return result(name, NOTE)
    agent.shown[file] = version
    return _result(agent, name, _file(agent, file))


def _file(agent: _Agent, file: int) -> str:
    """One line of the file tells its versions apart."""
    return f"version {agent.versions.get(file, 0)}\n" + prose(f"file {file}")


def _result(agent: _Agent, name: str, text: str) -> Any:
    text = text if len(text) > 200 else prose(text)
    return result(name, [{"type": "text", "text": text}] if agent.client.lists else text)


def _sent(agent: _Agent, after: float, how: str) -> Sent:
    messages = deepcopy(agent.talk.messages)
    system: Any = [{"type": "text", "text": "You are an agent."}]
    fields: dict[str, Any] = {}
    match agent.client.markers:
        case "tail" | "hour" | "four" as style:
            ttl = "1h" if style == "hour" else None
            system = [marked(system[0], ttl)] * (3 if style == "four" else 1)
            last = messages[-1]["content"]
            blocks = [{"type": "text", "text": last}] if isinstance(last, str) else last
            messages[-1]["content"] = [*blocks[:-1], marked(blocks[-1])]
        case "automatic":
            fields["cache_control"] = {"type": "ephemeral"}
        case _:
            pass
    whole = body(messages, system=system, model=agent.client.model, **fields)
    return Sent(whole, after, how)
