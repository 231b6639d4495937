"""The pages of one session that moved, and those that are in its window now.

Rule of this file: what moved is told by the call that brings it, since what comes back is another
page; what stays is told page by page.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pichay_core.store.database import Database
from pichay_core.store.scope import Row, Scope, rows


@dataclass(frozen=True, slots=True)
class Moved:
    """What one call brings, and how it left and came back. Clocks are turns."""

    name: str
    """The call: tool and label."""
    handle: str | None
    """Of the copy that left last; None if a newer one stands there."""
    left: tuple[int, ...]
    """The flushes that it left with, by their turns."""
    back: tuple[int, ...]
    """The turns in which it was asked for while it was out."""
    tokens: int
    """Of its largest copy."""
    out: bool
    """It is out now, and no newer copy stands there."""
    collected: bool
    """Nothing can ask for it."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A page that is in the window. Clocks are turns."""

    name: str
    """The call that brought it: tool and label."""
    handle: str | None
    tokens: int
    born: int
    last_use: int
    uses: int
    faults: int
    """Times that its content was brought back."""
    pin: float | None
    """The strength of its pin, None without one."""
    opaque: bool
    """It holds something other than text, and never moves."""
    released: bool
    """The model does not need it: it leaves with the next flush."""
    needed: bool
    """What stands for another page refers to it."""


def moved(db: Database, session: str) -> tuple[Moved, ...]:
    """Return what left the window of a session: what came back most often, then the largest."""
    back = _back(db, session)
    found = rows(db, _MOVED, Scope(session))
    by_call: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in found:
        by_call[row["tool"], row["label"]].append(row)
    there = {(row["tool"], row["label"]) for row in rows(db, _STANDING, Scope(session))}
    told = (_moved(copies, back, call in there) for call, copies in by_call.items())
    return tuple(sorted(told, key=lambda one: (-len(one.back), -one.tokens, one.name)))


def residents(db: Database, session: str, limit: int) -> tuple[Resident, ...]:
    """Return the largest pages in the window of a session now, at most so many."""
    released = "released" if "released" in db["pages"].columns_dict else "null"
    needed = _NEEDED if "source" in db["pages"].columns_dict else "false"
    sql = _RESIDENTS.format(released=released, needed=needed)
    found = rows(db, sql, Scope(session), limit=limit)
    return tuple(_resident(row) for row in found)


def project(db: Database, session: str) -> str:
    """Return the directory that a session's client works in; empty if it did not say so."""
    if "project" not in db["sessions"].columns_dict:
        return ""
    (row,) = rows(db, "select project from sessions where id = :session", Scope(session))
    return row["project"]


_MOVED = """
    select id, tool, label, handle, moved, state, tokens from pages
    where session = :session and moved is not null order by moved, position
"""
_STANDING = "select tool, label from pages where session = :session and state = 'resident'"
_BACK = """
    select page, turn from events
    where session = :session and kind = 'faulted' order by id
"""
_NEEDED = """id in (
    select source from pages
    where session = :session and state = 'resident' and source is not null
)"""
"""Asked once, not of each page: there is no index by source."""
_RESIDENTS = """
    select tool, label, handle, tokens, born, last_use, uses, faults, pin_strength, opaque,
        {released} released, {needed} needed
    from pages where session = :session and state = 'resident'
    order by tokens desc, position limit :limit
"""


def _back(db: Database, session: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows(db, _BACK, Scope(session)):
        found[row["page"]].append(row["turn"] or 0)
    return found


def _moved(copies: list[Row], back: dict[str, list[int]], there: bool) -> Moved:
    last = copies[-1]
    turns = (turn for row in copies for turn in back.get(row["id"], ()))
    out = not there and last["state"] in ("evicted", "collected")
    return Moved(
        name=f"{last['tool']} {last['label']}".strip(),
        handle=last["handle"] if out else None,
        left=_once(row["moved"] for row in copies),
        back=tuple(sorted(turns)),
        tokens=max(row["tokens"] for row in copies),
        out=out,
        collected=last["state"] == "collected",
    )


def _once(turns: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(turns))


def _resident(row: Row) -> Resident:
    return Resident(
        name=f"{row['tool']} {row['label']}".strip(),
        handle=row["handle"],
        tokens=row["tokens"],
        born=row["born"],
        last_use=row["last_use"],
        uses=row["uses"],
        faults=row["faults"],
        pin=row["pin_strength"],
        opaque=bool(row["opaque"]),
        released=bool(row["released"]),
        needed=bool(row["needed"]),
    )
