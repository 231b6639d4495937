"""``pichay stats --live``: the figures on screen, up to date.

Rule of this file: it draws when the database has changed, at most four times a second, and
then rests so long that drawing takes no more than a twenty-fifth of a core, however big the
recording is.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from pichay_cli.amounts import tokens
from pichay_cli.events_view import name_of, story_of
from pichay_cli.overview import layouts
from pichay_cli.panels import ID_SHOWN
from pichay_cli.recording import NOTHING_YET, reading, usable
from pichay_cli.render import (
    QUIET,
    STRONG,
    Cell,
    Column,
    Either,
    Fitting,
    Piece,
    RenderableType,
    Screen,
    Sheet,
    Spark,
    inset,
    line,
    lines,
    screen,
    section,
)
from pichay_core.store import stories
from pichay_core.store.changes import Changes
from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Scope
from pichay_core.store.stories import EventStory

EVENTS = 8
"""Events shown, the last ones."""
WINDOWS = 400
"""Requests of which the window is looked at: no screen has more columns."""
TICK_SECONDS = 0.25
WORK_SHARE = 0.04
"""Of one core, for asking and drawing."""


def live_panel(database: Path, now: float, scope: Scope = EVERYTHING) -> RenderableType:
    """The figures of a recording with its newest session's window and the last events.

    *now* is in seconds since the epoch. Of a recording that is not there yet it says so.
    Raises a ClickException if the file cannot be used.
    """
    with reading(database) as db:
        if db is None:
            return inset(line(NOTHING_YET))
        window = _window(db, scope)
        events = stories.latest_events(db, EVENTS, scope)
        between = (
            *([Piece(window, 1)] if window else []),
            *([Piece(section("Events", _events(events)), 2, feed=True)] if events else []),
        )
        narrow, wide = layouts(db, now, scope, *between)
        return inset(Either(Fitting(narrow), Fitting(wide)))


def _window(db: Database, scope: Scope) -> RenderableType | None:
    session = scope.session or stories.newest(db)
    sizes = stories.windows(db, session, WINDOWS) if session else ()
    if not sizes or session is None:
        return None
    said = f"{tokens(sizes[-1])}, at most {tokens(max(sizes))}"
    title = line(
        ("Window", STRONG), (f" of session {session[:ID_SHOWN]} by request: {said}", QUIET)
    )
    return lines((title, Spark(sizes)))


def _events(events: Sequence[EventStory]) -> RenderableType:
    columns = (Column(least=70, style=QUIET), Column(right=True, style=QUIET), Column(), Column())
    return Sheet(columns, [_event(event) for event in events], cut=True)


def _event(event: EventStory) -> Sequence[Cell]:
    turn = "" if event.turn is None else f"turn {event.turn}"
    return (event.session or "")[:ID_SHOWN], turn, name_of(event), story_of(event)


def watch(database: Path, scope: Scope = EVERYTHING) -> None:
    """Keep the figures on the terminal until Ctrl-C; the last ones stay there."""
    with suppress(KeyboardInterrupt):
        watch_until(database, lambda: False, scope)


def watch_until(database: Path, over: Callable[[], bool], scope: Scope = EVERYTHING) -> None:
    """Keep the figures on the terminal until *over*; the last ones stay there."""
    with usable(database), closing(Changes(database)) as changes, screen() as shown:
        drawn = None
        while not over():
            # Asked before drawing: what is committed meanwhile is drawn next time.
            stamp = (changes.stamp(), shown.size())
            worked = 0.0 if stamp == drawn else _drawn(shown, database, scope)
            drawn = stamp
            time.sleep(max(TICK_SECONDS, worked / WORK_SHARE))


def _drawn(shown: Screen, database: Path, scope: Scope) -> float:
    """Draw; the seconds of processor time that it took."""
    began = time.process_time()
    shown.draw(live_panel(database, time.time(), scope))
    return time.process_time() - began
