"""Reading back what was recorded: sessions after a restart, contents of pages.

Rule of this file: reads only, from a connection of its own.
"""

import sqlite3
from pathlib import Path

import zstandard

from pichay_core.birth.profile import Earlier
from pichay_core.session import Session
from pichay_core.store.database import Database
from pichay_core.store.profiles import earlier_sessions
from pichay_core.store.rows import Recorded, session_of
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Row, Scope, rows

REMEMBERED = 8
"""Sessions of one identity and kind that are looked at after a restart: the latest."""


_LATEST = """
select * from (
    select *, row_number() over (partition by kind order by last_at desc) as place
    from sessions where identity = :identity
) where place <= :most order by last_at desc
"""


class Library:
    """What one database holds."""

    def __init__(self, path: Path) -> None:
        """Open the database for reading; raises :class:`pichay_core.store.schema.Unusable`."""
        self._db = open_for_reading(path)

    def sessions(self, identity: str) -> list[Session]:
        """Return the sessions of one identity as they stood, the latest first."""
        found = rows(self._db, _LATEST, identity=identity, most=REMEMBERED)
        return [session_of(row, _kept(self._db, row["id"])) for row in found]

    def earlier(self, session: Session) -> list[Earlier]:
        """Return what sessions like this one did with their tools, nothing if none is kept."""
        try:
            return earlier_sessions(self._db, session)
        except sqlite3.Error:
            return []

    def content(self, digest: str) -> str | None:
        """Return the text of a page that left the window, None if it was not kept."""
        try:
            kept = rows(self._db, "select zstd from contents where digest = :digest", digest=digest)
        except sqlite3.Error:
            return None
        if not kept:
            return None
        plain = zstandard.ZstdDecompressor().decompress(kept[0]["zstd"])
        return plain.decode(errors="surrogatepass")

    def close(self) -> None:
        """Close the connection."""
        self._db.conn.close()


def _kept(db: Database, session: str) -> Recorded:
    return Recorded(
        _pages(db, session),
        _digests(db, "messages", session),
        _digests(db, "heard", session),
        rows(db, _ASIDES, Scope(session)),
    )


_ASIDES = """
select * from asides where session = :session and sent order by at, leg
"""


def _pages(db: Database, session: str) -> list[Row]:
    return rows(
        db, "select * from pages where session = :session order by position", Scope(session)
    )


def _digests(db: Database, table: str, session: str) -> list[bytes]:
    sql = f"select digest from {table} where session = :session order by position"
    return [row["digest"] for row in rows(db, sql, Scope(session))]
