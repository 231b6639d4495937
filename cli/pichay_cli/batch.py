"""What the verbs that work through many recordings have in common.

Rule of this file: results go to standard output when all is done; progress and what went wrong
go to standard error. One broken file makes the exit code 1, and stops nothing.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pichay_cli.amounts import plain, times
from pichay_cli.engines import Done, Told, Work, each
from pichay_cli.sources import find, history_folders, own_history, size

NAMED_AT_MOST = 3
"""Foreign files of folders that are named; the others are counted."""
PATIENCE_SECONDS = 1.0
FEW_FILES = 20
"""No progress is shown for so few files before patience has run out."""

paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path)
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Processes that work at a time; as many as there are cores if not said.",
)
dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Work on the Dask cluster of this scheduler, which must see the same files.",
)


@dataclass(slots=True)
class Troubles:
    """What could not be worked on."""

    named: frozenset[Path] = frozenset()
    """Files that the user named: one of these that is no recording is an error."""
    errors: list[str] = field(default_factory=list[str])
    """A line for each file, which it names."""
    foreign: list[Path] = field(default_factory=list[Path])
    """Files of folders that are no recordings."""

    def note(self, done: Done[Any]) -> None:
        """Remember what is wrong with a file, if anything is."""
        if done.foreign and done.path not in self.named:
            self.foreign.append(done.path)
        elif done.error is not None:
            self.errors.append(f"{done.path}: {done.error}")

    @property
    def exit_code(self) -> int:
        """1 if a recording could not be read, or a file that was named is none."""
        return 1 if self.errors else 0

    def say(self) -> None:
        """Print all of it on standard error."""
        for error in self.errors:
            click.echo(f"Skipped {plain(error)}", err=True)
        if self.foreign:
            click.echo(plain(_foreign(self.foreign)), err=True)


def _foreign(paths: Sequence[Path]) -> str:
    names = [str(path) for path in paths[:NAMED_AT_MOST]]
    more = [f"{len(paths) - len(names):,} more"] if len(paths) > len(names) else []
    count = times(len(paths), "file is no recording", "files are no recordings")
    return f"Skipped: {count} ({', '.join([*names, *more])})"


def chosen(paths: Sequence[Path], verb: str) -> list[Path]:
    """Return the paths, or where the user's own agents record if there are none.

    Raises a ClickException that says what to name if nothing is recorded there.
    """
    found = list(paths) or own_history()
    if not found:
        folders = " or ".join(str(folder) for folder in history_folders())
        raise click.ClickException(
            f"There are no recordings of Claude Code or Codex in {folders}. "
            f"Name files or folders: pichay {verb} PATH"
        )
    return found


def worked[T](
    paths: Sequence[Path],
    work: Work[T],
    jobs: int,
    dask: str | None,
    troubles: Troubles,
    told: Told | None = None,
) -> Iterator[tuple[Path, T]]:
    """Yield each recording with what *work* makes of it; *troubles* holds the rest afterwards.

    *told* holds what the work is given beside the path, for the files that it names.
    Where a terminal has to wait it shows a progress bar.
    """
    files = find(paths)
    if not files:
        where = ", ".join(str(path) for path in paths)
        raise click.ClickException(f"There are no recordings in {where}.")
    troubles.named = frozenset(path.expanduser() for path in paths)
    with closing(Waiting(files)) as waiting:
        for done in each(files, work, jobs, waiting.finished, dask, told):
            troubles.note(done)
            if done.result is not None:
                yield done.path, done.result


class Waiting:
    """A progress bar on standard error, once there is something to wait for; none in a pipe."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._sizes = {path: size(path) + 1 for path in files}
        self._started = time.monotonic()
        self._unshown = 0
        self._bar = ExitStack()
        self._move: Callable[[int], None] | None = None

    def finished(self, path: Path) -> None:
        """Move on by a file."""
        self._unshown += self._sizes[path]
        if self._move is None and self._worth_it():
            self._move = self._begin()
        if self._move is not None:
            self._move(self._unshown)
            self._unshown = 0

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _worth_it(self) -> bool:
        long = time.monotonic() - self._started > PATIENCE_SECONDS
        return (long or len(self._sizes) > FEW_FILES) and sys.stderr.isatty()

    def _begin(self) -> Callable[[int], None]:
        whole, label = sum(self._sizes.values()), times(len(self._sizes), "file")
        bar = click.progressbar(length=whole, label=label, file=sys.stderr)
        return self._bar.enter_context(bar).update
