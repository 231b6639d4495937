"""Which pages of a session the model means by a name.

A name is the handle at the end of a note, or the path that a call named. Handles are looked up
among those of one session only, and a name is never taken apart: it finds a page, or it does not.
"""

from dataclasses import dataclass
from functools import lru_cache

from pichay_core.cooperate.commands import Recall
from pichay_core.cooperate.tools import command_of
from pichay_core.faults import is_cut
from pichay_core.model import WHOLE, Handle, Page, State
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable
from pichay_core.tools import FAULT, path_of
from pichay_core.wire.reply import Ask


def missing(entry: Entry) -> bool:
    """True if the page is not in the window as it came, and its text was kept."""
    kept = entry.state is State.GONE and entry.handle is not None
    return entry.out or kept or is_cut(entry)


def meant(table: PageTable, name: str, secret: bytes | None = None) -> Entry | None:
    """Return the page that a name means, None if there is none that could be shown.

    A path means the newest copy of the whole thing; the newest of any part where there is none.
    With a *secret*, pages in the window are found by the handle that they would get as well.
    """
    by_handle = table.by_handle(Handle(name)) or _would_be(table, name, secret)
    if by_handle is not None:
        return by_handle
    copies = [entry for entry in _named_so(table, name) if _is_there(entry)]
    whole = [entry for entry in copies if _is_whole(entry)]
    return next(reversed(whole or copies), None)


def residents(table: PageTable, name: str, secret: bytes) -> list[Entry]:
    """Return the pages in the window that a name means: of a path every copy, oldest first."""
    one = table.by_handle(Handle(name)) or _would_be(table, name, secret)
    found = _named_so(table, name) if one is None else [one]
    return [entry for entry in found if entry.state is State.RESIDENT]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a new result has brought back."""

    pages: tuple[Entry, ...] = ()
    """Each once."""
    others: bool = False
    """It names something that is no page of the table: turns that were collapsed, perhaps."""

    def __bool__(self) -> bool:
        return bool(self.pages) or self.others


def recalled(table: PageTable, page: Page, secret: bytes | None = None) -> Recalled:
    """Return what a new result has brought back; nothing if it is no recall."""
    call = page.call
    if call.tool != FAULT or page.error:
        return Recalled()
    asked = command_of(Ask(call.id, call.tool, call.arguments.encode(errors="replace")))
    names = asked.pages if isinstance(asked, Recall) else ()
    found = [meant(table, name, secret) for name in names]
    pages = {entry.page.id: entry for entry in found if entry is not None and missing(entry)}
    return Recalled(tuple(pages.values()), None in found)


def _named_so(table: PageTable, name: str) -> list[Entry]:
    """Return what was read of a path, oldest first; no failures, and nothing the client cleared."""
    found = table.naming(path_of(name))
    return [entry for entry in found if not (entry.page.error or entry.page.cleared)]


def _is_there(entry: Entry) -> bool:
    return entry.state is State.RESIDENT or missing(entry)


def _is_whole(entry: Entry) -> bool:
    key = entry.page.call.key
    return key is not None and key.span == WHOLE


def _would_be(table: PageTable, name: str, secret: bytes | None) -> Entry | None:
    if secret is None or len(name) != _HANDLE_LENGTH:
        return None
    inside = table.resident()
    return next((entry for entry in inside if _handle(entry.page.id, secret) == name), None)


_HANDLE_LENGTH = 8
_handle = lru_cache(maxsize=1 << 14)(handle_of)
"""Asked of every page in the window for each name that is none of a page that is out."""
