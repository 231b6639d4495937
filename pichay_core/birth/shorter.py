"""What of a new result goes upstream shorter than it came, from its first request on.

Rule of this file: it is decided once, when the result arrives and the model has not answered to
it yet; so nothing that a provider has cached, or bound thinking to, is ever changed. The text
that stands for it is a function of the page, the one it refers to and their contents alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pichay_core.birth.difference import difference
from pichay_core.birth.oversize import cut
from pichay_core.model import Call, Form, Kind, Page, PageId, State
from pichay_core.stubs import called, same, size_of
from pichay_core.table import SMALLEST_GAIN, Entry, PageTable

type Text = Callable[[PageId], str | None]
"""Returns the text of a page that the client sends."""


@dataclass(frozen=True, slots=True)
class Births:
    """Which results go out shorter the first time that they are sent."""

    duplicates: bool = False
    """A line refers to the earlier result that is the same."""
    diffs: bool = False
    """A file that is read again after a change goes out as what is different in it."""
    oversize: int = 0
    """Bytes of a result above which only parts of it go out; 0 for never."""

    def __bool__(self) -> bool:
        return self.duplicates or self.diffs or self.oversize > 0


NOTHING_SHORTER = Births()


def no_text(_page: PageId) -> None:
    """Return no text: of pages that nobody sends."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What one must know of results that go upstream for the first time."""

    births: Births = NOTHING_SHORTER
    least: int = 0
    """Bytes of a page up to which it stays as it came."""
    beside: frozenset[PageId] = frozenset()
    """Pages that may stand behind a new one: nothing refers to them."""
    text: Text = field(default=no_text)


def shorter(table: PageTable, entry: Entry, fresh: Fresh) -> Entry:
    """Return the entry of a result that has just come in, in the form that it is to go out in.

    One that is asked for again, though it stands in the window already in another form, goes out
    whole: the model evidently wants it there.
    """
    page = entry.page
    if page.bytes <= fresh.least or _odd(entry):
        return entry
    earlier = [e for e in table.entries.values() if _asks_alike(e, page.call)]
    if earlier and earlier[-1].form is not Form.WHOLE and earlier[-1].page.digest == page.digest:
        return entry
    found = _duplicate(table, entry, fresh) or _changed(table, entry, fresh)
    return found or _oversize(entry, earlier, fresh) or entry


def _odd(entry: Entry) -> bool:
    page = entry.page
    return page.error or page.opaque or page.cleared or entry.repairs is not None


def _asks_alike(entry: Entry, call: Call) -> bool:
    """True for a page of the conversation that such a call has brought before."""
    if entry.state is State.GONE or entry.page.error:
        return False
    own = entry.page.call
    if own.key is not None and call.key is not None:
        return own.key == call.key
    return (own.tool, own.arguments) == (call.tool, call.arguments)


def _duplicate(table: PageTable, entry: Entry, fresh: Fresh) -> Entry | None:
    if not fresh.births.duplicates:
        return None
    source = _same_text(table, entry.page, fresh)
    if source is None:
        return None
    size = _bytes(same(entry.page, source.page))
    if SMALLEST_GAIN * size > entry.page.bytes:
        return None
    return replace(entry, form=Form.SAME, source=source.page.id, form_bytes=size)


def _same_text(table: PageTable, page: Page, fresh: Fresh) -> Entry | None:
    """Return the newest page that stands in the window whole and says the same.

    None if a later result of a call by the same name says something else: a reader would not
    know which of them is meant.
    """
    others: set[tuple[str, str]] = set()
    for entry in reversed(list(_readable(table))):
        if entry.page.digest != page.digest:
            others.add(_name(entry.page.call))
        elif _stands(entry, fresh) and _name(entry.page.call) not in others:
            return entry
    return None


def _readable(table: PageTable) -> Iterator[Entry]:
    return (entry for entry in table.resident() if not _odd(entry))


def _name(call: Call) -> tuple[str, str]:
    """Return what a reader tells calls apart by."""
    return call.tool, call.label


def _stands(entry: Entry, fresh: Fresh) -> bool:
    """True if a new page may refer to this one, which is in the window."""
    return entry.form is Form.WHOLE and entry.page.id not in fresh.beside


def _changed(table: PageTable, entry: Entry, fresh: Fresh) -> Entry | None:
    page = entry.page
    if not fresh.births.diffs or page.call.kind is not Kind.READ:
        return None
    source = _read_last(table, page.call)
    if source is None or not _stands(source, fresh) or source.page.digest == page.digest:
        return None
    text = _difference(page, source.page, fresh.text)
    if text is None or 2 * _bytes(text) >= page.bytes:
        return None
    return replace(entry, form=Form.DIFF, source=source.page.id, form_bytes=_bytes(text))


def _read_last(table: PageTable, call: Call) -> Entry | None:
    """Return what such a call brought last that shows a text of its own.

    None if a reader would take another result for it, that of another part by the same name.
    """
    named = (e for e in reversed(list(_readable(table))) if _name(e.page.call) == _name(call))
    last = next((e for e in named if e.form in (Form.WHOLE, Form.TRIMMED)), None)
    return last if last is not None and last.page.call.key == call.key else None


def _oversize(entry: Entry, earlier: list[Entry], fresh: Fresh) -> Entry | None:
    page, most = entry.page, fresh.births.oversize
    if not 0 < most < page.bytes or any(e.form is Form.TRIMMED for e in earlier):
        return None
    text = _trimmed(page, fresh.text)
    if text is None or 2 * _bytes(text) >= page.bytes:
        return None
    return replace(entry, form=Form.TRIMMED, form_bytes=_bytes(text))


def form_text(entry: Entry, source: Page | None, text: Text) -> str | None:
    """Return what stands for a page in the window; None if that is the page as it came.

    ``source`` is the page that it refers to, None where that is not there.
    """
    match entry.form:
        case Form.SAME if source is not None:
            return same(entry.page, source)
        case Form.DIFF if source is not None:
            return _difference(entry.page, source, text)
        case Form.TRIMMED:
            return _trimmed(entry.page, text)
        case _:
            return None


def _difference(page: Page, source: Page, text: Text) -> str | None:
    old, new = text(source.id), text(page.id)
    told = None if old is None or new is None else difference(old, new)
    if told is None:
        return None
    return (
        f"[The call succeeded. Its result is that of {called(source)} above but for these changes "
        f"(a unified diff of the two results); it has {size_of(page)} now.]\n{told}"
    )


def _trimmed(page: Page, text: Text) -> str | None:
    whole = text(page.id)
    return None if whole is None else cut(whole, _how(page.call))


def _how(call: Call) -> str:
    match call.kind:
        case Kind.READ | Kind.QUERY:
            return "Make the same call again to see all of it, or ask for the part that you need."
        case Kind.RUN | Kind.WRITE:
            return "Make the same call again only if you need all of its output."


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
