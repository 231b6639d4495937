"""Recorded rows to be taken elsewhere: which tables, which columns, which of their rows.

Rule of this file: rows come as they are read, none is kept. What holds words of the conversation
is left out unless it is asked for, so is what a reason quotes, and what handles are made from
always.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pichay_core.store.asking import BadQuestion, Value, each
from pichay_core.store.described import ALL, TABLES, Column, Described, named
from pichay_core.store.scope import EVERYTHING, Scope, where

NEVER = frozenset({"secret"})
"""Columns that stay where they are."""
_WHOLLY_QUOTED = {
    "events": "kind = 'released' and why <> 'summarized'",
    "event_totals": "kind = 'released' and why <> 'summarized'",
    "turns": "outcome = 'retried'",
    "turn_totals": "outcome = 'retried'",
}
"""Where a reason is nothing but a quote: the model's, or the provider's."""
_BEFORE_THE_QUOTE = "substr({0}, 1, instr({0} || ': ', ': ') - 1)"
_TEXT = Column("text", "text", "", "the text itself", "", conversation=True)


@dataclass(frozen=True, slots=True)
class Extract:
    """Rows of one table or view that are to be taken elsewhere."""

    table: Described
    columns: Sequence[Column]
    sql: str
    scope: Scope

    def rows(self, connection: sqlite3.Connection) -> Iterator[Sequence[Value]]:
        """Yield its rows, with the values of its columns."""
        values = {"session": self.scope.session, "since": self.scope.since}
        yield from each(connection.execute(self.sql, values))


def chosen(names: Sequence[str], content: bool) -> list[Described]:
    """Return the tables and views of these names; without any, what happened.

    Raises BadQuestion for a name that is none.
    """
    if not names:
        return [one for one in TABLES if not one.inner or (content and one.name == "contents")]
    found = [named(name) for name in names]
    unknown = [name for name, one in zip(names, found, strict=True) if one is None]
    if unknown:
        known = ", ".join(one.name for one in ALL)
        raise BadQuestion(f"There is no table or view {unknown[0]}. There are {known}.")
    return list(dict.fromkeys(one for one in found if one is not None))


def extract(table: Described, scope: Scope = EVERYTHING, content: bool = False) -> Extract:
    """Return what is to be taken of one table. Raises BadQuestion if it cannot be narrowed so."""
    columns = [column for column in table.columns if _taken(column, content)]
    names = [_value(table, column, content) for column in columns]
    if table.name == "contents" and content:
        columns, names = [*columns, _TEXT], [*names, "content(digest) as text"]
    clause = _where(table, scope)
    return Extract(table, columns, f"select {', '.join(names)} from {table.name} {clause}", scope)


def _taken(column: Column, content: bool) -> bool:
    compressed = column.conversation and column.type == "blob"
    return column.name not in NEVER and not compressed and (content or not column.conversation)


def _value(table: Described, column: Column, content: bool) -> str:
    """Return what to ask for; of a reason only what Pichay says itself, unless with content."""
    name = column.name
    if content or not column.quoting:
        return name
    before = _BEFORE_THE_QUOTE.format(name)
    wholly = _WHOLLY_QUOTED.get(table.name) if name == "why" else None
    return f"iif({wholly}, '', {before}) as {name}" if wholly else f"{before} as {name}"


def _where(table: Described, scope: Scope) -> str:
    if table.name == "contents":
        return _where_content(scope)
    unable = [
        *(["--session"] if scope.session and not table.session else []),
        *(["--since"] if scope.since is not None and not (table.at or table.session) else []),
    ]
    if unable:
        raise BadQuestion(f"{table.name} is of the whole recording: leave out {unable[0]}.")
    session = table.session or ""
    if table.at or scope.since is None:
        return where(scope, session, table.at or "")
    seen = f"{session} in (select id from sessions where last_at >= :since)"
    return where(replace(scope, since=None), session, also=seen)


def _where_content(scope: Scope) -> str:
    of_session = """digest in (
        select digest from pages where session = :session union
        select json_extract(detail, '$.digest') from events
        where session = :session and kind = 'collapsed')"""
    also = of_session if scope.session else ""
    return where(replace(scope, session=None), at="first_at", also=also)
