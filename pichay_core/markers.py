"""Cache markers: which ones are added, and which survive where messages are not sent.

Rule of this file: the client's own markers stay where they are; a fold keeps one of those that it
hides, on its summary.
"""

from collections.abc import Iterable, Sequence

from pichay_core.cooperate.fold import Fold
from pichay_core.folding import standing
from pichay_core.model import PageId
from pichay_core.session import Frame, Session
from pichay_core.wire.format import Head
from pichay_core.wire.message import Message

MAXIMUM_MARKERS = 4


def markers_to_add(
    session: Session, head: Head, messages: Sequence[Message], folds: Sequence[Fold] = ()
) -> dict[int, dict[int, str]]:
    """Return the cache markers to add, by message and block.

    One holds the eviction boundary, so that the next flush need not re-write what stands
    before it; on the turn of a flush the previous boundary comes first, because that is where
    the provider's cache can still be read. A request of ours is marked at its end, as its client
    marks its own: else what the model recalled would be plain input now and written with the next
    request. A client that marks nothing gets no marker.
    """
    marks = _marks(messages, folds)
    used = len(head.ttls) + len(marks) + (head.automatic is not None)
    if used == 0:
        return {}
    found: dict[int, dict[int, str]] = {}
    wanted = [*_tail(session, marks, messages), *boundaries(session)]
    for frame in wanted[: max(0, MAXIMUM_MARKERS - used)]:
        if frame not in {marked for marked, _ in marks}:
            later = [ttl for marked, ttl in marks if marked > frame]
            later += [head.automatic] if head.automatic else []
            found.setdefault(frame.message, {})[frame.block] = "1h" if "1h" in later else "5m"
    return found


def shown_marks(fold: Fold, messages: Sequence[Message]) -> Iterable[tuple[int, str]]:
    """Yield the marker that the summary of a fold has from the client, if the fold hides one.

    The last of them: so a longer time to live still comes before a shorter one.
    """
    held = [ttl for message in messages[fold.first : fold.until] for _, ttl in message.marks]
    if held:
        yield 0, held[-1]


def _marks(messages: Sequence[Message], folds: Sequence[Fold]) -> list[tuple[Frame, str]]:
    """Return the markers of the client that are sent, and where."""
    hidden = {at for fold in folds for at in range(fold.first, fold.until)}
    own = [
        (Frame(at, block), ttl)
        for at, message in enumerate(messages)
        if at not in hidden
        for block, ttl in message.marks
    ]
    kept = [(Frame(f.first, at), ttl) for f in folds for at, ttl in shown_marks(f, messages)]
    return sorted([*own, *kept])


def _tail(
    session: Session, marks: Sequence[tuple[Frame, str]], messages: Sequence[Message]
) -> list[Frame]:
    """Return the end of a request that answers the model, where its client marks messages.

    Not in the request of a flush: there the cache is read from the boundary, or not at all.
    """
    last = len(messages) - 1
    answers = bool(session.asides) and session.asides[-1].at >= len(session.own)
    if not (answers and marks and messages[last].blocks) or session.flushed == session.turn:
        return []
    return [Frame(last, len(messages[last].blocks) - 1)]


def boundaries(session: Session) -> list[Frame]:
    """Return the frames worth a marker, the most useful first."""
    folds = standing(session)
    just_flushed = session.flushed == session.turn
    last = _place(session, folds, session.boundary)
    before = _place(session, folds, session.previous) if just_flushed else None
    summaries = [Frame(fold.first, 0) for fold in folds]
    last = max((frame for frame in (last, *summaries) if frame is not None), default=None)
    return list(dict.fromkeys(frame for frame in (before, last) if frame is not None))


def _place(session: Session, folds: Sequence[Fold], page: PageId | None) -> Frame | None:
    """Return where a page stands, or the summary that stands for it."""
    frame = session.frames.get(page) if page is not None else None
    if frame is None:
        return None
    over = (fold for fold in folds if fold.first <= frame.message < fold.until)
    return next((Frame(fold.first, 0) for fold in over), frame)
