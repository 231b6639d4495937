"""Putting decisions into a body: stubs into frames, one marker on the eviction boundary.

Rule of this file: what is written depends on the session's decisions and the client's text
alone, so the same history gives the same bytes. A body that would break a rule of the
provider that the client's own body keeps is not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pichay_core.birth.front import AS_IT_CAME, Front, front
from pichay_core.model import Handle
from pichay_core.request import Request
from pichay_core.session import Frame, Sent, Session
from pichay_core.stubs import stale_note, stub
from pichay_core.table import Entry
from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits, Head, Outline
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


def rewrite(session: Session, request: Request, stored: Callable[[str], str | None]) -> Rewritten:
    """Return the request's body with the session's decisions in it."""
    texts = session.texts
    texts = _texts(session, request, stored) if texts is None else texts
    begins = front(request, session.birth)
    if not (texts or begins.edits or session.stripped):
        return Rewritten(request.outline.body, texts)
    sent = _sent_messages(session, request, texts)
    problems = _new_problems(request, sent, session.sent)
    if problems:
        return Rewritten(request.outline.body, texts, {}, problems)
    return Rewritten(_spliced(request.outline, sent, begins), texts, sent, front=begins)


def _texts(
    session: Session, request: Request, stored: Callable[[str], str | None]
) -> dict[int, dict[int, str]]:
    """Return the new result texts by message and block."""
    found: dict[int, dict[int, str]] = {}
    for page, frame in session.frames.items():
        entry = session.table.entries.get(page)
        if entry is None or not (entry.out or entry.repairs):
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
    source = session.frames.get(entry.repairs) if entry.repairs else None
    content = _content(request, source) if source else None
    content = stored(entry.page.digest) if content is None else content
    if content is None:
        return None
    return stale_note() + content if entry.repaired_stale else content


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
    session: Session, request: Request, texts: Mapping[int, Mapping[int, str]]
) -> dict[int, Sent]:
    """Return the rewritten messages; those of the last turn where nothing about them is new."""
    markers = _markers(session, request.head, request.messages)
    unthought = unthought_messages(session, request.messages)
    return {
        position: _sent(
            session.sent.get(position),
            request,
            position,
            Edits(
                texts.get(position, _NOTHING),
                markers.get(position, _NOTHING),
                position in unthought,
            ),
        )
        for position in (texts.keys() | markers.keys() | unthought)
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
