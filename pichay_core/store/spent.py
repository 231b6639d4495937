"""What ``top`` divides: the bills of a session, its pages and the definitions of its tools.

Rule of this file: a session at a time, so that a big recording takes no more memory than its
largest session. What an older recording does not say is nought, or said to be unknown.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from pichay_core.store.database import Database
from pichay_core.store.schema import has_flushes
from pichay_core.store.scope import Row, Scope, rows, where
from pichay_core.store.shares import Billed
from pichay_core.tokens import O200K_BYTES_PER_TOKEN, multiplier

INPUT, READ, WRITE_5M, WRITE_1H, OUTPUT = 1.0, 0.1, 1.25, 2.0, 5.0
"""What kinds of token cost beside each other, where a turn does not say: as Anthropic's do."""


class Rewind(NamedTuple):
    """Where the client went back: pages of later messages are gone."""

    request: int
    at: int


class Stay(NamedTuple):
    """Pages that stood in the window between the same requests, as positions among them."""

    what: str | None
    """None if they are not of the things that are asked for."""
    pages: int
    tokens: float
    """That they hold there."""
    entry: int
    leave: int
    moved: int | None
    called: bool
    """They were called here; not so what a fork took over, or what came too early."""


class Defined(NamedTuple):
    """A tool's definition, in tokens, and the request from which it was sent."""

    tool: str
    entry: int
    whole: float
    sent: float


@dataclass(frozen=True, slots=True)
class Spent:
    """One session."""

    session: str
    bills: Sequence[Billed]
    stays: Sequence[Stay]
    definitions: Sequence[Defined]
    flushes: Mapping[int, float]
    """Dollars that each has saved so far, net, by its turn."""
    faults: Mapping[str | None, int]
    """By what was asked for while it was out."""


class Reader:
    """Reads one session after the other; what is asked of all of them is asked once."""

    def __init__(self, db: Database, scope: Scope, what: str) -> None:
        """*what* is the SQL of a page's name, null for one that is not asked for."""
        self._db, self._scope = db, scope
        group = _BY_TOOL if what == "tool" else _BY_TIME
        known = _known(db, "pages", _LATER_OF_PAGE)
        self._page_sql = _PAGES.format(what=what, group=group, **known)
        counts = "input_tokens is not null"
        if scope.since is not None:
            counts += " and at >= :since"
        self._bill_sql = _BILLS.format(counts=counts, **_known(db, "turns", _LATER_OF_TURN))
        self._has_flushes, self._has_definitions = has_flushes(db), db["definitions"].exists()
        self._multipliers = {
            row["model"]: row["multiplier"] for row in rows(db, "select * from calibrations")
        }
        self._faults = self._faults_by_session(what)
        self._rewinds = self._rewinds_of_sessions()

    def sessions(self) -> Iterable[Spent]:
        """Yield the sessions in scope."""
        chosen = where(self._scope, "id", "last_at")
        for row in rows(self._db, f"select id, kind, model from sessions {chosen}", self._scope):
            yield self._session(row)

    def _session(self, row: Row) -> Spent:
        session: str = row["id"]
        each = self._multipliers.get(row["model"], multiplier(row["model"]))
        per_byte = each / O200K_BYTES_PER_TOKEN
        named = {"session": session, "since": self._scope.since, "per_byte": per_byte}
        bills = [*map(Billed._make, self._db.conn.execute(self._bill_sql, named))]
        places = _Places(bills, self._rewinds.get(session, ()))
        return Spent(
            session,
            bills,
            self._stays(session, places, bills, each, row["kind"] == "fork"),
            self._defined(session, places, per_byte),
            self._saved(session),
            self._faults.get(session, {}),
        )

    def _stays(
        self, session: str, places: "_Places", bills: Sequence[Billed], each: float, fork: bool
    ) -> list[Stay]:
        found = self._db.conn.execute(self._page_sql, {"session": session, "each": each})
        inherited = bills[0].turn if fork and bills else -1
        counts = [*(bill.sent > 0 for bill in bills), False]
        every = self._scope.since is None
        stays: list[Stay] = []
        for what, pages, tokens, request, born, moved, message in found:
            entry = places.entry(request, born)
            leave = places.leave(entry, moved) if message is None else places.gone(entry, message)
            called = born >= inherited and (every or counts[entry])
            stays.append(Stay(what, pages, tokens, entry, leave, moved, called))
        return stays

    def _defined(self, session: str, places: "_Places", per_byte: float) -> list[Defined]:
        if not self._has_definitions:
            return []
        sql = "select * from definitions where session = :session"
        return [
            Defined(
                row["tool"],
                places.entry(row["request"], 0),
                row["bytes"] * per_byte,
                row["sent_bytes"] * per_byte,
            )
            for row in rows(self._db, sql, Scope(session))
        ]

    def _saved(self, session: str) -> dict[int, float]:
        if not self._has_flushes:
            return {}
        scope = Scope(session, self._scope.since)
        found = rows(self._db, f"select turn, {_NET} net from flushes {where(scope)}", scope)
        return {row["turn"]: row["net"] for row in found}

    def _faults_by_session(self, what: str) -> dict[str, dict[str | None, int]]:
        clause = where(self._scope, "events.session", "events.at", "events.kind = 'faulted'")
        found: dict[str, dict[str | None, int]] = defaultdict(dict)
        for row in rows(self._db, _FAULTS.format(what=what, where=clause), self._scope):
            found[row["session"]][row["what"]] = row["count"]
        return found

    def _rewinds_of_sessions(self) -> dict[str, list[Rewind]]:
        named = where(Scope(self._scope.session), also="kind = 'rewound'")
        sql = f"""select session, request, json_extract(detail, '$.at') at from events {named}
            and request is not null order by id"""
        found: dict[str, list[Rewind]] = defaultdict(list)
        for row in rows(self._db, sql, self._scope):
            found[row["session"]].append(Rewind(row["request"], row["at"] or 0))
        return found


class _Places:
    """Which of a session's requests is meant, as a position among them."""

    def __init__(self, bills: Sequence[Billed], rewinds: Iterable[Rewind]) -> None:
        self._end = len(bills)
        self._requests: dict[int | None, int] = {bill.request: at for at, bill in enumerate(bills)}
        clock = [*accumulate((bill.turn for bill in bills), max)]
        last = clock[-1] if clock else -1
        self._turns = {turn: bisect_left(clock, turn) for turn in range(last + 1)}
        self._rewinds = [
            (self._requests[one.request], one.at)
            for one in rewinds
            if one.request in self._requests
        ]

    def entry(self, request: int | None, turn: int) -> int:
        """Return the first request that held what came in that request, else in that turn."""
        found = self._requests.get(request)
        return self._turns.get(turn, self._end) if found is None else found

    def leave(self, entry: int, moved: int | None) -> int:
        """Return the first request after a page was *moved* out; one too many if it was not."""
        return self._end if moved is None else max(entry, self._turns.get(moved, self._end))

    def gone(self, entry: int, message: int) -> int:
        """Return the first request in which the client did not send that message any more."""
        for position, at in self._rewinds:
            if position > entry and at <= message:
                return position
        return self._end


_LATER_OF_PAGE = ("request", "message", "form_bytes")
_PAGES = """
    select {what}, count(*), total(coalesce(counted_tokens * :each, tokens)
        * case when {form_bytes} is null then 1.0 else min(1.0, 1.0 * {form_bytes} / max(1, bytes))
        end), {request}, born, moved,
        case when state = 'gone' and moved is null then coalesce({message}, 1 << 30) end
    from pages where session = :session group by {group}
"""
_BY_TOOL, _BY_TIME = "1, 4, 5, 6, 7", "4, 5, 6, 7, 1"
"""An index has them by tool, so that few are sorted at a time; other names are slow to sort by."""
_FAULTS = """
    select events.session, {what} what, count(*) count from events
    join pages on pages.session = events.session and pages.id = events.page
    {where} group by 1, 2
"""
_NET = "ifnull(saved_dollars, 0) - ifnull(rewritten_dollars, 0) - ifnull(faulted_dollars, 0)"


_LATER_OF_TURN = (
    *("front_tokens", "talk_tokens", "thought_tokens", "stub_tokens", "cleared_tokens"),
    *("front_bytes", "definitions_tokens", "protocol_tokens", "read_dollars", "output_dollars"),
)
_OTHERS = f"""
    input_tokens * {INPUT} + cache_write_5m_tokens * {WRITE_5M} + cache_write_1h_tokens * {WRITE_1H}
"""
_BILLS = f"""
    select request, turn, iif(counts, window, 0), iif(counts, read, 0), iif(counts, output, 0),
        iif(counts, dollars, null),
        iif(counts and dollars is not null, ifnull(iif(told, read_dollars,
            dollars * {READ} * read / nullif(weight, 0)), 0.0), 0.0),
        iif(counts and dollars is not null, ifnull(iif(told, output_dollars,
            dollars * {OUTPUT} * output / nullif(weight, 0)), 0.0), 0.0),
        window, removed, iif(counts, front, 0.0), iif(counts, talk, null),
        iif(counts, thought, 0), iif(counts, stubs, 0)
    from (
        select request, turn, {{counts}} counts, dollars,
            ifnull(input_tokens, 0) + ifnull(cache_read_tokens, 0)
                + ifnull(cache_write_5m_tokens, 0) + ifnull(cache_write_1h_tokens, 0) window,
            cache_read_tokens read, output_tokens output,
            {{read_dollars}} is not null told, {{read_dollars}} read_dollars,
            {{output_dollars}} output_dollars,
            {_OTHERS} + cache_read_tokens * {READ} + output_tokens * {OUTPUT} weight,
            removed_tokens + ifnull({{cleared_tokens}}, 0) removed,
            ifnull({{front_tokens}}, iif(ifnull({{front_bytes}}, 0) = 0, 0.0,
                max(0.0, {{front_bytes}} * :per_byte
                    - (ifnull({{definitions_tokens}}, 0) - ifnull({{protocol_tokens}}, 0))))) front,
            {{talk_tokens}} talk, ifnull({{thought_tokens}}, 0) thought,
            ifnull({{stub_tokens}}, 0) stubs
        from turns where session = :session
    ) order by request
"""
"""Each turn as it was billed: the fields of ``Billed``. Without a bill, or from before, it does not
count. What of the dollars was for reading and for the reply goes by what such tokens usually cost,
where it was not recorded."""


def _known(db: Database, table: str, columns: Iterable[str]) -> Mapping[str, str]:
    """Return what to ask for columns that older recordings do not all have."""
    there = db[table].columns_dict
    return {name: name if name in there else "null" for name in columns}
