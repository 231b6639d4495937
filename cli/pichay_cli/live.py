"""``pichay stats --live``: the figures on screen, up to date.

Rule of this file: it draws when the database has changed, at most four times a second, and
then rests so long that drawing takes no more than a twenty-fifth of a core, however big the
recording is.
"""

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from sqlite_utils import Database

from pichay_cli.amounts import tokens
from pichay_cli.events_view import name_of, story_of
from pichay_cli.overview import overview
from pichay_cli.panels import ID_SHOWN
from pichay_cli.recording import NOTHING_YET, reading
from pichay_cli.render import (
    QUIET,
    Column,
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
        happened = section("Events", _events(events)) if events else None
        between = [part for part in (window, happened) if part]
        return inset(overview(db, now, scope, *between))


def _window(db: Database, scope: Scope) -> RenderableType | None:
    session = scope.session or stories.newest(db)
    sizes = stories.windows(db, session, WINDOWS) if session else ()
    if not sizes or session is None:
        return None
    said = f"{tokens(sizes[-1])} tokens, at most {tokens(max(sizes))}; a bar is a request"
    title = line(("Window", "bold"), (f" of session {session[:ID_SHOWN]}: {said}", QUIET))
    return lines((title, Spark(sizes)))


def _events(events: Sequence[EventStory]) -> RenderableType:
    columns = (
        Column(least=70, style=QUIET),
        Column(right=True, style=QUIET),
        Column(),
        Column(),
    )
    return Sheet(
        columns,
        [
            (
                (event.session or "")[:ID_SHOWN],
                "" if event.turn is None else f"turn {event.turn}",
                name_of(event),
                story_of(event),
            )
            for event in events
        ],
    )


def watch(database: Path, scope: Scope = EVERYTHING) -> None:
    """Keep the figures on the terminal until Ctrl-C; the last ones stay there."""
    with (
        suppress(KeyboardInterrupt),
        closing(Changes(database)) as changes,
        screen(live_panel(database, time.time(), scope)) as shown,
    ):
        seen = (changes.stamp(), shown.size())
        while True:
            time.sleep(TICK_SECONDS)
            stamp = (changes.stamp(), shown.size())
            if stamp != seen:
                seen = stamp
                _draw(shown, database, scope)


def _draw(shown: Screen, database: Path, scope: Scope) -> None:
    """Draw, and rest so long that drawing again and again stays within its share."""
    began = time.process_time()
    shown.draw(live_panel(database, time.time(), scope))
    time.sleep((time.process_time() - began) / WORK_SHARE)
