"""Some of the events of a session: of a long one few are told one by one, or the last ones.

Rule of this file: an index finds the events that are asked for, and no other is read.
"""

import json
from collections.abc import Iterable

from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Scope, rows, where
from pichay_core.store.stories import EventStory, events_where


def events_of(db: Database, session: str, requests: Iterable[int]) -> tuple[EventStory, ...]:
    """Return in order the events of these requests of a session, and those outside of requests.

    Turns that were collapsed are told of as well, whenever that was.
    """
    clause = f"where events.id in ({_CHOSEN})"
    return events_where(db, clause, Scope(session), requests=json.dumps([*requests]))


def eventful(db: Database, session: str) -> frozenset[int]:
    """Return the requests of a session in which something happened."""
    return frozenset(row["request"] for row in rows(db, _EVENTFUL, Scope(session)))


def latest_events(db: Database, limit: int, scope: Scope = EVERYTHING) -> tuple[EventStory, ...]:
    """Return the last *limit* events in order, as far as they are in scope."""
    chosen = _LATEST if scope.session is None else _LATEST_OF_SESSION
    clause = where(Scope(None, scope.since), at="events.at", also=f"events.id in ({chosen})")
    return events_where(db, clause, scope, limit=limit)[-limit:]


_CHOSEN = """
    select id from events
    where session = :session and request in (select value from json_each(:requests))
    union all select id from events where session = :session and request is null
    union all select id from events where +session = :session and kind = 'collapsed'
"""
_EVENTFUL = """
    select request from turns where session = :session and exists (
        select 1 from events where events.session = :session and events.request = turns.request)
"""
_LATEST = "select id from events order by id desc limit :limit"
_LATEST_OF_SESSION = """
    select * from (select id from events where session = :session and request is not null
        order by request desc, id desc limit :limit)
    union all
    select * from (select id from events where session = :session and request is null
        order by id desc limit :limit)
"""
