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

from pichay_core.events import Collected, Event, Evicted, Faulted
from pichay_core.model import FaultKind, PageId

WINDOW = 16
"""Turns. For so long a single fault's pin holds (:class:`pichay_core.pager.Limits`), so that a
page that leaves and comes back within it leaves against what the pager has just learned."""
LEAST_REFETCHES = 3
"""In a window. Fewer say nothing: one refetch after two evictions is no pattern."""
REFETCH_BOUND = 0.25
"""Refetches for each page moved out. A refetch costs a round trip that reads the whole prefix;
below a quarter an eviction of a few thousand tokens still repays it within about ten requests."""
BOUNCED = 2
"""Times that a page came back, from which it has bounced."""


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

    @property
    def bounced(self) -> int:
        """How many pages came back twice or more."""
        return sum(count >= BOUNCED for count in self.returns.values())


@dataclass(frozen=True, slots=True)
class _Turn:
    """What counts of one turn."""

    turn: int
    moved: int
    back: tuple[Faulted, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen of a session so far. Tell it every turn, quiet ones too."""

    past: tuple[Episode, ...] = ()
    """Episodes that are over."""
    current: Episode | None = None
    """The one that lasts."""
    recent: tuple[_Turn, ...] = ()
    """The turns of the window in which pages were moved out or came back."""

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """All of them, in order; the last may last still."""
        return self.past if self.current is None else (*self.past, self.current)

    def after(self, turn: int, events: Iterable[Event]) -> "Watch":
        """Return what is known after a turn in which this happened."""
        new = _turn(turn, events)
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

    def _lasting(self, current: Episode, new: _Turn, recent: tuple[_Turn, ...]) -> "Watch":
        grown = _with(current, new)
        if _reached(recent):
            return replace(self, current=grown, recent=recent)
        counted = tuple(replace(one, back=()) for one in recent)
        return Watch((*self.past, grown), None, counted)


def _turn(turn: int, events: Iterable[Event]) -> _Turn:
    moved, back = 0, list[Faulted]()
    for event in events:
        if isinstance(event, Evicted | Collected):
            moved += 1
        elif isinstance(event, Faulted) and event.kind is FaultKind.REFETCH:
            back.append(event)
    return _Turn(turn, moved, tuple(back))


def _reached(recent: Sequence[_Turn]) -> bool:
    faults, moved = sum(len(one.back) for one in recent), sum(one.moved for one in recent)
    return faults >= LEAST_REFETCHES and faults >= REFETCH_BOUND * moved


def _episode(recent: Sequence[_Turn]) -> Episode:
    back = [one for one in recent if one.back]
    found = Episode(back[0].turn, back[0].turn, 0, 0)
    for one in back:
        found = _with(found, one)
    return found


def _with(episode: Episode, new: _Turn) -> Episode:
    if not new.back:
        return episode
    returns = dict(episode.returns)
    for fault in new.back:
        returns[fault.by] = returns.pop(fault.page, 0) + 1
    return Episode(
        episode.start,
        new.turn,
        episode.faults + len(new.back),
        episode.tokens + sum(fault.tokens for fault in new.back),
        returns,
    )
