"""Which pages a client still sends, and what becomes of the others.

Rule of this file: a client may leave out or bring back whatever it likes; what it sends is put
right before anything else is decided.
"""

from dataclasses import replace

from pichay_core.model import PageId, State
from pichay_core.table import Entry, PageTable


def mark_gone(table: PageTable, present: frozenset[PageId]) -> PageTable:
    """Return the table with the pages that the client no longer sends marked as gone.

    A page that comes back (a fork that returns) is resident, or out as it was.
    """
    return table.with_entries(
        replace(entry, state=state)
        for entry in table.entries.values()
        if (state := _state_when(entry, entry.page.id in present)) is not entry.state
    )


def _state_when(entry: Entry, present: bool) -> State:
    if not present:
        return State.GONE
    if entry.state is not State.GONE:
        return entry.state
    if entry.handle is None:
        return State.RESIDENT
    return State.COLLECTED if entry.page.call.key is None else State.EVICTED
