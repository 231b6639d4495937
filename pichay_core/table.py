"""The page table: for each page of a session, where it is and how it was used.

Rule of this file: a table is a value. Every change returns a new one; the mapping inside is
never changed in place.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pichay_core.model import Form, Handle, Key, Page, PageId, State
from pichay_core.stubs import saved, stub_bytes


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
SMALLEST_GAIN = 4
"""A page is only moved if it is at least this many times as big as its stub."""
SMALLEST_SUMMED = 2
"""The same with the model's summary in the stub: it has said that it needs no more."""


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
    form: Form = Form.WHOLE
    """How it has stood in the window from its first request on."""
    source: PageId | None = None
    """The page without which a form that only refers to it says nothing."""
    form_bytes: int = 0
    """Of the text that stands for it; 0 while it stands there whole."""
    released: bool = False
    """The model said that it does not need it: it leaves first, however young."""
    summary: str = ""
    """What the model wants to read in its place when it is out, beside its name."""
    short: int = field(init=False, repr=False, compare=False)
    """Tokens that its form leaves out."""
    gain: int = field(init=False, repr=False, compare=False)
    """Tokens that moving it out takes off the window, after its stub; what refers to another page
    may be smaller than a stub."""
    slight: bool = field(init=False, repr=False, compare=False)
    """It is hardly bigger than its stub."""

    def __post_init__(self) -> None:
        # Asked for every page on every turn, so they are found once.
        page, short = self.page, self.left_out(self.page.tokens)
        object.__setattr__(self, "short", short)
        object.__setattr__(self, "gain", saved(page, page.tokens, self.summary) - short)
        slight = self.bytes < SMALLEST_GAIN * stub_bytes(page)
        if self.summary:
            slight = slight or self.bytes < SMALLEST_SUMMED * stub_bytes(page, self.summary)
        object.__setattr__(self, "slight", slight)

    @property
    def bytes(self) -> int:
        """What it takes while it is in the window."""
        return self.page.bytes if self.form is Form.WHOLE else self.form_bytes

    @property
    def edited(self) -> bool:
        """True if its frame holds something else than the client sent."""
        return self.out or self.repairs is not None or self.form is not Form.WHOLE

    def left_out(self, tokens: int) -> int:
        """Return how many of the page's *tokens* its form leaves out."""
        if self.form is Form.WHOLE:
            return 0
        return max(0, tokens - tokens * self.form_bytes // max(1, self.page.bytes))

    def whole(self) -> "Entry":
        """Return the entry as one whose page is sent as it came."""
        if self.form is Form.WHOLE:
            return self
        return replace(self, form=Form.WHOLE, source=None, form_bytes=0)

    def standing_as(self, before: "Entry") -> "Entry":
        """Return the entry in the state and form that it had *before*, if it is still sent."""
        state = self.state if self.state is State.GONE else before.state
        new = replace(
            self,
            state=state,
            handle=before.handle,
            moved=before.moved,
            form=before.form,
            source=before.source,
            form_bytes=before.form_bytes,
        )
        return self if new == self else new

    @property
    def out(self) -> bool:
        """True if a stub stands in its frame."""
        return self.state in (State.EVICTED, State.COLLECTED)


@dataclass(frozen=True, slots=True)
class PageTable:
    """Entries by page, in order of admission."""

    entries: Mapping[PageId, Entry] = field(default_factory=dict[PageId, Entry])
    index: "_Index | None" = field(default=None, repr=False, compare=False)
    """What would else be looked for among all entries on every turn; made when first needed."""

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
        entries = {**self.entries, **new}
        return PageTable(entries, self._indexed().after(self.entries, new, entries))

    def as_sent(self, pages: Iterable[PageId]) -> "PageTable":
        """Return the table with these pages as the client sent them: in the window, notes as notes.

        For decisions that were recorded, but never carried out.
        """
        entries = (self.entries[page] for page in pages if page in self.entries)
        return self.with_entries(_never_moved(e) for e in entries if e.edited)

    def restored(self, pages: Iterable[PageId]) -> "PageTable":
        """Return the table with these pages in the window, as if they had never left it."""
        return self.with_entries(_in_full(self.entries[page]) for page in pages)

    def resident(self) -> Iterator[Entry]:
        """Yield the pages that are in the window, oldest first."""
        return iter(self._indexed().resident.values())

    def pinned(self) -> Iterator[Entry]:
        """Yield the pages that are pinned."""
        return (self.entries[page] for page in self._indexed().pinned)

    def formed(self) -> Iterator[Entry]:
        """Yield the pages that do not stand in the window as they came, or did not."""
        return (self.entries[page] for page in self._indexed().formed)

    def referring(self) -> Iterator[Entry]:
        """Yield the pages in the window that say nothing without another."""
        return (e for e in self.formed() if _in_window(e) and e.source is not None)

    def referenced(self) -> frozenset[PageId]:
        """Return the pages that others in the window refer to."""
        return frozenset(entry.source for entry in self.referring() if entry.source is not None)

    def stands(self, page: PageId | None) -> bool:
        """True if the page is in the window as it came."""
        entry = None if page is None else self.entries.get(page)
        return entry is not None and _in_window(entry) and entry.form is Form.WHOLE

    @property
    def absent(self) -> int:
        """Tokens that are not in the window, after what stands there for them."""
        return self._indexed().absent

    def naming(self, target: str) -> Iterator[Entry]:
        """Yield every entry whose key names this target, whatever the tool, oldest first."""
        return (self.entries[page] for page in self._indexed().targets.get(target, ()))

    def same_thing(self, key: Key) -> Iterator[Entry]:
        """Yield every entry whose key names the same thing, oldest first."""
        for entry in self.naming(key.target):
            own = entry.page.call.key
            if own is not None and own.same_thing(key):
                yield entry

    def by_handle(self, handle: Handle) -> Entry | None:
        """Return the page that was given this handle, None if none was."""
        return next((e for e in self.entries.values() if e.handle == handle), None)

    def _indexed(self) -> "_Index":
        return self.index or _Index().after({}, self.entries, self.entries)


@dataclass(frozen=True, slots=True)
class _Index:
    """What is asked of a table on every turn, kept up with what changes in it."""

    targets: Mapping[str, tuple[PageId, ...]] = field(default_factory=dict[str, tuple[PageId, ...]])
    """Pages by what their key names, oldest first."""
    resident: Mapping[PageId, Entry] = field(default_factory=dict[PageId, Entry])
    pinned: tuple[PageId, ...] = ()
    formed: tuple[PageId, ...] = ()
    absent: int = 0

    def after(
        self,
        before: Mapping[PageId, Entry],
        changed: Mapping[PageId, Entry],
        entries: Mapping[PageId, Entry],
    ) -> "_Index":
        """Return the index of *entries*, which are those of *before* with these *changed*."""
        fresh = [entry for page, entry in changed.items() if page not in before]
        old = (before[page] for page in changed if page in before)
        return _Index(
            _with_targets(self.targets, fresh) if fresh else self.targets,
            self._with_residents(before, changed, entries),
            self._with_pins(changed),
            self._with_forms(changed),
            self.absent + sum(map(_absent, changed.values())) - sum(map(_absent, old)),
        )

    def _with_residents(
        self,
        before: Mapping[PageId, Entry],
        changed: Mapping[PageId, Entry],
        entries: Mapping[PageId, Entry],
    ) -> Mapping[PageId, Entry]:
        inside = (page for page, entry in changed.items() if _in_window(entry))
        if any(page in before and page not in self.resident for page in inside):
            return {page: entry for page, entry in entries.items() if _in_window(entry)}
        found = dict(self.resident)
        for page, entry in changed.items():
            if _in_window(entry):
                found[page] = entry
            else:
                found.pop(page, None)
        return found

    def _with_pins(self, changed: Mapping[PageId, Entry]) -> tuple[PageId, ...]:
        kept = (page for page in self.pinned if page not in changed)
        return (*kept, *(page for page, entry in changed.items() if entry.pin is not None))

    def _with_forms(self, changed: Mapping[PageId, Entry]) -> tuple[PageId, ...]:
        new = [page for page, entry in changed.items() if entry.form is not Form.WHOLE]
        if not (new or self.formed):
            return ()
        return (*(page for page in self.formed if page not in changed), *new)


def _in_window(entry: Entry) -> bool:
    return entry.state is State.RESIDENT


def _in_full(entry: Entry) -> Entry:
    state = State.RESIDENT if entry.out else entry.state
    return replace(entry, handle=None, moved=None, state=state)


def _never_moved(entry: Entry) -> Entry:
    entry = _in_full(entry.whole())
    if entry.repairs is None:
        return entry
    note = replace(entry.page, cleared=True)
    return replace(entry, page=note, repairs=None, repaired_stale=False)


def _absent(entry: Entry) -> int:
    if entry.state is State.GONE:
        return 0
    return entry.short + (entry.gain if entry.out else 0)


def _with_targets(
    targets: Mapping[str, tuple[PageId, ...]], fresh: Iterable[Entry]
) -> Mapping[str, tuple[PageId, ...]]:
    found = dict(targets)
    for entry in fresh:
        if (key := entry.page.call.key) is not None:
            found[key.target] = (*found.get(key.target, ()), entry.page.id)
    return found
