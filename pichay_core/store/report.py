"""Everything that a report says, in one value: the net, its course, sessions seen closely.

Rule of this file: it gathers. Each part is one pass over a table, or one session's rows, so that a
report of a big recording takes as long as reading it a few times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pichay_core.store import figures
from pichay_core.store.activity import Activity, activity
from pichay_core.store.closeup import CloseUp, close_up
from pichay_core.store.database import Database
from pichay_core.store.episodes import EpisodeStory, episodes
from pichay_core.store.figures import Net, SessionFigures
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where
from pichay_core.store.suggestions import Suggestion, suggestions
from pichay_core.store.top import By, Cost, top

POINTS = 240
"""At most so many are told of the course of the cost."""
CLOSE_UPS = 4
"""Sessions that are seen closely, at most, if none is asked for."""
BIG = 100_000
"""Pages from which a recording is big."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What everything until then has cost, and would have. Dollars are of priced requests."""

    at: float
    """Seconds since the epoch."""
    requests: int
    dollars: float
    untouched_dollars: float
    tokens: int
    """Of input."""
    untouched_tokens: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A session that is seen closely, and why this one."""

    figures: SessionFigures
    why: tuple[str, ...]
    course: CloseUp


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say of a recording, or of the part of it that is in scope."""

    scope: Scope
    net: Net
    course: tuple[Spent, ...]
    """In order, the last one being all of it."""
    activity: Activity
    sessions: tuple[SessionFigures, ...]
    """Seen in scope, the newest first, each with its whole history."""
    clients: Mapping[str, str]
    """By session: which agent it was, where that is known."""
    episodes: tuple[EpisodeStory, ...]
    chosen: tuple[Chosen, ...]
    costs: Mapping[By, tuple[Cost, ...]] = field(default_factory=dict[By, tuple[Cost, ...]])
    suggestions: tuple[Suggestion, ...] = ()
    left_out: tuple[By, ...] = ()
    """Ways to divide the bill that were asked for and that it is too big for."""

    @property
    def thinned(self) -> bool:
        """True if the course leaves out points between the ones that it has."""
        return bool(self.course) and len(self.course) < self.course[-1].requests


def report(
    db: Database,
    scope: Scope = EVERYTHING,
    closely: int = CLOSE_UPS,
    also: Sequence[By] = (),
) -> Report:
    """Return what there is to say; *closely* sessions are looked at one by one.

    The bill is divided by tool, and in the other ways that are asked for unless the recording is
    big: each takes a pass over all of its pages.
    """
    net, done = figures.net(db, scope), activity(db, scope)
    sessions, thrashed = figures.sessions(db, scope=scope), episodes(db, scope)
    left_out = tuple(also) if also and _big(db, scope) else ()
    ways: Sequence[By] = ("tool", *(way for way in also if way not in left_out))
    costs: Mapping[By, tuple[Cost, ...]] = {by: top(db, scope, by) for by in ways}
    return Report(
        scope=scope,
        net=net,
        course=course(db, scope),
        activity=done,
        sessions=sessions,
        clients=_clients(db),
        episodes=thrashed,
        chosen=tuple(
            Chosen(session, why, close_up(db, session.id))
            for session, why in interesting(sessions, thrashed, scope, closely)
        ),
        costs=costs,
        suggestions=suggestions(db, scope, net, done, sessions, thrashed, costs["tool"]),
        left_out=left_out,
    )


def _big(db: Database, scope: Scope) -> bool:
    if scope.session is not None:
        return False
    (found,) = rows(
        db, "select count(*) count from (select 1 from pages limit :most)", most=BIG + 1
    )
    return found["count"] > BIG


def course(db: Database, scope: Scope = EVERYTHING, most: int = POINTS) -> tuple[Spent, ...]:
    """Return what was spent over time, in at most so many points and one. Each is exact."""
    clause = where(scope, also="input_tokens is not null")
    return tuple(_spent(row) for row in rows(db, _COURSE.format(where=clause), scope, most=most))


_COURSE = """
    select * from (
        select at, row_number() over course requests, count(*) over () whole,
            total(dollars) over course dollars,
            total(untouched_dollars) over course untouched_dollars,
            total(input_tokens + cache_read_tokens + cache_write_5m_tokens
                + cache_write_1h_tokens) over course tokens,
            total(untouched_input_tokens + untouched_cache_read_tokens
                + untouched_cache_write_tokens) over course untouched_tokens
        from turns {where}
        window course as (order by at, session, request rows unbounded preceding)
    )
    where requests in (1, whole) or requests % max(1, (whole + :most - 1) / :most) = 0
    order by requests
"""


def _spent(row: Row) -> Spent:
    return Spent(
        row["at"],
        row["requests"],
        row["dollars"],
        row["untouched_dollars"],
        int(row["tokens"]),
        int(row["untouched_tokens"]),
    )


def interesting(
    sessions: Sequence[SessionFigures],
    thrashed: Sequence[EpisodeStory],
    scope: Scope = EVERYTHING,
    most: int = CLOSE_UPS,
) -> list[tuple[SessionFigures, tuple[str, ...]]]:
    """Return the sessions worth a closer look, each with what it is: one may be several."""
    seen = [session for session in sessions if session.net.settled]
    if scope.session is not None:
        return [(session, ("the one asked for",)) for session in sessions]
    refetched: dict[str, float] = {}
    for episode in thrashed:
        refetched[episode.session] = refetched.get(episode.session, 0) + episode.cost_tokens
    saved = {session.id: _saved(session.net) for session in seen}
    firsts = (
        ("the costliest", {session.id: _cost(session.net) for session in seen}),
        ("the one that thrashed most", refetched),
        ("the greatest loss", {name: -amount for name, amount in saved.items()}),
        ("the greatest saving", saved),
        ("the newest", {session.id: session.last_at for session in seen}),
    )
    found: dict[str, list[str]] = {}
    for why, amounts in firsts:
        first = max(amounts, key=lambda name: amounts[name], default=None)
        if first is not None and amounts[first] > 0:
            found.setdefault(first, []).append(why)
    known = {session.id: session for session in sessions}
    chosen = [(known[name], tuple(why)) for name, why in found.items() if name in known]
    return chosen[:most]


def _cost(net: Net) -> float:
    return net.dollars if net.priced else net.actual.sent / 1e9


def _saved(net: Net) -> float:
    """Return what a session saved, where its price is not known in so many tokens that any
    amount of money comes first."""
    return net.saved_dollars if net.priced else net.saved_tokens / 1e9


def _clients(db: Database) -> Mapping[str, str]:
    if "client" not in db["sessions"].columns_dict:
        return {}
    found = rows(db, "select id, client from sessions where client <> ''")
    return {row["id"]: row["client"] for row in found}
