"""pi: ``~/.pi/agent/sessions/**/*.jsonl``, one entry a line.

Later versions link entries by ``parentId``, so that a session may branch. A compaction says
which entry is the first one kept, by its place in the file or by its id.
"""

from collections.abc import Iterable

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import USER, Position, Telling, message
from pichay_core.traces.recording import Recording, count, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "pi"

_ROLES = ("user", "assistant", "toolResult", "bashExecution")


def recognises(recording: Recording) -> bool:
    """True if the file begins with a session, and holds messages in pi's roles."""
    return recording.records[0].get("type") == "session" and any(
        record.get("type") == "message" and mapping(record.get("message")).get("role") in _ROLES
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a session."""
    session = _Session(string(recording.records[0].get("id")) or recording.name)
    for place, entry in enumerate(recording.records):
        session.add(place, entry)
    return [conversation(session.telling)]


class _Session:
    """One session, told in the order of the file."""

    def __init__(self, id: str) -> None:
        self.telling = Telling(id)
        self._starts: dict[object, Position] = {}
        self._ends: dict[str, Position] = {}

    def add(self, place: int, entry: Json) -> None:
        id, parent = string(entry.get("id")), string(entry.get("parentId"))
        if parent in self._ends:
            self.telling.follow(self._ends[parent])
        self._starts[place] = self._starts[id or place] = self.telling.position()
        self._tell(entry, place)
        if id:
            self._ends[id] = self.telling.position()

    def _tell(self, entry: Json, place: int) -> None:
        match entry.get("type"):
            case "message":
                self._message(entry, place)
            case "compaction":
                self._compacted(entry)
            case "branch_summary" | "custom_message":
                self.telling.user(blocks.texts(entry.get("summary") or entry.get("content")))
            case _:
                pass

    def _compacted(self, entry: Json) -> None:
        first = entry.get("firstKeptEntryId", entry.get("firstKeptEntryIndex"))
        start = self._starts.get(first) if isinstance(first, str | int) else None
        kept = self.telling.since(start) if start is not None else []
        self.telling.compact([message(USER, blocks.text(entry.get("summary"))), *kept])

    def _message(self, entry: Json, place: int) -> None:
        said = mapping(entry.get("message"))
        at = seconds(entry.get("timestamp"))
        content = said.get("content")
        match said.get("role"):
            case "user":
                self.telling.user(blocks.texts(content), at)
            case "toolResult":
                answer = blocks.result(said.get("toolCallId"), content, said.get("isError"))
                self.telling.user([answer], at)
            case "bashExecution":
                shown = f"$ {said.get('command')}\n{said.get('output')}"
                self.telling.user(blocks.text(shown), at)
            case "assistant":
                self._reply(said, place, at)
            case _:
                pass

    def _reply(self, reply: Json, place: int, at: float | None) -> None:
        said = _said(reply.get("content"))
        self.telling.reply(
            said,
            place,
            model=string(reply.get("model")),
            at=at,
            usage=_usage(mapping(reply.get("usage"))) if said else None,
        )


def _said(content: object) -> list[Block]:
    if isinstance(content, str):
        return blocks.text(content)
    return [block for part in items(content) for block in _part(mapping(part))]


def _part(part: Json) -> list[Block]:
    match part.get("type"):
        case "text":
            return blocks.text(part.get("text"))
        case "thinking" if part.get("thinking"):
            return [blocks.thinking(part.get("thinking"))]
        case "toolCall":
            return [blocks.call(part.get("id"), part.get("name"), part.get("arguments"))]
        case _:
            return []


def _usage(counts: Json) -> Usage | None:
    if not counts:
        return None
    read, written = count(counts, "cacheRead"), count(counts, "cacheWrite")
    window = count(counts, "input") + read + written
    return usage(window, read, count(counts, "output"), written)
