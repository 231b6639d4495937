"""Pages that say nothing without another one in the window: they leave together, or not at all.

Measured over 322 recorded sessions (fifo, auto, tau 1): to keep in the window whatever is
referred to costs a little more than the references save.
"""

from collections.abc import Iterable

from pichay_core.events import Event, Expanded
from pichay_core.model import PageId
from pichay_core.table import Entry, PageTable


def held_by(table: PageTable, kept: frozenset[PageId], oldest: int) -> frozenset[PageId]:
    """Return the pages that must stay since one refers to them that is kept, pinned or young.

    ``oldest`` is the last turn from which a page is old enough to leave.
    """
    holding = (e for e in table.referring() if e.page.id in kept or e.pin or e.born > oldest)
    return frozenset(entry.source for entry in holding if entry.source is not None)


def following(table: PageTable, leaving: Iterable[Entry]) -> list[Entry]:
    """Return the other pages that refer to those that leave."""
    ids = {entry.page.id for entry in leaving}
    found = (entry for entry in table.referring() if entry.page.id not in ids)
    return [entry for entry in found if entry.source in ids]


def restored(table: PageTable) -> tuple[PageTable, tuple[Event, ...]]:
    """Return the table with every page whole that refers to one which is not there any more.

    It stays so if that one comes back. A page that is not in the window itself is left alone.
    """
    lost = [entry for entry in table.referring() if not table.stands(entry.source)]
    events = tuple(Expanded(entry.page.id, entry.short) for entry in lost)
    return table.with_entries(entry.whole() for entry in lost), events
