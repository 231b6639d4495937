"""Gemini CLI with ``--output-format stream-json``: one event a line.

Events carry no id of a response: a reply is all that the model says until a result or a prompt.
A second ``init`` is another process, which knows nothing of what was said before.
"""

from collections.abc import Iterable

from pichay_core.traces import blocks
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.wire.shapes import Json, string

name = "gemini-stream"


def recognises(recording: Recording) -> bool:
    """True if an event starts a session, or names a tool in this stream's words."""
    return any(
        (record.get("type") == "init" and "session_id" in record and "model" in record)
        or (record.get("type") == "tool_use" and {"tool_id", "tool_name"} <= record.keys())
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a stream."""
    stream = _Stream(recording.name)
    for event in recording.records:
        stream.add(event)
    return [conversation(stream.telling)]


class _Stream:
    """One stream, told in the order of its events."""

    def __init__(self, name: str) -> None:
        self.telling = Telling(name)
        self._session = ""
        self._model = ""

    def add(self, event: Json) -> None:
        at = seconds(event.get("timestamp"))
        match event.get("type"):
            case "init":
                self._init(event)
            case "message" if event.get("role") == "user":
                self.telling.user(blocks.texts(event.get("content")), at)
            case "message":
                self.telling.reply(blocks.texts(event.get("content")), model=self._model, at=at)
            case "tool_use":
                called = (event.get("tool_id"), event.get("tool_name"), event.get("parameters"))
                self.telling.reply([blocks.call(*called)], model=self._model, at=at)
            case "tool_result":
                failed = event.get("status") == "error"
                answer = blocks.result(event.get("tool_id"), event.get("output"), failed)
                self.telling.user([answer], at)
            case _:
                pass

    def _init(self, event: Json) -> None:
        session = string(event.get("session_id"))
        self._model = string(event.get("model")) or self._model
        if self._session and session != self._session:
            self.telling.compact()
        elif not self._session:
            self.telling.id = session or self.telling.id
        self._session = session
