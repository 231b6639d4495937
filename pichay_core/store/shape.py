"""What stood in the window of a request, by kind, and which of it was in use.

Rule of this file: estimated, like the pages. The kinds do not overlap, and together they are the
window, nearly: the provider's own count stands beside them in ``turns``.

Source of the working set: P. Denning, "The working set model for program behavior", 1968. W(t, tau)
is what was referenced in the last tau turns before t, in the window or not.
"""

import json
from collections.abc import Iterable, Sequence

from pichay_core.cooperate.fold import shown as text_of_fold
from pichay_core.folding import folded, standing
from pichay_core.model import Kind, State
from pichay_core.session import Session
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned
from pichay_core.store.turns import Counted
from pichay_core.table import Entry

WORKING_TURNS = 16
"""The tau of ``turns.working_tokens``: so long a single fault's pin holds, too."""
TAUS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Of ``turns.working_curve``."""
_AS_IT_CAME = ("as_is", "observed")
"""Outcomes of requests that went upstream as they came, whatever the table says of their pages."""


def shape_row(record: Turned, counted: Sequence[Counted], each: float) -> Row:
    """Return the columns of a turn that say what its window held, in tokens.

    *each*: tokens of its model per byte of text.
    """
    session, whole = record.after, record.outcome in _AS_IT_CAME
    hidden = frozenset[int]() if whole else folded(session)
    shown = [one for one in counted if session.frames[one.entry.page.id].message not in hidden]
    held = [
        (one.entry, one.tokens - (0 if whole else one.short))
        for one in shown
        if _stands(one.entry, whole)
    ]
    kinds = {
        f"{kind}_tokens": sum(size for entry, size in held if entry.page.call.kind is kind)
        for kind in Kind
    }
    curve = [working_set(session.turn, counted, tau) for tau in TAUS]
    front = (session.head.size if session.head else 0) - record.definitions + record.protocol
    said = _said(session, hidden) - record.listed
    out = (one for one in shown if one.entry.out and not whole)
    return {
        "front_tokens": round(max(0, front) * each),
        "talk_tokens": round(max(0, said) * each),
        "thought_tokens": round(_thought(session, hidden, 0 if whole else session.stripped) * each),
        **kinds,
        "stub_tokens": sum(one.tokens - one.short - one.gain for one in out),
        "pinned_tokens": sum(size for entry, size in held if entry.pin is not None),
        "working_tokens": curve[TAUS.index(WORKING_TURNS)],
        "working_curve": json.dumps(dict(zip(map(str, TAUS), curve, strict=True))),
    }


def working_set(turn: int, counted: Iterable[Counted], tau: int) -> int:
    """Return the tokens of what was referenced in the last *tau* turns, each thing once.

    Of several copies of one thing the newest counts; the client's own placeholders do not.
    """
    used = {
        one.entry.page.call.key or one.entry.page.id: one.tokens
        for one in counted
        if turn - one.entry.last_use < tau
        and one.entry.state is not State.GONE
        and not one.entry.page.cleared
    }
    return sum(used.values())


def _stands(entry: Entry, whole: bool) -> bool:
    """True if a page stands in the window; *whole*: it went upstream as it came.

    What the client gives as a mere note is part of its talk then.
    """
    if whole:
        return entry.state is not State.GONE and entry.repairs is None
    return entry.state is State.RESIDENT


def _said(session: Session, hidden: frozenset[int]) -> int:
    """Return the bytes of what is said beside tool results and thinking.

    With the summaries that stand for *hidden* messages. A result is taken off as it is written:
    an end of a line takes two bytes.
    """
    seen = [message for at, message in enumerate(session.messages) if at not in hidden]
    said = sum(message.size - message.thought for message in seen)
    brought = sum(result.bytes + result.lines for message in seen for result in message.results)
    summaries = standing(session) if hidden else ()
    return said - brought + sum(len(text_of_fold(fold).encode()) for fold in summaries)


def _thought(session: Session, hidden: frozenset[int], first: int) -> int:
    """Return the bytes of thinking that is sent, from the *first* message that has any."""
    sent = (at for at in range(first, len(session.messages)) if at not in hidden)
    return sum(session.messages[at].thought for at in sent)
