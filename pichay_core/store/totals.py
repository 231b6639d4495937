"""Sums of turns and events by session and day, kept by the database itself, and who may read them.

Rule of this file: a sum is what its rows come to. Triggers add every row in the transaction that
writes it, whoever writes, so that no figure needs a pass over a million events. A session goes with
its sums. Of a part of the time, the first day is added up from its rows. So is everything in a
recording to which no Pichay has written since there are sums.

The SQL is that of a released migration: what it makes is never changed, only added to.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Scope

DAY_SECONDS = 86_400.0
_BY_FAULT = """exists (
        select 1 from events fault where fault.session = {row}.session
            and fault.request is {row}.request and fault.kind = 'faulted'
            and json_extract(fault.detail, '$.by') = {row}.page)"""
"""A page that came back by a fault is pinned by that; the others the model pins."""
_CAME_BACK = """exists (
        select 1 from pages where pages.session = {row}.session and pages.id = {row}.page
            and pages.faults > 0)"""
EVENT_NAMES: Mapping[str, str] = {
    "session": "ifnull({row}.session, '')",
    "day": "date({row}.at, 'unixepoch')",
    "kind": "{row}.kind",
    "why": "ifnull({row}.why, '')",
    "about": f"""case {{row}}.kind
        when 'asked' then ifnull(json_extract({{row}}.detail, '$.tool'), '')
        when 'tls_failed' then ifnull(json_extract({{row}}.detail, '$.host'), '')
        when 'pinned' then iif({_BY_FAULT}, 'fault', '')
        when 'faulted' then iif({{row}}.why = 'refetch' and {_CAME_BACK}, 'again', '')
        else '' end""",
}
"""What a sum of events is by, days being those of UTC: ``about`` is the tool that was asked, the
host that was refused, ``fault`` for a pin that a fault set, ``again`` for the refetch of a page
that one had brought."""
EVENT_SUMS: Mapping[str, str] = {
    "events": "1",
    "count": "iif({row}.kind = 'cleared', json_extract({row}.detail, '$.pages'), 1)",
    "messages": """iif({row}.kind = 'collapsed',
        json_extract({row}.detail, '$.last') - json_extract({row}.detail, '$.first') + 1, 0)""",
    "tokens": "ifnull({row}.tokens, 0)",
}
TURN_NAMES: Mapping[str, str] = {
    "session": "{row}.session",
    "day": "date({row}.at, 'unixepoch')",
    "model": "{row}.model",
    "own": "{row}.leg = 0",
    "outcome": "{row}.outcome",
    "why": "ifnull({row}.why, '')",
    "flushed": "ifnull({row}.flushed, '')",
}
TURN_SUMS: Mapping[str, str] = {
    "requests": "1",
    "settled": "{row}.input_tokens is not null",
    "priced": "{row}.dollars is not null",
    "input": "ifnull({row}.input_tokens, 0)",
    "cache_read": "ifnull({row}.cache_read_tokens, 0)",
    "cache_write": (
        "ifnull({row}.cache_write_5m_tokens, 0) + ifnull({row}.cache_write_1h_tokens, 0)"
    ),
    "output": "ifnull({row}.output_tokens, 0)",
    "untouched_input": "ifnull({row}.untouched_input_tokens, 0)",
    "untouched_cache_read": "ifnull({row}.untouched_cache_read_tokens, 0)",
    "untouched_cache_write": "ifnull({row}.untouched_cache_write_tokens, 0)",
    "untouched_output": "ifnull({row}.untouched_output_tokens, 0)",
    "dollars": "ifnull({row}.dollars, 0.0)",
    "untouched_dollars": "ifnull({row}.untouched_dollars, 0.0)",
    "thinking": "{row}.thinking_tokens",
    "prefix_breaks": "ifnull({row}.prefix_broken, 0)",
    "born": "{row}.definitions_tokens + {row}.protocol_tokens + {row}.shortened_tokens <> 0",
    "definitions": "{row}.definitions_tokens",
    "protocol": "{row}.protocol_tokens",
    "shortened": "{row}.shortened_tokens",
    "birth_saved": "{row}.birth_saved_tokens",
    "birth_priced": "{row}.birth_saved_dollars is not null",
    "birth_dollars": "ifnull({row}.birth_saved_dollars, 0.0)",
}
_YOUNGER = frozenset(
    ("leg", "thinking_tokens", "definitions_tokens", "protocol_tokens", "shortened_tokens",
     "birth_saved_tokens", "birth_saved_dollars")
)  # fmt: skip
"""Columns of turns that the recordings of some earlier version do not have."""


def event_sums(db: Database, scope: Scope = EVERYTHING) -> str:
    """Return what to ask for sums of events in scope: a table, or a query that looks like it."""
    added = _Added("event", {**EVENT_NAMES, "session": "{row}.session"}, EVENT_SUMS)
    return added.within(scope) if _kept(db) else added.all()


def turn_sums(db: Database, scope: Scope = EVERYTHING) -> str:
    """Return what to ask for sums of turns in scope: a table, or a query that looks like it."""
    if _kept(db):
        return _Added("turn", TURN_NAMES, TURN_SUMS).within(scope)
    missing = _YOUNGER - db["turns"].columns_dict.keys()
    return _Added("turn", TURN_NAMES, TURN_SUMS, missing).all()


def _kept(db: Database) -> bool:
    return db["turn_totals"].exists()


class _Added(NamedTuple):
    """What adds up the rows of one table."""

    row: str
    names: Mapping[str, str]
    sums: Mapping[str, str]
    missing: frozenset[str] = frozenset()

    def all(self, also: str = "") -> str:
        """Return a query of one sum for each row."""
        table = f"{self.row}s"
        terms = {**self.names, **self.sums}
        said = ", ".join(f"{_of(table, terms[name], self.missing)} {name}" for name in terms)
        return f"(select at, {said} from {table} {also})"

    def within(self, scope: Scope) -> str:
        """Return what sums are kept of the time in scope, and the rows of its first day."""
        if scope.since is None:
            return f"{self.row}_totals"
        days = _whole_days(scope.since)
        names = ", ".join((*self.names, *self.sums))
        later = f"from {self.row}_totals where day >= date({days!r}, 'unixepoch')"
        first = self.all(f"where at >= :since and at < {days!r}")
        return f"(select {days!r} at, {names} {later} union all select * from {first})"


def _whole_days(since: float) -> float:
    """Return when the first day begins that is wholly after *since*."""
    return math.ceil(since / DAY_SECONDS) * DAY_SECONDS


def _of(row: str, term: str, missing: frozenset[str] = frozenset()) -> str:
    """Return a term about this row; what its table has no column for is nought, or null."""
    said = term.format(row=row)
    for column in missing:
        null = "null" if column == "birth_saved_dollars" else "0"
        said = said.replace(f"{row}.{column}", null)
    return said


def statements() -> Iterator[str]:
    """Yield the SQL that makes the tables, fills them from the rows, and keeps them."""
    for table, names, sums in (
        ("event", EVENT_NAMES, EVENT_SUMS),
        ("turn", TURN_NAMES, TURN_SUMS),
    ):
        yield _table(f"{table}_totals", names, sums)
        yield _filled(table, names, sums)
        yield f"""create trigger {table}_added after insert on {table}s begin
            {_plus(table, "new", names, sums)}; end"""
    yield f"""create trigger turn_changed after update on turns begin
        {_minus("turn", "old", TURN_NAMES, TURN_SUMS)};
        {_plus("turn", "new", TURN_NAMES, TURN_SUMS)};
        {_EMPTY.format(row="old")}; end"""
    yield f"""create trigger turn_removed after delete on turns begin
        {_minus("turn", "old", TURN_NAMES, TURN_SUMS)};
        {_EMPTY.format(row="old")}; end"""
    yield f"""create trigger event_removed after delete on events when old.session is null begin
        {_minus("event", "old", EVENT_NAMES, EVENT_SUMS)};
        delete from event_totals where session = '' and events = 0; end"""
    yield """create trigger session_removed after delete on sessions begin
        delete from turn_totals where session = old.id;
        delete from event_totals where session = old.id; end"""


_REAL = ("dollars", "untouched_dollars", "birth_saved", "birth_dollars")
_EMPTY = "delete from turn_totals where session = {row}.session and requests = 0"


def _table(table: str, names: Mapping[str, str], sums: Mapping[str, str]) -> str:
    columns = [
        *(f"{name} {'integer' if name == 'own' else 'text'} not null" for name in names),
        *(f"{name} {'real' if name in _REAL else 'integer'} not null" for name in sums),
        f"primary key ({', '.join(names)})",
    ]
    return f"create table {table} ({', '.join(columns)}) without rowid"


def _filled(table: str, names: Mapping[str, str], sums: Mapping[str, str]) -> str:
    return f"insert into {table}_totals {_summed(table, names, sums)}"


def _summed(table: str, names: Mapping[str, str], sums: Mapping[str, str]) -> str:
    row = f"{table}s"
    terms = [
        *(f"{term.format(row=row)} as {name}" for name, term in names.items()),
        *(f"sum({term.format(row=row)}) as {name}" for name, term in sums.items()),
    ]
    group = ", ".join(str(at) for at in range(1, 1 + len(names)))
    return f"select {', '.join(terms)} from {table}s group by {group}"


def _plus(table: str, row: str, names: Mapping[str, str], sums: Mapping[str, str]) -> str:
    terms = ", ".join(term.format(row=row) for term in (*names.values(), *sums.values()))
    more = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
    return f"""insert into {table}_totals values ({terms})
        on conflict ({", ".join(names)}) do update set {more}"""


def _minus(table: str, row: str, names: Mapping[str, str], sums: Mapping[str, str]) -> str:
    less = ", ".join(f"{name} = {name} - ({term.format(row=row)})" for name, term in sums.items())
    this = " and ".join(f"{name} = {term.format(row=row)}" for name, term in names.items())
    return f"update {table}_totals set {less} where {this}"


SUMMED: Mapping[str, str] = {
    "event_totals": _summed("event", EVENT_NAMES, EVENT_SUMS),
    "turn_totals": _summed("turn", TURN_NAMES, TURN_SUMS),
}
"""What each table of sums holds, asked of the rows themselves."""
