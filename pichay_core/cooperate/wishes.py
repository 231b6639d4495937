"""What the model says of pages in its window: that they may go, that they are to stay.

Rule of this file: it changes what is thought of a page, never where the page is. Pages leave with
a flush, when one is due (``pager.py``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pichay_core.cooperate.commands import Anchor, Release, Summarize
from pichay_core.cooperate.means import Outcome
from pichay_core.cooperate.naming import meant, residents
from pichay_core.cooperate.recalls import UNKNOWN
from pichay_core.events import Event, Pinned, Released
from pichay_core.model import State
from pichay_core.pager import Limits, may_leave
from pichay_core.session import Session
from pichay_core.stubs import called
from pichay_core.table import Entry, PageTable, Pin
from pichay_core.tools import plain

ANCHOR_STRENGTH = 4.0
"""Of the pin that the model sets: that of the third refetch, so three half-lives of no use."""
LONGEST_SUMMARY = 2_000
"""Characters that stand beside a page's name when it is out."""
MOST_NAMED = 30
"""Pages that an answer lists one by one."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """What the names of a command stand for."""

    inside: tuple[Entry, ...]
    """In the window, each once."""
    out: tuple[str, ...]
    """Names of pages that are out."""
    unknown: tuple[str, ...]


def _sorted(session: Session, names: Iterable[str], every: bool) -> _Sorted:
    """Return what the names stand for; *every* copy of a path, else the one that it means."""
    inside: dict[str, Entry] = {}
    out: list[str] = []
    unknown: list[str] = []
    for name in names:
        entry = meant(session.table, name, session.secret)
        one = [entry] if entry is not None and entry.state is State.RESIDENT else []
        found = residents(session.table, name, session.secret) if every else one
        inside |= {entry.page.id: entry for entry in found}
        if not found:
            (unknown if entry is None else out).append(name)
    return _Sorted(tuple(inside.values()), tuple(out), tuple(unknown))


def release(session: Session, asked: Release, limits: Limits) -> Outcome:
    """Return the session in which these pages leave with the next flush; their pins are gone.

    A path stands for every copy in the window.
    """
    found = _sorted(session, asked.pages, every=True)
    go = [entry for entry in found.inside if may_leave(entry, limits)]
    stay = [entry for entry in found.inside if not may_leave(entry, limits)]
    fresh = [entry for entry in go if not entry.released]
    table = session.table.with_entries(replace(e, released=True, pin=None) for e in fresh)
    events: list[Event] = [Released(entry.page.id, plain(asked.why)) for entry in fresh]
    said = [
        _listed("Released", go, "They leave when the next flush is due; until then they stand."),
        _listed("Staying", stay, "These are errors, pictures, or too small to be worth it."),
        _quoted("Out already", found.out),
        _quoted("Unknown", found.unknown, UNKNOWN),
    ]
    return Outcome(_with(session, table), _joined(said), _why(go, found), tuple(events))


def anchor(session: Session, asked: Anchor, limits: Limits) -> Outcome:
    """Return the session in which these pages are pinned, and not released any more.

    A path stands for the newest copy of the whole thing that is in the window.
    """
    if limits.pin_half_life <= 0:
        return Outcome(session, "Nothing can be pinned in this conversation.", "no pins")
    found = _sorted(session, asked.pages, every=False)
    pinned = [_pinned(entry, session.turn) for entry in found.inside]
    table = session.table.with_entries(pinned)
    events = tuple(Pinned(e.page.id, e.pin.strength) for e in pinned if e.pin)
    said = [
        _listed("Pinned", pinned, "They stay for now; the pin wears off while nothing asks."),
        _quoted("Out", found.out, "Call memory_fault to bring them back."),
        _quoted("Unknown", found.unknown, UNKNOWN),
    ]
    return Outcome(_with(session, table), _joined(said), _why(pinned, found), events)


def _pinned(entry: Entry, turn: int) -> Entry:
    strength = max(ANCHOR_STRENGTH, entry.pin.strength if entry.pin else 0.0)
    return replace(entry, pin=Pin(strength, turn), released=False)


def summarize(session: Session, asked: Summarize, limits: Limits) -> Outcome:
    """Return the session in which a page leaves with the next flush, and this text stands for it.

    The note of a page that is out stays as it is: what was sent is never sent otherwise.
    """
    entry = meant(session.table, asked.page, session.secret)
    if entry is None:
        return Outcome(session, UNKNOWN, "unknown page")
    if entry.state is not State.RESIDENT:
        return Outcome(session, "It is out already; its note stays as it is.", "out already")
    text = _sayable(asked.text.strip()[:LONGEST_SUMMARY])
    summed = replace(entry, summary=text, released=True, pin=None)
    if not text or not may_leave(summed, limits):
        return Outcome(session, _NOT_WORTH_IT, "not worth it")
    table = session.table.with_entries([summed])
    said = _listed("To leave with the next flush, your words in its place", [summed])
    return Outcome(_with(session, table), said, events=(Released(entry.page.id, "summarized"),))


_NOT_WORTH_IT = (
    "It stays as it is: nothing was said of it, or the summary is not much shorter, or it is an "
    "error, a picture, or too small to be worth it."
)


def _sayable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _with(session: Session, table: PageTable) -> Session:
    return session if table is session.table else replace(session, table=table)


def _why(done: Iterable[Entry], found: _Sorted) -> str:
    if done:
        return "answered"
    return "unknown page" if found.unknown else "nothing to do"


def _listed(what: str, entries: Iterable[Entry], then: str = "") -> str:
    names = [f"{called(entry.page)} ({entry.gain:,} tokens)" for entry in entries]
    return _line(what, names, then)


def _quoted(what: str, names: Iterable[str], then: str = "") -> str:
    return _line(what, [plain(name) for name in names], then)


def _line(what: str, names: list[str], then: str) -> str:
    """Return one line that names them, nothing if there are none."""
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{what}: {', '.join(names[:MOST_NAMED])}{more}. {then}".rstrip()


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)
