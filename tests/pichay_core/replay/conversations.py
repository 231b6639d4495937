"""Conversations made for replays: sizes and pauses are what counts."""

import json
from collections.abc import Sequence

from pichay_core.traces import Conversation, read

PAUSE = 20
START = 1_767_225_600


def reading(
    sizes: Sequence[int], names: Sequence[str] | None = None, pauses: dict[int, int] | None = None
) -> Conversation:
    """One read a request, of so many bytes each; ``pauses`` are seconds before a request."""
    return read("s", reading_lines(sizes, names, pauses)).conversations[0]


def reading_lines(
    sizes: Sequence[int], names: Sequence[str] | None = None, pauses: dict[int, int] | None = None
) -> bytes:
    """The same as Claude Code records it."""
    link = {"sessionId": "s", "isSidechain": False}
    at, told, parent = START, [], None
    said: object = "work"
    for n, size in enumerate([*sizes, None]):
        at += (pauses or {}).get(n, PAUSE)
        message = {"role": "user", "content": said}
        told.append(_line(link, f"u{n}", parent, at, "user", message))
        name = (names or [f"f{k}.py" for k in range(len(sizes))])[n] if size is not None else ""
        call = {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": name}}
        block = {"type": "text", "text": "done"} if size is None else call
        reply = {"id": f"m{n}", "model": "claude-opus-4-5", "content": [block]}
        told.append(_line(link, f"a{n}", f"u{n}", at + 1, "assistant", reply, f"r{n}"))
        text = (name + " ") * ((size or 0) // (len(name) + 1) + 1)
        result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": text[: size or 0]}
        said, parent = [result], f"a{n}"
    return "\n".join(map(json.dumps, told)).encode()


def _line(link, uuid, parent, at, kind, message, request=None):
    stamp = f"2026-01-01T{(at - START) // 3600:02}:{(at - START) // 60 % 60:02}:{at % 60:02}Z"
    named = {"requestId": request} if request else {}
    known = {"type": kind, "uuid": uuid, "parentUuid": parent, "timestamp": stamp}
    return link | known | named | {"message": message}


def tasks(count: int, reads: int, size: int, thoughts: int) -> Conversation:
    """Tasks of so many reads; before each call, and each answer, so many bytes of thinking."""
    link = {"sessionId": "s", "isSidechain": False}
    at, told, parent = START, [], None
    said: object = "work"
    for n in range(count * (reads + 1)):
        at += PAUSE
        told.append(_line(link, f"u{n}", parent, at, "user", {"role": "user", "content": said}))
        closes = n % (reads + 1) == reads
        call = {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"{n}"}}
        thought = {"type": "thinking", "thinking": "hm " * (thoughts // 3), "signature": f"{n}=="}
        content = [thought, {"type": "text", "text": "done"} if closes else call]
        reply = {"id": f"m{n}", "model": "claude-opus-5-5", "content": content}
        told.append(_line(link, f"a{n}", f"u{n}", at + 1, "assistant", reply, f"r{n}"))
        result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": f"{n} " * (size // 3)}
        said, parent = "next" if closes else [result], f"a{n}"
    return read("s", "\n".join(map(json.dumps, told)).encode()).conversations[0]
