"""What ``stats --live`` shows, read at one moment: all sessions, or one of them.

Rule of this file: a few rows answer every question: those that an index finds, the sums that the
database keeps, and the refetches that were followed (``running.py``).
"""

from collections import Counter
from dataclasses import dataclass

from pichay_core.bounds import BOUNCED
from pichay_core.models import context_window
from pichay_core.store import stories
from pichay_core.store.activity import Activity, activity
from pichay_core.store.database import Database
from pichay_core.store.episodes import EpisodeStory, how_many, latest_episodes
from pichay_core.store.eventful import latest_events
from pichay_core.store.figures import Net, SessionFigures, net
from pichay_core.store.figures import sessions as all_sessions
from pichay_core.store.now import Standing, names_of, standing
from pichay_core.store.running import Returns, Running
from pichay_core.store.scope import EVERYTHING, Scope, rows
from pichay_core.store.stories import EventStory

EVENTS = 60
"""Events that are looked at, the last ones: more than most screens have lines."""
EPISODES = 3
"""Episodes that are told, the last ones."""
NAMED = 6
"""Names of pages that are told, those that came back most often."""
LOOKED_AT = 24
"""Pages whose names are looked up for them: pages of one name are told as one."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session in a line. Times are seconds since the epoch, windows are tokens."""

    id: str
    kind: str
    model: str
    turn: int
    started_at: float
    last_at: float
    window: int | None
    """Of its last billed request."""
    limit: int | None
    net: Net
    evictions: int
    faults: int
    frozen: bool
    thrashing: bool
    """An episode was not over with its last turn."""


@dataclass(frozen=True, slots=True)
class Back:
    """What came back by a refetch."""

    median: int | None = None
    """Turns that pages were away; None if none came back."""
    longest: int | None = None
    bounced: int = 0
    """Pages that came back twice or more."""
    named: tuple[tuple[str, int], ...] = ()
    """Of these the first, by name and times; pages of one name are one."""
    more: int = 0
    """Pages that bear none of these names, as far as is known."""


@dataclass(frozen=True, slots=True)
class Thrashing:
    """The episodes in scope."""

    count: int = 0
    lasting: int = 0
    dollars: float = 0.0
    """What their refetches cost, where the price is known."""
    last: tuple[EpisodeStory, ...] = ()


@dataclass(frozen=True, slots=True)
class Glance:
    """All of it. *session* says which one the figures are of, None for all."""

    session: str | None
    sessions: tuple[SessionLine, ...]
    net: Net
    activity: Activity
    back: Back
    thrashing: Thrashing
    near: Standing | None
    events: tuple[EventStory, ...]


def lines(db: Database, scope: Scope = EVERYTHING) -> tuple[SessionLine, ...]:
    """Return the sessions last seen in scope, a line each, the newest first."""
    lasting, limits = _lasting(db), _limits(db)
    return tuple(
        _line(one, limits.get(one.id), one.id in lasting) for one in all_sessions(db, scope=scope)
    )


def glance(
    db: Database,
    running: Running,
    sessions: tuple[SessionLine, ...],
    chosen: str | None = None,
    opened: bool = False,
) -> Glance:
    """Return what there is to see beside the *sessions*.

    The *chosen* session is seen from near, else the newest; *opened*, the figures are of it alone.
    """
    near = standing(db, name) if (name := chosen or stories.newest(db)) else None
    of = near.session if near and opened else None
    scope = Scope(of, running.since)
    return Glance(
        session=of,
        sessions=sessions,
        net=net(db, scope),
        activity=activity(db, scope),
        back=_back(db, running.returns(of)),
        thrashing=Thrashing(*how_many(db, scope), latest_episodes(db, EPISODES, scope)),
        near=near,
        events=_events(db, scope),
    )


def _events(db: Database, scope: Scope) -> tuple[EventStory, ...]:
    """Return the last events; not of what was only let through, of which there may be much."""
    latest = latest_events(db, 4 * EVENTS, scope)
    return tuple(event for event in latest if event.kind != "passed")[-EVENTS:]


def _line(one: SessionFigures, limit: int | None, thrashing: bool) -> SessionLine:
    return SessionLine(
        id=one.id,
        kind=one.kind,
        model=one.model,
        turn=one.turns,
        started_at=one.started_at,
        last_at=one.last_at,
        window=one.window,
        limit=limit or context_window(one.model),
        net=one.net,
        evictions=one.evictions,
        faults=one.faults,
        frozen=one.frozen is not None,
        thrashing=thrashing,
    )


def _limits(db: Database) -> dict[str, int | None]:
    """Return what each session's model could take with its last billed request, where known."""
    if "window_limit" not in db["turns"].columns_dict:
        return {}
    return {row["session"]: row["window_limit"] for row in rows(db, _LIMITS)}


_LIMITS = """
    select id session, (
        select window_limit from turns where session = id and input_tokens is not null
        order by request desc limit 1
    ) window_limit from sessions
"""


def _back(db: Database, returns: Returns) -> Back:
    bounced = Counter({page: n for page, n in returns.times.items() if n >= BOUNCED})
    most = bounced.most_common(LOOKED_AT)
    names = names_of(db, [page for page, _ in most])
    times, pages = Counter[str](), Counter(names)
    for name, (_, count) in zip(names, most, strict=True):
        times[name] += count
    named = tuple(times.most_common(NAMED))
    return Back(
        median=_median(returns.away),
        longest=max(returns.away, default=None),
        bounced=len(bounced),
        named=named,
        more=len(bounced) - sum(pages[name] for name, _ in named),
    )


def _median(counts: Counter[int]) -> int | None:
    """Return the value in the middle, the lower one of two."""
    left = (counts.total() + 1) // 2
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return None


def _lasting(db: Database) -> frozenset[str]:
    if not db["episodes"].exists():
        return frozenset()
    found = rows(db, "select distinct session from episodes where ended is null")
    return frozenset(row["session"] for row in found)
