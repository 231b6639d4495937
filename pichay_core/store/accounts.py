"""Tokens and money: what a turn took off the window, and what it cost.

Everything that costs time and that nobody waits for happens here, after the decisions of the
turn are safe (``decisions.py``): counting tokens, settling what a turn cost. Runs in the
recorder's thread only. A turn costs what is new in it, but for one pass over its pages.
"""

from collections import OrderedDict
from dataclasses import asdict, replace
from datetime import UTC, datetime

from pichay_core.events import Advised, Differed, Duplicated, Repaired, Trimmed
from pichay_core.ledger import Amounts, Ledger, settle
from pichay_core.model import PageId, SessionId, Usage
from pichay_core.prices import NOTHING, Price, Prices
from pichay_core.session import Session
from pichay_core.store.bill import Bill
from pichay_core.store.collapsed import CollapsedTurns, tokens_beside
from pichay_core.store.database import Database
from pichay_core.store.decisions import Decisions, insert
from pichay_core.store.defined import put_definitions
from pichay_core.store.flushes import Flushes
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Record, Settlement, Turned
from pichay_core.store.scope import Scope, rows
from pichay_core.store.shape import shape_row
from pichay_core.store.thrashing import Episodes
from pichay_core.store.turns import NOTHING_SAVED, Counted, counted_page, turn_row
from pichay_core.store.vocabulary import count_tokens
from pichay_core.tariff import load_price_list, price
from pichay_core.tokens import O200K_BYTES_PER_TOKEN, Calibration, calibrated, uncalibrated

MOST_COUNTED = 256
"""Sessions whose counted tokens are kept in memory; those of others are read back."""


class Accounts:
    """Keeps the books of one database. Holds what the next settlement needs to know."""

    def __init__(self, db: Database, prices: Prices = NOTHING) -> None:
        """Keep books in *db*, at the user's own *prices* where there are any."""
        self._db = db
        self._prices = prices
        self._decisions = Decisions(db)
        self._flushes = Flushes(db, prices)
        self._episodes = Episodes(db)
        self._collapsed = CollapsedTurns()
        self._counted: OrderedDict[SessionId, dict[PageId, int]] = OrderedDict()
        self._appended: dict[tuple[SessionId, int], int] = {}
        self._windows: dict[SessionId, tuple[int, int]] = {}
        self._calibrations = {
            row["model"]: Calibration(row["multiplier"], row["samples"])
            for row in rows(db, "select * from calibrations")
        }

    def prepare(self) -> None:
        """Load the vocabulary and the prices now: the first decision need not wait for them."""
        count_tokens("")
        load_price_list()

    def write(self, record: Record) -> None:
        """Put down what must not be lost; the caller commits, and then asks :meth:`account`."""
        self._decisions.write(record)

    def account(self, record: Record) -> None:
        """Count and settle what has been written; the caller commits."""
        match record:
            case Turned():
                self._count(record)
                counted = self._counted_pages(record.after)
                each = self._calibration(record.model).multiplier / O200K_BYTES_PER_TOKEN
                collapsed = self._collapsed.beside(record, counted, each)
                self._flushes.turned(record, counted, each, collapsed)
                self._episodes.turned(record, counted)
                if record.before is None and record.after.parent is not None:
                    self._inherit(record.after)
                row = turn_row(record, counted, each, sum(collapsed.values()))
                row |= shape_row(record, counted, each)
                # Another process may have gone on with the same conversation: its turn goes.
                self._execute(_GONE, row)
                insert(self._db, "turns", [row])
                put_definitions(self._db, record)
            case Settlement():
                self._settled(record)
            case _:
                pass

    def turn(self, record: Settlement) -> Row | None:
        """Return the row of a request whose reply has ended, with who serves its session."""
        return self._row(_TURN, {"session": record.session, "request": record.request})

    def _inherit(self, fork: Session) -> None:
        """Let a fork begin with what the provider holds of its parent, or held."""
        self._db.conn.execute(
            "update sessions set (cached, untouched_cached) = (parent.cached, "
            "parent.untouched_cached) from sessions parent "
            "where sessions.id = ? and parent.id = ?",
            (fork.id, fork.parent),
        )

    def _count(self, record: Turned) -> None:
        """Count the tokens of what this turn added, for its pages and for calibration."""
        after, counted = record.after, self._counts(record.after.id)
        new = [page for page, frame in after.frames.items() if frame.message >= record.shared]
        texts = {page: _text(record, page) for page in new if page not in counted}
        counted |= {page: count_tokens(text) for page, text in texts.items()}
        self._db.conn.executemany(
            "update pages set counted_tokens = ? where session = ? and id = ?",
            [(counted[page], after.id, page) for page in new],
        )
        if _only_appends(record):
            rest = (tokens_beside(m, record.format) for m in after.messages[record.shared :])
            self._appended[after.id, after.requests] = sum(rest) + sum(counted[p] for p in new)

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

    def _counted_pages(self, session: Session) -> list[Counted]:
        """Return the pages in the last request, with the calibrated multiplier."""
        counted, multiplier = self._counts(session.id), self._calibration(session.model).multiplier
        found: list[Counted] = []
        for page in session.frames:
            entry = session.table.entries.get(page)
            if entry is None:
                continue
            own = counted.get(entry.repairs or page)
            tokens = round(own * multiplier) if own else entry.page.tokens
            found.append(counted_page(entry, tokens))
        return found

    def _calibration(self, model: str) -> Calibration:
        return self._calibrations.get(model) or uncalibrated(model)

    def _settled(self, record: Settlement) -> None:
        key = {"session": record.session, "request": record.request}
        row = self.turn(record)
        appended = self._appended.pop((record.session, record.request), 0)
        if row is None:
            return
        changes: Row = {"status": record.status, "asked": record.asked}
        if record.outcome is not None:
            changes |= {"outcome": record.outcome, "why": record.why, **NOTHING_SAVED}
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
        amounts = Amounts(
            removed=row["removed_tokens"] + row["thinking_tokens"] + record.cleared,
            refetched=row["refetched_tokens"] if edited else 0,
            front=row["definitions_tokens"] - row["protocol_tokens"],
            born=row["shortened_tokens"],
        )
        ledger = self._ledger(record.session)
        settled = settle(ledger, facts, amounts, usage)
        self._execute(
            "update sessions set cached = :cached, untouched_cached = :untouched_cached "
            "where id = :id",
            {**asdict(settled.ledger), "id": record.session},
        )
        at = datetime.fromtimestamp(row["at"], UTC)
        real, untouched = (self._price(u, row, at) for u in (usage, settled.untouched))
        bill = Bill(
            record.session,
            record.request,
            row["model"],
            row["at"],
            row["turn"],
            bool(row["flushed"]),
            ledger,
            facts,
            amounts,
            usage,
            settled.untouched,
            real.total if real else None,
            record.cleared,
            row["provider"],
        )
        beside = self._flushes.billed(bill)
        self._episodes.billed(bill, beside)
        return {
            "cleared_tokens": record.cleared,
            "birth_saved_tokens": beside.born.tokens,
            "birth_saved_dollars": beside.born.dollars,
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
            "read_dollars": real.cache_read if real else None,
            "output_dollars": real.output if real else None,
            "untouched_dollars": untouched.total if untouched else None,
            "prefix_broken": settled.prefix_broken,
        }

    def _price(self, usage: Usage, row: Row, at: datetime) -> Price | None:
        return price(usage, row["model"], at, row["provider"] or None, self._prices)

    def _ledger(self, session: SessionId) -> Ledger:
        row = self._row(
            "select cached, untouched_cached from sessions where id = :id", {"id": session}
        )
        return Ledger(row["cached"], row["untouched_cached"]) if row else Ledger()

    def _calibrate(self, record: Settlement, usage: Usage, model: str, appended: int) -> None:
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
            insert(self._db, "calibrations", [row], "insert or replace")

    def _row(self, sql: str, values: Row) -> Row | None:
        return next(iter(rows(self._db, sql, **values)), None)

    def _execute(self, sql: str, values: Row) -> None:
        self._db.conn.execute(sql, values)


_GONE = "delete from turns where session = :session and request = :request"
"""Not by replacing it: not every connection tells the triggers of that."""
_TURN = """
select turns.*, provider, wire, kind from turns join sessions on sessions.id = session
where session = :session and request = :request
"""


def _text(record: Turned, page: PageId) -> str:
    frame = record.after.frames[page]
    return record.format.text(record.after.messages[frame.message].raw, frame.block) or ""


def _only_appends(record: Turned) -> bool:
    """True if the request is the last one and what the client added to it, all of it text."""
    before, added = record.before, record.after.messages[record.shared :]
    return (
        before is not None
        and record.shared == len(before.messages)
        and not any(isinstance(event, _OTHER_TEXT) for event in record.events)
        and not any(result.opaque for message in added for result in message.results)
        and not any(message.lists for message in added)
    )


_OTHER_TEXT = (Repaired, Duplicated, Differed, Trimmed, Advised)
"""What puts another text into the new messages than the client sent."""
