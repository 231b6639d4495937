"""Whether a recording has changed, asked cheaply and often."""

from pathlib import Path

from pichay_core.store.database import Database
from pichay_core.store.schema import open_for_reading


class Changes:
    """Watches one file. Holds one connection, because the stamp is only comparable within it.

    Source: SQLite, "PRAGMA data_version".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: Database | None = None

    def stamp(self) -> int | None:
        """Return a number that another connection's commit changes; None while there is no file.

        Raises :class:`pichay_core.store.schema.Unusable`.
        """
        if self._db is None and self._path.exists():
            self._db = open_for_reading(self._path)
        if self._db is None:
            return None
        (stamp,) = self._db.conn.execute("pragma data_version").fetchone()
        return stamp

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.conn.close()
