"""The database as the readers see it: a connection, and what sqlite-utils knows of it.

Rule of this file: sqlite-utils is imported when somebody asks for what only it can do. Its import
takes longer than every figure of a large recording, and the figures need a connection alone.
"""

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database as Database
else:

    class Database:
        """Is a ``sqlite_utils.Database`` as soon as it is used as one."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self.conn = connection
            self._whole: Any = None

        def __getitem__(self, name: str) -> "_Table":
            return _Table(self, name)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.whole(), name)

        def whole(self) -> Any:
            """Return the same as sqlite-utils has it."""
            if self._whole is None:
                import sqlite_utils

                self._whole = sqlite_utils.Database(self.conn)
            return self._whole

    class _Table:
        """Is a table of sqlite-utils as soon as more is asked than what it holds."""

        def __init__(self, db: Database, name: str) -> None:
            self._db, self._name = db, name

        def exists(self) -> bool:
            """Return True if there is such a table."""
            sql = "select 1 from sqlite_master where type = 'table' and name = ?"
            return self._db.conn.execute(sql, (self._name,)).fetchone() is not None

        @property
        def columns_dict(self) -> dict[str, str]:
            """Return its columns, each with the type that it was declared with."""
            rows = self._db.conn.execute(
                "select name, type from pragma_table_info(?)", (self._name,)
            )
            return dict(rows)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._db.whole()[self._name], name)
