"""The pages that came back by a refetch, for a screen that follows a recording as it grows.

Rule of this file: a refetch is read once, by an index, so that following costs what is new. Events
never change. All else that such a screen shows is in the sums that the database keeps
(``totals.py``).
"""

from collections import Counter
from dataclasses import dataclass, field

from pichay_core.store.database import Database
from pichay_core.store.scope import Row, Scope, rows, where


@dataclass(slots=True)
class Returns:
    """Pages that came back by a refetch."""

    times: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How often the content of each page has come back so far, by session and newest copy."""
    away: Counter[int] = field(default_factory=Counter[int])
    """How many were away for so many turns."""

    def add(self, row: Row) -> None:
        """Add one refetch."""
        session, page = row["session"], row["page"]
        self.times.pop((session, page), None)
        self.times[session, row["by"] or page] = row["times"] or 1
        self.away[row["away"] or 0] += 1


class Running:
    """What came back. Tell it to follow whenever the recording has changed.

    Where a session may be named, none stands for all of them.
    """

    def __init__(self, since: float | None = None) -> None:
        """See what is there from *since* on, in seconds since the epoch."""
        self.since = since
        self._forget()

    def follow(self, db: Database) -> None:
        """Read what is new; if a session was taken out of the recording, all of it again."""
        there = {row["id"] for row in rows(db, "select id from sessions")}
        if self._returns.keys() - there - {None}:
            self._forget()
        clause = where(Scope(None, self.since), at="events.at", also=_NEW)
        found = rows(db, _REFETCHED.format(where=clause), since=self.since, after=self._last)
        for row in found:
            self._last = row["id"]
            for session in (row["session"], None):
                self._returns.setdefault(session, Returns()).add(row)

    def returns(self, session: str | None = None) -> Returns:
        """Return what came back."""
        return self._returns.get(session, Returns())

    def _forget(self) -> None:
        self._last = 0
        self._returns: dict[str | None, Returns] = {}


_NEW = "events.kind = 'faulted' and events.why = 'refetch' and events.id > :after"
_REFETCHED = """
    select events.id, events.session, events.page, pages.faults + 1 times,
        json_extract(detail, '$.by') by, json_extract(detail, '$.away') away
    from events left join pages on pages.session = events.session and pages.id = events.page
    {where} order by events.id
"""
