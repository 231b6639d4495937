"""moatless-tools: a search tree of actions and observations, one JSON object.

Each action is a reply of its own. A node that does not follow the one before it in the file is a
new branch of the search, told as a rewind.
"""

from collections.abc import Iterable

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Position, Telling
from pichay_core.traces.recording import Recording, count
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import anthropic_usage, usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "moatless"

_ABOUT_THE_ACTION = ("action_args_class", "thoughts", "scratch_pad", "is_terminal")


def recognises(recording: Recording) -> bool:
    """True if the object holds nodes, one of them with an action."""
    nodes = [mapping(node) for node in items(recording.whole.get("nodes"))]
    return any(node.get("action") or node.get("action_steps") for node in nodes)


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a tree."""
    tree = _Tree(recording.name)
    for node in items(recording.whole.get("nodes")):
        tree.add(mapping(node))
    return [conversation(tree.telling)]


class _Tree:
    """One tree, told in the order of its nodes."""

    def __init__(self, name: str) -> None:
        self.telling = Telling(name)
        self._ends: dict[int, Position] = {}
        self._actions = 0

    def add(self, node: Json) -> None:
        parent, number = node.get("parent_id"), node.get("node_id")
        if isinstance(parent, int) and parent in self._ends:
            self.telling.follow(self._ends[parent])
        for said in ("message", "user_message"):
            self.telling.user(blocks.texts(node.get(said)))
        completion = mapping(mapping(node.get("completions")).get("build_action"))
        for step in _steps(node):
            self._act(step, completion)
        if isinstance(number, int):
            self._ends[number] = self.telling.position()

    def _act(self, step: Json, completion: Json) -> None:
        self._actions += 1
        call_id = f"action-{self._actions}"
        self.telling.reply(
            _said(mapping(step.get("action")), call_id),
            self._actions,
            model=string(completion.get("model")),
            usage=_usage(completion),
        )
        self.telling.user([blocks.result(call_id, _seen(step.get("observation")))])


def _steps(node: Json) -> list[Json]:
    """Return the actions of a node; earlier versions have one, beside its observation."""
    steps = [mapping(step) for step in items(node.get("action_steps"))]
    return steps or ([node] if node.get("action") else [])


def _seen(observation: object) -> object:
    return mapping(observation).get("message", observation)


def _said(action: Json, call_id: str) -> list[Block]:
    """Return the thought and the call; a class ``a.b.SearchArgs`` is the tool ``Search``."""
    named = string(action.get("action_args_class")) or string(action.get("action_name"))
    tool = named.rpartition(".")[2].replace("Args", "")
    arguments = {key: item for key, item in action.items() if key not in _ABOUT_THE_ACTION}
    thought = action.get("thoughts") or action.get("scratch_pad")
    return [*blocks.texts(thought), blocks.call(call_id, tool, arguments)]


def _usage(completion: Json) -> Usage | None:
    """Return the provider's own counts where they are kept; moatless's leave some out."""
    response = mapping(mapping(completion.get("response")).get("usage"))
    if "input_tokens" in response:
        return anthropic_usage(response)
    tokens = mapping(completion.get("usage"))
    if not tokens:
        return None
    cached = count(tokens, "cached_tokens") or count(tokens, "cache_read_tokens")
    written = count(tokens, "cache_write_tokens")
    window = count(tokens, "prompt_tokens")
    return usage(window, cached, count(tokens, "completion_tokens"), written)
