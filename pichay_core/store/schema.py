"""The tables, as migrations: a database of any earlier version becomes the newest, rows kept.

Four sentences. A *session* is one conversation; each request of it is a *turn*, with what the
provider billed and what it would have billed untouched. A *page* is one tool result and where
it is now; its *content* is kept once, by hash, when it leaves the window. An *event* is one
thing that happened (evicted, faulted, pinned, ...). *Messages* are hashes of the conversation
as last seen, by which it is recognised after a restart.

And a fifth. A *flush* is a turn in which pages left: what it was expected to bring, and what it
has brought so far, told anew with every request that is billed. Its ``tokens`` are those that
left the window (estimated, after stubs); every other amount of it in tokens is as many tokens
of plain input as cost the same. ``predicted_saving_tokens`` are saved by each request,
``predicted_rewrite_tokens`` paid once. ``saved``, ``rewritten`` and ``faulted`` are sums over
``requests`` (its own is the first), in tokens and in dollars where the price is known: what its
pages would have cost, what was written again because of it, what refetches of its pages cost.
Its net is the first less the others; ``paid_back`` counts the requests after which that was
nought or more and has been since, null if it is a loss. A page is of the flush of the turn that
``pages.moved`` names.

And a sixth. An *aside* is what passed between the model and Pichay that the client was not
shown: a reply with calls to tools of ours and what they were answered with, as JSON text. Its
``at`` is the number of the client's message that the reply is part of, or would be; its ``leg``
the number of the request within the one that the client made; ``goes_on`` if another of ours
answered it, ``sent`` while it is told again with every request. *Messages* are of the conversation
as the model sees it, asides among them; *heard* are the same hashes of what the client itself
sends. In ``turns``, ``leg`` is 0 for the client's own request and n for the n-th that Pichay made
in its place to answer the model; ``asked`` counts the calls to our tools in the reply.
"""

import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path

from pichay_core.store import totals
from pichay_core.store.database import Database
from pichay_core.store.tables import BIRTH, FIRST, FLUSHES, LOOKING, QUICKER, UNSEEN, WIRES
from pichay_core.store.views import refresh

type Step = Callable[[Database], None]


class Steps:
    """The migrations, in order: each is a function, applied once, known by its name."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self) -> Callable[[Step], Step]:
        """Return what adds a function to the migrations."""

        def added(step: Step) -> Step:
            self.steps.append(step)
            return step

        return added

    @property
    def names(self) -> list[str]:
        """Return what each is known by in a database."""
        return [step.__name__ for step in self.steps]

    def apply(self, db: Database, stop_before: str | None = None) -> None:
        """Apply what is missing, up to the one of that name."""
        # Here, because who only reads need not wait for its import.
        from sqlite_utils import Migrations

        known = Migrations("pichay")
        for step in self.steps:
            known()(step)
        known.apply(db, stop_before=stop_before)


migrations = Steps()

_MIGRATED = "_sqlite_migrations"
"""The table that names the migrations that were applied; an empty file has none yet."""

_TO_OPEN = "it must be a file that you may read, in a folder that SQLite may write to"
"""Readers of a write-ahead log share an index beside it: a read-only folder needs a copy."""

PATIENCE_SECONDS = 10
"""How long another process that writes is waited for."""


@migrations()
def first_tables(db: Database) -> None:
    """Create every table of version 0.1."""
    for statement in FIRST.split(";"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def the_ledger_of_each_flush(db: Database) -> None:
    """Add what each flush was expected to bring, and what it has brought."""
    db.conn.execute(FLUSHES)


@migrations()
def what_went_upstream(db: Database) -> None:
    """Add what a restart must know of thinking: was the session edited, does a model bind it.

    ``binds`` is null in what was recorded before: then the models of its turns say so.
    """
    db.conn.execute("alter table sessions add edited integer not null default 0")
    db.conn.execute("alter table sessions add binds integer")
    db.conn.execute("""
        update sessions set edited = exists (
            select 1 from turns
            where turns.session = sessions.id and outcome in ('edited', 'retried')
        )""")


@migrations()
def where_pages_stood(db: Database) -> None:
    """Add what tells a recorded session again more exactly; null in what was recorded before.

    Of a page the request in which it first stood in the window, and the number of its message
    there; of a turn the bytes of its body beside the messages: prompt, tools, settings.
    """
    for column in ("pages add request", "pages add message", "turns add front_bytes"):
        db.conn.execute(f"alter table {column} integer")


@migrations()
def what_is_sent_smaller(db: Database) -> None:
    """Add what a session was given at its birth, and what it saves."""
    for statement in BIRTH.split(";"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def what_the_client_was_not_shown(db: Database) -> None:
    """Add what passed between the model and us, and what the model did with its memory."""
    for statement in UNSEEN.split(";"):
        db.conn.execute(statement)


@migrations()
def who_serves(db: Database) -> None:
    """Add which wire format a session came in, and who serves it."""
    for statement in WIRES.split(";"):
        db.conn.execute(statement)


@migrations()
def what_the_window_held(db: Database) -> None:
    """Add what stood in each window, what of it was in use, and the episodes of thrash.

    Also what of a bill was read from the cache and what the reply cost, and how large the
    definition of each tool is. Null in the turns that were recorded before.
    """
    for statement in LOOKING.split(";"):
        db.conn.execute(statement)


@migrations()
def what_it_comes_to(db: Database) -> None:
    """Add the sums of turns and events by session, and what finds rows by time."""
    for statement in (*QUICKER.split(";"), *totals.statements()):
        db.conn.execute(statement)


class Unusable(Exception):
    """The database cannot be used. The message says why, and what to do."""


def open_for_writing(path: Path) -> Database:
    """Open the database, creating or migrating it. The file is private (0600).

    Raises Unusable with what to do.
    """
    problem = problem_with(path)
    if problem:
        raise Unusable(problem)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
        db = Database(_connected(path))
        _bring_up_to_date(db)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"cannot write {path}: {error}. Name another with --database.") from error
    return db


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, check_same_thread=False)
    _use_wal(connection)
    connection.execute("pragma synchronous = normal")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. Another process that does the same now is waited for.

    SQLite's own time-out does not cover this switch.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _bring_up_to_date(db: Database) -> None:
    """Apply what is missing, with the lock taken first: two processes may open at once."""
    db.conn.execute("begin immediate")
    migrations.apply(db)
    refresh(db.conn)
    db.conn.commit()


def open_for_reading(path: Path) -> Database:
    """Open an existing database read-only. Raises Unusable with what to do."""
    if not path.exists():
        raise Unusable(
            f"there is no database at {path} yet: run an agent first (pichay run -- CMD)"
        )
    problem = problem_with(path)
    if problem:
        raise Unusable(problem)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    return Database(connection)


def has_flushes(db: Database) -> bool:
    """True unless the database is of version 0.1 and has not been written to since."""
    return db["flushes"].exists()


def problem_with(path: Path) -> str | None:
    """Say why the file cannot be used as our database, None if it can (or does not exist)."""
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        names = _names(connection)
        applied = _applied(connection)
        connection.close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CANTOPEN:
            return f"{path} cannot be opened: {_TO_OPEN}. Name another with --database."
        return f"{path} is not a database Pichay can read: {error}. Name another with --database."
    if applied - _known():
        return f"{path} was written by a newer Pichay: upgrade, or name another with --database."
    if names and _MIGRATED not in names:
        return f"{path} holds other tables, not Pichay's: name another with --database."
    return None


def is_newer(path: Path) -> bool:
    """True if a newer Pichay has written to the file, so that this one cannot."""
    return "written by a newer Pichay" in (problem_with(path) or "")


def is_newest(connection: sqlite3.Connection) -> bool:
    """True if a database has every table and column of this version."""
    return _applied(connection) >= _known()


def _known() -> set[str]:
    return set(migrations.names)


def _names(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("select name from sqlite_master")}


def _applied(connection: sqlite3.Connection) -> set[str]:
    if _MIGRATED not in _names(connection):
        return set()
    rows = connection.execute(f"select name from {_MIGRATED} where migration_set = 'pichay'")
    return {row[0] for row in rows}
