"""Claude Code: ``~/.claude/projects/*/*.jsonl``, one record a line.

A reply is written block by block, as records with one response id. ``parentUuid`` links each
record to the one it follows, so an edited prompt shows as a record that follows an older one.
Subagents have their own file, or stand in the parent's: as records with ``isSidechain``, or
wrapped in ``agent_progress``. After ``compact_boundary`` nothing from before it is sent again but
what it says is preserved; ``microcompact_boundary`` names the calls whose results are cleared.
"""

from collections.abc import Iterable
from dataclasses import replace

from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import START, Draft, Position, Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import anthropic_usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "claude-code"

_SPEAKERS = ("user", "assistant")
_NOT_A_MODEL = "<synthetic>"
"""Written where the client itself speaks for the model, for instance after an error."""
_REDACTED = "REDACTED"
"""Stands in an id that was blacked out for publication: it names nothing any more."""


def recognises(recording: Recording) -> bool:
    """True if a record is a message with a session and a place in the tree."""
    return any(
        record.get("type") in _SPEAKERS and {"message", "sessionId", "parentUuid"} <= record.keys()
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield the main conversation, then the subagents in order of their first record."""
    session = _Session(recording)
    for record in recording.records:
        session.add(record)
    agents = sorted(session.agents.values(), key=lambda agent: agent.telling.kind != "main")
    folders = (string(record.get("cwd")) for record in recording.records)
    project = next(filter(None, folders), "")
    return [replace(conversation(agent.telling), project=project) for agent in agents]


class _Session:
    """All agents of one file."""

    def __init__(self, recording: Recording) -> None:
        ids = (string(record.get("sessionId")) for record in recording.records)
        self._id = next(filter(None, ids), recording.name)
        self._roots: dict[str, str] = {}
        self.agents: dict[str, _Agent] = {}

    def add(self, record: Json) -> None:
        """Give a record to the agent it belongs to."""
        progress = mapping(record.get("data"))
        if record.get("type") == "progress" and progress.get("type") == "agent_progress":
            root = string(progress.get("agentId")) or string(record.get("parentToolUseID"))
            # The parents of these are in the subagent's own file: their order is the order here.
            self._agent(root).add({**mapping(progress.get("message")), "parentUuid": ""})
        elif record.get("isSidechain") is True:
            self._agent(self._root(record)).add(record)
        else:
            self._agent("").add(record)

    def _root(self, record: Json) -> str:
        uuid = string(record.get("uuid"))
        parent = self._roots.get(string(record.get("parentUuid")))
        self._roots[uuid] = string(record.get("agentId")) or parent or uuid
        return self._roots[uuid]

    def _agent(self, root: str) -> "_Agent":
        if root not in self.agents:
            telling = Telling(root, "subagent") if root else Telling(self._id)
            self.agents[root] = _Agent(telling)
        return self.agents[root]


class _Agent:
    """One agent's records, told in the order of the file."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self._starts: dict[str, Position] = {}
        self._places: dict[str, Position] = {}
        self._compacted = False
        self._preserved: list[Draft] = []

    def add(self, record: Json) -> None:
        uuid = string(record.get("uuid"))
        if uuid in self._places:
            return
        kind = record.get("type")
        if kind in (*_SPEAKERS, "attachment"):
            self._follow(record)
        self._starts[uuid] = self.telling.position()
        match kind:
            case "user":
                self._user(record)
            case "assistant":
                self._assistant(record)
            case "attachment":
                self.telling.user(_attached(record), seconds(record.get("timestamp")))
            case "system":
                self._system(record)
            case _:
                pass
        if uuid:
            self._places[uuid] = self._place(record, kind)

    def _follow(self, record: Json) -> None:
        parent = record.get("parentUuid")
        if parent is None and "parentUuid" in record:
            if not self._compacted:
                self.telling.follow(START)
        elif (place := self._places.get(string(parent))) is not None:
            self.telling.follow(place)

    def _place(self, record: Json, kind: object) -> Position:
        """Return where a record stands; one that says nothing stands where its parent does."""
        if kind in (*_SPEAKERS, "system", "attachment"):
            return self.telling.position()
        return self._places.get(string(record.get("parentUuid")), self.telling.position())

    def _system(self, record: Json) -> None:
        match record.get("subtype"):
            case "compact_boundary":
                self._compact(mapping(record.get("compactMetadata")))
            case "microcompact_boundary":
                cleared = mapping(record.get("microcompactMetadata")).get("compactedToolIds")
                self.telling.clear({string(call_id) for call_id in items(cleared)})
            case _:
                pass

    def _compact(self, about: Json) -> None:
        """Start anew; what the client preserved follows the summary, which is yet to come."""
        first = _first_preserved(about)
        start = self._starts.get(first) if first else None
        self._preserved = self.telling.since(start) if start is not None else []
        self.telling.compact()
        self._compacted = True

    def _user(self, record: Json) -> None:
        if record.get("isCompactSummary") is True and not self._compacted:
            self.telling.compact()
        content = mapping(record.get("message")).get("content")
        self.telling.user(_said(content), seconds(record.get("timestamp")))
        self.telling.add(self._preserved)
        self._compacted, self._preserved = False, []

    def _assistant(self, record: Json) -> None:
        message = mapping(record.get("message"))
        if message.get("model") == _NOT_A_MODEL:
            return
        self.telling.reply(
            _replied(message.get("content")),
            _response(record, message),
            model=string(message.get("model")),
            at=seconds(record.get("timestamp")),
            usage=anthropic_usage(message.get("usage")),
        )


def _first_preserved(about: Json) -> str:
    """Return the first record that a compaction left in the window; blank if it left none."""
    segment = mapping(about.get("preservedSegment"))
    messages = mapping(about.get("preservedMessages"))
    uuids = items(messages.get("allUuids")) or items(messages.get("uuids"))
    first = string(segment.get("headUuid")) or string(messages.get("headUuid"))
    return first or next(map(string, uuids), "")


def _response(record: Json, message: Json) -> tuple[str, str]:
    """Return what tells one response from another."""
    response, request = _id(message.get("id")), _id(record.get("requestId"))
    return (response, request) if response or request else (string(record.get("uuid")), "")


def _id(item: object) -> str:
    return "" if _REDACTED in string(item) else string(item)


def _attached(record: Json) -> list[Block]:
    """Return an attachment as text; close in size to what the client makes of it."""
    attachment = mapping(record.get("attachment"))
    return blocks.text("[attachment] " + blocks.dumped(attachment)) if attachment else []


def _said(content: object) -> list[Block]:
    if isinstance(content, str):
        return blocks.text(content)
    return [block for part in items(content) for block in _user_part(mapping(part))]


def _user_part(part: Json) -> list[Block]:
    if part.get("type") != "tool_result":
        return blocks.texts([part])
    return [blocks.result(part.get("tool_use_id"), part.get("content"), part.get("is_error"))]


def _replied(content: object) -> list[Block]:
    if isinstance(content, str):
        return blocks.text(content)
    return [block for part in items(content) for block in _reply_part(mapping(part))]


def _reply_part(part: Json) -> list[Block]:
    match part.get("type"):
        case "text":
            return blocks.text(part.get("text"))
        case str():
            return [part]
        case _:
            return []
