"""Sums over a recording that is growing, for a screen that follows it.

Rule of this file: a row is read once, so that following costs what is new. Events never change. The
last requests are added up anew each time: a bill comes after its request; a later one is not seen.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pichay_core.store.activity import Activity, Tally
from pichay_core.store.database import Database
from pichay_core.store.figures import Net, net_of
from pichay_core.store.nets import net_columns
from pichay_core.store.schema import has_flushes
from pichay_core.store.scope import Row, Scope, own, rows, where

OPEN = 512
"""Requests, the last ones, whose bill may still come."""
STEP = 50_000
"""Events read at once: a big recording is read in steps, and there is something to show at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a session's last billed request, in tokens; its limit where it is recorded."""

    tokens: int
    limit: int | None


@dataclass(slots=True)
class Returns:
    """Pages that came back by a refetch."""

    times: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How often the content of each page came back, by session and newest copy."""
    again: int = 0
    """Refetches of what had come back before."""
    away: Counter[int] = field(default_factory=Counter[int])
    """How many were away for so many turns."""

    def add(self, session: str, page: str, by: str, away: int) -> None:
        """Add one refetch."""
        before = self.times.pop((session, page), 0)
        self.times[session, by] = before + 1
        self.again += bool(before)
        self.away[away] += 1


type _Tallies = dict[tuple[str, str], tuple[int, int]]


@dataclass(slots=True)
class _Happened:
    """What events add up to."""

    tallies: _Tallies = field(default_factory=dict[tuple[str, str], tuple[int, int]])
    """Events and their tokens, by kind and reason."""
    kinds: Counter[str] = field(default_factory=Counter[str])
    """Events by kind."""
    returns: Returns = field(default_factory=Returns)

    def add(self, row: Row) -> None:
        """Add a group of events."""
        key = row["kind"], row["reason"]
        count, tokens = self.tallies.get(key, (0, 0))
        self.tallies[key] = count + row["count"], tokens + row["tokens"]
        self.kinds[row["kind"]] += row["count"]

    def by_kind(self) -> dict[str, tuple[Tally, ...]]:
        """Return the tallies of each kind, the most frequent first."""
        found: dict[str, list[Tally]] = defaultdict(list)
        for (kind, why), (count, tokens) in self.tallies.items():
            found[kind].append(Tally(why, count, tokens))
        return {kind: _ordered(tallies) for kind, tallies in found.items()}


@dataclass(slots=True)
class _Requests:
    """What requests add up to."""

    net: Net = field(default_factory=Net)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """By column, its value, and the reason beside it."""
    held: dict[str, int] = field(default_factory=dict[str, int])
    """The most tokens held back in one request, by reason."""
    window: Window | None = None
    """Of the last one that was billed, if they are of one session."""

    def add(self, row: Row) -> None:
        """Add a group of requests."""
        count, why = row["count"], row["held_why"] or ""
        self.net += net_of(row)
        self.counts["broken", "flush" if row["flushed"] else "", ""] += row["broken"] or 0
        if row["own"]:
            self.counts["outcome", row["outcome"], row["why"] or ""] += count
        if row["flushed"]:
            self.counts["flushed", row["flushed"], ""] += count
        if row["holding"]:
            self.counts["held", "", why] += count
            self.held[why] = max(row["held"], self.held.get(why, 0))

    def joined(self, later: "_Requests") -> "_Requests":
        """Return both together."""
        held = {why: max(most, self.held.get(why, 0)) for why, most in later.held.items()}
        counts = self.counts.copy()
        counts.update(later.counts)
        window = later.window or self.window
        return _Requests(self.net + later.net, counts, self.held | held, window)

    def of(self, column: str) -> list[tuple[str, Tally]]:
        """Return the values of a column with their reasons, the most frequent first."""
        found = [(v, Tally(why, n)) for (c, v, why), n in self.counts.items() if c == column]
        return sorted(found, key=lambda pair: (-pair[1].count, pair[0], pair[1].why))


@dataclass(frozen=True, slots=True)
class _Known:
    """How far it was read: the first event there was, the last, the last request that is final."""

    sessions: frozenset[str] = frozenset()
    first: int = 0
    event: int = 0
    request: int = 0


class Running:
    """What a recording adds up to. Tell it to follow whenever the recording has changed.

    Where a session may be named, none stands for all of them.
    """

    def __init__(self, since: float | None = None) -> None:
        """Add up what is there from *since* on, in seconds since the epoch."""
        self._scope = Scope(None, since)
        self._forget()

    def follow(self, db: Database) -> float:
        """Read what is new; return the share of the recording that has been read.

        If something was taken out of the recording, all of it is read again.
        """
        sessions, known = {row["id"]: row for row in rows(db, _SESSIONS)}, self._known
        first, last = _span(db, "events")
        gone = known.sessions - sessions.keys()
        if gone or last < known.event or (known.first and first != known.first):
            self._forget()
        self._sessions, known = sessions, self._known
        upto = min(last, max(first, known.event) + STEP)
        self._events(db, known.event, upto)
        request = self._turns(db, known.request)
        self._paid = self._paid_back(db)
        self._known = _Known(frozenset(sessions), first, upto, request)
        return (upto - first + 1) / (last - first + 1)

    @property
    def since(self) -> float | None:
        """From when on it adds up, in seconds since the epoch."""
        return self._scope.since

    def sessions(self) -> tuple[Row, ...]:
        """Return the rows of the sessions in scope, in no order."""
        every, since = self._sessions.values(), self.since
        return tuple(row for row in every if since is None or row["last_at"] >= since)

    def net(self, session: str | None = None) -> Net:
        """Return the net."""
        return self._requests(session).net

    def window(self, session: str) -> Window | None:
        """Return the window of the last request that was billed."""
        return self._requests(session).window

    def count(self, session: str, kind: str) -> int:
        """Return how many events of a kind there were in a session."""
        happened = self._happened.get(session)
        return happened.kinds[kind] if happened else 0

    def returns(self, session: str | None = None) -> Returns:
        """Return what came back."""
        return self._happened.get(session, _Happened()).returns

    def activity(self, session: str | None = None) -> Activity:
        """Return what happened; without the pins that hold now."""
        requests = self._requests(session)
        happened = self._happened.get(session, _Happened())
        tallies, broken = happened.by_kind(), requests.counts["broken", "flush", ""]
        return Activity(
            happened=tallies,
            outcomes=tuple(requests.of("outcome")),
            held=tuple(replace(t, tokens=requests.held[t.why]) for _, t in requests.of("held")),
            flushes=tuple(Tally(why, tally.count) for why, tally in requests.of("flushed")),
            paid_back=self._paid.get(session),
            frozen=_frozen(row for row in self.sessions() if session in (None, row["id"])),
            refusals=tallies.get("tls_failed", ()),
            refaults=happened.returns.again,
            prefix_breaks=requests.counts["broken", "", ""] + broken,
            flush_breaks=broken,
        )

    def _forget(self) -> None:
        self._known = _Known()
        self._sessions: dict[str, Row] = {}
        self._final: _BySession[_Requests] = {}
        self._open: _BySession[_Requests] = {}
        self._happened: _BySession[_Happened] = {}
        self._paid: _BySession[int] = {}

    def _requests(self, session: str | None) -> _Requests:
        final, later = self._final.get(session), self._open.get(session)
        if final and later:
            return final.joined(later)
        return final or later or _Requests()

    def _turns(self, db: Database, final: int) -> int:
        """Add up the requests; return the row up to which they are final."""
        top = _span(db, "turns")[1]
        if top - final > 2 * OPEN:
            for session, found in self._between(db, final, top - OPEN).items():
                self._final[session] = self._final.get(session, _Requests()).joined(found)
            final = top - OPEN
        self._open = self._between(db, final, top)
        return final

    def _between(self, db: Database, after: int, upto: int) -> "_BySession[_Requests]":
        found: _BySession[_Requests] = {}
        columns, between = db["turns"].columns_dict, {"after": after, "upto": upto}
        limit = "window_limit" if "window_limit" in columns else "null"
        clause = where(self._scope, also="rowid > :after and rowid <= :upto")
        sql = _REQUESTS.format(columns=net_columns(db), own=own(db) or "1", where=clause)
        for row in rows(db, sql, self._scope, **between):
            found.setdefault(row["session"], _Requests()).add(row)
            found.setdefault(None, _Requests()).add(row)
        for row in rows(db, _WINDOWS.format(limit=limit, where=clause), self._scope, **between):
            found[row["session"]].window = Window(row["window"], row["window_limit"])
        return found

    def _events(self, db: Database, after: int, upto: int) -> None:
        clause = where(self._scope, also="id > :after and id <= :upto")
        between = {"after": after, "upto": upto}
        for row in rows(db, _HAPPENED.format(where=clause), self._scope, **between):
            for session in (row["session"], None):
                self._happened.setdefault(session, _Happened()).add(row)
        for row in rows(db, _REFETCHED.format(where=clause), self._scope, **between):
            page, by = row["page"], row["by"] or row["page"]
            for session in (row["session"], None):
                self._happened[session].returns.add(row["session"], page, by, row["away"] or 0)

    def _paid_back(self, db: Database) -> "_BySession[int]":
        if not has_flushes(db):
            return {}
        sql = "select session, count(*) count, count(paid_back) paid from flushes"
        found = rows(db, f"{sql} {where(self._scope)} group by session", self._scope)
        total = {None: sum(row["paid"] for row in found)} if found else {}
        return {row["session"]: row["paid"] for row in found} | total


type _BySession[T] = dict[str | None, T]


def _ordered(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    return tuple(sorted(tallies, key=lambda tally: (-tally.count, tally.why)))


def _frozen(sessions: Iterable[Row]) -> tuple[Tally, ...]:
    counts = Counter[str](row["frozen"] for row in sessions if row["frozen"])
    return _ordered(Tally(why, count) for why, count in counts.items())


def _span(db: Database, table: str) -> tuple[int, int]:
    """Return the first and the last row of a table, without looking at those between."""
    (row,) = rows(db, _SPAN.format(table))
    return row["first"] or 0, row["last"] or 0


_SPAN = "select (select min(rowid) from {0}) first, (select max(rowid) from {0}) last"
_SESSIONS = "select id, kind, model, frozen, started_at, last_at, turn from sessions"
_SENT = "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
_REQUESTS = """
    select session, outcome, why, flushed, held_why, held_tokens > 0 holding, {own} own,
        count(*) count, sum(prefix_broken = 1) broken, max(held_tokens) held, {columns}
    from turns {where}
    group by session, model, outcome, why, flushed, held_why, holding, own
"""
_WINDOWS = f"""
    select session, max(request), {_SENT} window, {{limit}} window_limit from turns
    {{where}} and input_tokens is not null group by session
"""
_HAPPENED = """
    select ifnull(session, '') session, kind, cast(total(tokens) as integer) tokens,
        ifnull(iif(kind = 'tls_failed', json_extract(detail, '$.host'), why), '') reason,
        sum(case kind when 'cleared' then json_extract(detail, '$.pages') else 1 end) count
    from events {where} group by 1, kind, reason
"""
_REFETCHED = """
    select ifnull(session, '') session, page, json_extract(detail, '$.by') by,
        json_extract(detail, '$.away') away
    from events {where} and +kind = 'faulted' and why = 'refetch' order by id
"""
