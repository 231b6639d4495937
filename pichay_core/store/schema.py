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
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

migrations = Migrations("pichay")


@migrations()
def first_tables(db: Database) -> None:
    """Create every table of version 0.1."""
    for statement in _FIRST.split(";"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def the_ledger_of_each_flush(db: Database) -> None:
    """Add what each flush was expected to bring, and what it has brought."""
    db.conn.execute(_FLUSHES)


@migrations()
def where_pages_stood(db: Database) -> None:
    """Add what tells a recorded session again more exactly; null in what was recorded before.

    Of a page the request in which it first stood in the window, and the number of its message
    there; of a turn the bytes of its body beside the messages: prompt, tools, settings.
    """
    for column in ("pages add request", "pages add message", "turns add front_bytes"):
        db.conn.execute(f"alter table {column} integer")


_FLUSHES = """
create table flushes (
    session text not null references sessions (id),
    turn integer not null,
    request integer not null,
    at real not null,
    why text not null,
    pages integer not null,
    tokens integer not null,
    predicted_saving_tokens integer not null,
    predicted_rewrite_tokens integer not null,
    paid_tokens integer not null,
    requests integer not null default 0,
    saved_tokens real not null default 0,
    rewritten_tokens real not null default 0,
    faulted_tokens real not null default 0,
    saved_dollars real,
    rewritten_dollars real,
    faulted_dollars real,
    paid_back integer,
    primary key (session, turn)
)
"""
_FIRST = """
create table sessions (
    id text primary key,
    identity text not null,
    shape text not null,
    secret blob not null,
    kind text not null,
    parent text,
    model text not null,
    credential text not null,
    source text not null,
    started_at real not null,
    last_at real not null,
    turn integer not null,
    requests integer not null,
    ttl integer not null,
    flushed integer,
    boundary text,
    previous text,
    front text not null,
    failures integer not null,
    frozen text,
    warned text not null,
    cached integer not null,
    untouched_cached integer not null
);
create index sessions_identity on sessions (identity);
create index sessions_last_at on sessions (last_at);
create table turns (
    session text not null references sessions (id),
    request integer not null,
    turn integer not null,
    at real not null,
    model text not null,
    outcome text not null,
    why text,
    messages integer not null,
    bytes_before integer not null,
    bytes_after integer not null,
    removed_tokens integer not null,
    refetched_tokens integer not null,
    resident_tokens integer not null,
    pending_tokens integer not null,
    flushed text,
    held_pages integer not null,
    held_tokens integer not null,
    held_why text,
    overhead_microseconds integer not null,
    status integer,
    input_tokens integer,
    cache_read_tokens integer,
    cache_write_5m_tokens integer,
    cache_write_1h_tokens integer,
    output_tokens integer,
    untouched_input_tokens integer,
    untouched_cache_read_tokens integer,
    untouched_cache_write_tokens integer,
    untouched_output_tokens integer,
    dollars real,
    untouched_dollars real,
    prefix_broken integer,
    primary key (session, request)
);
create index turns_at on turns (at);
create table pages (
    session text not null references sessions (id),
    id text not null,
    position integer not null,
    handle text,
    call_id text not null,
    tool text not null,
    arguments text not null,
    label text not null,
    kind text not null,
    key_tool text,
    key_target text,
    span_first integer,
    span_last integer,
    writes text,
    digest text not null,
    bytes integer not null,
    lines integer not null,
    tokens integer not null,
    counted_tokens integer,
    error integer not null,
    opaque integer not null,
    cleared integer not null,
    state text not null,
    born integer not null,
    last_use integer not null,
    uses integer not null,
    faults integer not null,
    pin_strength real,
    pin_since integer,
    moved integer,
    stale integer not null,
    repairs text,
    repaired_stale integer not null,
    primary key (session, id)
);
create index pages_handle on pages (handle);
create table contents (
    digest text primary key,
    bytes integer not null,
    zstd blob not null,
    first_at real not null
);
create table events (
    id integer primary key,
    session text,
    request integer,
    turn integer,
    at real not null,
    kind text not null,
    page text,
    tokens integer,
    why text,
    detail text not null
);
create index events_session on events (session, request);
create index events_kind on events (kind, at);
create table messages (
    session text not null references sessions (id),
    position integer not null,
    digest blob not null,
    primary key (session, position)
) without rowid;
create table calibrations (
    model text primary key,
    multiplier real not null,
    samples integer not null
)
"""


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
        path.chmod(0o600)
        db = Database(_connected(path))
        migrations.apply(db)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"cannot write {path}: {error}. Name another with --database.") from error
    return db


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma busy_timeout = 10000")
    return connection


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
        names = {row[0] for row in connection.execute("select name from sqlite_master")}
        applied = _applied(connection) if "_sqlite_migrations" in names else set[str]()
        connection.close()
    except sqlite3.Error as error:
        return f"{path} is not a database Pichay can read: {error}. Name another with --database."
    known = {migration.name for migration in migrations._migrations}  # pyright: ignore[reportPrivateUsage]
    if applied - known:
        return f"{path} was written by a newer Pichay: upgrade, or name another with --database."
    if names and "_sqlite_migrations" not in names:
        return f"{path} holds other tables, not Pichay's: name another with --database."
    return None


def _applied(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("select name from _sqlite_migrations where migration_set = 'pichay'")
    return {row[0] for row in rows}
