"""What is in a recording, described once: for the docs, ``pichay sql``, Datasette and the export.

Rule of this package: every table, view and column of the newest version stands here once, and
none that does not exist; a test compares it with a fresh database.
"""

from pichay_core.store.described.happened import HAPPENED
from pichay_core.store.described.pages import PAGES, RESTART
from pichay_core.store.described.shapes import Column, Described
from pichay_core.store.described.turns import TURNS
from pichay_core.store.described.views import ANSWERS

__all__ = ["ALL", "ANSWERS", "INTRODUCTION", "TABLES", "Column", "Described", "named"]

_SESSIONS, _FLUSHES, _EPISODES, _EVENTS = HAPPENED
TABLES = (_SESSIONS, TURNS, PAGES, _EVENTS, _FLUSHES, _EPISODES, *RESTART)
"""The tables: those of what happened first, then those that a restart needs."""
ALL = (*TABLES, *ANSWERS)
"""Tables and views."""

INTRODUCTION = (
    "A *session* is one conversation; each request of it is a *turn*, with what the provider "
    "billed and what it would have billed untouched. "
    "A *page* is one tool result and where it is now; its *content* is kept once, by hash, when "
    "it leaves the window. "
    "An *event* is one thing that happened: a page was evicted, a fault brought it back, a "
    "request passed as it came. "
    "A *flush* is a turn in which pages left together, an *episode* a stretch in which they came "
    "back as fast: each with what it brought and what it cost."
)
"""The whole in four sentences."""


def named(name: str) -> Described | None:
    """Return what is said of a table or view, None if there is none of that name."""
    return next((one for one in ALL if one.name == name.lower()), None)
