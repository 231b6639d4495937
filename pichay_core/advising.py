"""A turn's end: is the model to be told how full its window is?

Rule of this file: after what leaves has left. What is told is what stands in the window of the
request that tells it; that it is told changes no decision about pages.
"""

from dataclasses import replace

from pichay_core.cooperate.zones import added, advice, entered, followed
from pichay_core.events import Advised
from pichay_core.pager import Advance, Seen
from pichay_core.request import Request
from pichay_core.schedule import Window
from pichay_core.session import Session


def advised(
    session: Session, request: Request, seen: Seen | None, advanced: Advance
) -> tuple[Session, tuple[Advised, ...]]:
    """Return the session with a note behind its newest message, if one is due and may stand there.

    Not while the client sums its conversation up, nor while no page may leave anyway. One that may
    not stand now is due until it may. *seen* is None if nothing is decided.
    """
    if seen is None:
        return session, ()
    window = window_after(seen, advanced)
    notes = followed(session.notes, window)
    zone = entered(notes, window)
    session = session if notes is session.notes else replace(session, notes=notes)
    if zone is None or session.birth is None or seen.hold:
        return session, ()
    text = advice(window, session.table, session.birth, session.secret)
    if text is None or not request.format.takes_note(request.messages):
        return session, ()
    notes = added(notes, zone, request.messages, text)
    return replace(session, notes=notes), (Advised(zone.name.lower(), window.tokens),)


def window_after(seen: Seen, advanced: Advance) -> Window:
    """Return how the window stands when everything that leaves in a turn has left."""
    thinking = advanced.given_up.tokens if advanced.given_up else 0
    left = seen.window.tokens - advanced.table.absent - seen.folded - thinking
    return replace(seen.window, tokens=max(0, left))
