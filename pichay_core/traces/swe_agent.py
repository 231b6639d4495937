"""SWE-agent: a ``.traj`` file, one JSON object.

Each step of the trajectory is a thought, one action in the agent's own shell language, and an
observation. What came before the first step is the history up to the model's first words.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from pichay_core.traces import blocks
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.wire.shapes import Json, items, mapping, string

name = "swe-agent"


def recognises(recording: Recording) -> bool:
    """True if the object holds a trajectory of actions and observations."""
    steps = [mapping(step) for step in items(recording.whole.get("trajectory"))]
    return any("observation" in step and "action" in step for step in steps)


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a trajectory."""
    whole = recording.whole
    telling = Telling(recording.name)
    for message in _preamble(whole):
        telling.user(blocks.texts(message.get("content")))
    model = string(mapping(mapping(whole.get("info")).get("model_stats")).get("model"))
    for number, step in enumerate(items(whole.get("trajectory"))):
        _tell(telling, mapping(step), number, model)
    return [conversation(telling)]


def _preamble(whole: Json) -> Iterator[Json]:
    history = (mapping(message) for message in items(whole.get("history")))
    return takewhile(lambda message: message.get("role") != "assistant" or _demo(message), history)


def _demo(message: Json) -> bool:
    return message.get("is_demo") is True


def _tell(telling: Telling, step: Json, number: int, model: str) -> None:
    action = string(step.get("action"))
    tool = (action.split(maxsplit=1) or ["?"])[0]
    call = blocks.call(f"step-{number}", tool, {"command": action})
    telling.reply([*blocks.text(step.get("thought")), call], number, model=model)
    telling.user([blocks.result(f"step-{number}", step.get("observation"))])
