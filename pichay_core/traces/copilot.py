"""GitHub Copilot CLI: ``~/.copilot/session-state/**/events.jsonl``, one event a line.

A ``session.compaction_complete`` leaves its summary and nothing else. What a
``session.truncation`` leaves is not recorded; it is taken for nothing.
"""

from collections.abc import Iterable

from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import USER, Telling, message
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.wire.shapes import Json, items, mapping, string

name = "copilot"

_EVENTS = ("session.start", "assistant.message", "tool.execution_complete")
_REDACTED = "REDACTED"


def recognises(recording: Recording) -> bool:
    """True if an event has one of this client's names, and data."""
    return any(
        record.get("type") in _EVENTS and isinstance(record.get("data"), dict)
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the main conversation, then the subagents in order of their first event."""
    session = _Session(recording.name)
    for event in recording.records:
        session.add(event)
    return [conversation(telling) for telling in session.tellings.values()]


class _Session:
    """One session, told in the order of its events."""

    def __init__(self, name: str) -> None:
        self._main = Telling(name)
        self.tellings = {"": self._main}
        self._model = ""

    def add(self, event: Json) -> None:
        data = mapping(event.get("data"))
        match event.get("type"):
            case "session.start":
                self._main.id = string(data.get("sessionId")) or self._main.id
            case "session.model_change":
                self._model = string(data.get("newModel"))
            case "session.compaction_complete" | "session.truncation":
                self._compacted(data)
            case _:
                self._speak(event, data)

    def _speak(self, event: Json, data: Json) -> None:
        """Tell what was said; a subagent's events name the call that started it."""
        agent = string(data.get("parentToolCallId"))
        telling = self.tellings.setdefault(agent, Telling(agent, "subagent"))
        at = seconds(event.get("timestamp"))
        match event.get("type"):
            case "user.message":
                said = data.get("transformedContent") or data.get("content")
                telling.user(blocks.texts(said), at)
            case "assistant.message":
                key = _response(data) or string(event.get("id")) or object()
                model = string(data.get("model")) or self._model
                telling.reply(_said(data), key, model=model, at=at)
            case "tool.execution_complete":
                telling.user([_result(data)], at)
            case _:
                pass

    def _compacted(self, data: Json) -> None:
        if data.get("success") is False or data.get("messagesRemovedDuringTruncation") == 0:
            return
        self._main.compact([message(USER, blocks.texts(data.get("summaryContent")))])


def _response(data: Json) -> str:
    """Return the id of a response; blank if it was blacked out for publication."""
    message_id = string(data.get("messageId"))
    return "" if _REDACTED in message_id else message_id


def _said(data: Json) -> list[Block]:
    requests = [mapping(request) for request in items(data.get("toolRequests"))]
    calls = [
        blocks.call(request.get("toolCallId"), request.get("name"), request.get("arguments"))
        for request in requests
    ]
    said = [*blocks.texts(data.get("content")), *calls]
    thought = data.get("reasoningText")
    return [blocks.thinking(thought), *said] if thought and said else said


def _result(data: Json) -> Block:
    answer = data.get("result") or data.get("error")
    content = mapping(answer).get("content", answer)
    return blocks.result(data.get("toolCallId"), content, data.get("success") is False)
