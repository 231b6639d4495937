"""OpenCode: what ``opencode export`` writes, one JSON object a session.

A message of the model holds the calls together with their results. A compaction is a user
message with a ``compaction`` part and the summary that answers it: these two are all that is
sent afterwards. A result with a time ``compacted`` was cleared then.
"""

from collections.abc import Iterable
from typing import NamedTuple

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import ASSISTANT, USER, Telling, message
from pichay_core.traces.recording import Recording, count, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "opencode"

_ASKS_FOR_SUMMARY = "What did we do so far?"
_RAN_A_SUBTASK = "The following tool was executed by the user"


def recognises(recording: Recording) -> bool:
    """True if the file holds messages, each with an ``info`` and its ``parts``."""
    messages = [mapping(message) for message in items(recording.whole.get("messages"))]
    return isinstance(recording.whole.get("info"), dict) and any(
        isinstance(message.get("info"), dict) and isinstance(message.get("parts"), list)
        for message in messages
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a session; a subagent's if the session has a parent."""
    info = mapping(recording.whole.get("info"))
    kind = "subagent" if info.get("parentID") else "main"
    session = _Session(Telling(string(info.get("id")) or recording.name, kind))
    for told in items(recording.whole.get("messages")):
        session.add(mapping(told))
    return [conversation(session.telling)]


class _Turn(NamedTuple):
    """One reply of the model, and the results of its calls."""

    said: list[Block]
    results: list[Block]
    usage: Usage | None


class _Session:
    """One session, told in the order of its messages."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self._cleared: list[tuple[float, str]] = []
        self._compacting = False
        self._replies = 0

    def add(self, told: Json) -> None:
        info = mapping(told.get("info"))
        parts = [mapping(part) for part in items(told.get("parts"))]
        at = seconds(mapping(info.get("time")).get("created"))
        if info.get("role") == "user":
            self._compacting = any(part.get("type") == "compaction" for part in parts)
            self.telling.user((b for part in parts for b in _user_part(part)), at)
        else:
            self._answer(info, parts, at)

    def _answer(self, info: Json, parts: list[Json], at: float | None) -> None:
        self._clear(at)
        for turn in _turns(parts):
            self._reply(turn, string(info.get("modelID")), at)
            if self._compacting and info.get("summary") is True:
                asked = message(USER, blocks.text(_ASKS_FOR_SUMMARY))
                self.telling.compact([asked, message(ASSISTANT, turn.said)])
        self._cleared += [time for part in parts if (time := _cleared(part))]

    def _reply(self, turn: _Turn, model: str, at: float | None) -> None:
        self._replies += 1
        self.telling.reply(turn.said, self._replies, model=model, at=at, usage=turn.usage)
        self.telling.user(turn.results)

    def _clear(self, at: float | None) -> None:
        """Clear the results that were cleared before the time of the next reply."""
        due = [call_id for time, call_id in self._cleared if at is not None and time <= at]
        if due:
            self.telling.clear(due)
            self._cleared = [(time, call) for time, call in self._cleared if call not in due]


def _user_part(part: Json) -> list[Block]:
    match part.get("type"):
        case "text":
            return blocks.text(part.get("text"))
        case "compaction":
            return blocks.text(_ASKS_FOR_SUMMARY)
        case "subtask":
            return blocks.text(_RAN_A_SUBTASK)
        case "file" if string(part.get("mime")).startswith("image/"):
            return [blocks.image(len(string(part.get("url"))))]
        case _:
            return []


def _turns(parts: list[Json]) -> Iterable[_Turn]:
    """Yield the replies of a message: what stands between a step's start and its finish."""
    turn = _Turn([], [], None)
    for part in parts:
        match part.get("type"):
            case "step-start":
                if turn.said:
                    yield turn
                turn = _Turn([], [], None)
            case "step-finish":
                if turn.said:
                    yield turn._replace(usage=_usage(mapping(part.get("tokens"))))
                turn = _Turn([], [], None)
            case _:
                _add(turn, part)
    if turn.said:
        yield turn


def _add(turn: _Turn, part: Json) -> None:
    match part.get("type"):
        case "text":
            turn.said.extend(blocks.text(part.get("text")))
        case "reasoning":
            turn.said.append(blocks.thinking(part.get("text")))
        case "tool":
            state = mapping(part.get("state"))
            turn.said.append(blocks.call(part.get("callID"), part.get("tool"), state.get("input")))
            turn.results.append(_result(part.get("callID"), state))
        case _:
            pass


def _result(call_id: object, state: Json) -> Block:
    """Return a result; an empty one for a call that never came to its end."""
    failed = state.get("status") == "error"
    content = state.get("error") if failed else state.get("output")
    images = [item for item in items(state.get("attachments")) if _is_image(mapping(item))]
    if images:
        content = [content, *({"type": "image", "data": mapping(i).get("url")} for i in images)]
    return blocks.result(call_id, content, failed)


def _is_image(attachment: Json) -> bool:
    return string(attachment.get("mime")).startswith("image/")


def _cleared(part: Json) -> tuple[float, str] | None:
    time = seconds(mapping(mapping(part.get("state")).get("time")).get("compacted"))
    return (time, string(part.get("callID"))) if time is not None else None


def _usage(tokens: Json) -> Usage | None:
    if not tokens:
        return None
    cache = mapping(tokens.get("cache"))
    read, written = count(cache, "read"), count(cache, "write")
    window = count(tokens, "input") + read + written
    return usage(window, read, count(tokens, "output"), written)
