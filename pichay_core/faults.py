"""Which page that is out a new result asked for, and how.

A call is a fault only if what it wants is not in the window: while a resident copy covers
it, the model re-reads what it could see, and no eviction is to blame. Of a page that was cut
when it came, the window holds parts only: who asks for it again misses the rest.
Source: demand paging; T. Mason, arXiv 2603.09023, section on fault detection.
"""

from dataclasses import dataclass

from pichay_core.model import FaultKind, Form, Key, Page, State
from pichay_core.table import Entry, PageTable
from pichay_core.tools import MEMORY


@dataclass(frozen=True, slots=True)
class Fault:
    """A page that is out was asked for."""

    kind: FaultKind
    entry: Entry


def fault_of(table: PageTable, page: Page, unchanged: bool) -> Fault | None:
    """Return the fault that the arrival of *page* is, None if it is none.

    ``unchanged`` means that the client sent a note instead of the content, saying that the
    file is as in an earlier result. What our own tools bring is another matter
    (``cooperate/naming.py``).
    """
    key = page.call.key
    if page.error or page.call.tool in MEMORY:
        return None
    if key is None:
        return _run_again(table, page)
    copies = list(table.same_thing(key))
    if any(_shows(entry, key) for entry in copies):
        return None
    out = [entry for entry in copies if entry.state is State.EVICTED or is_cut(entry)]
    exact = [entry for entry in out if entry.page.call.key == key]
    if exact:
        return Fault(_kind(exact[-1], page, unchanged), exact[-1])
    return Fault(FaultKind.WIDEN, out[-1]) if out else None


def _run_again(table: PageTable, page: Page) -> Fault | None:
    """Return the fault that a call is whose output was cut, if it is made again just so."""
    cut = [entry for entry in table.formed() if is_cut(entry) and _same_run(entry.page, page)]
    if not cut or any(_shown_whole(entry, page) for entry in table.resident()):
        return None
    return Fault(FaultKind.REFETCH, cut[-1])


def is_cut(entry: Entry) -> bool:
    """True if the window holds parts of the page only, since it was cut when it came."""
    return entry.state is State.RESIDENT and entry.form is Form.TRIMMED


def _shown_whole(entry: Entry, page: Page) -> bool:
    return entry.form is not Form.TRIMMED and _same_run(entry.page, page)


def _same_run(one: Page, other: Page) -> bool:
    same_call = (one.call.tool, one.call.arguments) == (other.call.tool, other.call.arguments)
    return same_call and one.digest == other.digest


def _kind(entry: Entry, page: Page, unchanged: bool) -> FaultKind:
    same = entry.page.digest == page.digest or (unchanged and not entry.stale)
    return FaultKind.REFETCH if same else FaultKind.REFRESH


def _shows(entry: Entry, key: Key) -> bool:
    """True if a resident copy already shows all that *key* wants, as the file is now."""
    own = entry.page.call.key
    return (
        entry.state is State.RESIDENT
        and not entry.stale
        and not entry.page.cleared
        and entry.form is not Form.TRIMMED
        and own is not None
        and own.span.covers(key.span)
    )
