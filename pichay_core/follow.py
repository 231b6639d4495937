"""A session moved on to the messages of a request: what is new in them, what is gone.

One idea: what the client sends again is where it was; only what comes behind it is placed anew,
and a history that was changed in place brings no time with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pichay_core.events import Event, Returned, Rewound
from pichay_core.folding import not_carried_out, rewound
from pichay_core.model import PageId, State
from pichay_core.models import binds_thinking
from pichay_core.presence import mark_gone
from pichay_core.referring import restored
from pichay_core.request import Request
from pichay_core.session import Frame, Match, Session
from pichay_core.table import PageTable
from pichay_core.thinking import reopened, still_stripped
from pichay_core.tokens import tokens_of_bytes
from pichay_core.transcript import USER, Placed, frames_before, place
from pichay_core.wire.message import Message


@dataclass(frozen=True, slots=True)
class Follow:
    """The session moved on to the request's messages, and what is new in them."""

    session: Session
    placed: Placed
    events: tuple[Event, ...] = ()
    """That the client changed its history, if it did."""


def follow(matched: Match, request: Request) -> Follow:
    """Return the session of a match with the request's messages in it; nothing is decided."""
    session, messages = matched.session, request.messages
    model = request.head.model or session.model
    appended = session.placed and matched.how in ("extends", "repeats")
    placed = _place(matched, request, appended)
    moved = replace(
        session,
        texts=session.texts if appended else None,
        messages=messages,
        heard=request.own,
        frames=placed.frames,
        turn=placed.turn,
        placed=True,
        model=model,
        wire=request.format.name,
        provider=request.provider,
        binds=session.binds or binds_thinking(model),
        notes=session.notes.within(matched.shared),
    )
    if appended or matched.how in ("extends", "repeats"):
        return Follow(moved, placed)
    table = mark_gone(session.table, frozenset(placed.frames))
    gone = len(_gone(table) - _gone(session.table))
    event = Rewound(matched.shared, matched.how, gone)
    moved, back = rewound(replace(moved, table=table), placed.frames, matched.shared)
    table, whole = restored(moved.table)
    stripped = still_stripped(session.messages, session.stripped, messages, matched.shared)
    happened = (event, *back, *whole)
    followed = Follow(replace(moved, table=table, stripped=stripped), placed, happened)
    return _reopened(followed, session)


def _reopened(followed: Follow, before: Session) -> Follow:
    """Return the session as it was when the latest reply was thought, if that must be sent.

    The client has gone back into a tool loop. What its thinking is bound to stood in full then.
    """
    session = followed.session
    latest = reopened(session.messages, session.stripped)
    if latest is None:
        return followed
    frames = {**before.frames, **session.frames}
    behind = [page for page in _known(session, frames) if frames[page].message > latest]
    since = min((session.table[page].born for page in behind), default=session.turn)
    entries = [session.table[page] for page in _known(session, session.frames)
               if session.frames[page].message < latest]  # fmt: skip
    back = [e for e in entries if e.out and e.moved is not None and e.moved >= since]
    table = session.table.restored(entry.page.id for entry in back)
    events = (Returned(len(back), sum(entry.gain for entry in back)),) if back else ()
    return replace(
        followed,
        session=replace(
            session, table=table, stripped=latest, folds=not_carried_out(session.folds, since)
        ),
        events=(*followed.events, *events),
    )


def _known(session: Session, frames: Mapping[PageId, Frame]) -> list[PageId]:
    return [page for page in frames if page in session.table]


def _gone(table: PageTable) -> set[PageId]:
    return {page for page, entry in table.entries.items() if entry.state is State.GONE}


def _place(matched: Match, request: Request, appended: bool) -> Placed:
    session, messages = matched.session, request.messages
    model = request.head.model or session.model

    def tokens_of(size: int) -> int:
        return tokens_of_bytes(size, model)

    if appended:
        start = len(session.messages)
        return place(messages, start, session.frames, session.turn, tokens_of)
    kept = frames_before(session.frames, matched.shared) if session.placed else {}
    start = matched.shared if session.placed else 0
    clock = session.turn - _turns(messages[start : matched.shared])
    placed = place(messages, start, kept, clock, tokens_of)
    unheard = _unheard(session.messages[matched.shared :], messages[matched.shared :])
    turn = session.turn + _turns(unheard)
    pages = (replace(page, turn=min(page.turn, turn)) for page in placed.pages)
    return Placed(placed.frames, tuple(pages), turn)


def _turns(messages: Iterable[Message]) -> int:
    return sum(message.role == USER for message in messages)


def _unheard(old: Sequence[Message], messages: Sequence[Message]) -> Sequence[Message]:
    """Return those of *messages* that follow the last one which is among the *old*.

    A client that changes an old message in place, or keeps the tail of what it compacts,
    sends nothing new behind it: no time has passed.
    """
    heard = {message.digest for message in old}
    last = next((n for n in reversed(range(len(messages))) if messages[n].digest in heard), -1)
    return messages[last + 1 :]
