"""What was decided, as rows: all that a restart needs to send the same bytes again.

Rule of this file: quick, and nothing that may wait. A record is written here first and
committed; what it cost is worked out afterwards (``accounts.py``). Runs in the recorder's
thread only.
"""

from collections.abc import Iterable

import msgspec
import zstandard

from pichay_core.cooperate.folds import rendered
from pichay_core.events import Collapsed, Collected, Event, Evicted, Trimmed, Unsaid
from pichay_core.model import PageId
from pichay_core.session import Session, shared_prefix
from pichay_core.store.database import Database
from pichay_core.store.pagerows import Row, page_row
from pichay_core.store.records import (
    Answered,
    Happened,
    Record,
    Refused,
    Settlement,
    Turned,
)
from pichay_core.store.rows import aside_rows, event_row, session_row
from pichay_core.table import PageTable

CONTENT_LEVEL = 6
"""zstd level of stored contents."""


class Decisions:
    """Writes decisions into one database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._compressor = zstandard.ZstdCompressor(level=CONTENT_LEVEL)

    def write(self, record: Record) -> None:
        """Put one record into the database; the caller commits."""
        match record:
            case Turned():
                self._turned(record)
            case Answered():
                self._answered(record)
            case Happened():
                self._happened(record)
            case Refused():
                said = {"host": record.host, "error": record.detail, "client": record.client}
                row = _bare_event("tls_failed", record.at, msgspec.json.encode(said).decode())
                insert(self._db, "events", [row])
            case Settlement():
                pass  # money, not a decision

    def _turned(self, record: Turned) -> None:
        after = record.after
        self._upsert_session(after, record.credential, record.source, record.at)
        self._pages(record.before, after)
        self._contents(record)
        self._messages(record)
        self._asides(record.before, after, record.events)
        self._events(record.events, record.at, after)

    def _upsert_session(
        self, session: Session, credential: str, source: str, started_at: float
    ) -> None:
        row = session_row(session, credential, source, started_at)
        kept = {"id", "started_at", "cached", "untouched_cached", "credential", "source"}
        updates = ", ".join(f"{name} = excluded.{name}" for name in row if name not in kept)
        also = f"on conflict (id) do update set {updates}"
        insert(self._db, "sessions", [row], also=also)

    def _pages(self, before: Session | None, after: Session) -> None:
        old = before.table if before and before.id == after.id else PageTable()
        changed = [
            page_row(after.id, position, entry) | _place(after, page)
            for position, (page, entry) in enumerate(after.table.entries.items())
            if old.entries.get(page) is not entry
        ]
        if changed:
            names = [name for name in changed[0] if name not in ("request", "message")]
            updates = ", ".join(f"{name} = excluded.{name}" for name in names)
            also = f"on conflict (session, id) do update set {updates}"
            insert(self._db, "pages", changed, also=also)

    def _contents(self, record: Turned) -> None:
        """Keep the text of every page that left the window in this turn, or came cut, once.

        So with turns that were collapsed: as plain text, under the digest of what they say.
        """
        after = record.after
        moved = [e.page for e in record.events if isinstance(e, Evicted | Collected | Trimmed)]
        for page in moved:
            frame = after.frames.get(page)
            source = after.messages[frame.message].raw if frame else b""
            text = record.format.text(source, frame.block) if frame else None
            digest = after.table[page].page.digest
            if text is not None and after.table[page].repairs is None:
                self._keep(digest, text, record.at)
        for event in record.events:
            if isinstance(event, Collapsed):
                turns = after.messages[event.first : event.last + 1]
                self._keep(event.digest, rendered(turns, record.format), record.at)

    def _keep(self, digest: str, text: str, at: float) -> None:
        plain = text.encode(errors="surrogatepass")
        row = {
            "digest": digest,
            "bytes": len(plain),
            "zstd": self._compressor.compress(plain),
            "first_at": at,
        }
        insert(self._db, "contents", [row], "insert or ignore")

    def _messages(self, record: Turned) -> None:
        after, start = record.after, record.shared
        if record.before is None or record.before.id != after.id:
            start = 0
        self._db.conn.execute(
            "delete from messages where session = ? and position >= ?", (after.id, start)
        )
        new = [
            {"session": after.id, "position": position, "digest": message.digest}
            for position, message in enumerate(after.messages[start:], start)
        ]
        insert(self._db, "messages", new)

    def _answered(self, record: Answered) -> None:
        before, after = record.before, record.after
        self._upsert_session(after, "", "", record.at)
        self._pages(before, after)
        self._asides(before, after, record.events)
        self._events(record.events, record.at, after)

    def _asides(self, before: Session | None, after: Session, events: Iterable[Event]) -> None:
        """Keep what the client was not shown, and what is not sent any more apart from it."""
        gone = [(after.id, event.at) for event in events if isinstance(event, Unsaid)]
        self._db.conn.executemany("update asides set sent = 0 where session = ? and at = ?", gone)
        same = before is not None and before.id == after.id
        old = {one.at: one.legs for one in before.asides} if before and same else {}
        insert(self._db, "asides", list(aside_rows(after, old)))
        if after.heard is not None or (before and before.heard is not None):
            self._heard(before if same else None, after)

    def _heard(self, before: Session | None, after: Session) -> None:
        known = before.heard if before and before.heard is not None else ()
        now = after.heard if after.heard is not None else ()
        shared = shared_prefix(known, now)
        self._db.conn.execute(
            "delete from heard where session = ? and position >= ?", (after.id, shared)
        )
        new = enumerate(now[shared:], shared)
        insert(
            self._db,
            "heard",
            [{"session": after.id, "position": at, "digest": one.digest} for at, one in new],
        )

    def _happened(self, record: Happened) -> None:
        state = record.session_state
        if state is not None:
            self._db.conn.execute(
                _CHANGED,
                {
                    "frozen": state.frozen,
                    "held": state.held,
                    "failures": state.failures,
                    "birth": state.birth and state.birth.as_text(),
                    "pages": state.cleared_pages,
                    "tokens": state.cleared_tokens,
                    "id": state.id,
                },
            )
        row = event_row(record.event, record.at, record.session, None, None)
        insert(self._db, "events", [row])

    def _events(self, events: Iterable[Event], at: float, session: Session) -> None:
        rows = [event_row(e, at, session.id, session.requests, session.turn) for e in events]
        insert(self._db, "events", rows)


_CHANGED = """
    update sessions set frozen = :frozen, held = :held, failures = :failures, birth = :birth,
        cleared_pages = :pages, cleared_tokens = :tokens
    where id = :id
"""
"""What may change of a session between its requests."""


def insert(db: Database, table: str, new: list[Row], how: str = "insert", also: str = "") -> None:
    """Insert rows, all of which have the columns of the first."""
    if new:
        marks = ", ".join(f":{name}" for name in new[0])
        sql = f"{how} into {table} ({', '.join(new[0])}) values ({marks}) {also}"
        db.conn.executemany(sql, new)


def _place(session: Session, page: PageId) -> Row:
    """Return where a page stands that is put down for the first time; nowhere if it is gone."""
    frame = session.frames.get(page)
    if frame is None:
        return {"request": None, "message": None}
    return {"request": session.requests, "message": frame.message}


def _bare_event(kind: str, at: float, detail: str) -> Row:
    return {
        "session": None,
        "request": None,
        "turn": None,
        "at": at,
        "kind": kind,
        "page": None,
        "tokens": None,
        "why": None,
        "detail": detail,
    }
