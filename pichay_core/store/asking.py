"""Questions in SQL, asked of a recording that is only read.

Rule of this file: nothing is written, a question may be interrupted, and what is wrong with it is
said with what could be meant.
"""

import re
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import zstandard

from pichay_core.store.completed import complete, is_complete
from pichay_core.store.described import ALL
from pichay_core.store.schema import open_for_reading

STEPS = 10_000
"""Of SQLite's machine, about a millisecond: so often a question lets itself be interrupted."""
CONTENT = "content"
"""The function that returns a kept text by its digest."""

_READING = frozenset({
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
})  # fmt: skip
_TELLING = frozenset({
    "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
    "schema_version", "user_version", "database_list", "function_list", "compile_options",
    "page_count", "page_size", "freelist_count", "journal_mode",
})  # fmt: skip
"""Pragmas that only tell something, with no value given to them."""

type Value = int | float | str | bytes | None


class BadQuestion(Exception):
    """The question cannot be answered. The message says why, and what to do."""


class Interrupted(Exception):
    """Somebody ended the question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The names of the columns, and the rows as they come; no columns if there is nothing."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Value]]


def open_for_questions(path: Path) -> sqlite3.Connection:
    """Open a recording, whatever its age, with the tables and views of this version.

    Raises Unusable with what to do.
    """
    connection = open_for_reading(path).conn
    complete(connection)
    connection.text_factory = _text
    connection.create_function(CONTENT, 1, _Contents(connection).text, deterministic=True)
    # Between two calls of a function of ours Python looks for Ctrl-C; inside SQLite it does not.
    connection.set_progress_handler(_go_on, STEPS)
    connection.execute("pragma query_only = on")
    connection.set_authorizer(_allowed)
    return connection


def is_up_to_date(path: Path) -> bool:
    """True if the file itself has the tables and views of this version. Raises Unusable."""
    connection = open_for_reading(path).conn
    found = is_complete(connection)
    connection.close()
    return found


def ask(connection: sqlite3.Connection, sql: str) -> Answer:
    """Return the answer to one statement. Raises BadQuestion, also while rows are read."""
    with _said(sql):
        cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return Answer(names, _read(cursor, sql))


def _read(cursor: sqlite3.Cursor, sql: str) -> Iterator[Sequence[Value]]:
    with _said(sql):
        yield from each(cursor)


def each(cursor: sqlite3.Cursor) -> Iterator[Sequence[Value]]:
    """Its rows. Who stops in the middle (a pipe that broke) may close the connection first.

    ``yield from cursor`` would close the cursor then, which a closed connection refuses, loudly.
    """
    return iter(cursor.fetchone, None)


@contextmanager
def _said(sql: str) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise Interrupted from error
        raise BadQuestion(_advice(str(error), sql)) from error


def _advice(problem: str, sql: str) -> str:
    """Return what is wrong with a question, and what could be meant."""
    if "authoriz" in problem or "prohibited" in problem or "cannot modify" in problem:
        return "A recording is only read here: ask with SELECT."
    if "one statement at a time" in problem:
        return "One statement at a time: ask the others on their own."
    found = re.search(r"no such (table|column|function): (\S+)", problem)
    meant = _meant(found[1], found[2].rpartition(".")[2], sql) if found else []
    if meant:
        return f"{problem}. Did you mean {' or '.join(meant)}?"
    return f"{problem}. `pichay sql --schema` describes every table, view and column."


def _meant(what: str, name: str, sql: str) -> list[str]:
    if what == "function":
        return get_close_matches(name, [CONTENT], cutoff=0.5)
    known = [one.name for one in ALL] if what == "table" else _columns(sql)
    return get_close_matches(name.lower(), known, n=3)


def _columns(sql: str) -> list[str]:
    """Return the columns that a statement could name: those of the tables it does."""
    words = set(re.findall(r"\w+", sql.lower()))
    asked = [one for one in ALL if one.name in words] or ALL
    return list(dict.fromkeys(column.name for one in asked for column in one.columns))


class _Contents:
    """The kept texts of one recording."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def text(self, digest: Value) -> str | None:
        """Return the text that is kept by a digest, None if there is none."""
        sql = "select zstd from contents where digest = ?"
        kept = self._connection.execute(sql, (digest,)).fetchone()
        return None if kept is None else _text(zstandard.ZstdDecompressor().decompress(kept[0]))


def _text(raw: bytes) -> str:
    """What is no UTF-8 (half of a pair, as some clients send) is shown as a question mark."""
    return raw.decode(errors="replace")


def _allowed(
    action: int, one: str | None, other: str | None, _schema: str | None, _by: str | None
) -> int:
    """Tell SQLite what a question may do: read. An attached file could be written to."""
    named = other is None or (one or "").endswith(("_info", "_xinfo", "_list"))
    telling = action == sqlite3.SQLITE_PRAGMA and one in _TELLING and named
    return sqlite3.SQLITE_OK if action in _READING or telling else sqlite3.SQLITE_DENY


def _go_on() -> int:
    return 0
