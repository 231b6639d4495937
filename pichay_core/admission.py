"""How a new tool result enters the page table: fault, recall, pin, unpin, repair, its form.

One idea: everything is classified at the moment the result arrives, because only then is
known whether the content is the same as that of the page that is out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pichay_core.birth.shorter import Fresh, shorter
from pichay_core.cooperate.naming import recalled
from pichay_core.events import (
    Differed,
    Duplicated,
    Event,
    Faulted,
    Pinned,
    Repaired,
    Trimmed,
    Unpinned,
)
from pichay_core.faults import Fault, fault_of
from pichay_core.model import FaultKind, Form, Key, Page, State
from pichay_core.table import Entry, PageTable, Pin
from pichay_core.tools import MEMORY


@dataclass(frozen=True, slots=True)
class Arrival:
    """A tool result that the table does not hold yet."""

    page: Page
    turn: int
    """The turn it came in; for a history that we join late, the turn it would have come in."""
    unchanged: bool = False
    """The client sent a note instead of content."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The table with one arrival in it, and what that meant."""

    table: PageTable
    events: tuple[Event, ...]


def admit(
    table: PageTable,
    arrival: Arrival,
    pins: bool = True,
    fresh: Fresh | None = None,
    secret: bytes | None = None,
) -> Admission:
    """Return the table with the arrival as a resident page.

    A refetch of unchanged content pins it (if there are *pins*), and so does a recall; changed
    content unpins the older copies; a successful write makes the copies of what it changed stale.
    What goes upstream for the first time (*fresh*) may go in a shorter form, but not if it was
    missed, or comes from a tool of ours. *secret* is the session's.
    """
    fault = fault_of(table, arrival.page, arrival.unchanged)
    back = recalled(table, arrival.page, secret)
    entry = _entry(table, arrival, fault)
    entry = _brought_back(table, entry, back.pages) if back else entry
    missed = fault is not None and fault.kind is FaultKind.REFETCH
    fresh = None if missed or arrival.page.call.tool in MEMORY else fresh
    entry = entry if fresh is None else shorter(table, entry, fresh)
    entry = entry if pins else replace(entry, pin=None)
    changed = [
        *_older_copies(table, arrival),
        entry,
        *(_used(old, arrival.turn) for old in back.pages),
    ]
    changed += _referred_to(table, entry, changed)
    events = (
        *_fault_events(fault, entry, arrival),
        *_recall_events(back.pages, entry, arrival),
        *_pin_events(entry),
        *_form_events(entry),
        *(Unpinned(old.page.id, "changed") for old in changed if _lost_pin(table, old)),
    )
    return Admission(table.with_entries(changed), events)


def _entry(table: PageTable, arrival: Arrival, fault: Fault | None) -> Entry:
    page = arrival.page
    entry = Entry(page=page, born=arrival.turn, last_use=arrival.turn)
    if arrival.unchanged:
        entry = _repaired(table, entry)
    if fault is None or fault.kind is not FaultKind.REFETCH:
        return entry
    faults = fault.entry.faults + 1
    return replace(entry, faults=faults, pin=Pin(2.0 ** (faults - 1), arrival.turn))


def _brought_back(table: PageTable, entry: Entry, back: Sequence[Entry]) -> Entry:
    """Return the entry of a recall: pinned, the longer the more often it was asked for like this.

    It carries the faults, and the pages that it brings back do not: they stood in the conversation
    all the same, and it would not (``store/turns.py`` counts by that).
    """
    key = entry.page.call.key
    before = [] if key is None else [old for old in table.same_thing(key) if old.out]
    faults = 1 + max((old.faults for old in (*back, *before)), default=0)
    return replace(entry, faults=faults, pin=Pin(2.0 ** (faults - 1), entry.born))


def _used(entry: Entry, turn: int) -> Entry:
    return replace(entry, uses=entry.uses + 1, last_use=turn)


def _repaired(table: PageTable, entry: Entry) -> Entry:
    """Return the entry with the newest copy in place of the client's note, if that is out."""
    source = _newest_copy(table, entry.page.call.key)
    shown = source is not None and source.form is not Form.TRIMMED
    if source is None or (source.state is State.RESIDENT and shown):
        return replace(entry, page=replace(entry.page, cleared=True))
    held = source.page
    page = replace(
        entry.page,
        digest=held.digest,
        bytes=held.bytes,
        lines=held.lines,
        tokens=held.tokens,
        cleared=False,
    )
    return replace(
        entry,
        page=page,
        repairs=source.repairs or source.page.id,
        repaired_stale=source.stale or source.repaired_stale,
    )


def _newest_copy(table: PageTable, key: Key | None) -> Entry | None:
    """Return the newest copy that the client sends, else the newest that the store holds."""
    if key is None:
        return None
    same = (e for e in table.same_thing(key) if e.page.call.key == key and not e.page.cleared)
    copies = list(same)
    sent = [entry for entry in copies if entry.state is not State.GONE]
    kept = [entry for entry in copies if entry.handle is not None]
    return next(reversed(sent or kept), None)


def _older_copies(table: PageTable, arrival: Arrival) -> list[Entry]:
    """Return the entries that this arrival says something about, changed accordingly."""
    page = arrival.page
    if page.error:
        return []
    if page.call.writes is not None:
        return [replace(entry, stale=True) for entry in table.naming(page.call.writes)]
    if page.call.key is None:
        return []
    exact = (e for e in table.same_thing(page.call.key) if e.page.call.key == page.call.key)
    return [_seen_again(entry, arrival) for entry in exact]


def _referred_to(table: PageTable, entry: Entry, changed: Iterable[Entry]) -> list[Entry]:
    """Return the page that a new one refers to, used; none if it has been *changed* already."""
    if entry.source is None or any(e.page.id == entry.source for e in changed):
        return []
    source = table[entry.source]
    return [_used(source, entry.born)]


def _seen_again(entry: Entry, arrival: Arrival) -> Entry:
    used = _used(entry, arrival.turn)
    same = arrival.unchanged or arrival.page.digest == entry.page.digest
    if not same:
        return replace(used, pin=None)
    pin = used.pin and Pin(used.pin.strength, arrival.turn)
    return replace(used, pin=pin)


def _lost_pin(table: PageTable, entry: Entry) -> bool:
    return entry.page.id in table and table[entry.page.id].pin is not None and entry.pin is None


def _fault_events(fault: Fault | None, entry: Entry, arrival: Arrival) -> tuple[Event, ...]:
    found: list[Event] = []
    if fault is not None:
        found.append(_faulted(fault.kind, fault.entry, entry, entry.page.tokens, arrival))
    if entry.repairs is not None:
        found.append(Repaired(entry.page.id, entry.repairs, entry.repaired_stale))
    return tuple(found)


def _recall_events(back: Sequence[Entry], entry: Entry, arrival: Arrival) -> Iterable[Event]:
    """Yield a fault for each page; what came back is divided among them by their size."""
    whole = max(1, sum(old.page.tokens for old in back))
    for old in back:
        tokens = entry.page.tokens * old.page.tokens // whole
        yield _faulted(FaultKind.RECALL, old, entry, tokens, arrival)


def _faulted(kind: FaultKind, old: Entry, new: Entry, tokens: int, arrival: Arrival) -> Faulted:
    away = arrival.turn - (old.moved or old.born)
    return Faulted(kind, old.page.id, new.page.id, tokens, away)


def _pin_events(entry: Entry) -> tuple[Event, ...]:
    return (Pinned(entry.page.id, entry.pin.strength),) if entry.pin else ()


def _form_events(entry: Entry) -> tuple[Event, ...]:
    page, of, tokens = entry.page.id, entry.source, entry.short
    match entry.form:
        case Form.SAME if of is not None:
            return (Duplicated(page, of, tokens),)
        case Form.DIFF if of is not None:
            return (Differed(page, of, tokens),)
        case Form.TRIMMED:
            return (Trimmed(page, tokens),)
        case _:
            return ()
