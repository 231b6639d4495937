"""The writer's work: records in, rows out.

Everything that costs time and that nobody waits for happens here: counting tokens, compressing
contents, settling what a turn cost. Runs in the recorder's thread only.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime

import msgspec
import zstandard
from sqlite_utils import Database

from pichay_core.events import Collected, Event, Evicted, Repaired
from pichay_core.ledger import Amounts, Ledger, settle
from pichay_core.model import PageId, SessionId, State, Usage
from pichay_core.session import Session
from pichay_core.store.records import Happened, Record, Refused, Settlement, Turned
from pichay_core.store.rows import Row, event_row, page_row, session_row
from pichay_core.store.scope import Scope, rows
from pichay_core.store.vocabulary import count_tokens
from pichay_core.stubs import stub_bytes
from pichay_core.table import Entry
from pichay_core.tariff import price
from pichay_core.tokens import Calibration, calibrated, uncalibrated
from pichay_core.wire.message import Message

CONTENT_LEVEL = 6
"""zstd level of stored contents."""
MOST_COUNTED = 256
"""Sessions whose counted tokens are kept in memory; those of others are read back."""


class Accounts:
    """Writes records into one database. Holds what the next settlement needs to know."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._compressor = zstandard.ZstdCompressor(level=CONTENT_LEVEL)
        self._counted: OrderedDict[SessionId, dict[PageId, int]] = OrderedDict()
        self._appended: dict[tuple[SessionId, int], int] = {}
        self._windows: dict[SessionId, tuple[int, int]] = {}
        self._calibrations = {
            row["model"]: Calibration(row["multiplier"], row["samples"])
            for row in db.query("select * from calibrations")
        }

    def write(self, record: Record) -> None:
        """Put one record into the database; the caller commits."""
        match record:
            case Turned():
                self._turned(record)
            case Settlement():
                self._settled(record)
            case Happened():
                self._happened(record)
            case Refused():
                detail = msgspec.json.encode({"host": record.host, "error": record.detail})
                self._insert("events", [_bare_event("tls_failed", record.at, detail.decode())])

    def _turned(self, record: Turned) -> None:
        after = record.after
        self._count(record)
        self._upsert_session(after, record.credential, record.source, record.at)
        self._pages(record.before, after)
        self._contents(record)
        self._messages(record)
        # Another process may have gone on with the same conversation: its turn is replaced,
        # because one that cannot be inserted would take this turn's decisions with it.
        self._insert("turns", [self._turn_row(record)], "insert or replace")
        self._events(record.events, record.at, after)

    def _upsert_session(
        self, session: Session, credential: str, source: str, started_at: float
    ) -> None:
        row = session_row(session, credential, source, started_at)
        kept = {"id", "started_at", "cached", "untouched_cached", "credential", "source"}
        updates = ", ".join(f"{name} = excluded.{name}" for name in row if name not in kept)
        self._execute(
            f"insert into sessions ({', '.join(row)}) values ({_marks(row)}) "
            f"on conflict (id) do update set {updates}",
            row,
        )

    def _pages(self, before: Session | None, after: Session) -> None:
        old = before.table.entries if before and before.id == after.id else {}
        counted = self._counts(after.id)
        changed = [
            page_row(after.id, position, entry) | {"counted_tokens": counted.get(entry.page.id)}
            for position, (page, entry) in enumerate(after.table.entries.items())
            if old.get(page) is not entry
        ]
        for row in changed:
            updates = ", ".join(
                f"{name} = excluded.{name}" for name in row if name != "counted_tokens"
            )
            self._execute(
                f"insert into pages ({', '.join(row)}) values ({_marks(row)}) "
                f"on conflict (session, id) do update set {updates}",
                row,
            )

    def _count(self, record: Turned) -> None:
        """Count the tokens of what this turn added, for its pages and for calibration."""
        after, counted = record.after, self._counts(record.after.id)
        new = after.messages[record.shared :]
        plain = not any(isinstance(event, Repaired) for event in record.events)
        if plain:  # else the request holds more than the client appended
            self._appended[after.id, after.requests] = sum(_tokens_of(m) for m in new)
        for page, frame in after.frames.items():
            if frame.message >= record.shared and page not in counted:
                text = record.format.text(after.messages[frame.message].raw, frame.block)
                counted[page] = count_tokens(text) if text else 0

    def _counts(self, session: SessionId) -> dict[PageId, int]:
        """Return what the pages of a session were counted at, by this process or another."""
        if session not in self._counted:
            sql = "select id, counted_tokens from pages where session = :session"
            found = rows(self._db, f"{sql} and counted_tokens is not null", Scope(session))
            self._counted[session] = {row["id"]: row["counted_tokens"] for row in found}
        self._counted.move_to_end(session)
        while len(self._counted) > MOST_COUNTED:
            self._counted.popitem(last=False)
        return self._counted[session]

    def _contents(self, record: Turned) -> None:
        """Keep the text of every page that left the window in this turn, once."""
        after = record.after
        moved = [e.page for e in record.events if isinstance(e, Evicted | Collected)]
        for page in moved:
            frame = after.frames.get(page)
            source = after.messages[frame.message].raw if frame else b""
            text = record.format.text(source, frame.block) if frame else None
            digest = after.table[page].page.digest
            if text is not None and after.table[page].repairs is None:
                self._keep(digest, text, record.at)

    def _keep(self, digest: str, text: str, at: float) -> None:
        plain = text.encode(errors="surrogatepass")
        row = {
            "digest": digest,
            "bytes": len(plain),
            "zstd": self._compressor.compress(plain),
            "first_at": at,
        }
        self._execute(
            f"insert or ignore into contents ({', '.join(row)}) values ({_marks(row)})", row
        )

    def _messages(self, record: Turned) -> None:
        after, start = record.after, record.shared
        if record.before is None or record.before.id != after.id:
            start = 0
        self._execute(
            "delete from messages where session = :session and position >= :start",
            {"session": after.id, "start": start},
        )
        self._insert(
            "messages",
            [
                {"session": after.id, "position": position, "digest": message.digest}
                for position, message in enumerate(after.messages)
                if position >= start
            ],
        )

    def _turn_row(self, record: Turned) -> Row:
        after = record.after
        amounts = self._amounts(after)
        return {
            "session": after.id,
            "request": after.requests,
            "turn": after.turn,
            "at": record.at,
            "model": record.model,
            "outcome": record.outcome,
            "why": record.why,
            "messages": len(after.messages),
            "bytes_before": record.bytes_before,
            "bytes_after": record.bytes_after,
            "removed_tokens": amounts.removed if record.outcome == "edited" else 0,
            "refetched_tokens": amounts.refetched,
            "resident_tokens": amounts.resident,
            "pending_tokens": record.pending,
            "flushed": record.flushed,
            "held_pages": record.held.pages,
            "held_tokens": record.held.tokens,
            "held_why": record.held.why,
            "overhead_microseconds": record.overhead_microseconds,
        }

    def _amounts(self, session: Session) -> Amounts:
        """Return what paging did to the last request, with the calibrated multiplier."""
        removed = refetched = resident = 0
        for page in session.frames:
            entry = session.table.entries.get(page)
            if entry is None:
                continue
            tokens = self._tokens(session, entry)
            removed += _gain(entry, tokens) if entry.out else 0
            refetched += tokens if entry.faults else 0
            resident += tokens if entry.state is State.RESIDENT else 0
        return Amounts(removed, refetched, resident)

    def _tokens(self, session: Session, entry: Entry) -> int:
        counted = self._counts(session.id).get(entry.repairs or entry.page.id)
        if not counted:
            return entry.page.tokens
        return round(counted * self._calibration(session.model).multiplier)

    def _calibration(self, model: str) -> Calibration:
        return self._calibrations.get(model) or uncalibrated(model)

    def _settled(self, record: Settlement) -> None:
        key = {"session": record.session, "request": record.request}
        row = self._row("select * from turns where session = :session and request = :request", key)
        appended = self._appended.pop((record.session, record.request), 0)
        if row is None:
            return
        changes: Row = {"status": record.status}
        if record.outcome is not None:
            changes |= {"outcome": record.outcome, "why": record.why, "removed_tokens": 0}
        if record.usage is not None:
            changes |= self._bill(record, record.usage, {**row, **changes})
            self._calibrate(record, record.usage, row["model"], appended)
        updates = ", ".join(f"{name} = :{name}" for name in changes)
        self._execute(
            f"update turns set {updates} where session = :session and request = :request",
            {**key, **changes},
        )

    def _bill(self, record: Settlement, usage: Usage, row: Row) -> Row:
        """Return the columns that say what the turn cost, and what it would have cost."""
        edited = row["outcome"] == "edited"
        facts = replace(record.facts, only_refetched=record.facts.only_refetched and edited)
        amounts = Amounts(row["removed_tokens"], row["refetched_tokens"] if edited else 0)
        settled = settle(self._ledger(record.session), facts, amounts, usage)
        self._execute(
            "update sessions set cached = :cached, untouched_cached = :untouched_cached "
            "where id = :id",
            {**asdict(settled.ledger), "id": record.session},
        )
        at = datetime.fromtimestamp(row["at"], UTC)
        real, untouched = (price(u, row["model"], at) for u in (usage, settled.untouched))
        return {
            "input_tokens": usage.input,
            "cache_read_tokens": usage.cache_read,
            "cache_write_5m_tokens": usage.cache_write_5m,
            "cache_write_1h_tokens": usage.cache_write_1h,
            "output_tokens": usage.output,
            "untouched_input_tokens": settled.untouched.input,
            "untouched_cache_read_tokens": settled.untouched.cache_read,
            "untouched_cache_write_tokens": settled.untouched.cache_write,
            "untouched_output_tokens": settled.untouched.output,
            "dollars": real.total if real else None,
            "untouched_dollars": untouched.total if untouched else None,
            "prefix_broken": settled.prefix_broken,
        }

    def _ledger(self, session: SessionId) -> Ledger:
        row = self._row(
            "select cached, untouched_cached from sessions where id = :id", {"id": session}
        )
        return Ledger(row["cached"], row["untouched_cached"]) if row else Ledger()

    def _calibrate(
        self, record: Settlement, usage: Usage, model: str, appended: int
    ) -> None:
        """Learn from two requests of which the second only appended."""
        last = self._windows.get(record.session)
        self._windows[record.session] = (record.request, usage.window)
        quiet = not (record.facts.flushed or record.facts.client_broke)
        if last is None or last[0] != record.request - 1 or not quiet:
            return
        before = self._calibration(model)
        after = calibrated(before, usage.window - last[1], appended)
        if after is not before:
            self._calibrations[model] = after
            row = {"model": model, "multiplier": after.multiplier, "samples": after.samples}
            self._execute(
                f"insert or replace into calibrations ({', '.join(row)}) values ({_marks(row)})",
                row,
            )

    def _happened(self, record: Happened) -> None:
        state = record.session_state
        if state is not None:
            self._execute(
                "update sessions set frozen = :frozen, failures = :failures where id = :id",
                {"frozen": state.frozen, "failures": state.failures, "id": state.id},
            )
        row = event_row(record.event, record.at, record.session, None, None)
        self._insert("events", [row])

    def _events(self, events: Iterable[Event], at: float, session: Session) -> None:
        self._insert(
            "events",
            [event_row(e, at, session.id, session.requests, session.turn) for e in events],
        )

    def _insert(self, table: str, new: list[Row], how: str = "insert") -> None:
        for row in new:
            self._execute(f"{how} into {table} ({', '.join(row)}) values ({_marks(row)})", row)

    def _row(self, sql: str, values: Row) -> Row | None:
        return next(iter(self._db.query(sql, values)), None)

    def _execute(self, sql: str, values: Row) -> None:
        self._db.execute(sql, values)


def _marks(row: Row) -> str:
    return ", ".join(f":{name}" for name in row)


def _gain(entry: Entry, tokens: int) -> int:
    return max(0, tokens - tokens * stub_bytes(entry.page) // max(1, entry.page.bytes))


def _tokens_of(message: Message) -> int:
    """Count what a message adds to a window, nearly: its JSON without escapes and markers."""
    return count_tokens(message.raw.decode(errors="replace").replace("\\n", "\n"))


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

