"""Telling the model how full its window is: once, as it enters a zone, at the very end.

One idea: a note is content. It is said behind the newest message, which nothing of the provider's
cache and no thinking stands behind, and from then on the same bytes stand in that place for as long
as the client sends the message. Nothing that changes stands anywhere else.

A note is told to someone who can do something about it: without a tool of ours or a tag there is
none. It is told seldom: text behind every tool result teaches a model to end its turn there
(Anthropic's documentation, "Handling stop reasons").

Source of the zones and of what is told: arXiv 2603.09023 (``schedule/pressure.py``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from pichay_core.birth.choice import Birth
from pichay_core.schedule.pending import Window
from pichay_core.schedule.pressure import Zone, zone_of
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable
from pichay_core.tools import plain
from pichay_core.wire.message import Message

MOST_NOTES = 2
"""For each zone in one session, whatever it does: six in all."""
LARGEST = 5
"""Pages that are named."""

_RELEASE, _COLLAPSE = "memory_release", "memory_collapse"


@dataclass(frozen=True, slots=True)
class Note:
    """What the model was told behind a message of the client's."""

    message: int
    """Its position."""
    digest: bytes
    """By which that message is known."""
    text: str
    zone: float
    """Share of the window from which the zone begins that was entered."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a session's model was told of its window, and what it knows of it."""

    standing: tuple[Note, ...] = ()
    """In the history as the client sends it, in its order."""
    zone: float = 0.0
    """The highest that the model knows of and the window has not left since, as the share it begins
    with."""
    given: tuple[float, ...] = ()
    """The zones of all notes so far, of those too that stand nowhere any more."""

    def within(self, shared: int) -> "Notes":
        """Return the notes of a history of which the first *shared* messages are as they were.

        What stood behind them goes with them; a model that was not told may be told again.
        """
        kept = tuple(note for note in self.standing if note.message < shared)
        if len(kept) == len(self.standing):
            return self
        return replace(self, standing=kept, zone=min(self.zone, kept[-1].zone if kept else 0.0))

    def texts(self, messages: Sequence[Message]) -> Mapping[int, str]:
        """Return the notes that stand in these messages, by position."""
        return {n.message: n.text for n in self.standing if _stands(n, messages)}

    def as_text(self) -> str:
        """Return it as JSON, the same for equal values."""
        return msgspec.json.encode(self, order="sorted").decode()


NO_NOTES = Notes()


def notes_of(text: str) -> Notes:
    """Return what :meth:`Notes.as_text` wrote. Raises msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=Notes)


def _stands(note: Note, messages: Sequence[Message]) -> bool:
    return note.message < len(messages) and messages[note.message].digest == note.digest


def followed(notes: Notes, window: Window) -> Notes:
    """Return the notes of a window as it stands now: a zone that it has left can be entered again.

    One that has been told of often enough counts as told.
    """
    zone = zone_of(window).value
    known = zone < notes.zone or notes.given.count(zone) >= MOST_NOTES
    return replace(notes, zone=zone) if known and zone != notes.zone else notes


def entered(notes: Notes, window: Window) -> Zone | None:
    """Return the zone that a window is in if the model knows of none so high, else None."""
    zone = zone_of(window)
    return zone if zone.value > notes.zone else None


def added(notes: Notes, zone: Zone, messages: Sequence[Message], text: str) -> Notes:
    """Return the notes with one more, behind the last of the messages."""
    note = Note(len(messages) - 1, messages[-1].digest, text, zone.value)
    return Notes((*notes.standing, note), zone.value, (*notes.given, zone.value))


def advice(window: Window, table: PageTable, birth: Birth, secret: bytes) -> str | None:
    """Return what to tell of a window, None if the model could do nothing about it.

    Plain text of a few lines. Figures are estimates, and are told as such.
    """
    pages = sorted(filter(_movable, table.resident()), key=_tokens, reverse=True)[:LARGEST]
    operations = "; ".join(_operations(birth, bool(pages)))
    if not (operations and window.size):
        return None
    share = round(100 * window.tokens / window.size)
    lines = [
        f"[About the size of this conversation: it takes about {window.tokens:,} of the "
        f"{window.size:,} tokens that you can see at once ({share} %).",
        *_largest(pages, secret),
        f"If some of it is no longer needed: {operations}. Nothing has to be done, and no answer "
        "is expected; the work goes on.]",
    ]
    return "\n".join(lines)


def _movable(entry: Entry) -> bool:
    page = entry.page
    return not (entry.released or entry.slight or page.error or page.opaque or page.cleared)


def _tokens(entry: Entry) -> int:
    return entry.page.tokens - entry.short


def _largest(pages: Sequence[Entry], secret: bytes) -> Iterable[str]:
    if pages:
        yield "The largest tool results in it:"
    for entry in pages:
        page = entry.page
        handle = handle_of(page.id, secret)
        label = page.call.label.replace('"', "'")
        yield f'- {plain(page.call.tool)} "{label}": about {_tokens(entry):,} tokens, page {handle}'


def _operations(birth: Birth, pages: bool) -> Iterable[str]:
    """Yield what the model can do, as far as there is something to do it with."""
    if _RELEASE in birth.offers and pages:
        yield f"{_RELEASE} lets results go by page name or path"
    if _COLLAPSE in birth.offers:
        yield f"{_COLLAPSE} puts a summary in place of finished turns"
    if birth.tags and not {_RELEASE, _COLLAPSE} & {*birth.offers}:
        yield "the commands that you were told of let results go, or put a summary in their place"
