"""OpenHands: the events of a session, as a JSON list or under ``history`` of a benchmark's output.

An observation answers the action it names as its ``cause``; older exports write pairs. Every
action of the agent is a reply of its own.
"""

from collections.abc import Iterable

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, count, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "openhands"

_NO_CALLS = ("initialize", "change_agent_state", "recall", "null", "system")
_NO_RESULTS = ("agent_state_changed", "null")


def recognises(recording: Recording) -> bool:
    """True if there are events: actions of a source, and observations with a cause."""
    return any(
        "source" in event and ("cause" in event or "observation" in event)
        for events in _histories(recording)
        for event in events
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield a conversation for each history."""
    for number, events in enumerate(_histories(recording)):
        session = _Session(recording.name if not number else f"{recording.name}#{number + 1}")
        for place, event in enumerate(events):
            session.add(event, place)
        yield conversation(session.telling)


def _histories(recording: Recording) -> Iterable[list[Json]]:
    histories = [record.get("history") for record in recording.records]
    if any(isinstance(history, list) for history in histories):
        return [_flat(history) for history in histories]
    return [list(recording.records)]


def _flat(history: object) -> list[Json]:
    """Return the events; an older export's pair of action and observation is two."""
    lists = (items(item) or [item] for item in items(history))
    return [mapping(event) for group in lists for event in group]


class _Session:
    """One session, told in the order of its events."""

    def __init__(self, id: str) -> None:
        self.telling = Telling(id)
        self._newest = ""

    def add(self, event: Json, place: int) -> None:
        action, observation = string(event.get("action")), string(event.get("observation"))
        number = event.get("id")
        id = f"event-{number if isinstance(number, int | str) else place}"
        at = seconds(event.get("timestamp"))
        if action == "message":
            self._message(event, id, at)
        elif action and action not in _NO_CALLS:
            self._act(event, action, id, at)
        elif observation and observation not in _NO_RESULTS:
            self._observe(event, at)

    def _message(self, event: Json, id: str, at: float | None) -> None:
        said = blocks.texts(mapping(event.get("args")).get("content") or event.get("message"))
        if event.get("source") == "user":
            self.telling.user(said, at)
        else:
            self.telling.reply(said, id, at=at)

    def _act(self, event: Json, action: str, id: str, at: float | None) -> None:
        arguments = dict(mapping(event.get("args")))
        thought = blocks.text(arguments.pop("thought", None))
        response = mapping(mapping(event.get("tool_call_metadata")).get("model_response"))
        self.telling.reply(
            [*thought, blocks.call(id, action, arguments)],
            id,
            model=string(response.get("model")),
            at=at,
            usage=_usage(mapping(response.get("usage"))),
        )
        self._newest = id

    def _observe(self, event: Json, at: float | None) -> None:
        cause = event.get("cause")
        answered = f"event-{cause}" if isinstance(cause, int | str) else self._newest
        if answered:
            self.telling.user([blocks.result(answered, event.get("content"))], at)


def _usage(tokens: Json) -> Usage | None:
    if not tokens:
        return None
    read = count(tokens, "cache_read_input_tokens")
    written = count(tokens, "cache_creation_input_tokens")
    window = count(tokens, "prompt_tokens")
    return usage(window, read, count(tokens, "completion_tokens"), written)
