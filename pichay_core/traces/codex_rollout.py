"""Codex: ``~/.codex/sessions/**/rollout-*.jsonl``, one item a line.

A reply is all that the model says until the client speaks. What Codex keeps when it compacts is
recorded (``replacement_history``), and so is how many turns a rewind takes back.

The head of a shell result holds the wall time, a chunk id, a process id and a count of tokens.
The model reads them, so they stay in the text and count as bytes; but they differ between two
equal results, so they are left out of what is hashed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import ASSISTANT, USER, Draft, Position, Telling, message
from pichay_core.traces.recording import Recording, count, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import usage
from pichay_core.wire import jsontext
from pichay_core.wire.shapes import Json, items, mapping, string

name = "codex-rollout"

_LINES = ("session_meta", "response_item", "event_msg", "turn_context")
_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "web_search_call": "action",
}
"""Items that are calls, and where each holds its arguments."""
_OUTPUTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_ITEMS = ("message", "reasoning", *_CALLS, *_OUTPUTS)
_HEAD = re.compile(r"(?:[A-Z][^\n]*\n){1,12}?(?:Output|Total output lines)\b")
_VOLATILE = re.compile(
    r"^(?:Chunk ID|Wall time|Original token count|Process running with session ID)\b.*\n",
    re.MULTILINE,
)


def recognises(recording: Recording) -> bool:
    """True if a line wraps an item in ``payload``, or is one as the first versions wrote them."""
    return any(
        (record.get("type") in _LINES and isinstance(record.get("payload"), dict))
        or (record.get("type") in ("function_call", "function_call_output") and "call_id" in record)
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the one conversation of a rollout; a subagent's if it was started by an agent."""
    rollout = _Rollout(recording.name)
    for record in recording.records:
        rollout.add(record)
    about = (mapping(record.get("payload")) for record in recording.records)
    project = next(filter(None, (string(payload.get("cwd")) for payload in about)), "")
    return [replace(conversation(rollout.telling), project=project)]


def stable(text: str) -> str:
    """Return a shell result without the lines of its head that differ from run to run."""
    head = _HEAD.match(text)
    return text if head is None else _VOLATILE.sub("", head.group()) + text[head.end() :]


class _Rollout:
    """One rollout, told in the order of the file."""

    def __init__(self, name: str) -> None:
        self.telling = Telling("", stable=stable)
        self._name = name
        self._model = ""
        self._total: object = None
        self._prompts: list[Position] = []
        self.telling.id = name
        self._known = False

    def add(self, record: Json) -> None:
        payload = mapping(record.get("payload")) or record
        match record.get("type"):
            case "session_meta":
                self._session(payload)
            case "turn_context":
                self._model = string(payload.get("model")) or self._model
            case "compacted":
                self._compacted(payload)
            case "event_msg":
                self._event(payload)
            case "response_item":
                self._item(payload, seconds(record.get("timestamp")))
            case kind if kind in _ITEMS:
                self._item(record, seconds(record.get("timestamp")))
            case _:
                pass

    def _session(self, meta: Json) -> None:
        if not self._known and (session := string(meta.get("id"))):
            self.telling.id = session
            self._known = True
        if "subagent" in mapping(meta.get("source")):
            self.telling.kind = "subagent"

    def _event(self, event: Json) -> None:
        match event.get("type"):
            case "token_count":
                self._billed(mapping(event.get("info")))
            case "thread_rolled_back":
                self._rolled_back(count(event, "num_turns"))
            case _:
                pass

    def _billed(self, info: Json) -> None:
        """Note what the last reply cost; an unchanged total is the same reply once more."""
        last = mapping(info.get("last_token_usage"))
        total = mapping(info.get("total_token_usage")).get("total_tokens")
        if last and total != self._total:
            self._total = total
            self.telling.billed(_usage(last))

    def _rolled_back(self, turns: int) -> None:
        if 0 < turns <= len(self._prompts):
            self.telling.rewind(self._prompts[-turns])
            del self._prompts[-turns:]

    def _compacted(self, payload: Json) -> None:
        history = [mapping(item) for item in items(payload.get("replacement_history"))]
        self._prompts.clear()
        summary = message(USER, blocks.texts(payload.get("message")))
        self.telling.compact([_kept(item) for item in history] or [summary])

    def _item(self, item: Json, at: float | None) -> None:
        kind = item.get("type")
        if kind == "message" and item.get("role") != "assistant":
            self._prompt(blocks.texts(item.get("content")), at)
        elif kind in _OUTPUTS:
            self.telling.user([_output(item)], at)
        else:
            self.telling.reply(_said(item), model=self._model, at=at)

    def _prompt(self, said: Sequence[Block], at: float | None) -> None:
        if any(_is_typed(block) for block in said):
            self._prompts.append(self.telling.position())
        self.telling.user(said, at)


def _is_typed(block: Block) -> bool:
    """True for what the user typed; Codex itself speaks in tags and headings."""
    said = string(block.get("text")).lstrip()
    return bool(said) and not said.startswith(("<", "# AGENTS.md"))


def _said(item: Json) -> list[Block]:
    """Return what the model says in an item; nothing for an item that is not the model's."""
    kind = string(item.get("type"))
    if kind == "message":
        return blocks.texts(item.get("content"))
    if kind == "reasoning":
        parts = blocks.texts(item.get("summary"))
        return [blocks.thinking("\n".join(string(part.get("text")) for part in parts))]
    if kind not in _CALLS:
        return []
    call_id = item.get("call_id") or item.get("id")
    return [blocks.call(call_id, item.get("name") or kind, item.get(_CALLS[kind]))]


def _output(item: Json) -> Block:
    return blocks.result(item.get("call_id"), _content(item.get("output")))


def _content(output: object) -> object:
    """Return the text of an output; the first versions wrapped it in JSON, with its duration."""
    if isinstance(output, str) and output.startswith("{") and '"output"' in output[:60]:
        return _unwrapped(output)
    return mapping(output).get("content", output)


def _unwrapped(output: str) -> object:
    try:
        return mapping(jsontext.value(output.encode())).get("output", output)
    except jsontext.Unreadable:
        return output


def _kept(item: Json) -> Draft:
    """Return an item of a history as a message; one of an unknown kind (a summary only the
    provider can read) as it came."""
    kind = item.get("type")
    if kind in _OUTPUTS:
        return message(USER, [_output(item)])
    if kind == "message" and item.get("role") != "assistant":
        return message(USER, blocks.texts(item.get("content")))
    return message(ASSISTANT, _said(item) or [item])


def _usage(counts: Json) -> Usage:
    return usage(
        count(counts, "input_tokens"),
        count(counts, "cached_input_tokens"),
        count(counts, "output_tokens"),
    )
