"""What paging did, counted: faults, flushes, what was held back, whether it thrashes.

Rule of this file: each question is one pass, over sums where these are kept; nothing is judged
but thrashing.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pichay_core.bounds import LEAST_REFETCHES, REFETCH_BOUND
from pichay_core.store.database import Database
from pichay_core.store.episodes import how_many
from pichay_core.store.schema import has_flushes
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where
from pichay_core.store.totals import event_sums, turn_sums


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened for one reason, and the tokens of it."""

    why: str
    count: int
    tokens: int = 0


class Thrash(StrEnum):
    """Whether pages are evicted that are still in use."""

    NONE = "none"
    SOME = "some"
    OVER = "over"
    THRASHING = "thrashing"


REFAULT_BOUND = 0.10
"""Refetches, per eviction, of a page that had come back by a refetch already."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened, counted. ``happened`` holds events by kind, each by reason."""

    happened: Mapping[str, tuple[Tally, ...]] = field(default_factory=dict[str, tuple[Tally, ...]])
    outcomes: tuple[tuple[str, Tally], ...] = ()
    """Requests of the client's by outcome and reason."""
    held: tuple[Tally, ...] = ()
    """Requests in which something was held back, and the most tokens in one of them."""
    flushes: tuple[Tally, ...] = ()
    paid_back: int | None = None
    """Flushes that have saved what they cost; None if that was not recorded."""
    frozen: tuple[Tally, ...] = ()
    refusals: tuple[Tally, ...] = ()
    """Refused certificates by host."""
    refaults: int = 0
    """Refetches of pages that a refetch had brought back before."""
    episodes: int | None = None
    """Episodes of thrash; None where nothing was recorded that knows them."""
    lasting: int = 0
    """Of these, the ones that are not over."""
    pins_now: int = 0
    prefix_breaks: int = 0
    """Requests in which less was read from the cache than it held."""
    flush_breaks: int = 0
    """Of these, requests with a flush, which breaks the prefix on purpose."""

    def reasons(self, kind: str) -> tuple[Tally, ...]:
        """Events of one kind by reason, the most frequent first."""
        return self.happened.get(kind, ())

    def count(self, kind: str, why: str | None = None) -> int:
        """How many events of one kind there were, all or for one reason."""
        return sum(t.count for t in self.reasons(kind) if why is None or t.why == why)

    def tokens(self, kind: str) -> int:
        """Tokens of all events of one kind."""
        return sum(tally.tokens for tally in self.reasons(kind))

    def thrash(self) -> Thrash:
        """Judge by the episodes; where they were not recorded, by the refetches for each eviction,
        and by those that hit a page again.
        """
        if self.episodes:
            return Thrash.THRASHING if self.lasting else Thrash.OVER
        if self.episodes is not None:
            return Thrash.SOME if self.count("faulted", "refetch") else Thrash.NONE
        refetches, evictions = self.count("faulted", "refetch"), max(1, self.count("evicted"))
        often = refetches >= REFETCH_BOUND * evictions
        again = self.refaults >= REFAULT_BOUND * evictions
        if refetches >= LEAST_REFETCHES and (often or again):
            return Thrash.THRASHING
        return Thrash.SOME if refetches else Thrash.NONE


def activity(db: Database, scope: Scope = EVERYTHING) -> Activity:
    """Return what happened in scope."""
    happened: dict[str, list[Tally]] = defaultdict(list)
    events, turns = event_sums(db, scope), turn_sums(db, scope)
    for row in rows(db, _EVENTS.format(events=events, where=where(scope)), scope):
        happened[row["kind"]].append(_tally(row))
    return Activity(
        happened={kind: tuple(tallies) for kind, tallies in happened.items()},
        outcomes=tuple(
            (row["outcome"], _tally(row))
            for row in rows(
                db, _OUTCOMES.format(turns=turns, where=where(scope, also="own")), scope
            )
        ),
        held=_tallies(db, _HELD, scope, "held_tokens > 0"),
        flushes=_tallies(db, _FLUSHES.format(turns=turns, where="{where}"), scope, "flushed <> ''"),
        paid_back=_paid_back(db, scope),
        frozen=_frozen(db, scope),
        refusals=_tallies(db, _REFUSALS.format(events=events, where="{where}"), scope, _REFUSED),
        **_episodes(db, scope),
        **_counts(db, scope),
    )


_EVENTS = """
    select kind, nullif(why, '') why, sum(count) count, sum(tokens) tokens from {events} {where}
    group by kind, 2 order by 3 desc, 2
"""
_OUTCOMES = """
    select outcome, nullif(why, '') why, sum(requests) count from {turns} {where}
    group by outcome, 2 order by 3 desc, outcome, 2
"""
_HELD = """
    select held_why why, count(*) count, max(held_tokens) tokens from turns {where}
    group by held_why order by count desc, why
"""
_FLUSHES = """
    select flushed why, sum(requests) count from {turns} {where}
    group by flushed order by 2 desc, 1
"""
_REFUSALS = """
    select about why, sum(count) count from {events} {where} group by about order by 2 desc, 1
"""
_REFUSED = "kind = 'tls_failed'"
_REFAULTS = "kind = 'faulted' and about = 'again'"


def _tallies(db: Database, sql: str, scope: Scope, also: str) -> tuple[Tally, ...]:
    return tuple(_tally(row) for row in rows(db, sql.format(where=where(scope, also=also)), scope))


def _tally(row: Row) -> Tally:
    return Tally(row["why"] or "", row["count"], row.get("tokens") or 0)


def _frozen(db: Database, scope: Scope) -> tuple[Tally, ...]:
    clause = where(scope, "id", "last_at", "frozen is not null")
    sql = f"select frozen why, count(*) count from sessions {clause} group by frozen"
    return tuple(_tally(row) for row in rows(db, f"{sql} order by count desc, why", scope))


def _paid_back(db: Database, scope: Scope) -> int | None:
    if not has_flushes(db):
        return None
    sql = f"select count(*) count, count(paid_back) paid from flushes {where(scope)}"
    (found,) = rows(db, sql, scope)
    return found["paid"] if found["count"] else None


def _episodes(db: Database, scope: Scope) -> dict[str, int]:
    """Return how many there were; nothing if no turn was recorded by a version that watches."""
    if not db["episodes"].exists():
        return {}
    clause = where(scope, also="working_curve is not null")
    watched = rows(db, f"select 1 from turns {clause} limit 1", scope)
    if not watched:
        return {}
    found = how_many(db, scope)
    return {"episodes": found.episodes, "lasting": found.lasting}


def _counts(db: Database, scope: Scope) -> dict[str, int]:
    seen = f"session in (select id from sessions {where(scope, 'id', 'last_at')})"
    pinned = f"pin_strength is not null{'' if scope == EVERYTHING else f' and {seen}'}"
    (pins,) = rows(db, f"select count(*) count from pages where {pinned}", scope)
    return {
        "refaults": _sum(db, "count", event_sums(db, scope), scope, _REFAULTS),
        "pins_now": pins["count"],
        "prefix_breaks": _sum(db, "prefix_breaks", turn_sums(db, scope), scope, ""),
        "flush_breaks": _sum(db, "prefix_breaks", turn_sums(db, scope), scope, "flushed <> ''"),
    }


def _sum(db: Database, column: str, source: str, scope: Scope, also: str) -> int:
    sql = f"select ifnull(sum({column}), 0) found from {source} {where(scope, also=also)}"
    (row,) = rows(db, sql, scope)
    return row["found"]
