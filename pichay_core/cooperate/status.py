"""What the model is told when it asks how its window stands.

One idea: what changes with every request is said on request, as a result at the end of the
conversation, so that nothing of it stands in the prefix. Amounts are estimates, and are said to be.
"""

from collections.abc import Sequence
from heapq import nlargest

from pichay_core.cooperate.fold import Fold
from pichay_core.cooperate.means import Means, Outcome
from pichay_core.cooperate.recalls import ago
from pichay_core.pager import may_leave
from pichay_core.schedule import Window
from pichay_core.schedule.pressure import zone_of
from pichay_core.session import Session
from pichay_core.stubs import called, handle_of
from pichay_core.table import Entry

MOST_LISTED = 10


def status(session: Session, means: Means) -> Outcome:
    """Return the answer: how full, how old, what is largest, what is out, what is about to leave.

    A page in the window has no name yet; it is given by the one that it would get, which a
    release takes.
    """
    inside = [entry for entry in session.table.resident() if may_leave(entry, means.limits)]
    largest = nlargest(MOST_LISTED, inside, key=_tokens)
    out = sum(entry.out for entry in session.table.entries.values())
    lines = [
        f"{_filled(means.window)} This is turn {session.turn}.",
        _TURNS,
        *(["The largest results in it:"] if largest else []),
        *(_line(entry, session) for entry in largest),
        f"{_counted(out, 'result')} moved out. {_waiting(inside)}",
        *map(_promised, session.folds),
    ]
    return Outcome(session, "\n".join(line for line in lines if line))


_TURNS = "Each message of the user, and each set of tool results, begins a turn."


def _promised(fold: Fold) -> str:
    """Return what is said of turns that are to be collapsed; nothing of those that are."""
    if fold.gone or fold.done is not None:
        return ""
    first, last = fold.turns
    return f"Turns {first:,} to {last:,} are collapsed with the next flush."


def _filled(window: Window) -> str:
    if not window.size:
        return f"The context window holds about {window.tokens:,} tokens; its size is not known."
    share = round(100 * window.tokens / window.size)
    zone = zone_of(window).name.lower()
    return (
        f"The context window holds about {window.tokens:,} of {window.size:,} tokens "
        f"({share} %, zone: {zone})."
    )


def _tokens(entry: Entry) -> int:
    return entry.page.tokens - entry.short


def _line(entry: Entry, session: Session) -> str:
    name = handle_of(entry.page.id, session.secret)
    said = f"- {called(entry.page)}: {_tokens(entry):,} tokens, {ago(entry, session)}, page {name}"
    return f"{said}, pinned" if entry.pin else said


def _waiting(inside: Sequence[Entry]) -> str:
    released = [entry for entry in inside if entry.released]
    if not released:
        return "None waits to leave."
    tokens = sum(entry.gain for entry in released)
    return f"{_counted(len(released), 'result')} released: {tokens:,} tokens, with the next flush."


def _counted(number: int, what: str) -> str:
    return f"1 {what} is" if number == 1 else f"{number:,} {what}s are"
