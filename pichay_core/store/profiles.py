"""What earlier sessions of a project did with their tools: what a profile is made from.

Rule of this file: reads only. It is asked while an agent waits, once a session, so both of its
questions are answered from an index.
"""

from pichay_core.birth.choice import birth_of
from pichay_core.birth.profile import LATEST, Earlier
from pichay_core.session import Session
from pichay_core.store.database import Database
from pichay_core.store.scope import Row, Scope, rows

_ALIKE = """
select id, birth from sessions
where project = :project and client = :client and kind = :kind and id <> :session
    and (project <> '' or shape = :shape)
    and exists (select 1 from pages where pages.session = sessions.id)
order by last_at desc limit :most
"""
"""Who does not name a project is only known by its prompt and the names of its tools."""
_USED = "select distinct tool from pages where session = :session"


def earlier_sessions(db: Database, session: Session) -> list[Earlier]:
    """Return what the latest sessions did that are of this one's client, project and kind.

    The latest first; those that used no tool are left out.
    """
    found = rows(
        db,
        _ALIKE,
        project=session.project,
        client=session.client,
        kind=session.kind,
        session=session.id,
        shape=session.shape,
        most=LATEST,
    )
    return [_earlier(db, row) for row in found]


def _earlier(db: Database, row: Row) -> Earlier:
    birth = birth_of(row["birth"]) if row["birth"] else None
    return Earlier(
        used=frozenset(page["tool"] for page in rows(db, _USED, Scope(row["id"]))),
        reduced=birth is not None and birth.way != "whole",
        missed=birth is not None and bool(birth.called),
    )
