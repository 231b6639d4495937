"""One writer thread, so that the proxy never waits for a disk.

Rule of this file: :meth:`Recorder.put` only appends to a queue. A decision is never dropped:
if the database cannot be written, it waits in memory and is tried again. Telemetry is dropped
when the writer is far behind, and counted. Every decision is committed within half a second;
what it cost in tokens and money is worked out after that, while no other decision waits.
"""

import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pichay_core.events import Warned
from pichay_core.prices import NOTHING, Prices
from pichay_core.store.accounts import Accounts
from pichay_core.store.database import Database
from pichay_core.store.records import Happened, Record, Settlement, Turned
from pichay_core.store.schema import open_for_writing
from pichay_core.store.scope import Row

COMMIT_SECONDS = 0.25
PATIENCE_SECONDS = 0.1
"""How long the writer lies still after a first record: the request that made it is on its way
upstream, and two threads of Python do not run at once. Measured: 5 ms until its first byte."""
ACCOUNT_SECONDS = 0.1
"""How long it keeps its books while decisions wait."""
RETRY_SECONDS = 2.0
SETTLE_SECONDS = 0.005
TELEMETRY_BOUND = 10_000
"""Records not yet committed from which telemetry is dropped."""


type Contain = Callable[[Callable[[], None]], Exception | None]
"""Runs an action; returns the exception that ended it, None if it went well."""


type Observer = Callable[[Record, Row | None], None]
"""Is told of each record once it is written, in the recorder's thread; beside the end of a reply
stands the row of its request in ``turns``, billed."""

WAITED = "records waited"
"""How it is recorded that the database could not be written for a while."""


def uncontained(action: Callable[[], None]) -> Exception | None:
    """Run an action and let it raise, but for an error of the database."""
    try:
        action()
    except sqlite3.Error as error:
        return error
    return None


class Recorder:
    """Records what happens in one database. Use :meth:`close` to write out what is left."""

    def __init__(
        self,
        path: Path,
        warn: Callable[[str], None] = lambda _: None,
        contain: Contain = uncontained,
        prices: Prices = NOTHING,
        observers: Sequence[Observer] = (),
    ) -> None:
        """Open the database, or raise :class:`pichay_core.store.schema.Unusable`.

        ``contain`` runs an action and returns what it raised: the shell's fail-open boundary.
        ``prices`` are the user's own; they win over the price list.
        """
        self.path = path
        self.dropped = 0
        """Telemetry records that were not kept."""
        self._warn = warn
        self._contain = contain
        self._observers = observers
        self._refused_since: float | None = None
        self._queue: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._waiting: list[Record] = []
        self._open: deque[Record] = deque()
        self._db = open_for_writing(path)
        self._accounts = Accounts(self._db, prices)
        self._closing = threading.Event()
        self._awaited = threading.Event()
        self._put = self._done = 0
        self._thread = threading.Thread(target=self._run, name="pichay-recorder", daemon=True)
        self._books = threading.Thread(
            target=self._contain, args=(self._accounts.prepare,), daemon=True
        )
        self._books.start()
        self._thread.start()

    def put(self, record: Record) -> None:
        """Record one thing. Never blocks, never raises."""
        if isinstance(record, Happened) and record.telemetry and self._far_behind():
            self.dropped += 1
            return
        self._put += 1
        self._queue.put(record)

    @property
    def waiting(self) -> int:
        """Records that are not on disk, or not accounted for."""
        return self._put - self._done

    @property
    def refused(self) -> bool:
        """True while the database cannot be written: a full disk, a lock that does not end."""
        return self._refused_since is not None

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until all that was put is committed; False if that takes too long."""
        wanted, deadline = self._put, time.monotonic() + seconds
        self._awaited.set()
        while self._done < wanted and time.monotonic() < deadline:
            time.sleep(SETTLE_SECONDS)
        self._awaited.clear()
        return self._done >= wanted

    def close(self, seconds: float = 10.0) -> bool:
        """Write out what is left and end the thread; False if not all of it could be written."""
        self._closing.set()
        self._awaited.set()
        self._queue.put(None)
        self._thread.join(seconds)
        return not (self._thread.is_alive() or self._waiting or self._open)

    def _far_behind(self) -> bool:
        return self.waiting > TELEMETRY_BOUND

    def _run(self) -> None:
        while not (self._closing.is_set() and self._queue.empty() and not self._busy()):
            last = self._closing.is_set()
            self._waiting += self._gathered()
            self._waiting = self._unwritten(self._waiting)
            refused = bool(self._waiting) or not self._accounted()
            if refused and last:
                break
            if refused:
                self._closing.wait(RETRY_SECONDS)
        self._db.conn.close()

    def _busy(self) -> bool:
        return bool(self._waiting or self._open)

    def _gathered(self) -> list[Record]:
        """Return what has come in; with nothing else to do, waits for a first record."""
        found: list[Record] = []
        try:
            busy = self._busy()
            first = self._queue.get(block=not busy)
            found += [first] if first is not None else []
            if not busy:
                self._awaited.wait(PATIENCE_SECONDS)
            deadline = time.monotonic() + COMMIT_SECONDS
            while time.monotonic() < deadline:
                record = self._queue.get_nowait()
                found += [record] if record is not None else []
        except queue.Empty:
            pass
        return found

    def _unwritten(self, records: list[Record]) -> list[Record]:
        """Write all of them in one transaction; return those that the database refuses for now.

        A record that cannot be written for another reason is given up alone, and said so.
        """
        error = self._tried(self._accounts.write, records) if records else None
        if error is None:
            self._open.extend(records)
            self._goes_on(wrote=bool(records))
            return []
        if isinstance(error, sqlite3.OperationalError):
            self._waits(error)
            return records
        if len(records) == 1:
            self._given_up(records[0], error)
            return []
        return [left for record in records for left in self._unwritten([record])]

    def _accounted(self) -> bool:
        """Account for what is written; False if the database refuses for now.

        What the books need takes seconds to load on a busy machine: decisions do not wait for it.
        """
        if self._open and self._books.is_alive():
            self._books.join(ACCOUNT_SECONDS)
            return True
        deadline = time.monotonic() + ACCOUNT_SECONDS
        while self._open and (self._queue.empty() or time.monotonic() < deadline):
            error = self._account(self._open[0])
            if isinstance(error, sqlite3.OperationalError):
                self._waits(error)
                return False
            record = self._open.popleft()
            if error is None:
                self._done += 1
                self._goes_on(wrote=True)
                self._tell(record)
            else:
                self._given_up(record, error)
        return True

    def _tell(self, record: Record) -> None:
        """Tell who watches. What goes wrong there is theirs: it is on disk."""
        if not self._observers:
            return
        row: list[Row | None] = [None]
        if isinstance(record, Settlement):
            self._contain(lambda: row.append(self._accounts.turn(record)))
        for observer in self._observers:
            self._contain(partial(observer, record, row[-1]))

    def _waits(self, error: sqlite3.OperationalError) -> None:
        """Say once that records wait in memory; no decision is lost while the process lives."""
        if self._refused_since is None:
            self._refused_since = time.time()
            self._warn(
                f"{time.strftime('%H:%M:%S')}: {self.path} cannot be written ({error}). Requests "
                "go on; what is decided waits in memory until it can (pichay doctor)"
            )

    def _goes_on(self, wrote: bool) -> None:
        """Record and say that the database can be written again."""
        since = self._refused_since
        if since is None or not wrote:
            return
        self._refused_since = None
        seconds = time.time() - since
        self._warn(f"{self.path} is written again, after {seconds:.1f} s; no decision was lost")
        waited = Warned(WAITED, f"{self.path} could not be written for {seconds:.0f} s")
        self.put(Happened(waited, time.time()))

    def _account(self, record: Record) -> Exception | None:
        costs = isinstance(record, Turned | Settlement)
        return self._tried(self._accounts.account, [record]) if costs else None

    def _given_up(self, record: Record, error: Exception) -> None:
        self._warn(f"a record could not be kept: {error!r}: {type(record).__name__}")
        self._done += 1

    def _tried(self, write: Callable[[Record], None], records: list[Record]) -> Exception | None:
        """Do it to all of them in one transaction; return what ended it, None if it went well."""
        return self._contain(partial(self._commit, write, records))

    def _commit(self, write: Callable[[Record], None], records: list[Record]) -> None:
        with transaction(self._db):
            for record in records:
                write(record)


class transaction:
    """``with transaction(db):`` commits at the end, rolls back on any exception."""

    def __init__(self, db: Database) -> None:
        self._connection = db.conn

    def __enter__(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._connection.rollback()
            return
        try:
            self._connection.commit()
        except sqlite3.Error:
            self._connection.rollback()
            raise
