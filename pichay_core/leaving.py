"""How pages leave: what leaves together, what of it can be asked for again, and by what name.

Rule of this file: the same pages of the same table leave in the same way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pichay_core.events import Collapsed, Collected, Evicted, Unpinned
from pichay_core.folding import Folding
from pichay_core.model import Form, PageId, State
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable
from pichay_core.thinking import Thinking


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages that may leave together, the thinking that must go with them, and whole turns."""

    pages: Sequence[Entry]
    """Those of the folds among them."""
    thinking: Thinking | None = None
    folds: Sequence[Folding] = ()

    @property
    def gain(self) -> int:
        """Tokens that the pages and folds take off the window."""
        return sum(entry.gain for entry in self.pages) + sum(map(self.beyond, self.folds))

    def beyond(self, fold: Folding) -> int:
        """Return the tokens that a fold takes off the window beside its pages and lost thinking."""
        return fold.tokens + (0 if self.thinking else fold.thought)

    @property
    def lost(self) -> int:
        """Tokens of thinking that leave with them."""
        return self.thinking.tokens if self.thinking else 0


def moved(
    table: PageTable, pages: Sequence[Entry], turn: int, secret: bytes
) -> Iterable[tuple[Entry, Evicted | Collected]]:
    """Yield each page as it is when it has left in this turn, with what is told of it.

    No pin holds a page in turns that are collapsed; what failed there is not asked for again.
    """
    superseded = _superseded(table)
    for entry in pages:
        page, age = entry.page, turn - entry.born
        handle = handle_of(page.id, secret)
        lasting = page.call.key is not None and not page.error
        addressable = lasting and page.id not in superseded
        state = State.EVICTED if addressable else State.COLLECTED
        why = "superseded" if lasting else "ephemeral"
        event = (
            Evicted(page.id, handle, entry.gain, age)
            if addressable
            else Collected(page.id, handle, entry.gain, age, why)
        )
        yield replace(entry, state=state, handle=handle, moved=turn, pin=None), event


def collapsed(table: PageTable, batch: Batch) -> Iterable[Collapsed | Unpinned]:
    """Yield what is told of the folds of a batch that leaves."""
    for one in batch.folds:
        fold, pages = one.fold, [table[page] for page in sorted(one.pages)]
        tokens = batch.beyond(one) + sum(entry.gain for entry in pages)
        yield Collapsed(
            fold.first, fold.until - 1, len(pages), tokens, fold.handle, fold.turns, fold.digest
        )
        yield from (Unpinned(entry.page.id, "collapsed") for entry in pages if entry.pin)


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
