"""How pages leave: what leaves together, what of it can be asked for again, and by what name.

Rule of this file: the same pages of the same table leave in the same way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pichay_core.events import Collected, Evicted
from pichay_core.model import Form, PageId, State
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable
from pichay_core.thinking import Thinking


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages that may leave together, and the thinking that must go with them."""

    pages: Sequence[Entry]
    thinking: Thinking | None = None

    @property
    def gain(self) -> int:
        """Tokens that the pages take off the window."""
        return sum(entry.gain for entry in self.pages)

    @property
    def lost(self) -> int:
        """Tokens of thinking that leave with them."""
        return self.thinking.tokens if self.thinking else 0


def moved(
    table: PageTable, pages: Sequence[Entry], turn: int, secret: bytes
) -> Iterable[tuple[Entry, Evicted | Collected]]:
    """Yield each page as it is when it has left in this turn, with what is told of it."""
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
