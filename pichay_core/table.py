"""The page table: for each page of a session, where it is and how it was used.

Rule of this file: a table is a value. Every change returns a new one; the mapping inside is
never changed in place.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pichay_core.model import Handle, Key, Page, PageId, State


@dataclass(frozen=True, slots=True)
class Pin:
    """Keeps a page from being evicted. Its strength halves with every half-life unused."""

    strength: float
    """At ``since``. One refetch fault gives 1.0, each further one doubles it."""
    since: int
    """The turn in which it was set or last refreshed by a use."""

    def holds(self, turn: int, half_life: int) -> bool:
        """True while at least half of a single fault's strength is left."""
        if half_life <= 0:
            return False
        return self.strength * 0.5 ** ((turn - self.since) / half_life) >= HOLDING_STRENGTH


HOLDING_STRENGTH = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """One page and its history. All clocks are turns of the session."""

    page: Page
    state: State = State.RESIDENT
    born: int = 0
    last_use: int = 0
    uses: int = 0
    faults: int = 0
    """Refetch faults on this key so far, carried from copy to copy."""
    pin: Pin | None = None
    handle: Handle | None = None
    moved: int | None = None
    """The turn in which it was evicted or collected."""
    stale: bool = False
    """A later call changed the thing that this is a copy of."""
    repairs: PageId | None = None
    """The client sent a mere note here; this page's content stands in its frame instead."""
    repaired_stale: bool = False
    """When it was put there, later calls had changed the thing already."""

    @property
    def out(self) -> bool:
        """True if a stub stands in its frame."""
        return self.state in (State.EVICTED, State.COLLECTED)


@dataclass(frozen=True, slots=True)
class PageTable:
    """Entries by page, in order of admission."""

    entries: Mapping[PageId, Entry] = field(default_factory=dict[PageId, Entry])
    targets: Mapping[str, tuple[PageId, ...]] | None = field(
        default=None, repr=False, compare=False
    )
    """Pages by what their key names, once somebody has asked."""

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, page: PageId) -> bool:
        return page in self.entries

    def __getitem__(self, page: PageId) -> Entry:
        return self.entries[page]

    def with_entries(self, changed: Iterable[Entry]) -> "PageTable":
        """Return the table with these entries put in place of, or after, the old ones."""
        new = {entry.page.id: entry for entry in changed}
        if not new:
            return self
        fresh = (entry for page, entry in new.items() if page not in self.entries)
        return PageTable({**self.entries, **new}, _with_targets(self._targets(), fresh))

    def resident(self) -> Iterator[Entry]:
        """Yield the pages that are in the window, oldest first."""
        return (entry for entry in self.entries.values() if entry.state is State.RESIDENT)

    def naming(self, target: str) -> Iterator[Entry]:
        """Yield every entry whose key names this target, whatever the tool, oldest first."""
        return (self.entries[page] for page in self._targets().get(target, ()))

    def same_thing(self, key: Key) -> Iterator[Entry]:
        """Yield every entry whose key names the same thing, oldest first."""
        for entry in self.naming(key.target):
            own = entry.page.call.key
            if own is not None and own.same_thing(key):
                yield entry

    def by_handle(self, handle: Handle) -> Entry | None:
        """Return the page that was given this handle, None if none was."""
        return next((e for e in self.entries.values() if e.handle == handle), None)

    def _targets(self) -> Mapping[str, tuple[PageId, ...]]:
        """A history that is joined late asks once for each of its pages: no scan each time."""
        return _with_targets({}, self.entries.values()) if self.targets is None else self.targets


def _with_targets(
    targets: Mapping[str, tuple[PageId, ...]], fresh: Iterable[Entry]
) -> Mapping[str, tuple[PageId, ...]]:
    found = dict(targets)
    for entry in fresh:
        if (key := entry.page.call.key) is not None:
            found[key.target] = (*found.get(key.target, ()), entry.page.id)
    return found
