"""What a page is likely to be asked for again by: what it is, and since when nobody has.

A *reference* to a page is a call that asks for the same content once more, or that changes the
file of which the page is the last read: it may need the text. The output of a command that may do
more than read is never referenced, because nothing can name it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pichay_core.model import WHOLE, Kind, State
from pichay_core.table import Entry, PageTable
from pichay_core.tools import FAULT


class Standing(StrEnum):
    """How a page stands; pages that stand alike are referenced alike."""

    QUERY = "query"
    """A search, a listing, a fetch."""
    OLDER = "older"
    """A read of which the file was read again since, whatever the range."""
    WHOLE = "whole"
    """The last read of a file that nobody has changed: all of it."""
    PART = "part"
    """The same, a range of it."""
    EDITED = "edited"
    """The last read of a file that was changed, before or since."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the calls of a session named last."""

    reads: Mapping[str, Entry]
    """The last read of each thing."""
    writes: Mapping[str, int]
    """The turn of the last change of each thing."""
    queries: tuple[Entry, ...]
    """Everything else that can be named."""
    out: int
    """Tokens of the pages that are out."""


def named(table: PageTable) -> Named:
    """Return what the calls that succeeded named last, in one pass.

    What was recalled is a reference to the page that it is a copy of, and names nothing itself.
    """
    reads: dict[str, Entry] = {}
    writes: dict[str, int] = {}
    queries: list[Entry] = []
    out = 0
    for entry in table.entries.values():
        page, state = entry.page, entry.state
        if state is State.EVICTED or state is State.COLLECTED:
            out += page.tokens
        call = page.call
        if page.error or call.tool == FAULT or (call.key is None and call.writes is None):
            continue
        if call.writes is not None:
            writes[call.writes] = entry.born
        elif call.key is None or call.kind is not Kind.READ:
            queries.append(entry)
        else:
            reads[call.key.target] = entry
    return Named(reads, writes, tuple(queries), out)


def standing(entry: Entry, last: Named) -> Standing | None:
    """Return how a page stands; None if nothing can ask for it."""
    call = entry.page.call
    if call.key is None:
        return None
    if call.kind is not Kind.READ:
        return Standing.QUERY
    target = call.key.target
    if not _is_last(entry, last):
        return Standing.OLDER
    if target in last.writes:
        return Standing.EDITED
    return Standing.WHOLE if call.key.span == WHOLE else Standing.PART


def referenced(entry: Entry, last: Named) -> int:
    """Return the turn of the last reference to a page, at first that in which it came."""
    key, used = entry.page.call.key, max(entry.born, entry.last_use)
    if key is None or not _is_last(entry, last):
        return used
    return max(used, last.writes.get(key.target, used))


def _is_last(entry: Entry, last: Named) -> bool:
    key = entry.page.call.key
    found = last.reads.get(key.target) if key else None
    return found is not None and found.page.id == entry.page.id
