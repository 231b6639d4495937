"""One turn of paging: :func:`advance`.

Rule of this file: it knows no provider, no clock, no bytes. Live traffic, replay and
simulation all run this function; there is no second pager.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pichay_core.admission import Arrival, admit
from pichay_core.birth.shorter import NOTHING_SHORTER, Births, Fresh, Text, no_text
from pichay_core.cooperate.fold import Fold
from pichay_core.events import Event, Flushed, Stripped, Unpinned
from pichay_core.flushcost import Prefix, rewrite_cost
from pichay_core.folding import Folding
from pichay_core.leaving import Batch, collapsed, moved
from pichay_core.model import PageId
from pichay_core.policies import Moment, Policy
from pichay_core.referring import following, held_by, restored
from pichay_core.schedule import Pending, Schedule, Window
from pichay_core.table import Entry, PageTable
from pichay_core.thinking import Thinking
from pichay_core.tools import FAULT, MEMORY


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
class Seen:
    """What one turn brought."""

    turn: int
    arrivals: tuple[Arrival, ...] = ()
    newest: frozenset[PageId] = frozenset()
    """Pages the model has not answered to yet: never moved."""
    bound: frozenset[PageId] = frozenset()
    """Pages that later thinking is bound to: they stay as they are while it is sent."""
    thinking: Thinking | None = None
    """What they are bound by, if it may be given up in this turn; None if it may not."""
    cold: bool = False
    """The provider's cache has expired by the clock."""
    hold: str | None = None
    """Why nothing may be moved in this turn, None if it may."""
    prefix: Prefix = field(default_factory=Prefix)
    window: Window = field(default_factory=Window)
    """What the client's own text holds of the model's window."""
    births: Births = NOTHING_SHORTER
    """What of the newest results may go out shorter than they came."""
    text: Text = field(default=no_text)
    """Returns the text of a page that the client sends."""
    folds: tuple[Folding, ...] = ()
    """What may be collapsed."""
    folded: int = 0
    """Tokens that are out of the window already beside those of pages."""


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
    given_up: Thinking | None = None
    """The thinking that is not sent any more, None if none was given up."""
    folds: tuple[Fold, ...] = ()
    """What was collapsed."""


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
    table, events = _admit_all(table, seen, limits, secret)
    table, decayed = _decay(table, seen.turn, limits)
    kept = seen.newest | _pointed_at(table, seen)
    stays = kept if seen.thinking else kept | seen.bound
    kept |= held_by(table, stays, seen.turn - limits.tau)
    wanted = policy(_movable(table, kept, limits), _moment(table, seen, limits))
    batches = [
        (batch, _told(table, batch, seen, limits)) for batch in _batches(table, wanted, seen)
    ]
    held = _held(wanted, batches[0][0], seen)
    asked = () if seen.hold else ((*one, schedule(one[1])) for one in batches)
    batch, told, why = next((one for one in asked if one[2]), (*batches[0], None))
    events = (*events, *decayed)
    if why is None:
        return Advance(table, events, None, held, told.tokens)
    left = tuple(moved(table, batch.pages, seen.turn, secret))
    told_of = (_flushed(why, batch, told), *_stripped(batch.thinking), *collapsed(table, batch))
    table = table.with_entries(entry for entry, _ in left)
    table, whole = restored(table) if batch.folds else (table, ())
    return Advance(
        table,
        (*events, *told_of, *(event for _, event in left), *whole),
        why,
        _held(wanted, batch, seen),
        given_up=batch.thinking,
        folds=tuple(one.fold for one in batch.folds),
    )


def _batches(table: PageTable, wanted: Sequence[Entry], seen: Seen) -> list[Batch]:
    """Return what may leave together, the largest first.

    Whole turns stand far up, and to take them out is dear: pages need not wait for them.
    """
    pages_only = replace(seen, folds=())
    offers = (seen, pages_only) if seen.folds else (seen,)
    return [batch for offer in offers for batch in _offered(table, wanted, offer)]


def _offered(table: PageTable, wanted: Sequence[Entry], seen: Seen) -> list[Batch]:
    """Return what may leave with all the folds that may, the largest first.

    What thinking is bound to may leave if all thinking goes with it, and only if that is less
    than what leaves for its sake.
    """
    unbound = [entry for entry in wanted if entry.page.id not in seen.bound]
    free = _batch(table, unbound, [fold for fold in seen.folds if not fold.bound])
    bound = {entry.page.id: entry for entry in wanted if entry.page.id in seen.bound}
    folds = [fold for fold in seen.folds if fold.bound]
    bound |= {page: table[page] for fold in folds for page in fold.pages}
    gain = sum(entry.gain for entry in bound.values()) + sum(fold.tokens for fold in folds)
    if seen.thinking is None or not 0 < gain >= seen.thinking.tokens:
        return [free]
    return [_batch(table, wanted, seen.folds, seen.thinking), free]


def _batch(
    table: PageTable,
    wanted: Sequence[Entry],
    folds: Sequence[Folding],
    thinking: Thinking | None = None,
) -> Batch:
    """Return these pages with those that refer to them, and with those of the folds."""
    inside = {page for fold in folds for page in fold.pages}
    leaving = [*wanted, *following(table, wanted)]
    beside = [entry for entry in leaving if entry.page.id not in inside]
    within = [entry for entry in table.resident() if entry.page.id in inside] if inside else []
    return Batch([*beside, *within], thinking, folds)


def _stripped(thinking: Thinking | None) -> Iterable[Stripped]:
    if thinking is not None:
        yield Stripped(thinking.blocks, thinking.tokens, thinking.first, thinking.upto)


def _moment(table: PageTable, seen: Seen, limits: Limits) -> Moment:
    prices = seen.prefix
    return Moment(
        seen.turn, limits.tau, limits.keep, prices.write, prices.read, table, prices.tokens
    )


def _told(table: PageTable, batch: Batch, seen: Seen, limits: Limits) -> Pending:
    """Return what a schedule is told of a flush of these pages."""
    out = table.absent + seen.folded
    return Pending(
        tokens=batch.gain,
        cold=seen.cold,
        threshold=limits.flush_tokens,
        paid=_paid(batch, seen, limits.tau),
        rewrite=rewrite_cost(batch, out, seen.prefix),
        read=seen.prefix.read,
        window=replace(seen.window, tokens=max(0, seen.window.tokens - out)),
    )


def _flushed(why: str, batch: Batch, told: Pending) -> Flushed:
    """Return what is expected of a flush. Where the cache is lost anyway it costs nothing."""
    rewrite = 0 if told.cold else round(told.rewrite)
    saves = round(told.read * (told.tokens + batch.lost))
    return Flushed(why, len(batch.pages), told.tokens, saves, rewrite, round(told.paid))


def _paid(batch: Batch, seen: Seen, tau: int) -> float:
    """Return what it has cost to keep the pages and turns since they could leave."""
    since = seen.turn - tau + 1
    waited = sum(e.gain * (since - e.last_use) for e in batch.pages if e.last_use < since)
    folded = sum(batch.beyond(one) * (seen.turn - one.fold.asked) for one in batch.folds)
    return seen.prefix.read * (waited + folded)


def _admit_all(
    table: PageTable, seen: Seen, limits: Limits, secret: bytes
) -> tuple[PageTable, tuple[Event, ...]]:
    events: list[Event] = []
    pins, fresh = limits.pin_half_life > 0, _fresh(table, seen, limits)
    for arrival in seen.arrivals:
        new = fresh if arrival.page.id in seen.newest else None
        admission = admit(table, arrival, pins, new, secret)
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

    Errors stay (the model must see what failed), and what is hardly bigger than its stub. So does
    what our own tools say, but for the pages that they bring back.
    """
    page = entry.page
    return (
        entry.bytes > limits.min_bytes
        and page.call.tool not in _SAID_BY_US
        and not (page.error or page.opaque or page.cleared)
        and not entry.slight
    )


_SAID_BY_US = frozenset(MEMORY) - {FAULT}


def _held(wanted: Sequence[Entry], batch: Batch, seen: Seen) -> Held:
    """Say what a rule of the provider, or this turn, keeps in the window."""
    if seen.hold:
        return Held(len(wanted), sum(e.gain for e in wanted), seen.hold) if wanted else Held()
    bound = [entry for entry in wanted if entry.page.id in seen.bound]
    if not bound or batch.thinking is not None:
        return Held()
    return Held(len(bound), sum(e.gain for e in bound), "thinking binds history")
