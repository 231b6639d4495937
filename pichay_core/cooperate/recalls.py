"""What a recall answers: the text of pages that are out, each with what it is a copy of.

Rule of this file: no page is copied that stands in the window; nothing says whether a name that
is unknown here is known elsewhere; and what was changed since is said to have been.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pichay_core.cooperate.commands import Recall
from pichay_core.cooperate.excerpts import excerpt, size_of
from pichay_core.cooperate.means import Means, Outcome
from pichay_core.cooperate.naming import meant, missing
from pichay_core.session import Session
from pichay_core.stubs import called
from pichay_core.stubs import size_of as extent_of
from pichay_core.table import Entry
from pichay_core.tools import plain

LARGEST_ANSWER = 100_000
"""Bytes of text that one recall brings."""
LEAST_ROOM = 200
"""Bytes. In less, no page is begun."""

UNKNOWN = (
    "No page of this conversation goes by that name. A page name stands at the end of the note "
    "that was left in a result's place. For anything else, use the ordinary tool."
)
NOT_KEPT = "Its text was not kept. Make the call again."
NO_ROOM = "There is no room for it in this answer. Ask for it in another call."


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said of one page."""

    text: str
    why: str = ""
    """Why it is not shown; empty if it is, or stands in the window."""
    stands: Entry | None = None
    """The page, if it stands in the window."""


def recall(session: Session, asked: Recall, means: Means, room: int = LARGEST_ANSWER) -> Outcome:
    """Return the answer to a recall, in about *room* bytes; an error if it shows no page at all.

    What it does to the pages is found when it comes in as a result (``admission.py``); only one
    that was released, and stands in the window still, is to stay there from now on.
    """
    parts: list[_Part] = []
    for name in asked.pages:
        left = room - sum(size_of(part.text) for part in parts)
        parts.append(_part(session, name, asked, means, left))
    failed = all(part.why for part in parts)
    return Outcome(
        _kept(session, (part.stands for part in parts if part.stands)),
        "\n\n".join(dict.fromkeys(part.text for part in parts)),
        parts[0].why if failed else "answered",
    )


def _part(session: Session, name: str, asked: Recall, means: Means, room: int) -> _Part:
    entry = meant(session.table, name, session.secret)
    if entry is not None and not missing(entry):
        return _Part(_where(entry, session), stands=entry)
    if entry is not None:
        return _shown(_head(entry, session), means.read(entry.page.id), asked, room)
    if (turns := means.folded(name)) is not None:
        return _shown(_TURNS, turns, asked, room)
    text = UNKNOWN if len(asked.pages) == 1 else f"{plain(name)}: {UNKNOWN}"
    return _Part(text, "unknown page")


_TURNS = "[Turns for which a summary stands now, as they were.]"


def _shown(head: str, text: str | None, asked: Recall, room: int) -> _Part:
    if text is None:
        return _Part(f"{head}\n{NOT_KEPT}", "not kept")
    room -= size_of(head) + 1
    if room < LEAST_ROOM:
        return _Part(f"{head}\n{NO_ROOM}", "no room")
    return _Part(f"{head}\n{excerpt(text, asked.first, asked.last, asked.search, room)}")


def _where(entry: Entry, session: Session) -> str:
    return (
        f"It stands in this conversation, as the result of {called(entry.page)} "
        f"({extent_of(entry.page)}), from {ago(entry, session)}."
    )


def _head(entry: Entry, session: Session) -> str:
    """Return the line that says what the text below is, and whether it is so still."""
    said = f"[{called(entry.page)} ({extent_of(entry.page)}), as it was {ago(entry, session)}."
    if entry.stale or entry.repaired_stale:
        said += " Later calls in this conversation have changed the file since; that is not in it."
    return f"{said}]"


def ago(entry: Entry, session: Session) -> str:
    """Return in words how long ago a page came."""
    turns = max(0, session.turn - entry.born)
    return "this turn" if not turns else f"{turns} turn{'' if turns == 1 else 's'} ago"


def _kept(session: Session, wanted: Iterable[Entry]) -> Session:
    kept = [replace(entry, released=False) for entry in wanted if entry.released]
    return replace(session, table=session.table.with_entries(kept)) if kept else session
