"""Thrash: pages leave while pages come back.

One idea: refetch faults, over a window of turns, against the pages that were moved out in it. A
flush that was wrong once is followed by a burst of refetches, and the pins they set keep it from
happening again: no thrash. It begins when pages are moved out in a turn although, in the window
that ends with it, refetches have reached the bound; it lasts until a window stays under it.

Source: P. Denning, "Thrashing: its causes and prevention", 1968: a system thrashes when pages are
taken from working sets that are still in use, and it is seen by the fault rate, not by the size of
memory. Only refetches count: what has changed would have been read again anyway.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from pichay_core.bounds import BOUNCED as BOUNCED
from pichay_core.bounds import LEAST_REFETCHES as LEAST_REFETCHES
from pichay_core.bounds import REFETCH_BOUND as REFETCH_BOUND
from pichay_core.bounds import WINDOW as WINDOW
from pichay_core.events import Collected, Event, Evicted, Faulted
from pichay_core.model import FaultKind, PageId
from pichay_core.table import PageTable

LONGEST_PAUSE = 4 * WINDOW
"""Turns. Who asks again after more does something else again; nothing is to wait so long."""
_NOTHING = PageTable()


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of a session in which it thrashes."""

    start: int
    """The turn of the first refetch of the window in which the bound was reached."""
    end: int
    """The turn of the last refetch so far."""
    faults: int
    tokens: int
    """That the refetches brought back."""
    returns: Mapping[PageId, int] = field(default_factory=dict[PageId, int])
    """How often the content of each page came back, by its newest copy."""
    unused: int = 0
    """The most turns that one of them had not been used for when it was asked for again; longer
    pauses than :data:`LONGEST_PAUSE` left out."""
    over: int | None = None
    """The turn in which it was seen to be over, None while it lasts."""

    @property
    def bounced(self) -> int:
        """How many pages came back twice or more."""
        return sum(count >= BOUNCED for count in self.returns.values())


class Return(NamedTuple):
    """A page that came back."""

    page: PageId
    by: PageId
    """Its newest copy."""
    tokens: int
    unused: int
    """Turns since it had been used last."""


class Busy(NamedTuple):
    """A turn in which pages were moved out or came back."""

    turn: int
    moved: int
    back: tuple[Return, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen of a session so far. Tell it every turn, quiet ones too."""

    current: Episode | None = None
    """The episode that lasts."""
    last: Episode | None = None
    """The latest that is over."""
    recent: tuple[Busy, ...] = ()
    """The turns of the window that count."""

    def after(self, turn: int, events: Iterable[Event], before: PageTable = _NOTHING) -> "Watch":
        """Return what is known after a turn in which this happened; *before* is its first table."""
        new = _busy(turn, events, before)
        quiet = not new.moved and not new.back
        if quiet and not self.recent:
            return self
        kept = tuple(one for one in self.recent if one.turn > turn - WINDOW)
        recent = kept if quiet else (*kept, new)
        if self.current is not None:
            return self._lasting(self.current, new, recent)
        if new.moved and _reached(recent):
            return replace(self, current=_episode(recent), recent=recent)
        return replace(self, recent=recent)

    def _lasting(self, current: Episode, new: Busy, recent: tuple[Busy, ...]) -> "Watch":
        grown = _with(current, new)
        if _reached(recent):
            return replace(self, current=grown, recent=recent)
        return Watch(None, replace(grown, over=new.turn), _moved_only(recent))

    def broken_off(self, turn: int) -> "Watch":
        """Return what is known where another conversation goes on from here.

        The episode that lasts is over; no refetch of it counts in another one.
        """
        if self.current is None:
            return self if self.recent == () else replace(self, recent=_moved_only(self.recent))
        return Watch(None, replace(self.current, over=turn), _moved_only(self.recent))

    @property
    def until(self) -> int:
        """The turn in which the episode that lasts is over at the latest if nothing comes back."""
        turns = [one.turn for one in self.recent for _ in one.back]
        return turns[-LEAST_REFETCHES] + WINDOW if len(turns) >= LEAST_REFETCHES else 0

    def as_text(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()


NOTHING_SEEN = Watch()


def watch_of(text: str | None) -> Watch:
    """Return what :meth:`Watch.as_text` wrote. Raises msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=Watch) if text else NOTHING_SEEN


def _busy(turn: int, events: Iterable[Event], before: PageTable) -> Busy:
    moved, back = 0, list[Return]()
    for event in events:
        if isinstance(event, Evicted | Collected):
            moved += 1
        elif isinstance(event, Faulted) and event.kind is FaultKind.REFETCH:
            back.append(_return(turn, event, before))
    return Busy(turn, moved, tuple(back))


def _return(turn: int, fault: Faulted, before: PageTable) -> Return:
    entry = before.entries.get(fault.page)
    unused = fault.away if entry is None else max(0, turn - entry.last_use)
    return Return(fault.page, fault.by, fault.tokens, unused)


def _moved_only(recent: Iterable[Busy]) -> tuple[Busy, ...]:
    return tuple(one._replace(back=()) for one in recent if one.moved)


def _reached(recent: Sequence[Busy]) -> bool:
    faults, moved = sum(len(one.back) for one in recent), sum(one.moved for one in recent)
    return faults >= LEAST_REFETCHES and faults >= REFETCH_BOUND * moved


def _episode(recent: Sequence[Busy]) -> Episode:
    back = [one for one in recent if one.back]
    found = Episode(back[0].turn, back[0].turn, 0, 0)
    for one in back:
        found = _with(found, one)
    return found


def _with(episode: Episode, new: Busy) -> Episode:
    if not new.back:
        return episode
    returns = dict(episode.returns)
    for one in new.back:
        returns[one.by] = returns.pop(one.page, 0) + 1
    return Episode(
        episode.start,
        new.turn,
        episode.faults + len(new.back),
        episode.tokens + sum(one.tokens for one in new.back),
        returns,
        max(episode.unused, *(_pause(one) for one in new.back)),
    )


def _pause(one: Return) -> int:
    return one.unused if one.unused <= LONGEST_PAUSE else 0
