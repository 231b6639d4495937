"""Taking recorded sessions away: the old ones, or a named one.

Rule of this file: a session goes with all its rows, in one transaction, and a content goes
when neither a page nor collapsed turns refer to it any more. Nothing that was taken away can be
read back from the file.
"""

import sqlite3
from dataclasses import dataclass

from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, rows

_OF_SESSION = (
    *("turns", "pages", "events", "messages", "flushes", "asides", "heard"),
    *("episodes", "definitions"),
)


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of each table are, or would be, taken away."""

    sessions: int = 0
    turns: int = 0
    pages: int = 0
    contents: int = 0
    events: int = 0
    messages: int = 0
    flushes: int = 0
    asides: int = 0
    heard: int = 0
    episodes: int = 0
    definitions: int = 0


def older_than(db: Database, before: float) -> Removed:
    """Return what :func:`prune` would take away. Changes nothing."""
    return _counted(db, _OLD, _OLD_EVENTS, before=before)


def of_session(db: Database, session: str) -> Removed:
    """Return what :func:`purge` would take away. Changes nothing."""
    return _counted(db, _NAMED, _NO_EVENTS, session=session)


def prune(db: Database, before: float) -> Removed:
    """Take away the sessions not seen since *before*, and older events of no session."""
    return _delete(db, _OLD, _OLD_EVENTS, before=before)


def purge(db: Database, session: str) -> Removed:
    """Take away one session."""
    return _delete(db, _NAMED, _NO_EVENTS, session=session)


def children(db: Database, session: str) -> tuple[str, ...]:
    """Return the sessions that began as subagents, side calls or forks of this one."""
    sql = "select id from sessions where parent = :session order by started_at, id"
    return tuple(row["id"] for row in rows(db, sql, session=session))


def give_back(db: Database) -> bool:
    """Make the file as small as what it holds; False if another Pichay is writing to it."""
    try:
        db.conn.execute("vacuum")
        (busy, _, _) = db.conn.execute("pragma wal_checkpoint(truncate)").fetchone()
    except sqlite3.OperationalError:
        return False
    return not busy


_OLD = "select id from sessions where last_at < :before"
_OLD_EVENTS = "session is null and at < :before"
_NAMED = "select id from sessions where id = :session"
_NO_EVENTS = "false"


def _counted(db: Database, chosen: str, events: str, **values: object) -> Removed:
    counts = ", ".join(
        f"(select count(*) from {table} where {_clause(table, chosen, events)}) {table}"
        for table in _OF_SESSION
    )
    (row,) = rows(
        db,
        f"""select (select count(*) from ({chosen})) sessions, {counts},
        (select count(*) from contents where {_unused(chosen)}) contents""",
        EVERYTHING,
        **values,
    )
    return Removed(**row)


def _delete(db: Database, chosen: str, events: str, **values: object) -> Removed:
    """Take it away in one transaction: contents first, sessions last, as each names the next."""
    clauses = {
        "contents": _unused(chosen),
        **{table: _clause(table, chosen, events) for table in _OF_SESSION},
        "sessions": f"id in ({chosen})",
    }
    with db.conn:
        db.conn.execute("begin immediate")
        counts = {
            table: db.conn.execute(f"delete from {table} where {clause}", values).rowcount
            for table, clause in clauses.items()
        }
    return Removed(**counts)


def _clause(table: str, chosen: str, events: str) -> str:
    own = f"session in ({chosen})"
    return f"({own} or {events})" if table == "events" else own


def _unused(chosen: str) -> str:
    """Contents that no page of another session refers to, nor turns that were collapsed there."""
    others = f"session not in ({chosen})"
    collapsed = "select json_extract(detail, '$.digest') from events where kind = 'collapsed'"
    return (
        f"digest not in (select digest from pages where {others}) "
        f"and digest not in ({collapsed} and {others})"
    )
