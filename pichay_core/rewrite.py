"""Putting decisions into a body: stubs into frames, one marker on the eviction boundary.

Rule of this file: what is written depends on the session's decisions and the client's text
alone, so the same history gives the same bytes. A body that would break a rule of the
provider that the client's own body keeps is not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from pichay_core.birth.front import AS_IT_CAME, Front, front
from pichay_core.birth.reminders import listed_once
from pichay_core.birth.shorter import form_text
from pichay_core.model import Form, Handle, PageId, State
from pichay_core.request import Request
from pichay_core.session import Frame, Sent, Session
from pichay_core.stubs import stale_note, stub
from pichay_core.table import Entry
from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits, Format, Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Message

MAXIMUM_MARKERS = 4


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A body for upstream: the client's own object where nothing was decided."""

    body: bytes
    texts: Mapping[int, Mapping[int, str]] | None = None
    sent: Mapping[int, Sent] = field(default_factory=dict[int, Sent])
    problems: frozenset[str] = frozenset()
    front: Front = AS_IT_CAME
    listed: int = 0
    """Bytes of the user's text that are not sent."""


def rewrite(session: Session, request: Request, stored: Callable[[str], str | None]) -> Rewritten:
    """Return the request's body with the session's decisions in it."""
    texts = session.texts
    texts = _texts(session, request, stored) if texts is None else texts
    begins, said = front(request, session.birth), _said(session, request)
    notes = session.notes.texts(request.messages)
    if not (texts or begins.edits or said or session.stripped or notes):
        return Rewritten(request.outline.body, texts)
    sent = _sent_messages(session, request, texts, said, notes)
    problems = _new_problems(request, sent, session.sent)
    if problems:
        return Rewritten(request.outline.body, texts, {}, problems)
    body = _spliced(request.outline, sent, begins)
    left_out = sum(one.left_out for one in said.values())
    if notes:
        begins = replace(begins, protocol=begins.protocol + sum(map(_size, notes.values())))
    return Rewritten(body, texts, sent, front=begins, listed=left_out)


def _texts(
    session: Session, request: Request, stored: Callable[[str], str | None]
) -> dict[int, dict[int, str]]:
    """Return the new result texts by message and block."""
    found: dict[int, dict[int, str]] = {}
    for page, frame in session.frames.items():
        entry = session.table.entries.get(page)
        if entry is None or not entry.edited:
            continue
        text = _text(session, entry, request, stored)
        if text is not None:
            found.setdefault(frame.message, {})[frame.block] = text
    return found


def _text(
    session: Session, entry: Entry, request: Request, stored: Callable[[str], str | None]
) -> str | None:
    if entry.out:
        return stub(entry.page, entry.handle or Handle(""))
    if entry.form is not Form.WHOLE:
        return _form_text(session, entry, request)
    source = session.frames.get(entry.repairs) if entry.repairs else None
    content = _content(request, source) if source else None
    content = stored(entry.page.digest) if content is None else content
    if content is None:
        return None
    return stale_note() + content if entry.repaired_stale else content


def _form_text(session: Session, entry: Entry, request: Request) -> str | None:
    """Return what stands for a page in the window; None if the page itself does.

    It refers to what stands before it in this very request, else to nothing.
    """
    if entry.state is not State.RESIDENT:
        return None
    frames, source, name = session.frames, None, entry.source
    if name is not None and name in frames and session.table.stands(name):
        earlier = frames[name] < frames[entry.page.id]
        source = session.table[name].page if earlier else None
    return form_text(entry, source, text_of(frames, request))


def text_of(frames: Mapping[PageId, Frame], request: Request) -> Callable[[PageId], str | None]:
    """Return what reads the text of a page in a request."""
    return lambda page: _content(request, frames[page]) if page in frames else None


class _Said(NamedTuple):
    """New texts of the user in one message, by block, and how many bytes are not in them."""

    texts: Mapping[int, str]
    left_out: int


def _said(session: Session, request: Request) -> dict[int, _Said]:
    """Return the new texts of the user by message."""
    if session.birth is None or not session.birth.once:
        return {}
    listing = ((at, message) for at, message in enumerate(request.messages) if message.lists)
    found = ((at, _listed_once(request.format, one.raw, one.lists)) for at, one in listing)
    return {at: said for at, said in found if said.texts}


@lru_cache(maxsize=64)
def _listed_once(format: Format, raw: bytes, blocks: tuple[int, ...]) -> _Said:
    texts = {block: format.said(raw, block) or "" for block in blocks}
    once = listed_once(texts)
    return _Said(once, sum(_size(texts[block]) - _size(text) for block, text in once.items()))


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _content(request: Request, frame: Frame) -> str | None:
    return request.format.text(request.messages[frame.message].raw, frame.block)


def _markers(
    session: Session, head: Head, messages: Sequence[Message]
) -> dict[int, dict[int, str]]:
    """Return the cache markers to add, by message and block.

    One holds the eviction boundary, so that the next flush need not re-write what stands
    before it; on the turn of a flush the previous boundary comes first, because that is where
    the provider's cache can still be read. A client that marks nothing gets no marker.
    """
    marks = [
        (Frame(position, block), ttl)
        for position, message in enumerate(messages)
        for block, ttl in message.marks
    ]
    used = len(head.ttls) + len(marks) + (head.automatic is not None)
    if used == 0:
        return {}
    found: dict[int, dict[int, str]] = {}
    for frame in boundaries(session)[: max(0, MAXIMUM_MARKERS - used)]:
        if frame not in {marked for marked, _ in marks}:
            later = [ttl for marked, ttl in marks if marked > frame]
            later += [head.automatic] if head.automatic else []
            found.setdefault(frame.message, {})[frame.block] = "1h" if "1h" in later else "5m"
    return found


def boundaries(session: Session) -> list[Frame]:
    """Return the frames worth a marker, the most useful first."""
    just_flushed = session.flushed == session.turn
    pages = (session.previous if just_flushed else None, session.boundary)
    frames = (session.frames.get(page) for page in pages if page is not None)
    return [frame for frame in frames if frame is not None]


def _sent_messages(
    session: Session,
    request: Request,
    texts: Mapping[int, Mapping[int, str]],
    said: Mapping[int, _Said],
    notes: Mapping[int, str],
) -> dict[int, Sent]:
    """Return the rewritten messages; those of the last turn where nothing about them is new."""
    markers = _markers(session, request.head, request.messages)
    unthought = unthought_messages(session, request.messages)
    others = markers.keys() | said.keys() | unthought | notes.keys()
    return {
        position: _sent(
            session.sent.get(position),
            request,
            position,
            Edits(
                texts.get(position, _NOTHING),
                markers.get(position, _NOTHING),
                position in unthought,
                said[position].texts if position in said else _NOTHING,
                notes.get(position, ""),
            ),
        )
        for position in (texts if others <= texts.keys() else texts.keys() | others)
    }


def unthought_messages(session: Session, messages: Sequence[Message]) -> frozenset[int]:
    """Return the messages that are sent without their thinking."""
    if not session.stripped:
        return frozenset()
    first = messages[: session.stripped]
    return frozenset(position for position, message in enumerate(first) if message.thinks)


_NOTHING: Mapping[int, str] = {}


def _sent(last: Sent | None, request: Request, position: int, edits: Edits) -> Sent:
    original = request.messages[position]
    if last is not None and last.edits == edits and last.original == original.raw:
        return last
    message = request.format.read(request.format.write(original.raw, edits))
    return Sent(original.raw, edits, message, message.same_structure(original))


def _new_problems(
    request: Request, sent: Mapping[int, Sent], checked: Mapping[int, Sent]
) -> frozenset[str]:
    """Say which rules the rewritten conversation breaks that the client's own keeps.

    While every rewritten message keeps its structure block by block, or was *checked* like this
    in the request before, only the rules on cache markers can tell the two apart; otherwise every
    rule is checked on both.
    """
    messages = list(request.messages)
    for position, part in sent.items():
        messages[position] = part.message
    sound = all(part.sound or checked.get(at) is part for at, part in sent.items())
    check = request.format.marker_problems if sound else request.format.problems
    broken = check(request.head, messages)
    return broken - check(request.head, request.messages) if broken else broken


def _spliced(outline: Outline, sent: Mapping[int, Sent], begins: Front) -> bytes:
    edits: list[tuple[Place, bytes]] = [*begins.edits]
    edits += [
        (outline.messages[position], part.message.raw)
        for position, part in sent.items()
        if part.message.raw != part.original
    ]
    return jsontext.splice(outline.body, edits)
