"""Putting decisions into a body: stubs into frames, one marker on the eviction boundary.

Rule of this file: what is written depends on the session's decisions and the client's text
alone, so the same history gives the same bytes. A body that would break a rule of the
provider that the client's own body keeps is not sent.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from pichay_core.birth.front import AS_IT_CAME, Front, front
from pichay_core.birth.reminders import listed_once
from pichay_core.birth.shorter import form_text
from pichay_core.cooperate.fold import Fold, shown
from pichay_core.folding import standing
from pichay_core.markers import markers_to_add, shown_marks
from pichay_core.model import Form, Handle, PageId, State
from pichay_core.request import Request
from pichay_core.session import Frame, Sent, Session
from pichay_core.stubs import stale_note, stub
from pichay_core.table import Entry
from pichay_core.wire import jsontext
from pichay_core.wire.format import Edits, Format, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Message


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
    folds = standing(session)
    texts = session.texts
    texts = _texts(session, request, stored, folds) if texts is None else texts
    begins, said = front(request, session.birth), _said(session, request, folds)
    notes = _notes(session, request, folds)
    if not (texts or begins.edits or said or session.stripped or folds or notes):
        return Rewritten(request.outline.body, texts)
    sent = _sent_messages(session, request, texts, said, folds, notes)
    problems = _new_problems(request, sent, session.sent, folds)
    if problems:
        return Rewritten(request.outline.body, texts, {}, problems)
    body = _spliced(request.outline, sent, begins, folds)
    left_out = sum(one.left_out for one in said.values())
    if notes:
        begins = replace(begins, protocol=begins.protocol + sum(map(_size, notes.values())))
    return Rewritten(body, texts, sent, front=begins, listed=left_out)


def _texts(
    session: Session,
    request: Request,
    stored: Callable[[str], str | None],
    folds: Sequence[Fold],
) -> dict[int, dict[int, str]]:
    """Return the new result texts by message and block, but for what is folded."""
    found: dict[int, dict[int, str]] = {}
    hidden = _covered(folds)
    for page, frame in session.frames.items():
        entry = session.table.entries.get(page)
        if entry is None or not entry.edited or frame.message in hidden:
            continue
        text = _text(session, entry, request, stored)
        if text is not None:
            found.setdefault(frame.message, {})[frame.block] = text
    return found


def _notes(session: Session, request: Request, folds: Sequence[Fold]) -> Mapping[int, str]:
    """Return what the model was told of its window, by message; not in messages that are folded."""
    notes, covered = session.notes.texts(request.messages), _covered(folds)
    return {at: text for at, text in notes.items() if at not in covered} if covered else notes


def _covered(folds: Sequence[Fold]) -> frozenset[int]:
    return frozenset(at for fold in folds for at in range(fold.first, fold.until))


def _text(
    session: Session, entry: Entry, request: Request, stored: Callable[[str], str | None]
) -> str | None:
    if entry.out:
        return stub(entry.page, entry.handle or Handle(""), entry.summary)
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


def _said(session: Session, request: Request, folds: Sequence[Fold]) -> dict[int, _Said]:
    """Return the new texts of the user by message, but for what is folded."""
    if session.birth is None or not session.birth.once:
        return {}
    sent, hidden = enumerate(request.messages), _covered(folds)
    listing = ((at, message) for at, message in sent if message.lists and at not in hidden)
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


def _sent_messages(
    session: Session,
    request: Request,
    texts: Mapping[int, Mapping[int, str]],
    said: Mapping[int, _Said],
    folds: Sequence[Fold],
    notes: Mapping[int, str],
) -> dict[int, Sent]:
    """Return the rewritten messages; those of the last turn where nothing about them is new.

    The summary of a fold stands at its first message.
    """
    markers = markers_to_add(session, request.head, request.messages, folds)
    summaries = {fold.first: _summary(session, request, fold, markers) for fold in folds}
    unthought = unthought_messages(session, request.messages) - _covered(folds)
    others = (markers.keys() | said.keys() | unthought | notes.keys()) - summaries.keys()
    return {
        position: _sent(
            session.sent.get(position),
            request.format,
            request.messages[position],
            Edits(
                texts.get(position, _NOTHING),
                markers.get(position, _NOTHING),
                position in unthought,
                said[position].texts if position in said else _NOTHING,
                notes.get(position, ""),
            ),
        )
        for position in (texts if others <= texts.keys() else texts.keys() | others)
    } | summaries


def _summary(
    session: Session, request: Request, fold: Fold, markers: Mapping[int, Mapping[int, str]]
) -> Sent:
    """Return the message that stands for a fold, with the marker that it held, or a new one."""
    marks = dict(shown_marks(fold, request.messages)) or markers.get(fold.first, _NOTHING)
    last, raw = session.sent.get(fold.first), request.format.user_says(shown(fold))
    if last is not None and last.original == raw and last.edits == Edits(_NOTHING, marks):
        return last
    return _sent(None, request.format, request.format.read(raw), Edits(_NOTHING, marks))


def unthought_messages(session: Session, messages: Sequence[Message]) -> frozenset[int]:
    """Return the messages that are sent without their thinking."""
    if not session.stripped:
        return frozenset()
    first = messages[: session.stripped]
    return frozenset(position for position, message in enumerate(first) if message.thinks)


_NOTHING: Mapping[int, str] = {}


def _sent(last: Sent | None, format: Format, original: Message, edits: Edits) -> Sent:
    if last is not None and last.edits == edits and last.original == original.raw:
        return last
    message = format.read(format.write(original.raw, edits))
    return Sent(original.raw, edits, message, message.same_structure(original))


def _new_problems(
    request: Request,
    sent: Mapping[int, Sent],
    checked: Mapping[int, Sent],
    folds: Sequence[Fold],
) -> frozenset[str]:
    """Say which rules the rewritten conversation breaks that the client's own keeps.

    While every rewritten message keeps its structure block by block, or was *checked* like this
    in the request before, only the rules on cache markers can tell the two apart; otherwise every
    rule is checked on both.
    """
    hidden = _covered(folds) - {fold.first for fold in folds}
    messages = [
        sent[at].message if at in sent else message
        for at, message in enumerate(request.messages)
        if at not in hidden
    ]
    first = {fold.first for fold in folds}
    sound = all((part.sound and at not in first) or checked.get(at) is part
                for at, part in sent.items())  # fmt: skip
    check = request.format.marker_problems if sound else request.format.problems
    broken = check(request.head, messages)
    if not broken:
        return broken
    return _new(broken, check(request.head, request.messages), moved=bool(folds))


def _new(broken: frozenset[str], before: frozenset[str], moved: bool) -> frozenset[str]:
    """Return what is broken that was not *before*, wherever it stands now if messages *moved*."""
    if not moved:
        return broken - before
    known = {_WHERE.sub("", problem) for problem in before}
    return frozenset(problem for problem in broken if _WHERE.sub("", problem) not in known)


_WHERE = re.compile(r"^messages\.\d+: ")


def _spliced(
    outline: Outline, sent: Mapping[int, Sent], begins: Front, folds: Sequence[Fold]
) -> bytes:
    """Return the body with everything in its place: each fold is one element of the list."""
    places = outline.messages
    edits: list[tuple[Place, bytes]] = [*begins.edits]
    ends = {fold.first: fold.until - 1 for fold in folds}
    edits += [
        (Place(places[at].start, places[ends.get(at, at)].end), part.message.raw)
        for at, part in sent.items()
        if at in ends or part.message.raw != part.original
    ]
    return jsontext.splice(outline.body, edits)
