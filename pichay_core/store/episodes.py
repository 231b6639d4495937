"""The episodes of thrash: when they were, what came back in them, what it cost, what was answered.

Rule of this file: a page is named as a reader knows it, by the call that brought it.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from pichay_core.bounds import BOUNCED
from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where


@dataclass(frozen=True, slots=True)
class CameBack:
    """A page that came back in an episode."""

    page: str
    """Its id: that of its newest copy."""
    name: str
    """The call that brought it: tool and label; its id if no such page is recorded."""
    times: int

    @property
    def bounced(self) -> bool:
        """True if it came back twice or more."""
        return self.times >= BOUNCED


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pager did against an episode."""

    tau: int | None = None
    """Turns that a page had to be unused to leave, at most; None if that was not changed."""
    pins: int = 0
    """Times that the pin of a page was made stronger."""
    held: int = 0
    """Requests in which a flush was held back."""


@dataclass(frozen=True, slots=True)
class EpisodeStory:
    """One episode. Clocks are turns, times seconds since the epoch."""

    session: str
    start: int
    """The turn of its first refetch."""
    noticed: int
    """The turn in which it was seen to be one."""
    ended: int | None
    """The turn in which it was seen to be over; None while it lasts."""
    request: int
    """In which it was noticed."""
    at: float
    ended_at: float | None
    faults: int
    """Refetches so far."""
    tokens: int
    """That they brought back."""
    bounced: int
    """Pages that came back twice or more."""
    pages: tuple[CameBack, ...]
    """What came back, the most often first."""
    cost_tokens: float
    """What the refetches cost: as many tokens of plain input as cost the same."""
    dollars: float | None
    """Likewise; None as long as no request of a known price has been billed."""
    answer: Answer = Answer()


def episodes(db: Database, scope: Scope = EVERYTHING) -> tuple[EpisodeStory, ...]:
    """Return the episodes in scope, in order; none from a recording that does not know them.

    From a time on: those that were not over by then. One that its session ended in ended then.
    """
    if not db["episodes"].exists():
        return ()
    clause = _within(scope)
    found = rows(db, _EPISODES.format(where=clause), scope)
    back = _came_back(db, _PAGES.format(where=clause), scope) if found else {}
    return tuple(_story(row, back.get((row["session"], row["start"]), ())) for row in found)


def latest_episodes(
    db: Database, limit: int, scope: Scope = EVERYTHING
) -> tuple[EpisodeStory, ...]:
    """Return the last *limit* of these, in order."""
    if not db["episodes"].exists():
        return ()
    latest = rows(db, _LATEST.format(where=_within(scope)), scope, limit=limit)
    told = (one for of in latest for one in episodes(db, Scope(of["session"], scope.since)))
    return tuple(sorted(told, key=lambda one: one.at)[-limit:])


class HowMany(NamedTuple):
    """Episodes, those of them that are not over, and the dollars that they cost, where known."""

    episodes: int = 0
    lasting: int = 0
    dollars: float = 0.0


def how_many(db: Database, scope: Scope = EVERYTHING) -> HowMany:
    """Return the number of these; none from a recording that does not know them."""
    if not db["episodes"].exists():
        return HowMany()
    (row,) = rows(db, _COUNTED.format(where=_within(scope)), scope)
    return HowMany(row["count"], row["count"] - row["ended"], row["dollars"])


def _within(scope: Scope) -> str:
    return where(scope, "episodes.session", "coalesce(ended_at, last_at)")


_OF_SESSIONS = "episodes join sessions on sessions.id = episodes.session"
_EPISODES = f"""
    select episodes.* from {_OF_SESSIONS} {{where}}
    order by episodes.at, episodes.session, episodes.start
"""
_LATEST = f"""
    select episodes.session from {_OF_SESSIONS} {{where}}
    group by episodes.session order by max(episodes.at) desc limit :limit
"""
_COUNTED = f"""
    select count(*) count, count(ended) ended, total(episodes.dollars) dollars
    from {_OF_SESSIONS} {{where}}
"""
_PAGES = """
    select episodes.session, episodes.start, back.key page, back.value times, pages.tool,
        pages.label
    from episodes join sessions on sessions.id = episodes.session, json_each(episodes.pages) back
    left join pages on pages.session = episodes.session and pages.id = back.key
    {where} order by back.value desc, pages.position, back.key
"""


def _came_back(db: Database, sql: str, scope: Scope) -> dict[tuple[str, int], tuple[CameBack, ...]]:
    found: dict[tuple[str, int], list[CameBack]] = defaultdict(list)
    for row in rows(db, sql, scope):
        name = f"{row['tool']} {row['label']}".strip() if row["tool"] else row["page"]
        found[row["session"], row["start"]].append(CameBack(row["page"], name, row["times"]))
    return {episode: tuple(pages) for episode, pages in found.items()}


def _story(row: Row, pages: tuple[CameBack, ...]) -> EpisodeStory:
    return EpisodeStory(
        session=row["session"],
        start=row["start"],
        noticed=row["noticed"],
        ended=row["ended"],
        request=row["request"],
        at=row["at"],
        ended_at=row["ended_at"],
        faults=row["faults"],
        tokens=row["tokens"],
        bounced=row["bounced"],
        pages=pages,
        cost_tokens=row["cost_tokens"],
        dollars=row["dollars"],
        answer=Answer(row["tau"], row["pins"], row["held"]),
    )
