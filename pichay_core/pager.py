"""One turn of paging: :func:`advance`.

Rule of this file: it knows no provider, no clock, no bytes. Live traffic, replay and
simulation all run this function; there is no second pager.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pichay_core.admission import Arrival, admit
from pichay_core.birth.shorter import NOTHING_SHORTER, Births, Fresh, Text, no_text
from pichay_core.events import Collected, Event, Evicted, Flushed, Unpinned
from pichay_core.model import Form, PageId, State
from pichay_core.policies import Moment, Policy
from pichay_core.referring import following, held_by
from pichay_core.schedule import Pending, Schedule, Window
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the pager. Defaults are the paper's where it has one."""

    tau: int = 1
    """Turns a page stays at least."""
    min_bytes: int = 500
    """A page of this size or less is never moved."""
    flush_tokens: int = 20_000
    """Pending tokens from which a batch is flushed."""
    pin_half_life: int = 16
    """Turns in which an unused pin loses half its strength; 0 switches pins off."""
    keep: int = 20_000
    """Tokens of pages that ``lru`` and ``size`` keep in the window."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the provider has cached of the messages, as far as the price of a flush goes."""

    write: float = 1.25
    """Price of a cache write, as a multiple of the base input price."""
    read: float = 0.1
    """Price of a cache read, likewise."""
    tokens: int = 0
    """Of the client's own text in the cached messages."""
    behind: int = 0
    """Of that, from the anchor on."""
    anchor: int = 0
    """The message up to which the cache can be read whatever is moved behind it."""
    frames: Mapping[PageId, tuple[int, int]] = field(default_factory=dict[PageId, tuple[int, int]])
    """Message and block of each page."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one turn brought."""

    turn: int
    arrivals: tuple[Arrival, ...] = ()
    newest: frozenset[PageId] = frozenset()
    """Pages the model has not answered to yet: never moved."""
    bound: frozenset[PageId] = frozenset()
    """Pages that later thinking is bound to: they must stay as they are."""
    cold: bool = False
    """The provider's cache has expired by the clock."""
    hold: str | None = None
    """Why nothing may be moved in this turn, None if it may."""
    prefix: Prefix = Prefix()
    window: Window = field(default_factory=Window)
    """What the client's own text holds of the model's window."""
    births: Births = NOTHING_SHORTER
    """What of the newest results may go out shorter than they came."""
    text: Text = field(default=no_text)
    """Returns the text of a page that the client sends."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the policy would have moved if it had been allowed to."""

    pages: int = 0
    tokens: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The table after the turn, and what happened in it."""

    table: PageTable
    events: tuple[Event, ...] = ()
    flushed: str | None = None
    """Why there was a flush, None if there was none."""
    held: Held = Held()
    pending: int = 0
    """Tokens that wait for a flush."""


def advance(
    table: PageTable,
    seen: Seen,
    policy: Policy,
    schedule: Schedule,
    limits: Limits,
    secret: bytes,
) -> Advance:
    """Return the table after one turn: arrivals admitted, pins decayed, perhaps a flush.

    Monotone: a page that is out stays out, with the same handle.
    """
    table, events = _admit_all(table, seen, limits)
    table, decayed = _decay(table, seen.turn, limits)
    kept = seen.newest | _pointed_at(table, seen)
    kept |= held_by(table, kept | seen.bound, seen.turn - limits.tau)
    wanted = policy(_movable(table, kept, limits), _moment(table, seen, limits))
    free = [entry for entry in wanted if entry.page.id not in seen.bound]
    free += following(table, free)
    held = _held(wanted, free, seen)
    told = _told(table, free, seen, limits)
    why = None if seen.hold else schedule(told)
    events = (*events, *decayed)
    if why is None:
        return Advance(table, events, None, held, told.tokens)
    moved = tuple(_moved(table, free, seen.turn, secret))
    return Advance(
        table.with_entries(entry for entry, _ in moved),
        (*events, _flushed(why, len(moved), told), *(event for _, event in moved)),
        why,
        held,
    )


def _moment(table: PageTable, seen: Seen, limits: Limits) -> Moment:
    prices = seen.prefix
    return Moment(
        seen.turn, limits.tau, limits.keep, prices.write, prices.read, table, prices.tokens
    )


def _told(table: PageTable, free: Sequence[Entry], seen: Seen, limits: Limits) -> Pending:
    """Return what a schedule is told of a flush of these pages."""
    pending, out = sum(entry.gain for entry in free), table.absent
    return Pending(
        tokens=pending,
        cold=seen.cold,
        threshold=limits.flush_tokens,
        paid=_paid(free, seen, limits.tau),
        rewrite=_rewrite(free, pending, out, seen.prefix),
        read=seen.prefix.read,
        window=replace(seen.window, tokens=max(0, seen.window.tokens - out)),
    )


def _flushed(why: str, pages: int, told: Pending) -> Flushed:
    """Return what is expected of a flush. Where the cache is lost anyway it costs nothing."""
    rewrite = 0 if told.cold else round(told.rewrite)
    return Flushed(
        why, pages, told.tokens, round(told.read * told.tokens), rewrite, round(told.paid)
    )


def _paid(pages: Iterable[Entry], seen: Seen, tau: int) -> float:
    """Return what it has cost to keep the pages since they could leave."""
    since = seen.turn - tau + 1
    waited = (e.gain * (since - e.last_use) for e in pages if e.last_use < since)
    return seen.prefix.read * sum(waited)


def _rewrite(pages: Sequence[Entry], pending: int, out: int, prefix: Prefix) -> float:
    """Return what it costs to write again what a flush of these pages leaves in the window.

    The cache can be read up to the anchor if that stands before the first page, else up to the
    first message: what is out already behind that point need not be written.
    """
    if not pages:
        return 0.0
    first = min(prefix.frames.get(entry.page.id, (0, 0))[0] for entry in pages)
    if 0 < prefix.anchor <= first:
        return _price(prefix, prefix.behind - pending)
    return _price(prefix, prefix.tokens - out - pending)


def _price(prefix: Prefix, survives: int) -> float:
    return (prefix.write - prefix.read) * max(0, survives)


def _admit_all(table: PageTable, seen: Seen, limits: Limits) -> tuple[PageTable, tuple[Event, ...]]:
    events: list[Event] = []
    pins, fresh = limits.pin_half_life > 0, _fresh(table, seen, limits)
    for arrival in seen.arrivals:
        admission = admit(table, arrival, pins, fresh if arrival.page.id in seen.newest else None)
        table = admission.table
        events += admission.events
    return table, tuple(events)


def _fresh(table: PageTable, seen: Seen, limits: Limits) -> Fresh | None:
    """Return what decides on the form of the newest results, None if all go out as they came."""
    if not (seen.births and seen.newest):
        return None
    beside = frozenset(page for page in seen.newest if page in table)
    return Fresh(seen.births, limits.min_bytes, beside, seen.text)


def _decay(table: PageTable, turn: int, limits: Limits) -> tuple[PageTable, tuple[Event, ...]]:
    ended = [
        replace(entry, pin=None)
        for entry in table.pinned()
        if entry.pin is not None and not entry.pin.holds(turn, limits.pin_half_life)
    ]
    return table.with_entries(ended), tuple(Unpinned(e.page.id, "decayed") for e in ended)


def _pointed_at(table: PageTable, seen: Seen) -> frozenset[PageId]:
    """Return the pages that the client's newest "file unchanged" notes tell the model to read."""
    keys = {a.page.call.key for a in seen.arrivals if a.unchanged and a.page.id in seen.newest}
    entries = table.resident() if keys else ()
    return frozenset(e.page.id for e in entries if e.page.call.key and e.page.call.key in keys)


def _movable(table: PageTable, kept: frozenset[PageId], limits: Limits) -> list[Entry]:
    """Return the resident pages that nothing protects.

    The newest stay (the model has not seen them, or is told to look there), the pinned stay.
    """
    return [
        entry
        for entry in table.resident()
        if entry.pin is None and may_leave(entry, limits) and entry.page.id not in kept
    ]


def may_leave(entry: Entry, limits: Limits) -> bool:
    """True if the page is of a kind that may be moved at all.

    Errors stay (the model must see what failed), and what is hardly bigger than its stub.
    """
    page = entry.page
    return (
        entry.bytes > limits.min_bytes
        and not (page.error or page.opaque or page.cleared)
        and not entry.slight
    )


def _held(wanted: Sequence[Entry], free: Sequence[Entry], seen: Seen) -> Held:
    """Say what a rule of the provider, or this turn, keeps in the window."""
    if seen.hold:
        return Held(len(wanted), sum(e.gain for e in wanted), seen.hold) if wanted else Held()
    bound = [entry for entry in wanted if entry.page.id in seen.bound]
    if not bound:
        return Held()
    return Held(len(bound), sum(e.gain for e in bound), "thinking binds history")


def _moved(
    table: PageTable, pages: Sequence[Entry], turn: int, secret: bytes
) -> Iterable[tuple[Entry, Event]]:
    superseded = _superseded(table)
    for entry in pages:
        page, age = entry.page, turn - entry.born
        handle = handle_of(page.id, secret)
        addressable = page.call.key is not None and page.id not in superseded
        state = State.EVICTED if addressable else State.COLLECTED
        why = "ephemeral" if page.call.key is None else "superseded"
        event = (
            Evicted(page.id, handle, entry.gain, age)
            if addressable
            else Collected(page.id, handle, entry.gain, age, why)
        )
        yield replace(entry, state=state, handle=handle, moved=turn), event


def _superseded(table: PageTable) -> frozenset[PageId]:
    """Return the resident pages of which a later resident page shows all."""
    found: set[PageId] = set()
    later: dict[tuple[str, str], list[Entry]] = {}
    for entry in reversed(list(table.resident())):
        key = entry.page.call.key
        if key is None or entry.page.error or entry.page.cleared or entry.form is Form.TRIMMED:
            continue
        newer = later.setdefault((key.tool, key.target), [])
        if any(n.page.call.key and n.page.call.key.span.covers(key.span) for n in newer):
            found.add(entry.page.id)
        newer.append(entry)
    return frozenset(found)
