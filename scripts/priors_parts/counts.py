"""Page-turns and references in recordings from which nothing ever left.

Rule of this file: what a reference is says ``pichay_core.replay.foresight``, how a page stands
``pichay_core.policies.references``: the policy asks them too.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pichay_cli.sources import recording
from pichay_core.model import Kind, State
from pichay_core.pager import Limits, may_leave
from pichay_core.policies import POLICIES
from pichay_core.policies.references import Standing, named, referenced, standing
from pichay_core.replay.foresight import references, walked
from pichay_core.replay.run import Replayed, Setup
from pichay_core.schedule import SCHEDULES
from pichay_core.table import Entry
from pichay_core.traces import Conversation, NotATrace
from pichay_core.turn import Rules

AGES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
"""Turns since the last reference from which a bucket goes on to the next."""

type Cell = tuple[Standing, int]
"""How a page stands, and the bucket of its age."""

KINDS = {Standing.QUERY: Kind.QUERY}
"""The kind of tool behind a standing; a read if it is not here."""


@dataclass(frozen=True)
class Counts:
    """What one conversation showed."""

    turns: Counter[Cell] = field(default_factory=Counter)
    """Page-turns."""
    references: Counter[Cell] = field(default_factory=Counter)


def counts_of(path: Path) -> list[Counts] | str:
    """Return what each conversation of a recording showed, or why it could not be read."""
    try:
        return [counted(conversation) for conversation in recording(path).conversations]
    except (OSError, NotATrace) as error:
        return f"{path}: {error}"


def counted(conversation: Conversation) -> Counts:
    """Return what a conversation showed."""
    rules = Rules(POLICIES["fifo"], SCHEDULES["cold"], Limits())
    found = Counts()
    for seen in walked(conversation, Setup(rules)):
        _count(seen, found, rules.limits)
    return found


def _count(seen: Replayed, found: Counts, limits: Limits) -> None:
    turn, last = seen.before.turn, named(seen.before.table)
    asked = set(references(seen))
    for page, entry in seen.before.table.entries.items():
        stands = standing(entry, last)
        if stands is None or not _in_play(entry, seen, limits):
            continue
        cell = stands, bisect_right(AGES, turn - referenced(entry, last)) - 1
        found.turns[cell] += max(0, seen.session.turn - turn)
        found.references[cell] += page in asked


def _in_play(entry: Entry, seen: Replayed, limits: Limits) -> bool:
    gone = seen.session.table[entry.page.id].state is State.GONE
    return not gone and may_leave(entry, limits)
