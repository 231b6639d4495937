"""What stood in the window of a request, by kind, and which of it was in use.

Rule of this file: estimated, like the pages. The kinds do not overlap, and together they are the
window, nearly: the provider's own count stands beside them in ``turns``.

Source of the working set: P. Denning, "The working set model for program behavior", 1968. W(t, tau)
is what was referenced in the last tau turns before t, in the window or not.
"""

import json
from collections.abc import Iterable, Sequence

from pichay_core.folding import folded
from pichay_core.model import Kind, State
from pichay_core.session import Session
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned
from pichay_core.store.turns import Counted

WORKING_TURNS = 16
"""The tau of ``turns.working_tokens``: so long a single fault's pin holds, too."""
TAUS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Of ``turns.working_curve``."""


def shape_row(record: Turned, counted: Sequence[Counted], each: float) -> Row:
    """Return the columns of a turn that say what its window held, in tokens.

    *each*: tokens of its model per byte of text.
    """
    session = record.after
    standing = [one for one in counted if one.entry.state is State.RESIDENT]
    kinds = {
        f"{kind}_tokens": sum(_held(one) for one in standing if one.entry.page.call.kind is kind)
        for kind in Kind
    }
    curve = [working_set(session.turn, counted, tau) for tau in TAUS]
    front = (session.head.size if session.head else 0) - record.definitions + record.protocol
    thought = _thought(session)
    return {
        "front_tokens": round(max(0, front) * each),
        "talk_tokens": round(max(0, _said(session) - thought) * each),
        "thought_tokens": round(thought * each),
        **kinds,
        "stub_tokens": sum(one.tokens - one.short - one.gain for one in counted if one.entry.out),
        "pinned_tokens": sum(_held(one) for one in standing if one.entry.pin is not None),
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


def _held(one: Counted) -> int:
    return one.tokens - one.short


def _said(session: Session) -> int:
    """Return the bytes of the messages beside their tool results, without collapsed turns."""
    hidden = folded(session)
    seen = [message for at, message in enumerate(session.messages) if at not in hidden]
    return sum(m.size - sum(result.bytes for result in m.results) for m in seen)


def _thought(session: Session) -> int:
    hidden = folded(session)
    sent = (at for at in range(session.stripped, len(session.messages)) if at not in hidden)
    return sum(session.messages[at].thought for at in sent)
