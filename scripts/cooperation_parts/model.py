"""The scripted model: it follows the plan by what it sees of the conversation.

Rule of this file: it knows nothing but the request before it and what it has done itself. Where it
is offered the memory tools it looks after its memory, else it cannot.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cooperation_parts.project import Call, Move, Task, text

type Json = dict[str, Any]

SUMMARY_BYTES = 4_000
"""Of what it answers when the client asks it to sum up the conversation."""
_NOTE = re.compile(r"\[Older result of .* [Pp]age ([A-Z2-7]{8})\.\]", re.DOTALL)
_TURN = re.compile(r"This is turn ([0-9]+)")


@dataclass(slots=True)
class View:
    """What the model sees of the files it has read."""

    whole: set[str] = field(default_factory=set[str])
    """Read, there in full."""
    pages: dict[str, str] = field(default_factory=dict[str, str])
    """The page names of those that were moved out, as they are still."""
    turn: int | None = None
    """What memory_status said last, if it was the last thing to be said."""
    failed: bool = False
    """The last recall brought nothing."""


def view(request: Mapping[str, Any]) -> View:
    """Return what a request shows."""
    seen, calls = View(), dict[str, Json]()
    for message in request["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else []:
            if block["type"] == "tool_use":
                calls[block["id"]] = block
                if block["name"] in ("Edit", "Write"):
                    seen.pages.pop(block["input"]["file_path"], None)
            elif block["type"] == "tool_result":
                _result(seen, calls[block["tool_use_id"]], block)
    return seen


def _result(seen: View, call: Json, block: Json) -> None:
    said = said_in(block)
    seen.turn = seen.turn if (found := _TURN.search(said)) is None else int(found[1])
    if call["name"] == "Read":
        path = call["input"]["file_path"]
        note = _NOTE.fullmatch(said)
        (seen.whole.discard if note else seen.whole.add)(path)
        if note:
            seen.pages[path] = note[1]
    elif call["name"] == "memory_fault":
        seen.failed = bool(block.get("is_error"))
        back = [path for path, page in seen.pages.items() if page in call["input"]["pages"]]
        seen.whole.update(() if seen.failed or _NOTE.fullmatch(said) else back)


def said_in(block: Json) -> str:
    """Return the text of a result."""
    content = block.get("content", "")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@dataclass(slots=True)
class Model:
    """One session's model. ``reply`` is asked once for each request, a leg being one too."""

    tasks: Sequence[Task]
    task: int = 0
    move: int = 0
    turn: int | None = 0
    """User messages so far, None where it has lost count."""
    begun: dict[int, int] = field(default_factory=dict[int, int])
    """The turn in which each task began, as far as it stands in the conversation."""
    read_again: int = 0
    """Files that it had read before and does not see any more, and reads again."""
    recalls: int = 0
    _known: set[str] = field(default_factory=set[str])
    _calls: int = 0

    @property
    def done(self) -> bool:
        """True if there is nothing left to do."""
        return self.task >= len(self.tasks)

    def reply(self, request: Mapping[str, Any]) -> list[Json]:
        """Return the blocks that it says."""
        offered = {tool["name"] for tool in request["tools"]}
        seen = view(request)
        self.turn = seen.turn if self.turn is None else self.turn + 1
        if _asks_for_summary(request):
            self.turn, self.begun = None, {}
            return [{"type": "text", "text": text(f"summary {self.task}", SUMMARY_BYTES)}]
        if self.turn is None and "memory_status" in offered:
            return self._said("", [("memory_status", {})])
        while True:
            wanted = self._next(seen, offered)
            if wanted is not None:
                return wanted

    def _next(self, seen: View, offered: set[str]) -> list[Json] | None:
        """Return what it says next; None if there was nothing to say in this move."""
        move = self.tasks[self.task].moves[self.move]
        missing = [path for path in move.needs if path not in seen.whole]
        if missing:
            return self._said("", [self._fetch(missing[0], seen, offered)])
        own = list(self._looks_after(offered)) if self.move == 0 else []
        self._step()
        return self._said(move.text, [*move.calls, *own]) if move.text or move.calls else None

    def _step(self) -> None:
        if self.move == 0 and self.turn is not None:
            self.begun[self.task] = self.turn
        self.move += 1
        if self.move == len(self.tasks[self.task].moves):
            self.task, self.move = self.task + 1, 0

    def _fetch(self, path: str, seen: View, offered: set[str]) -> Call | tuple[str, Json]:
        page = seen.pages.get(path)
        if page and "memory_fault" in offered and not seen.failed:
            self.recalls += 1
            return "memory_fault", {"pages": [page]}
        self.read_again += path in self._known
        self._known.add(path)
        return "Read", {"file_path": path}

    def _looks_after(self, offered: set[str]) -> Iterator[tuple[str, Json]]:
        """Yield what it does for its memory as it begins a task: it is done with the one before."""
        if "memory_release" in offered and self.task > 0:
            before, own = self.tasks[self.task - 1], self.tasks[self.task]
            pages = [path for path in before.files[1:] if path not in own.files]
            yield "memory_release", {"pages": pages, "reason": "that task is done"}
        first, last = self.begun.get(self.task - 2), self.begun.get(self.task - 1)
        if "memory_collapse" in offered and first is not None and last is not None:
            told = f"Task {self.task - 2} was done. {text(f'sum {self.task}', 500)}"
            yield "memory_collapse", {"turns": f"{first}-{last - 1}", "summary": told}

    def _said(self, said: str, calls: Sequence[tuple[str, Json]]) -> list[Json]:
        blocks: list[Json] = [{"type": "text", "text": said}] if said else []
        for name, arguments in calls:
            self._calls += 1
            call = {"type": "tool_use", "id": f"toolu_{self._calls:06d}"}
            blocks.append({**call, "name": name, "input": arguments})
        return blocks


def _asks_for_summary(request: Mapping[str, Any]) -> bool:
    content = request["messages"][-1]["content"]
    last = content[-1] if isinstance(content, list) else {"type": "text", "text": content}
    return last["type"] == "text" and last["text"].startswith("Your task is to create a detailed")


def output_bytes(blocks: Sequence[Json]) -> int:
    """Return how much a reply is."""
    return sum(len(block.get("text") or json.dumps(block["input"])) for block in blocks)


__all__ = ["Model", "Move", "output_bytes", "view"]
