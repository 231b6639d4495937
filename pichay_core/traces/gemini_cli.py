"""Gemini CLI: ``~/.gemini/tmp/*/chats/session-*``, one JSON object, later one record a line.

In the second shape a record replaces the one with the same id, ``$set`` may bring messages too,
and ``$rewindTo`` takes back a message and all after it. A message of the model holds its calls
together with their results. What a compression left out is not told.
"""

from collections.abc import Iterable, Sequence

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Position, Telling
from pichay_core.traces.recording import Recording, count, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "gemini-cli"


def recognises(recording: Recording) -> bool:
    """True if the first object says for which project it records."""
    first = recording.records[0]
    return "projectHash" in first and "sessionId" in first


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a session."""
    first = recording.records[0]
    kind = "subagent" if first.get("kind") == "subagent" else "main"
    telling = Telling(string(first.get("sessionId")) or recording.name, kind)
    if "messages" in recording.whole:
        for said in items(recording.whole.get("messages")):
            _tell(telling, mapping(said))
    else:
        _Log(recording.records).tell(telling)
    return [conversation(telling)]


class _Log:
    """The records of a session, each message in its last version."""

    def __init__(self, records: Sequence[Json]) -> None:
        self._last: dict[str, Json] = {}
        self._story: list[tuple[str, str]] = []
        for place, record in enumerate(records):
            self._add(record, f"{place}")

    def tell(self, telling: Telling) -> None:
        """Tell what was said, in order, and what was taken back."""
        starts: dict[str, Position] = {}
        for event, id in self._story:
            if event == "rewind":
                telling.rewind(starts[id])
            else:
                starts[id] = telling.position()
                _tell(telling, self._last[id])

    def _add(self, record: Json, place: str) -> None:
        back = string(record.get("$rewindTo"))
        if back in self._last:
            self._story.append(("rewind", back))
        for number, said in enumerate(items(mapping(record.get("$set")).get("messages"))):
            self._put(mapping(said), f"{place}.{number}")
        if record.get("type"):
            self._put(record, place)

    def _put(self, said: Json, place: str) -> None:
        id = string(said.get("id")) or place
        if id not in self._last:
            self._story.append(("said", id))
        self._last[id] = said


def _tell(telling: Telling, said: Json) -> None:
    at = seconds(said.get("timestamp"))
    match said.get("type"):
        case "user":
            telling.user(_said(said.get("content")), at)
        case "gemini":
            calls = [mapping(call) for call in items(said.get("toolCalls"))]
            telling.reply(
                [*_replied(said), *(_call(call) for call in calls)],
                string(said.get("id")) or object(),
                model=string(said.get("model")),
                at=at,
                usage=_usage(mapping(said.get("tokens"))),
            )
            telling.user(_result(call) for call in calls)
        case _:
            pass


def _said(content: object) -> list[Block]:
    """Return what the user said; answers to calls stand with the calls already."""
    parts = [mapping(part) for part in items(content)]
    if any("functionResponse" in part for part in parts):
        return []
    return [block for part in parts for block in _part(part)] or blocks.texts(content)


def _part(part: Json) -> list[Block]:
    data = mapping(part.get("inlineData"))
    if data:
        return [blocks.image(len(string(data.get("data"))))]
    return blocks.text(part.get("text"))


def _replied(said: Json) -> list[Block]:
    thoughts = [mapping(thought) for thought in items(said.get("thoughts"))]
    lines = [f"{string(t.get('subject'))}: {string(t.get('description'))}" for t in thoughts]
    thought = [blocks.thinking("\n".join(lines))] if lines else []
    return [*thought, *blocks.texts(said.get("content"))]


def _call(call: Json) -> Block:
    return blocks.call(call.get("id"), call.get("name"), call.get("args"))


def _result(call: Json) -> Block:
    answers = [_answer(mapping(part)) for part in items(call.get("result"))]
    return blocks.result(call.get("id"), answers, call.get("status") == "error")


def _answer(part: Json) -> object:
    """Return what a part of a result says; the reader of content knows the other shapes."""
    data = mapping(part.get("inlineData"))
    if data:
        return {"type": "image", "data": data.get("data")}
    if "functionResponse" not in part:
        return part
    response = mapping(part.get("functionResponse")).get("response")
    said = mapping(response)
    found = said.get("output", said.get("error", response))
    return found if isinstance(found, str) else blocks.dumped(found)


def _usage(tokens: Json) -> Usage | None:
    if not tokens:
        return None
    return usage(count(tokens, "input"), count(tokens, "cached"), count(tokens, "output"))
