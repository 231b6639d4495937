"""Older recordings, asked like new ones.

Rule of this file: nothing is written to the file. What an older recording lacks (a table, a
column, a view) stands in a connection that reads it as a view of that connection alone: a missing
column has the value that the migration would give it, a missing table has no rows; but a table of
sums holds what the rows come to.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from pichay_core.store.database import Database
from pichay_core.store.schema import is_newest, migrations
from pichay_core.store.totals import SUMMED
from pichay_core.store.views import VIEWS, stale, statement


def complete(connection: sqlite3.Connection) -> None:
    """Let the connection see every table, column and view of this version."""
    if is_complete(connection):
        return
    missing = [] if is_newest(connection) else list(_missing(connection))
    for made in (*missing, *(statement(name, "TEMP VIEW") for name in VIEWS)):
        connection.execute(made)


def is_complete(connection: sqlite3.Connection) -> bool:
    """True if the file itself has all of that."""
    return is_newest(connection) and not any(stale(connection))


def _missing(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the statements that make what the tables of a recording lack."""
    for table, wanted in _newest().items():
        there = {row[1] for row in connection.execute(f"pragma main.table_info({table})")}
        lacking = {name: value for name, value in wanted.items() if name not in there}
        if lacking:
            yield _completed(table, lacking, bool(there))


def _completed(table: str, lacking: Mapping[str, str], there: bool) -> str:
    if not there and table in SUMMED:
        return f"create temp view {table} as {SUMMED[table]}"
    values = ", ".join(f"{value} as {name}" for name, value in lacking.items())
    rows = f"*, {values} from main.{table}" if there else f"{values} limit 0"
    return f"create temp view {table} as select {rows}"


def _newest() -> Mapping[str, Mapping[str, str]]:
    """Return the tables of this version, their columns, and what each holds if nothing is said."""
    db = Database(sqlite3.connect(":memory:"))
    migrations.apply(db)
    found = db.conn.execute("select name from sqlite_master where type = 'table'").fetchall()
    names = [name for (name,) in found if not name.startswith("_")]
    infos = {name: db.conn.execute(f"pragma table_info({name})").fetchall() for name in names}
    db.conn.close()
    return {name: {row[1]: row[4] or "null" for row in infos[name]} for name in names}
