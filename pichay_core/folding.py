"""Which folds stand, which may be carried out now, and what they take off the window.

Rule of this file: a fold stands only for the very messages that it was made of. What it removes is
counted beside its pages: those are out by themselves, and are counted in the page table.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pichay_core.cooperate.fold import Fold, shown
from pichay_core.events import Event, Returned
from pichay_core.model import PageId, State
from pichay_core.session import Frame, Session
from pichay_core.table import Entry
from pichay_core.thinking import loop_start
from pichay_core.tokens import tokens_of_bytes
from pichay_core.wire.message import Message


@dataclass(frozen=True, slots=True)
class Folding:
    """A fold that may be carried out in this turn."""

    fold: Fold
    pages: frozenset[PageId]
    """Those in it that are in the window: they leave with it."""
    tokens: int
    """That leave the window beside what its pages hold, after the summary."""
    thought: int = 0
    """Tokens of its thinking, which are not among those."""
    bound: bool = False
    """Later thinking is bound to it."""


def digest_of(messages: Sequence[Message]) -> str:
    """Return a hash of what messages say."""
    said = b"".join(message.digest for message in messages)
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def covers(fold: Fold, messages: Sequence[Message]) -> bool:
    """True if the messages of a fold are those it was made of, and a reply follows them."""
    if fold.until >= len(messages):
        return False
    return digest_of(messages[fold.first : fold.until]) == fold.digest


def standing(session: Session) -> tuple[Fold, ...]:
    """Return the folds whose summaries are sent, in order; none of them within another."""
    out = [fold for fold in session.folds if fold.out]
    outer = (f for f in out if not any(o is not f and o.contains(f) for o in out))
    found = (fold for fold in outer if covers(fold, session.messages))
    return tuple(sorted(found, key=lambda fold: fold.first))


def folded(session: Session) -> frozenset[int]:
    """Return the positions of the messages that summaries stand for."""
    return frozenset(at for fold in standing(session) for at in range(fold.first, fold.until))


def beyond(session: Session) -> int:
    """Return the tokens that folds keep out of the window beside what their pages held."""
    return sum(sum(_beyond(session, fold)) for fold in standing(session))


def foldings(session: Session) -> tuple[Folding, ...]:
    """Return the folds that wait and may be carried out, if they bring anything."""
    found = (_folding(session, fold) for fold in session.folds if _due(session, fold))
    return tuple(one for one in found if gain_of(session, one) > 0)


def gain_of(session: Session, folding: Folding) -> int:
    """Return all the tokens that carrying it out takes off the window."""
    pages = sum(session.table[page].gain for page in folding.pages)
    return pages + folding.tokens + folding.thought


def folding_of(session: Session, fold: Fold) -> Folding:
    """Return what carrying a fold out now would mean."""
    return _folding(session, fold)


def _due(session: Session, fold: Fold) -> bool:
    """True if a fold waits, and nothing of it is needed as it is.

    A tool loop that is open, and in which the model thinks, stays whole: providers look at the
    thinking of all of it.
    """
    messages = session.messages
    if fold.done is not None or not covers(fold, messages):
        return False
    start = loop_start(messages)
    return fold.until <= start or not any(message.thinks for message in messages[start:])


def _folding(session: Session, fold: Fold) -> Folding:
    tokens, thought = _beyond(session, fold)
    for inner in standing(session):
        if fold.contains(inner):
            known = _beyond(session, inner)
            tokens, thought = tokens - known[0], thought - known[1]
    leaving = (e for e in _within(session, fold) if e.state is State.RESIDENT and _leaves(e))
    return Folding(
        fold,
        frozenset(entry.page.id for entry in leaving),
        tokens,
        thought,
        bound=_is_bound(session, fold),
    )


def _is_bound(session: Session, fold: Fold) -> bool:
    start = max(fold.until, session.stripped)
    hidden = folded(session)
    later = range(start, len(session.messages)) if session.binds else range(0)
    return any(session.messages[at].thinks and at not in hidden for at in later)


def _beyond(session: Session, fold: Fold) -> tuple[int, int]:
    """Return what is missing from the window beside the pages once a fold is carried out.

    In tokens: without thinking, and the thinking that would be sent.
    """
    size = thought = 0
    for at in range(fold.first, fold.until):
        message = session.messages[at]
        size += message.size - message.thought
        thought += message.thought if at >= session.stripped else 0
    pages = sum(e.gain + e.short for e in _within(session, fold) if e.out or _leaves(e))
    kept = tokens_of_bytes(len(shown(fold).encode()), session.model)
    whole = tokens_of_bytes(size, session.model)
    return whole - pages - kept, tokens_of_bytes(thought, session.model)


def _within(session: Session, fold: Fold) -> Iterable[Entry]:
    """Yield the pages whose frames a fold covers."""
    entries = session.table.entries
    for page, frame in session.frames.items():
        if fold.first <= frame.message < fold.until and page in entries:
            yield entries[page]


def _leaves(entry: Entry) -> bool:
    """True if a page leaves with its fold: what the client took away itself is not here."""
    return not entry.page.cleared


def carried_out(folds: Iterable[Fold], done: Iterable[Fold], turn: int) -> tuple[Fold, ...]:
    """Return the folds with these *done* in this turn."""
    handles = {fold.handle for fold in done}
    return tuple(
        replace(f, done=turn) if f.handle in handles and f.done is None and not f.gone else f
        for f in folds
    )


def not_carried_out(folds: tuple[Fold, ...], since: int = 0) -> tuple[Fold, ...]:
    """Return the folds as they waited before this turn: what was done since then is not."""
    if not any(fold.out and _since(fold, since) for fold in folds):
        return folds
    return tuple(replace(f, done=None) if f.out and _since(f, since) else f for f in folds)


def _since(fold: Fold, turn: int) -> bool:
    return fold.done is not None and fold.done >= turn


def rewound(
    session: Session, frames: Mapping[PageId, Frame], shared: int
) -> tuple[Session, tuple[Event, ...]]:
    """Return the session when only the first *shared* messages are sent as they were.

    A fold of which the client changed anything, or the reply behind it, is given up, and its
    pages stand where they stood, as if they had never left. Thinking that it had hidden is sent
    again then: on models that bind it, everything before it is as it was, too.
    """
    lost = [fold for fold in session.folds if not fold.gone and fold.until >= shared]
    if not lost:
        return session, ()
    kept = (replace(f, gone=True, summary="") if f in lost else f for f in session.folds)
    folds = tuple(fold for fold in kept if fold.done is not None or not fold.gone)
    since = min((fold.done for fold in lost if fold.done is not None), default=None)
    if since is not None and session.binds:
        folds = not_carried_out(folds, since)
    back = [e for e in session.table.entries.values() if _returns(e, lost, since, session, frames)]
    table = session.table.restored(entry.page.id for entry in back)
    sent = [entry for entry in back if entry.out]
    events = (Returned(len(sent), sum(entry.gain for entry in sent)),) if sent else ()
    return replace(session, folds=folds, table=table), events


def _returns(
    entry: Entry,
    lost: Sequence[Fold],
    since: int | None,
    session: Session,
    frames: Mapping[PageId, Frame],
) -> bool:
    """True if a page is to stand again as the client sent it.

    One that is gone is so only if it left for the sake of its fold: it may come back.
    """
    if since is None or entry.moved is None or entry.moved < since:
        return False
    frame = frames.get(entry.page.id)
    if frame is None:
        done = {fold.done for fold in lost}
        return entry.moved in done and (entry.page.error or entry.page.opaque or entry.slight)
    mine = (f for f in lost if f.first <= frame.message < f.until)
    return entry.out and (session.binds or any(f.done == entry.moved for f in mine))
