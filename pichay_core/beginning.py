"""What a session goes upstream with beside its messages: given at its birth, then carried on.

Rule of this file: what stands before the messages changes at a session's first request, where
nothing is cached any more, or where the client itself demands it; never otherwise.
"""

from dataclasses import replace

from pichay_core.birth.choice import Birth, chosen, only_begun
from pichay_core.birth.misses import announced, carried_on
from pichay_core.cooperate.tags import nonce_of
from pichay_core.easing import noticed
from pichay_core.events import Event, Warned
from pichay_core.folding import not_carried_out
from pichay_core.follow import Follow
from pichay_core.request import Request
from pichay_core.session import Match, Session
from pichay_core.warmth import served, warm

TWICE = "tool results sent twice"
ASIDE = Warned("clearing left to the client", "it sends a context_management of its own now")


def begun(matched: Match, moved: Follow, request: Request, wanted: Birth | None) -> Follow:
    """Return the turn so far with what its session is given, and what came of that before.

    *wanted* is what a conversation gets that begins now, None if none may begin.
    """
    session = _as_sent(moved.session)
    events: tuple[Event, ...] = ()
    if session.birth is None:
        session, events = _born(session, request, wanted)
    elif matched.how != "repeats":
        session, events = _carried_on(matched, session, session.birth, request)
    session, aside = _aside(session, request)
    session, twice = _once(session, request)
    over = noticed(moved.session.watch, session.watch)
    return replace(moved, session=session, events=(*events, *moved.events, *aside, *twice, *over))


def _once(session: Session, request: Request) -> tuple[Session, tuple[Event, ...]]:
    """Return what is said, once a session, of results that stand twice in the client's body."""
    size = request.outline.twice
    if not size or TWICE in session.warned:
        return session, ()
    told = Warned(TWICE, f"each goes upstream once: {size:,} bytes of this request do not")
    return replace(session, warned=session.warned | {TWICE}), (told,)


def _as_sent(session: Session) -> Session:
    """Return the session without decisions that were only recorded, or given up by observing.

    While it was observed, the client's own text went upstream: it is what the provider has
    cached, and what it has bound thinking to. What is to leave is decided anew.
    """
    if session.edited and not session.observed:
        return session
    if session.observed:
        session = replace(session, birth=None)
    table, folds = session.table.as_sent(session.frames), not_carried_out(session.folds)
    notes, watch = session.notes.within(0), session.watch.broken_off(session.turn)
    same = table is session.table and folds is session.folds and notes is session.notes
    if same and not session.stripped and watch == session.watch:
        return session
    return replace(
        session, table=table, texts=None, stripped=0, folds=folds, notes=notes, watch=watch
    )


def _born(
    session: Session, request: Request, wanted: Birth | None
) -> tuple[Session, tuple[Event, ...]]:
    """Return the session with what it is given at its birth, if it is being born."""
    if wanted is None or session.requests or session.parent or not only_begun(request):
        return session, ()
    birth = chosen(wanted, request)
    if birth.tags:
        birth = replace(birth, nonce=nonce_of(session.secret))
    return replace(session, birth=birth), announced(birth, request)


def _carried_on(
    matched: Match, session: Session, birth: Birth, request: Request
) -> tuple[Session, tuple[Event, ...]]:
    """Return the session with the definitions that have become due."""
    before = matched.session
    cold = not warm(before, request.at) or not served(before, request)
    bound = session.binds and any(message.thinks for message in request.messages)
    new = request.messages[matched.shared :]
    birth, events = carried_on(birth, request, new, cold, bound)
    return replace(session, birth=birth), events


def _aside(session: Session, request: Request) -> tuple[Session, tuple[Event, ...]]:
    """Return the session that leaves clearing to a client that asks for it too.

    From then on: to come back would break the provider's cache once more.
    """
    birth = session.birth
    if birth is None or not birth.clears or not request.format.manages(request.outline):
        return session, ()
    return replace(session, birth=replace(birth, clears=0)), (ASIDE,)
