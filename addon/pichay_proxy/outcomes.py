"""What a turn came to, in the recorder's words."""

from dataclasses import replace

from pichay_core.folding import not_carried_out, rewound
from pichay_core.model import State
from pichay_core.pager import Held
from pichay_core.rewrite import Rewritten
from pichay_core.session import Match, Session, shared_prefix
from pichay_core.table import PageTable
from pichay_core.thinking import still_stripped
from pichay_core.turn import Turn

MOST_FAILURES = 3
"""After so many failures a session is only observed."""

LONGEST_FAILURE = 300
"""Characters of an error that are recorded."""


def shared_of(matched: Match, turn: Turn) -> int:
    """Return how many messages the session holds that it held before."""
    held = turn.session.messages
    return len(held) if held is matched.session.messages else matched.shared


def with_failure(session: Session) -> Session:
    """Return the session with one more failure; frozen from the third on."""
    failures = session.failures + 1
    frozen = session.frozen or (f"{failures} failures" if failures >= MOST_FAILURES else None)
    return replace(session, failures=failures, frozen=frozen)


def undecided(after: Session, before: Session, kept: Rewritten) -> Session:
    """Return the session after a turn of which nothing was carried out but what stood before."""
    known, shared = before.messages, shared_prefix(before.messages, after.messages)
    before, _ = rewound(before, after.frames, shared)
    known_folds = {fold.handle for fold in before.folds if fold.out}
    folds = (f if f.handle in known_folds else not_carried_out((f,))[0] for f in after.folds)
    return replace(
        after,
        table=_as_kept(after.table, before.table),
        birth=before.birth,
        edited=before.edited,
        stripped=still_stripped(known, before.stripped, after.messages, shared),
        notes=before.notes.within(shared),
        flushed=before.flushed,
        boundary=before.boundary,
        previous=before.previous,
        folds=tuple(folds),
        texts=None,
        sent=kept.sent,
        watch=before.watch,
        mode=before.mode if before.observed else after.mode,  # it went as it came once more
    )


def _as_kept(after: PageTable, before: PageTable) -> PageTable:
    """Return a table in which what is new stands as it came, and the rest as it stood before."""
    shown = {page for page, entry in before.entries.items() if entry.state is not State.GONE}
    table = after.as_sent(after.entries.keys() - shown)
    changed = (table[page].standing_as(before[page]) for page in shown)
    return table.with_entries(entry for entry in changed if entry is not table[entry.page.id])


def failure(error: BaseException) -> str:
    """Return what is recorded of an error: it may quote what it stumbled on, so only how it
    begins."""
    return f"{type(error).__name__}: {error}"[:LONGEST_FAILURE]


def outcome_of(turn: Turn, client_body: bytes, why: str | None) -> str:
    """Return the turn's outcome as the table ``turns`` has it."""
    if turn.problems:
        return "failed"
    if turn.body is not client_body:
        return "edited"
    return "observed" if why else "as_is"


def held_of(held: Held, why: str | None) -> Held:
    """Return what was held back, with the reason why the session is not paged, if it has one."""
    return held if held.pages or why is None else replace(held, why=why)
