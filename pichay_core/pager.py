"""One turn of paging: :func:`advance`.

Rule of this file: it knows no provider, no clock, no bytes. Live traffic, replay and
simulation all run this function; there is no second pager.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pichay_core.admission import admit
from pichay_core.birth.shorter import Fresh
from pichay_core.easing import HELD, Ease, answered, ease_of, noticed
from pichay_core.events import Event, Flushed, Stripped, Unpinned
from pichay_core.flushcost import Prefix as Prefix
from pichay_core.flushcost import rewrite_cost
from pichay_core.folding import Folding
from pichay_core.given import Advance as Advance
from pichay_core.given import Held as Held
from pichay_core.given import Limits as Limits
from pichay_core.given import Seen as Seen
from pichay_core.leaving import Batch, collapsed, moved
from pichay_core.model import PageId
from pichay_core.policies import Moment, Policy
from pichay_core.referring import following, held_by, restored
from pichay_core.schedule import Pending, Schedule, Window
from pichay_core.table import Entry, PageTable
from pichay_core.thinking import Thinking
from pichay_core.thrash import NOTHING_SEEN, Watch
from pichay_core.tools import FAULT, MEMORY


def advance(
    table: PageTable,
    seen: Seen,
    policy: Policy,
    schedule: Schedule,
    limits: Limits,
    secret: bytes,
    watch: Watch = NOTHING_SEEN,
) -> Advance:
    """Return the table after one turn: arrivals admitted, pins decayed, perhaps a flush.

    Monotone: a page that is out stays out, with the same handle. *watch* is what was known of
    thrash before: an episode is answered from the turn on after the one that says that it is one.
    """
    admitted, came = _admit_all(table, seen, limits, secret)
    standing, ended = _decay(admitted, seen.turn, limits)
    ease = ease_of(watch, seen.turn, limits).where(_window(standing, seen))
    choice = _choice(standing, seen, policy, schedule, ease.within(limits), ease)
    advanced = _carried_out(standing, choice, seen.turn, secret)
    happened = (*came, *ended, *advanced.events)
    after = watch.after(seen.turn, happened, table)
    advanced = replace(advanced, events=(*happened, *noticed(watch, after)), watch=after)
    eases = ease_of(after, seen.turn, limits).where(_window(advanced.table, seen))
    return answered(advanced, ease, eases, limits)


class _Choice(NamedTuple):
    """What may leave in this turn, what a flush of it would do, and why there is one."""

    batch: Batch
    told: Pending
    why: str | None
    held: Held


def _choice(
    table: PageTable, seen: Seen, policy: Policy, schedule: Schedule, limits: Limits, ease: Ease
) -> _Choice:
    movable = _movable(table, _kept(table, seen, limits), limits)
    wanted = policy(movable, _moment(table, seen, limits))
    offers = [(one, _told(table, one, seen, limits)) for one in _batches(table, wanted, seen)]
    asked = () if seen.hold else ((*offer, schedule(offer[1])) for offer in offers)
    waiting: Held | None = None
    for batch, told, why in asked:
        if why is not None and not ease.holds_back(told):
            return _Choice(batch, told, why, _held(wanted, batch, seen))
        if why is not None:
            waiting = waiting or Held(len(batch.pages), told.tokens, HELD)
    batch, told = offers[0]
    return _Choice(batch, told, None, waiting or _held(wanted, batch, seen))


def _carried_out(table: PageTable, choice: _Choice, turn: int, secret: bytes) -> Advance:
    batch, told, why, held = choice
    if why is None:
        return Advance(table, (), None, held, told.tokens)
    left = tuple(moved(table, batch.pages, turn, secret))
    told_of = (_flushed(why, batch, told), *_stripped(batch.thinking), *collapsed(table, batch))
    table = table.with_entries(entry for entry, _ in left)
    table, whole = restored(table) if batch.folds else (table, ())
    return Advance(
        table,
        (*told_of, *(event for _, event in left), *whole),
        why,
        held,
        given_up=batch.thinking,
        folds=tuple(one.fold for one in batch.folds),
    )


def _kept(table: PageTable, seen: Seen, limits: Limits) -> frozenset[PageId]:
    """Return the pages that may not leave whatever a policy wants."""
    kept = seen.newest | _pointed_at(table, seen)
    stays = kept if seen.thinking else kept | seen.bound
    return kept | held_by(table, stays, seen.turn - limits.tau)


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
        window=_window(table, seen),
    )


def _window(table: PageTable, seen: Seen) -> Window:
    """Return what the request holds if nothing is flushed."""
    out = table.absent + seen.folded
    return replace(seen.window, tokens=max(0, seen.window.tokens - out))


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
