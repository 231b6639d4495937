"""What the model did with its memory of itself, counted: by our tools, and by tags.

Rule of this file: it is one pass over the events in scope, or their sums. What that cost is in the
net with everything else; how much of it came by requests of ours, ``figures.Net`` says.
"""

from dataclasses import dataclass

from pichay_core.store.activity import Tally
from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where
from pichay_core.store.totals import event_sums

ANSWERED = "answered"
"""The reason of an event that says that the model got what it asked for."""


@dataclass(frozen=True, slots=True)
class Cooperation:
    """What the model asked for, and what came of it; all nought where it asked for nothing."""

    asked: tuple[Tally, ...] = ()
    """By tool; tokens are those of the answers."""
    refused: tuple[Tally, ...] = ()
    """Of these, what was not done, by reason."""
    recalled: int = 0
    """Pages that came back because the model asked for them."""
    recalled_tokens: int = 0
    released: int = 0
    """Pages that the model said it needs no more."""
    pinned: int = 0
    """Pages that the model wants to stay."""
    collapsed: int = 0
    """Summaries that stand for turns."""
    collapsed_messages: int = 0
    collapsed_tokens: int = 0
    """That left the window with them, after the summaries."""
    advised: tuple[Tally, ...] = ()
    """How often it was told how full the window is, by zone."""
    unsaid: int = 0
    """Times that the client changed a reply of which it had not seen all."""

    @property
    def any(self) -> bool:
        """True if there is anything to tell."""
        return self != Cooperation()


def cooperation(db: Database, scope: Scope = EVERYTHING) -> Cooperation:
    """Return what the model did of itself in scope."""
    clause = where(scope, also=f"kind in ({', '.join(map(repr, _KINDS))})")
    found = rows(db, _EVENTS.format(events=event_sums(db, scope), where=clause), scope)
    asked = [row for row in found if row["kind"] == "asked"]
    return Cooperation(
        asked=_by(asked, "tool"),
        refused=_by([row for row in asked if row["why"] != ANSWERED], "why"),
        recalled=_count(found, "faulted"),
        recalled_tokens=sum(row["tokens"] for row in found if row["kind"] == "faulted"),
        released=_count(found, "released"),
        pinned=_count(found, "pinned"),
        collapsed=_count(found, "collapsed"),
        collapsed_messages=sum(row["messages"] for row in found),
        collapsed_tokens=sum(row["tokens"] for row in found if row["kind"] == "collapsed"),
        advised=_by([row for row in found if row["kind"] == "advised"], "why"),
        unsaid=_count(found, "unsaid"),
    )


_KINDS = ("asked", "released", "collapsed", "advised", "unsaid", "faulted", "pinned")
_EVENTS = """
    select kind, why, about tool, sum(count) count, sum(tokens) tokens, sum(messages) messages
    from {events} {where} and (kind <> 'faulted' or why = 'recall')
        and (kind <> 'pinned' or about <> 'fault')
    group by 1, 2, 3
"""


def _count(found: list[Row], kind: str) -> int:
    return sum(row["count"] for row in found if row["kind"] == kind)


def _by(found: list[Row], column: str) -> tuple[Tally, ...]:
    """Return the rows added up by a column, the most frequent first."""
    names = dict.fromkeys(row[column] for row in found)
    tallies = [_added(name, [row for row in found if row[column] == name]) for name in names]
    return tuple(sorted(tallies, key=lambda tally: (-tally.count, tally.why)))


def _added(name: str, found: list[Row]) -> Tally:
    return Tally(name, sum(row["count"] for row in found), sum(row["tokens"] for row in found))
