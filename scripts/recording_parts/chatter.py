"""What else happens in a session, drawn: events that change no sum."""

import random
from collections.abc import Sequence
from itertools import accumulate

from recording_parts.paged import Made

type Said = tuple[str, str | None, int | None, str | None]

_OF_PAGES = (
    ("pinned", None, 14),
    ("unpinned", "decayed", 9),
    ("unpinned", "changed", 4),
    ("duplicated", None, 9),
    ("differed", None, 5),
    ("trimmed", None, 3),
    ("repaired", None, 3),
    ("released", "not needed any more", 4),
    ("expanded", None, 1),
)
_OF_SESSIONS = (
    ("passed", "not a chat request", 20),
    ("missed", "messages_changed", 4),
    ("advised", "advisory", 4),
    ("asked", "answered", 8),
    ("asked", "unknown page", 1),
    ("called", None, 2),
    ("warned", "no slot for a marker", 1),
    ("stripped", None, 1),
    ("dropped", "prefix_binding_mismatch", 1),
    ("cleared", "asked by us", 1),
    ("failed", "ValueError", 0.1),
)
_ALL = (*_OF_PAGES, *_OF_SESSIONS)
_WEIGHTS = list(accumulate(weight for _, _, weight in _ALL))
_UNSIZED = ("pinned", "unpinned", "released", "repaired")
_OF_PAGE = frozenset(_OF_PAGES)
_DETAIL: dict[str, dict[str, object]] = {
    "pinned": {"strength": 1.0},
    "duplicated": {"of": "0" * 20},
    "differed": {"of": "0" * 20},
    "repaired": {"by": "0" * 20, "stale": False},
    "asked": {"tool": "memory_fault"},
    "called": {"tool": "WebFetch"},
    "stripped": {"blocks": 2, "first": 0, "upto": 4},
    "dropped": {"blocks": 1, "path": "messages.3.content.0", "edited": False},
    "cleared": {"pages": 3},
    "passed": {"detail": ""},
    "warned": {"detail": ""},
}


def filler(standing: Sequence[Made], drawn: random.Random) -> tuple[Said, dict[str, object]]:
    """Return one event, and its detail."""
    of_any = drawn.choices(_ALL, cum_weights=_WEIGHTS)[0]
    one = of_any if standing or of_any not in _OF_PAGE else drawn.choice(_OF_SESSIONS)
    kind, why, _ = one
    detail = _DETAIL.get(kind, {})
    if one not in _OF_PAGE:
        return (kind, None, 40 + int(drawn.expovariate(1 / 900)), why), detail
    page = standing[-1 - int(len(standing) * drawn.random() ** 3)]
    return (kind, page.id, None if kind in _UNSIZED else page.tokens, why), detail
