"""All that is told of one session, read at once.

Rule of this file: a value; what is drawn and what is told as JSON are the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pichay_cli.collapsed_view import collapsed_data
from pichay_cli.data import session_data
from pichay_cli.flushes_view import flushes_data, rest
from pichay_cli.show.requests import one_by_one
from pichay_core.store import figures, moves, stories
from pichay_core.store.births import Births, births
from pichay_core.store.database import Database
from pichay_core.store.episodes import CameBack, EpisodeStory, episodes
from pichay_core.store.eventful import eventful, events_of
from pichay_core.store.figures import SessionFigures
from pichay_core.store.moves import Moved, Resident
from pichay_core.store.scope import Scope
from pichay_core.store.stories import EventStory, FlushStory, TurnStory

RESIDENTS = 10
"""The largest pages of the window that are told of."""
LEAST_FOLDER = 3
"""Letters of a folder whose name is worth leaving out."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One session: its figures, and what happened in it, in order."""

    session: SessionFigures
    turns: Sequence[TurnStory] = ()
    events: Sequence[EventStory] = ()
    """Of the requests that are told one by one, and those outside of requests."""
    eventful: Set[int] = frozenset()
    """The requests in which something happened."""
    flushes: Sequence[FlushStory] = ()
    born: Births = field(default_factory=Births)
    episodes: Sequence[EpisodeStory] = ()
    moved: Sequence[Moved] = ()
    residents: Sequence[Resident] = ()
    project: str = ""
    """The directory that the client works in, as far as it said so."""


def telling(db: Database, session: str, every: bool = True) -> Telling:
    """Return what is told of a session that is recorded: *every* event, or those that are shown.

    Of a long session these are few.
    """
    scope, turns = Scope(session), stories.turns(db, session)
    loose = by_request(turns, events_of(db, session, ()))
    happened = eventful(db, session) | {one for one in loose if one is not None}
    single = one_by_one(turns, happened)
    (found,) = figures.sessions(db, scope=scope)
    return Telling(
        session=found,
        turns=turns,
        events=stories.events(db, session) if every else events_of(db, session, single),
        eventful=happened,
        flushes=stories.flushes(db, session),
        born=births(db, scope),
        episodes=episodes(db, scope),
        moved=moves.moved(db, session),
        residents=moves.residents(db, session, RESIDENTS),
        project=moves.project(db, session),
    )


def below_project(told: Telling) -> Telling:
    """The same with files named as they are below the project."""
    folder = f"{told.project.rstrip('/')}/"
    if len(folder) < LEAST_FOLDER:
        return told
    return replace(
        told,
        events=[replace(e, page=e.page and e.page.replace(folder, "")) for e in told.events],
        moved=[replace(one, name=one.name.replace(folder, "")) for one in told.moved],
        residents=[replace(one, name=one.name.replace(folder, "")) for one in told.residents],
        episodes=[replace(one, pages=_below(one, folder)) for one in told.episodes],
    )


def _below(episode: EpisodeStory, folder: str) -> tuple[CameBack, ...]:
    return tuple(replace(page, name=page.name.replace(folder, "")) for page in episode.pages)


def as_data(told: Telling) -> dict[str, Any]:
    """The session as plain data; what happened before the first request stands apart."""
    happened = by_request(told.turns, told.events)
    return {
        "session": session_data(told.session),
        "flushes": flushes_data(told.flushes),
        "collapsed": collapsed_data(told.events, told.flushes),
        "births": asdict(told.born),
        "not_of_a_flush_dollars": rest(told.session.net, told.flushes, told.born),
        "episodes": [asdict(episode) for episode in told.episodes],
        "moved": [asdict(one) for one in told.moved],
        "residents": [asdict(one) for one in told.residents],
        "before": [asdict(event) for event in happened[None]],
        "turns": [
            asdict(turn) | {"events": [asdict(event) for event in happened[turn.request]]}
            for turn in told.turns
        ],
    }


def by_request(
    turns: Sequence[TurnStory], events: Sequence[EventStory]
) -> Mapping[int | None, list[EventStory]]:
    """Each request's events, in order. One outside of requests follows the last one before it."""
    told: dict[int | None, list[EventStory]] = defaultdict(list)
    for event in events:
        before = (turn.request for turn in reversed(turns) if turn.at <= event.at)
        told[event.request or next(before, None)].append(event)
    return told
