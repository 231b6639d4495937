"""The pages of one session that moved, and those that are in its window now.

Rule of this file: what moved is told by the call that brings it, since what comes back is another
page; what stays is told page by page.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

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


class _Copy(NamedTuple):
    """A page that left the window, or that is in it."""

    id: str
    tool: str
    label: str
    handle: str | None
    moved: int | None
    state: str
    tokens: int


def moved(db: Database, session: str) -> tuple[Moved, ...]:
    """Return what left the window of a session: what came back most often, then the largest."""
    back = _back(db, session)
    left: dict[tuple[str, str], list[_Copy]] = defaultdict(list)
    there: set[tuple[str, str]] = set()
    for copy in map(_Copy._make, db.conn.execute(_COPIES, {"session": session})):
        if copy.state == "resident":
            there.add((copy.tool, copy.label))
        if copy.moved is not None:
            left[copy.tool, copy.label].append(copy)
    told = (_moved(copies, back, call in there) for call, copies in left.items())
    return tuple(sorted(told, key=lambda one: (-len(one.back), -one.tokens, one.name)))


def residents(db: Database, session: str, limit: int) -> tuple[Resident, ...]:
    """Return the largest pages in the window of a session now, at most so many."""
    columns = ", ".join(name for name in _OF_RESIDENT if name in db["pages"].columns_dict)
    found = rows(db, _RESIDENTS.format(columns=columns), Scope(session))
    needed = {row.get("source") for row in found}
    return tuple(_resident(row, row["id"] in needed) for row in found[:limit])


def project(db: Database, session: str) -> str:
    """Return the directory that a session's client works in; empty if it did not say so."""
    if "project" not in db["sessions"].columns_dict:
        return ""
    (row,) = rows(db, "select project from sessions where id = :session", Scope(session))
    return row["project"]


_COPIES = """
    select id, tool, label, handle, moved, state, tokens from pages
    where session = :session and (moved is not null or state = 'resident')
    order by moved, position
"""
_BACK = """
    select page, turn from events
    where session = :session and kind = 'faulted' order by id
"""
_OF_RESIDENT = ("id", "tool", "label", "handle", "tokens", "born", "last_use", "uses", "faults",
                "pin_strength", "opaque", "released", "source")  # fmt: skip
"""The last two are not in every older recording."""
_RESIDENTS = """
    select {columns} from pages where session = :session and state = 'resident'
    order by tokens desc, position
"""


def _back(db: Database, session: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows(db, _BACK, Scope(session)):
        found[row["page"]].append(row["turn"] or 0)
    return found


def _moved(copies: list[_Copy], back: dict[str, list[int]], there: bool) -> Moved:
    last = copies[-1]
    out = not there and last.state in ("evicted", "collected")
    return Moved(
        name=f"{last.tool} {last.label}".strip(),
        handle=last.handle if out else None,
        left=tuple(dict.fromkeys(one.moved for one in copies if one.moved is not None)),
        back=tuple(sorted(turn for one in copies for turn in back.get(one.id, ()))),
        tokens=max(one.tokens for one in copies),
        out=out,
        collected=last.state == "collected",
    )


def _resident(row: Row, needed: bool) -> Resident:
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
        released=bool(row.get("released")),
        needed=needed,
    )
