"""Conversations as a client sends them, and two harnesses that drive the paging of the proxy.

``Proxy`` keeps its records in a list; ``RecordedProxy`` writes and reads a real database.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from pichay_core.birth.profile import Earlier
from pichay_core.birth.protocol import PROTOCOL
from pichay_core.events import Collected, Event, Evicted, Warned
from pichay_core.model import (
    WHOLE,
    Call,
    Key,
    Kind,
    Page,
    PageId,
    SessionId,
    Span,
)  # fmt: skip
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request, read_messages
from pichay_core.schedule import SCHEDULES
from pichay_core.session import Match, Session, match
from pichay_core.store.library import Library
from pichay_core.store.recorder import Recorder
from pichay_core.store.records import Happened, Record, Turned
from pichay_core.turn import Rules, Turn, take
from pichay_core.wire import anthropic
from pichay_core.wire.format import Format
from pichay_core.wire.jsontext import splice
from pichay_core.wire.message import Message
from pichay_core.wire.report import Report
from pichay_proxy.exchange import Arrived, Decision
from pichay_proxy.options import Settings
from pichay_proxy.paging import Paging
from pichay_proxy.routes import route_of
from pichay_proxy.sessions import LiveSessions

type Json = dict[str, Any]

SONNET = "claude-sonnet-4-5"
BINDING = "claude-opus-5-5"
START = 1_750_000_000.0
SYSTEM = "You are a careful coding agent."
TOOLS = ("Read", "Edit", "Grep", "Bash")
KEY = {"x-api-key": "sk-ant-api-one"}
HEADER_SESSION = "x-claude-code-session-id"
HEADER_AGENT = "x-claude-code-agent-id"
NOTE = "Wasted call — file unchanged since your last Read. Refer to that earlier tool_result."
CLEARED = "[Old tool result content cleared]"
BILLING = "x-anthropic-billing-header: cc_version=2.1; cch="
SUMMARISE = "Your task is to create a detailed summary of the conversation so far."

# -- content ------------------------------------------------------------------------------


def prose(name: str, size: int = 4000) -> str:
    """About *size* bytes of plain lines that only this name gives."""
    line = f"{name}: a line of the text that this tool call brought\n"
    return line * max(1, size // len(line))


def user(text: str | list[Json]) -> Json:
    return {"role": "user", "content": text}


def reply(text: str) -> Json:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def thought(number: int) -> Json:
    return {"type": "thinking", "thinking": f"thought {number}", "signature": f"sig{number}=="}


def use(call: str, tool: str, **arguments: object) -> Json:
    return {"type": "tool_use", "id": call, "name": tool, "input": arguments}


def result(call: str, content: object, **more: object) -> Json:
    return {"type": "tool_result", "tool_use_id": call, "content": content, **more}


def marked(block: Json, ttl: str | None = None) -> Json:
    marker = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    return {**block, "cache_control": marker}


class Talk:
    """A conversation under construction. Every method appends to it and returns it."""

    def __init__(self, first: str = "Fix the bug.") -> None:
        self.messages: list[Json] = [user(first)]
        self.calls = 0

    def copy(self) -> "Talk":
        other = Talk()
        other.messages, other.calls = deepcopy(self.messages), self.calls
        return other

    def to(self, length: int) -> "Talk":
        """Rewind: only the first *length* messages are left."""
        del self.messages[length:]
        return self

    def ask(self, text: str) -> "Talk":
        self.messages += [reply("Done."), user(text)]
        return self

    def idle(self, turns: int = 4) -> "Talk":
        """Turns that bring no tool result."""
        for _ in range(turns):
            self.calls += 1
            self.ask(f"go on {self.calls}")
        return self

    def call(
        self, tool: str, text: object, id: str | None = None, think: bool = False, **given: object
    ) -> "Talk":
        more = given.pop("more", {})
        assert isinstance(more, dict)
        self.calls += 1
        name = f"toolu_{self.calls:04d}" if id is None else id
        thoughts = [thought(self.calls)] if think else []
        self.messages += [
            {"role": "assistant", "content": [*thoughts, use(name, tool, **given)]},
            user([result(name, text, **more)]),
        ]
        return self

    def read(self, path: str, text: object = None, **given: Any) -> "Talk":
        return self.call("Read", prose(path) if text is None else text, file_path=path, **given)

    def run(self, command: str, text: object = None, **given: Any) -> "Talk":
        return self.call("Bash", prose(command) if text is None else text, command=command, **given)

    def edit(self, path: str, **given: Any) -> "Talk":
        return self.call("Edit", "ok", file_path=path, old_string="a", new_string="b", **given)

    def grep(self, pattern: str, text: object = None, **given: Any) -> "Talk":
        return self.call("Grep", prose(pattern) if text is None else text, pattern=pattern, **given)


def worked(files: int = 8, first: str = "Fix the bug.") -> Talk:
    """A conversation of which the oldest results are due to leave."""
    talk = Talk(first)
    for number in range(files):
        talk.read(f"{number}.py")
    return talk


def body(
    talk: Talk | Sequence[Json],
    *,
    model: str = SONNET,
    system: object = SYSTEM,
    tools: Sequence[str] = TOOLS,
    **fields: object,
) -> bytes:
    """A request as a client would send it."""
    messages = talk.messages if isinstance(talk, Talk) else talk
    whole: Json = {
        "model": model,
        "max_tokens": 1000,
        "messages": messages,
        "system": system,
        "tools": [{"name": name, "input_schema": {"type": "object"}} for name in tools],
        **fields,
    }
    return json.dumps({k: v for k, v in whole.items() if v is not None}).encode()


def told(request: bytes) -> bytes:
    """The request with the protocol text in it, and nothing else changed."""
    outline = anthropic.outline(request)
    place = outline.fields["system"]
    return splice(request, [(place, anthropic.told(outline.field("system") or b"", PROTOCOL))])


def content_of(upstream: bytes, call: str) -> object:
    """What stands in the frame of a call, in the body that went upstream."""
    return _block(upstream, call)["content"]


def block_of(upstream: bytes, call: str) -> Json:
    return _block(upstream, call)


def _block(upstream: bytes, call: str) -> Json:
    return next(b for b in results_in(upstream) if b["tool_use_id"] == call)


def results_in(upstream: bytes) -> list[Json]:
    found = (m["content"] for m in json.loads(upstream)["messages"])
    blocks = (b for content in found if isinstance(content, list) for b in content)
    return [b for b in blocks if b["type"] == "tool_result"]


def is_stub(text: object) -> bool:
    return isinstance(text, str) and text.startswith("[Older result of ")


def stubbed(upstream: bytes) -> list[str]:
    """The calls whose results are out, in order."""
    return [b["tool_use_id"] for b in results_in(upstream) if is_stub(b["content"])]


def unmarked(item: Any) -> Any:
    """A JSON value without cache markers."""
    match item:
        case dict():
            return {k: unmarked(v) for k, v in item.items() if k != "cache_control"}
        case list():
            return [unmarked(v) for v in item]
        case _:
            return item


def units(upstream: bytes) -> list[Any]:
    """The messages of a body without markers."""
    return unmarked(json.loads(upstream)["messages"])


def markers_in(upstream: bytes) -> list[str]:
    """Times to live of all markers in prefix order: tools, system, messages, automatic."""
    whole = json.loads(upstream)
    parts = (whole.get("tools"), whole.get("system"), whole.get("messages"))
    return [ttl for part in (*parts, {"cache_control": whole.get("cache_control")})
            for ttl in _ttls(part)]  # fmt: skip


def _ttls(item: Any) -> list[str]:
    match item:
        case dict():
            own = item.get("cache_control")
            inner = [t for k, v in item.items() if k != "cache_control" for t in _ttls(v)]
            return inner + ([own.get("ttl", "5m")] if isinstance(own, dict) else [])
        case list():
            return [ttl for value in item for ttl in _ttls(value)]
        case _:
            return []


# -- pages, without a conversation ------------------------------------------------------------


def read_call(path: str, span: Span = WHOLE, id: str = "call", tool: str = "Read") -> Call:
    return Call(id, tool, path, Kind.READ, path, Key(tool, path, span))


def run_call(command: str, id: str = "call") -> Call:
    return Call(id, "Bash", command, Kind.RUN, command)


def write_call(path: str, id: str = "call") -> Call:
    return Call(id, "Edit", path, Kind.WRITE, path, writes=path)


def page(name: str, call: Call, content: str = "", size: int = 4000, **changed: Any) -> Page:
    """A page; *content* stands for what it holds."""
    return Page(PageId(name), call, content or name, size, 10, size // 4, **changed)


# -- harnesses ----------------------------------------------------------------------------


def rules(
    schedule: str = "batch",
    tau: int = 4,
    flush_tokens: int = 1,
    edit: bool = True,
    pin_half_life: int = 16,
    min_bytes: int = 500,
    keep_thinking: bool = False,
) -> Rules:
    limits = Limits(tau, min_bytes, flush_tokens, pin_half_life)
    schedules = SCHEDULES[schedule]
    return Rules(POLICIES["fifo"], schedules, limits, edit, keep_thinking=keep_thinking)


def settings(given: Rules | None = None, **changed: Any) -> Settings:
    values = {
        "database": Path("unused"),
        "hosts": frozenset({"api.anthropic.com"}),
        "rules": given or rules(),
        "allow_subscription": False,
        "largest_body": 8 * 1024 * 1024,
        "memory_tools": False,  # most conversations are told without them
    }
    return Settings(**(values | changed))


class Course:
    """Drives :func:`take` alone: one session, no shell, no store."""

    def __init__(self, given: Rules | None = None, session: Session | None = None) -> None:
        self.rules = given or rules()
        self.session = session or known(shape="")
        self.at = START
        self.contents: dict[str, str] = {}

    def take(self, request: bytes | Talk, after: float = 10.0, **fields: Any) -> Turn:
        """The turn that the next request makes, *after* seconds."""
        self.at += after
        return self.hand(self.request(request, **fields))

    def hand(self, read: Request) -> Turn:
        """The turn that a request makes which is read already."""
        found = match([self.session], read.messages, self.session.shape, True)
        turn = take(found or Match(self.session, 0, "extends"), read, self.rules, self.stored)
        self.session = turn.session
        return turn

    def request(self, request: bytes | Talk, **fields: Any) -> Request:
        """A request, read."""
        sent = body(request, **fields) if isinstance(request, Talk) else request
        format = cast("Format", anthropic)
        outline = format.outline(sent, [self.session.messages])
        head = format.head(outline, self.session.head)
        return Request(format, outline, head, read_messages(format, outline), self.at)

    def stored(self, digest: str) -> str | None:
        return self.contents.get(digest)


class Proxy:
    """Drives :class:`Paging` as the addon does; the records stay in a list."""

    def __init__(
        self,
        given: Rules | None = None,
        sessions: LiveSessions | None = None,
        prices: Prices = NOTHING,
        **changed: Any,
    ) -> None:
        self.settings = settings(given, **changed)
        self.records: list[Record] = []
        self.contents: dict[str, str] = {}
        self.sessions = sessions or LiveSessions()
        self.at = START
        self.decision = Decision()
        self.paging = Paging(
            self.settings, self.sessions, self.put, self.stored, prices, self.earlier
        )

    def put(self, record: Record) -> None:
        self.records.append(record)
        if isinstance(record, Turned):
            self._keep(record)

    def _keep(self, record: Turned) -> None:
        moved = (e.page for e in record.events if isinstance(e, Evicted | Collected))
        for name in moved:
            frame, entry = record.after.frames[name], record.after.table[name]
            raw = record.after.messages[frame.message].raw
            if entry.repairs is None:
                self.contents[entry.page.digest] = record.format.text(raw, frame.block) or ""

    def stored(self, digest: str) -> str | None:
        return self.contents.get(digest)

    def earlier(self, session: Session) -> Sequence[Earlier]:
        return ()

    def send(
        self,
        request: bytes | Talk,
        headers: Mapping[str, str] = KEY,
        after: float = 10.0,
        path: str = "/v1/messages",
        **fields: Any,
    ) -> bytes:
        """Send a request *after* seconds; returns what went upstream."""
        sent = body(request, **fields) if isinstance(request, Talk) else request
        self.at += after
        self.decision = self.paging.request(self.arrived(sent, headers, path))
        return sent if self.decision.body is None else self.decision.body

    def arrived(
        self, sent: bytes, headers: Mapping[str, str], path: str = "/v1/messages"
    ) -> Arrived:
        """The request as the addon hands it on."""
        route = route_of("POST", path)
        assert route is not None
        return Arrived(route, "api.anthropic.com", headers, sent, self.at, 0)

    def replied(self, report: Report | None, status: int = 200) -> tuple[Warned, ...]:
        assert self.decision.exchange is not None
        return self.paging.aftermath.replied(self.decision.exchange, status, report, self.at)

    @property
    def session(self) -> Session:
        """The session used last."""
        return max(self.sessions, key=lambda session: session.last_at)

    @property
    def turns(self) -> list[Turned]:
        return [record for record in self.records if isinstance(record, Turned)]

    @property
    def last(self) -> Turned:
        return self.turns[-1]

    def events(self, kind: type | None = None) -> list[Event]:
        """Everything that happened, or all of one kind."""
        found: list[Event] = []
        for record in self.records:
            match record:
                case Turned():
                    found += record.events
                case Happened():
                    found.append(record.event)
                case _:
                    pass
        return found if kind is None else [e for e in found if isinstance(e, kind)]


class RecordedProxy(Proxy):
    """The same with a database; :meth:`restart` is a new process on it."""

    def __init__(self, path: Path, given: Rules | None = None, **changed: Any) -> None:
        self.path = path
        self._given, self._changed = given, changed
        self.recorder = Recorder(path)
        self.library = Library(path)
        super().__init__(given, LiveSessions(self.library.sessions), **changed)

    def put(self, record: Record) -> None:
        self.records.append(record)
        self.recorder.put(record)

    def stored(self, digest: str) -> str | None:
        self.settle()
        return self.library.content(digest)

    def earlier(self, session: Session) -> Sequence[Earlier]:
        self.settle()
        return self.library.earlier(session)

    def settle(self) -> None:
        assert self.recorder.settle(10)

    def stop(self) -> None:
        assert self.recorder.close()
        self.library.close()

    def restart(self, given: Rules | None = None) -> "RecordedProxy":
        self.stop()
        new = RecordedProxy(self.path, given or self._given, **self._changed)
        new.at = self.at
        return new

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        self.settle()
        return list(self.library._db.conn.execute(sql, values))


def known(session: str = "s", **changed: Any) -> Session:
    """A session as it might stand, without a conversation."""
    values: dict[str, Any] = {"identity": "i", "shape": "shape", "secret": b"0" * 16}
    return Session(SessionId(session), **(values | changed))


def heard(*names: str) -> tuple[Message, ...]:
    """Messages that are told apart by name only."""
    return tuple(Message(name.encode(), name.encode(), "user") for name in names)
