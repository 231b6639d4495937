"""What part of the recording is looked at, and how it is asked.

Rule of this file: a clause compares only what was asked for, so that an index can be used.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from pichay_core.store.database import Database

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: one session or all, from a time on (seconds since the epoch)."""

    session: str | None = None
    since: float | None = None


EVERYTHING = Scope()


def rows(db: Database, sql: str, scope: Scope = EVERYTHING, **values: object) -> list[Row]:
    """Return the rows of a query, which may name ``:session`` and ``:since``."""
    named = {"session": scope.session, "since": scope.since, **values}
    cursor: sqlite3.Cursor = db.conn.execute(sql, named)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def where(scope: Scope, session: str = "session", at: str = "at", also: str = "") -> str:
    """Return the clause that keeps what is in scope; only what is asked for is compared."""
    terms = [
        *([f"{session} = :session"] if scope.session is not None else []),
        *([f"{at} >= :since"] if scope.since is not None else []),
        *([also] if also else []),
    ]
    return f"where {' and '.join(terms)}" if terms else ""


def own(db: Database) -> str:
    """Return the condition that keeps the client's own requests; old recordings have no others."""
    return "leg = 0" if "leg" in db["turns"].columns_dict else ""
