"""A recording on screen, up to date, until somebody ends it.

Rule of this file: it draws when the recording has changed, at most four times a second, and then
rests so long that drawing takes no more than a twenty-fifth of a core, however big the recording
is. Only a key does not wait.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from pichay_cli.live.keys import keyboard
from pichay_cli.live.roll import View, ordered, pressed
from pichay_cli.live.screen import drawing
from pichay_cli.live.signals import asked
from pichay_cli.recording import NOTHING_YET, reading, usable
from pichay_cli.render import RenderableType, Screen, inset, line, screen
from pichay_core.store.changes import Changes
from pichay_core.store.database import Database
from pichay_core.store.glance import Glance, SessionLine, glance, lines
from pichay_core.store.running import Running
from pichay_core.store.scope import EVERYTHING, Scope

TICK_SECONDS = 0.25
WORK_SHARE = 0.04
"""Of one core, for asking and drawing."""
STALE_SECONDS = 15
"""After so long it is drawn anew though nothing has changed: what was live may be so no more."""

MOST_ROWS = 100
"""Sessions and events that are drawn, where a screen is higher or there is none."""


def live_panel(database: Path, now: float, scope: Scope = EVERYTHING) -> RenderableType:
    """The screen of a recording as it is at *now* (seconds since the epoch).

    Of a recording that is not there yet it says so. Raises a ClickException if the file cannot be
    used.
    """
    looking = Looking(database, scope)
    looking.look()
    return looking.drawn(now, keys=False)


class Looking:
    """A recording, what was read of it, and what the keys have chosen."""

    def __init__(self, database: Path, scope: Scope = EVERYTHING) -> None:
        """Begin with the whole recording, or with the session that *scope* names."""
        self._database = database
        self._running = Running(scope.since)
        self._seen: Glance | None = None
        self.view = View(scope.session, scope.session is not None)

    def look(self) -> None:
        """Read what is new."""
        with reading(self._database) as db:
            if db is None:
                self._seen = None
                return
            self._running.follow(db)
            self._see(db, lines(db, Scope(None, self._running.since)))

    def press(self, keys: Sequence[str], now: float) -> None:
        """Do what keys say, and read what is seen then."""
        if self._seen is None:
            self.view = replace(self.view, over="quit" in keys)
            return
        order = [one.id for one in ordered(self._seen.sessions, now)]
        marked = self._seen.near.session if self._seen.near else None
        for key in keys:
            self.view = pressed(self.view, key, order, marked)
            marked = self.view.chosen or marked
        with reading(self._database) as db:
            if db is not None:
                self._see(db, self._seen.sessions)

    def drawn(self, now: float, keys: bool, rows: int = MOST_ROWS) -> RenderableType:
        """What is to be seen at *now*, on a screen of so many *rows*."""
        if self._seen is None:
            return inset(line(NOTHING_YET))
        return drawing(self._seen, now, keys, min(rows, MOST_ROWS))

    def _see(self, db: Database, sessions: tuple[SessionLine, ...]) -> None:
        view = self.view
        self._seen = glance(db, self._running, sessions, view.chosen, view.opened)


def watch(database: Path, scope: Scope = EVERYTHING) -> None:
    """Keep the figures on the terminal until q or Ctrl-C; the last ones stay there."""
    with suppress(KeyboardInterrupt):
        watch_until(database, lambda: False, scope)


def watch_until(database: Path, over: Callable[[], bool], scope: Scope = EVERYTHING) -> None:
    """Keep the figures on the terminal until *over*, or q; the last ones stay there."""
    with (
        usable(database),
        asked() as wanted,
        closing(Changes(database)) as changes,
        keyboard() as pressing,
        screen() as shown,
    ):
        looking, drawn, due = Looking(database, scope), None, 0.0
        while not over() and not looking.view.over:
            began = time.monotonic()
            # Asked before drawing: what is committed meanwhile is drawn next time.
            stamp = (changes.stamp(), shown.size(), began // STALE_SECONDS)
            if began >= due and stamp != drawn:
                worked = _drawn(shown, looking, pressing.descriptor is not None)
                drawn = stamp
                due = time.monotonic() + max(TICK_SECONDS, worked / WORK_SHARE)
            keys = pressing.wait(TICK_SECONDS)
            if wanted.stop:
                with pressing.given_back(), shown.left():
                    wanted.stopped()
                drawn = None
            if keys:
                looking.press(keys, time.time())
                shown.draw(looking.drawn(time.time(), True, shown.size()[1]))
        if not looking.view.over:
            _drawn(shown, looking, pressing.descriptor is not None)


def _drawn(shown: Screen, looking: Looking, keys: bool) -> float:
    """Read and draw; the seconds of processor time that it took."""
    began = time.process_time()
    looking.look()
    shown.draw(looking.drawn(time.time(), keys, shown.size()[1]))
    return time.process_time() - began
