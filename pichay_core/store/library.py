"""Reading back what was recorded: sessions after a restart, contents of pages.

Rule of this file: reads only, from a connection of its own.
"""

import sqlite3
from pathlib import Path

import zstandard
from sqlite_utils import Database

from pichay_core.session import Session
from pichay_core.store.rows import session_of
from pichay_core.store.schema import open_for_reading

REMEMBERED = 8
"""Sessions of one identity that are looked at after a restart: the latest."""


class Library:
    """What one database holds."""

    def __init__(self, path: Path) -> None:
        """Open the database for reading; raises :class:`pichay_core.store.schema.Unusable`."""
        self._db = open_for_reading(path)

    def sessions(self, identity: str) -> list[Session]:
        """Return the sessions of one identity as they stood, the latest first."""
        rows = self._db.query(
            "select * from sessions where identity = ? order by last_at desc limit ?",
            [identity, REMEMBERED],
        )
        return [
            session_of(row, _pages(self._db, row["id"]), _digests(self._db, row["id"]))
            for row in list(rows)
        ]

    def content(self, digest: str) -> str | None:
        """Return the text of a page that left the window, None if it was not kept."""
        try:
            rows = self._db.query("select zstd from contents where digest = ?", [digest])
            row = next(iter(rows), None)
        except sqlite3.Error:
            return None
        if row is None:
            return None
        plain = zstandard.ZstdDecompressor().decompress(row["zstd"])
        return plain.decode(errors="surrogatepass")

    def close(self) -> None:
        """Close the connection."""
        self._db.conn.close()


def _pages(db: Database, session: str) -> list[dict[str, object]]:
    return list(db.query("select * from pages where session = ? order by position", [session]))


def _digests(db: Database, session: str) -> list[bytes]:
    rows = db.query("select digest from messages where session = ? order by position", [session])
    return [row["digest"] for row in rows]
