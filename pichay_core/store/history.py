"""Our own recording as a trace, to be replayed: every session told again from its rows.

Rule of this file: what was recorded is told exactly, what was not is made up in the same size.

Exact: requests in order with their times, models and bills; how many messages each held and from
which on it was new; each tool result with its id, size, digest, error and the request that it
came with; its call with tool and key. So the page of a replay has the name it had. Its text is
the recorded one if it ever left the window.

Made up: all other text. A result's is as long as the real one, and equal digests give equal
text. What user and model said is as long as the bill leaves over (the window, and what we had
removed from it), the model's no longer than its reply was billed. What stood in front of it
(system prompt and tools) is left for the replay to put there: as many tokens as its bytes come
to, at most ``FRONT_TOKENS`` where they were not recorded.

Taken to be so: in a first request, and after a rewind, user and model take turns. Of the pages
behind the place of a rewind, those that are sent to the end are sent again; of the others the
oldest are gone, as many as were counted. A client's placeholder or note is an empty result.
Signed thinking and the client's cache markers are not recorded, so there are none. Requests
after a session was frozen are left out: their messages were not looked at. A fork is a
conversation of its own that begins with the history it returned to.
"""

import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pichay_core.model import State, Usage
from pichay_core.store import retold
from pichay_core.store.database import Database
from pichay_core.store.pagerows import Row, entry_of
from pichay_core.store.retold import ASSISTANT, USER, Spoken
from pichay_core.store.schema import Unusable, open_for_reading
from pichay_core.store.scope import Scope, rows
from pichay_core.store.stories import content
from pichay_core.table import Entry
from pichay_core.tokens import bytes_per_token, tokens_of_bytes
from pichay_core.traces.trace import Conversation, NotATrace, Step, Trace
from pichay_core.wire.message import Message

FORMAT = "pichay"
FRONT_TOKENS = 20_000
"""Of a first window. What Claude Code sends in front of a conversation is about this size."""

_MAGIC = b"SQLite format 3\0"
_NOT_HERE = re.compile(r"(: |, or |\. )name another with --database\.$", re.IGNORECASE)
"""The end of an advice that is about another command."""


def is_database(path: Path) -> bool:
    """True if the file is a SQLite database, ours or not."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def trace_of(path: Path) -> Trace:
    """Return the recording at *path*, opened to be read only. Raises NotATrace with what to do."""
    try:
        db = open_for_reading(path)
        with closing(db.conn):
            trace = conversations(db)
    except Unusable as error:
        raise NotATrace(_NOT_HERE.sub("", str(error))) from error
    except sqlite3.Error as error:
        raise NotATrace(f"{path} cannot be read: {error}. Try again when it is whole.") from error
    if not trace.conversations:
        raise NotATrace(f"{path}: nothing is recorded in it yet: run an agent first")
    return trace


def conversations(db: Database) -> Trace:
    """Return every session of a database, the oldest first."""
    named = rows(db, "select id from sessions order by started_at, id")
    told = [conversation(db, row["id"]) for row in named]
    (turns,) = rows(db, "select count(*) count from turns")
    steps = sum(len(one.steps) for one in told)
    return Trace(FORMAT, tuple(one for one in told if one.steps), turns["count"] - steps)


def conversation(db: Database, session: str) -> Conversation:
    """Return one session; it has no steps if none of its requests was looked at."""
    (row,) = rows(db, "select * from sessions where id = :session", Scope(session))
    turns = rows(db, _TURNS, Scope(session), frozen=row["frozen"])
    pages = map(_coming, rows(db, _PAGES, Scope(session)))
    if row["kind"] == "fork" and turns:
        pages = (page for page in pages if not _left_behind(page, turns[0]["turn"]))
    telling = _Telling(session, pages, _rewinds(db, session), lambda d: content(db, d))
    told = [telling.request(turn) for turn in turns]
    kind = "subagent" if row["kind"] in ("subagent", "side") else "main"
    return Conversation(session, kind, tuple(_steps(session, told)))


_TURNS = """
    select * from turns where session = :session and (:frozen is null or why is not :frozen)
    order by request
"""
_PAGES = "select * from pages where session = :session order by position"
_REWINDS = """
    select request, json_extract(detail, '$.at') at, json_extract(detail, '$.gone') gone
    from events where session = :session and kind = 'rewound' and request is not null
"""


class _Rewind(NamedTuple):
    """The client sent another history from message ``at`` on; ``gone`` pages were not in it."""

    at: int
    gone: int


def _rewinds(db: Database, session: str) -> dict[int, _Rewind]:
    found = rows(db, _REWINDS, Scope(session))
    return {row["request"]: _Rewind(row["at"], row["gone"]) for row in found}


class _Coming(NamedTuple):
    """A page, and where it stood first; None in a recording of version 0.1."""

    entry: Entry
    request: int | None
    message: int | None

    def due(self, turn: Row) -> bool:
        """True if the page is in the window of this request."""
        if self.request is None:
            return self.entry.born <= turn["turn"]
        return self.request <= turn["request"]


def _coming(row: Row) -> _Coming:
    return _Coming(entry_of(row), row.get("request"), row.get("message"))


def _left_behind(page: _Coming, turn: int) -> bool:
    """True for a page that a fork knows from its parent, but does not send."""
    entry = page.entry
    return page.request is None and entry.state is State.GONE and entry.born <= turn


class _Told(NamedTuple):
    """One request told again."""

    turn: Row
    keeps: int
    new: tuple[Message, ...]


class _Standing(NamedTuple):
    """A page in the window, and the message it stands in."""

    entry: Entry
    message: int


class _Telling:
    """The window of one session as it grows; knows what of it has been told."""

    def __init__(
        self,
        session: str,
        pages: Iterable[_Coming],
        rewinds: dict[int, _Rewind],
        kept: Callable[[str], bytes | None],
    ) -> None:
        self._session = session
        self._coming = deque(pages)
        self._rewinds = rewinds
        self._kept = kept
        self._sizes: list[int] = []
        """Bytes of each message in the window."""
        self._standing: list[_Standing] = []
        self._clock = 0
        self._front: int | None = None
        self._said = 0
        """Tokens of the last reply."""

    def request(self, turn: Row) -> _Told:
        """Return the next request of the session."""
        rewind = self._rewinds.get(turn["request"])
        keeps = min(len(self._sizes), turn["messages"], rewind.at if rewind else turn["messages"])
        again = self._sent_again(keeps, rewind, turn)
        spoken = self._speakers(keeps, rewind, turn)
        self._put_results(spoken, again, turn)
        retold.put_calls(spoken)
        self._fill(spoken, keeps, turn)
        self._sizes[keeps:] = [one.bytes for one in spoken]
        self._clock = turn["turn"]
        self._said = turn["output_tokens"] or 0
        return _Told(turn, keeps, tuple(retold.message(one, self._kept) for one in spoken))

    def _speakers(self, keeps: int, rewind: _Rewind | None, turn: Row) -> list[Spoken]:
        """Return the new messages, empty: whose each is. Every user message is a turn."""
        new = turn["messages"] - keeps
        heard = (new + 1) // 2 if rewind else turn["turn"] - self._clock
        roles = retold.roles(new, min(new, max(0, heard)))
        seeds = (f"{self._session} {turn['request']} {keeps + at}" for at in range(new))
        return [Spoken(role, seed) for role, seed in zip(roles, seeds, strict=True)]

    def _sent_again(self, keeps: int, rewind: _Rewind | None, turn: Row) -> list[_Standing]:
        """Take the pages behind message *keeps* away; return those that come once more."""
        behind = [one for one in self._standing if one.message >= keeps]
        self._standing = [one for one in self._standing if one.message < keeps]
        ended = [one for one in behind if one.entry.state is State.GONE]
        gone = {one.entry.page.id for one in ended[: rewind.gone if rewind else 0]}
        shift = min(0, turn["messages"] - len(self._sizes))
        return [
            _Standing(one.entry, one.message + shift)
            for one in behind
            if one.entry.page.id not in gone
        ]

    def _put_results(self, spoken: list[Spoken], again: list[_Standing], turn: Row) -> None:
        """Give the pages of this request to user messages that can answer a call."""
        clock: int = turn["turn"]
        keeps: int = turn["messages"] - len(spoken)
        asking = [at for at, one in enumerate(spoken) if one.role == USER]
        answering = [at for at in asking if keeps + at > 0] or asking
        if not answering:
            return
        for one in again:
            later = (at for at in answering if keeps + at >= one.message)
            self._put(spoken, next(later, answering[-1]), keeps, one.entry)
        while self._coming and self._coming[0].due(turn):
            entry, _, message = self._coming.popleft()
            ago = min(max(0, clock - entry.born), len(asking) - 1)
            there = -1 if message is None else message - keeps
            at = there if there in answering else max(answering[0], asking[-1 - ago])
            self._put(spoken, at, keeps, entry)

    def _put(self, spoken: list[Spoken], at: int, keeps: int, entry: Entry) -> None:
        spoken[at].pages.append(entry)
        self._standing.append(_Standing(entry, keeps + at))

    def _fill(self, spoken: list[Spoken], keeps: int, turn: Row) -> None:
        """Let user and model say as much as the bill leaves over."""
        usage = _usage(turn)
        if usage is None or not spoken:
            return
        model: str = turn["model"]
        removed: int = turn["removed_tokens"] + (turn.get("cleared_tokens") or 0)
        known = sum(self._sizes[:keeps]) + sum(one.bytes for one in spoken)
        left = max(0, usage.window + removed - tokens_of_bytes(known, model))
        if self._front is None:
            front = turn.get("front_bytes")
            most = FRONT_TOKENS if front is None else tokens_of_bytes(max(0, front), model)
            self._front = min(most, left)
        room = (left - self._front) * bytes_per_token(model)
        reply = self._said * bytes_per_token(model) if keeps else 0.0
        retold.share(spoken, max(0, int(room)), int(reply))


def _steps(session: str, told: list[_Told]) -> Iterable[Step]:
    for this, following in pairwise([*told, None]):
        assert this is not None
        turn = this.turn
        reply = _reply(session, this, following)
        yield Step(this.keeps, this.new, reply, turn["model"], turn["at"], _usage(turn))


def _reply(session: str, this: _Told, following: _Told | None) -> Message | None:
    """Return the message that the client sent back next, else one of the size of the bill."""
    turn = this.turn
    if following and following.keeps == turn["messages"] and following.new:
        first = following.new[0]
        if first.role == ASSISTANT:
            return first
    if turn["output_tokens"] is None:
        return None
    spoken = Spoken(ASSISTANT, f"{session} {turn['request']} reply")
    retold.share([spoken], int(turn["output_tokens"] * bytes_per_token(turn["model"])), 0)
    return retold.message(spoken, lambda _: None)


def _usage(turn: Row) -> Usage | None:
    if turn["input_tokens"] is None:
        return None
    return Usage(
        input=turn["input_tokens"],
        cache_read=turn["cache_read_tokens"],
        cache_write_5m=turn["cache_write_5m_tokens"],
        cache_write_1h=turn["cache_write_1h_tokens"],
        output=turn["output_tokens"],
    )
