"""The recording that a verb looks at: opened, asked, closed, or a plain word why not.

Rule of this file: no traceback reaches the user for what is wrong with a file.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from pichay_cli.amounts import ago, duration, moment, plain
from pichay_core.store import figures, stories
from pichay_core.store.database import Database
from pichay_core.store.place import database_path
from pichay_core.store.schema import Unusable, open_for_reading, open_for_writing

NOTHING_YET = "Nothing is recorded yet. Start an agent with: pichay run -- claude"
KNOWN_SHOWN = 5
"""Sessions that are listed when the one asked for is not there."""


class Duration(click.ParamType):
    """``90s``, ``45m``, ``2h``, ``3d``, ``1w``, as seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Raises a usage error that shows what may be typed."""
        seconds = value if isinstance(value, float) else duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not a duration. Say 30d, 12h or 45m.", param, ctx)
        return seconds


class Since(click.ParamType):
    """A duration ago or an ISO time, as seconds since the epoch."""

    name = "since"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Raises a usage error that shows what may be typed."""
        at = value if isinstance(value, float) else moment(str(value), time.time())
        if at is None:
            self.fail(f"{value!r} is no time. Say 2h, 3d or 2026-01-31T09:00.", param, ctx)
        return at


def _chosen(_ctx: object, _param: object, path: Path | None) -> Path:
    """The named file, which must be there, or Pichay's own."""
    return path.expanduser().absolute() if path else database_path()


database_option = click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    callback=_chosen,
    help="Look at this recording, not at the one in PICHAY_HOME.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="The same as JSON.")


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """What is wrong with the file is raised as a ClickException that says what to do."""
    try:
        yield
    except Unusable as error:
        raise click.ClickException(str(error)) from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{path} cannot be used: {error}.") from error


@contextmanager
def _opened(path: Path, opener: Callable[[Path], Database]) -> Iterator[Database]:
    with usable(path):
        db = opener(path)
        with closing(db.conn):
            yield db


@contextmanager
def reading(path: Path) -> Iterator[Database | None]:
    """The recording, open to be read; None if nothing was recorded there yet."""
    if not path.exists():
        yield None
        return
    with _opened(path, open_for_reading) as db:
        yield db if figures.recorded(db) else None


@contextmanager
def something(path: Path) -> Iterator[Database]:
    """The recording, open to be read. Raises a ClickException if there is nothing in it."""
    with reading(path) as db:
        if db is None:
            raise click.ClickException(NOTHING_YET)
        yield db


@contextmanager
def changing(path: Path) -> Iterator[Database]:
    """The recording, open to be changed. Raises a ClickException if there is nothing in it."""
    with something(path):
        pass
    with _opened(path, open_for_writing) as db:
        yield db


def session_named(db: Database, text: str) -> str:
    """The session whose id is, or begins with, *text*; ``last`` is the one seen last."""
    found = stories.matching(db, text)
    if text == "last" and not found and (last := stories.newest(db)):
        return last
    if len(found) == 1:
        return found[0]
    if found and text:
        names = ", ".join(found[:KNOWN_SHOWN])
        raise click.ClickException(f"{text} begins {len(found)} sessions: {names}. Say more of it.")
    raise click.ClickException(f"There is no session {text or '(empty)'}. {_known(db)}")


def _known(db: Database) -> str:
    latest = figures.sessions(db, KNOWN_SHOWN)
    if not latest:
        return "None is recorded yet: traffic was only let through. See: pichay stats"
    now = time.time()
    lines = (f"\n  {s.id}  {s.kind}, {plain(s.model)}, {ago(now - s.last_at)} ago" for s in latest)
    return f"The latest are:{''.join(lines)}"
