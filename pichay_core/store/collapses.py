"""The story of turns that a summary of the model's stands for.

Rule of this file: what happened is read off the event, what was written off the session; a
session from which the summary is gone is told of without it.
"""

import json
from dataclasses import dataclass

from pichay_core.cooperate.fold import folds_of
from pichay_core.store.database import Database
from pichay_core.store.scope import Row, rows


@dataclass(frozen=True, slots=True)
class CollapseStory:
    """Turns that were collapsed. Clocks are turns."""

    session: str
    handle: str
    digest: str
    turns: tuple[int, int]
    """The first and the last."""
    messages: int
    pages: int
    tokens: int
    """That left the window, after the summary."""
    collapsed: int
    """When."""
    summary: str | None
    """None if it does not stand any more."""
    kept: bool
    """Their text is in the recording."""


def collapses(db: Database, handle: str) -> tuple[CollapseStory, ...]:
    """Return the turns that were given this handle; the session seen last comes first."""
    return tuple(_story(row) for row in rows(db, _COLLAPSES, handle=handle.upper()))


_COLLAPSES = """
    select events.*, sessions.folds, exists (
        select 1 from contents where digest = json_extract(detail, '$.digest')
    ) kept
    from events join sessions on sessions.id = events.session
    where events.kind = 'collapsed' and json_extract(detail, '$.handle') = :handle
    order by last_at desc, session
"""


def _story(row: Row) -> CollapseStory:
    said = json.loads(row["detail"])
    first, last = said["turns"]
    standing = (fold for fold in folds_of(row["folds"]) if fold.handle == said["handle"])
    return CollapseStory(
        session=row["session"],
        handle=said["handle"],
        digest=said["digest"],
        turns=(first, last),
        messages=said["last"] - said["first"] + 1,
        pages=said["pages"],
        tokens=row["tokens"],
        collapsed=row["turn"],
        summary=next((fold.summary for fold in standing if fold.out), None),
        kept=bool(row["kept"]),
    )
