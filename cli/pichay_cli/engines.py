"""One function over many files: in processes, in this one, or on a Dask cluster.

Rule of this file: every engine is a :class:`concurrent.futures.Executor`, so there is one loop.
Results come in the order of the files, whatever order they were made in. What goes wrong with
one file is a line that names it, and never stops the others.
"""

import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol, cast

import click

from pichay_cli.sources import Foreign, size
from pichay_core.traces import NotATrace

type Work[T] = Callable[..., T]
"""Takes a path, and what is told about it if anything is."""
type Told = Mapping[Path, object]
type Running[T] = dict[Future[Done[T]], Path]

_AHEAD = 2
"""Files in work or waiting, for each worker."""
_CONNECT_SECONDS = 10
_DIED = "the process that worked on it died (perhaps of too little memory)"


@dataclass(frozen=True, slots=True)
class Done[T]:
    """A file, and what was made of it."""

    path: Path
    result: T | None
    error: str | None = None
    """Why there is no result."""
    foreign: bool = False
    """The file is not broken, only no recording."""


def each[T](
    files: Sequence[Path],
    work: Work[T],
    jobs: int = 1,
    on_progress: Callable[[Path], None] | None = None,
    dask: str | None = None,
    told: Told | None = None,
) -> Iterator[Done[T]]:
    """Yield what *work* makes of each file, in the order of the files.

    ``work`` must be picklable: more than one job runs in processes, and with ``dask`` (the
    address of a scheduler) it runs on a cluster that sees the same files. The largest files
    start first, few wait at a time. ``on_progress`` is told each file that is finished, in any
    order. ``told`` holds what the work is given beside the path, for the files that it names;
    it must be picklable too. Raises a ClickException if the cluster cannot be used.
    """
    jobs = max(1, min(jobs, len(files)))
    loop = _Loop(partial(_tried, work), told or {})
    largest_first = sorted(files, key=size, reverse=True)
    if dask is not None:
        finished = loop.on_cluster(largest_first, dask)
    elif jobs > 1:
        finished = loop.in_processes(largest_first, jobs)
    else:
        finished = loop.here(largest_first)
    yield from _in_order(files, finished, on_progress or _unheard)


def _unheard(_path: Path) -> None:
    pass


def _tried[T](work: Work[T], path: Path, *about: object) -> Done[T]:
    """Run by a worker: what is wrong with a file travels back as text."""
    try:
        return Done(path, work(path, *about))
    except Foreign as error:
        return Done(path, None, str(error), foreign=True)
    except NotATrace as error:
        return Done(path, None, str(error))
    except OSError as error:
        return Done(path, None, error.strerror or str(error))


def _in_order[T](
    files: Sequence[Path], finished: Iterator[Done[T]], on_progress: Callable[[Path], None]
) -> Iterator[Done[T]]:
    early: dict[Path, Done[T]] = {}
    for path in files:
        while path not in early:
            done = next(finished)
            early[done.path] = done
            on_progress(done.path)
        yield early.pop(path)
    next(finished, None)  # lets the engine end in order, not when it is collected


class _Loop[T]:
    """Gives an executor a few files at a time."""

    def __init__(self, work: Work[Done[T]], told: Told) -> None:
        self._work = work
        self._told = told

    def here(self, files: Sequence[Path]) -> Iterator[Done[T]]:
        """Yield results made by a thread of this process, one after the other."""
        with _stopped(ThreadPoolExecutor(1)) as pool:
            yield from self._run(pool, list(reversed(files)), 1)

    def on_cluster(self, files: Sequence[Path], address: str) -> Iterator[Done[T]]:
        """Yield results made by the workers of a Dask cluster."""
        with _client(address) as client:
            pool = client.get_executor(pure=False)
            waiting = _AHEAD * max(1, sum(client.nthreads().values()))
            yield from self._run(pool, list(reversed(files)), waiting)

    def in_processes(self, files: Sequence[Path], jobs: int) -> Iterator[Done[T]]:
        """Yield results made by processes of this machine.

        Where one dies nobody knows which file was its end: those it may have been are tried
        again, each alone.
        """
        left = list(reversed(files))
        while left:
            with _stopped(_processes(jobs)) as pool:
                suspects = yield from self._run(pool, left, _AHEAD * jobs)
            for path in suspects:
                with _stopped(_processes(1)) as pool:
                    lost = yield from self._run(pool, [path], 1)
                yield from (Done(path, None, _DIED) for path in lost)

    def _run(
        self, pool: Executor, left: list[Path], most: int
    ) -> Generator[Done[T], None, list[Path]]:
        """Yield results while there are files left; return those that a lost worker held."""
        running: Running[T] = {}
        while left or running:
            if not self._fill(pool, left, running, most):
                return list(running.values())
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            whole = [future for future in done if not _lost(future)]
            for future in whole:
                yield _outcome(running.pop(future), future)
            if len(whole) < len(done):
                return list(running.values())
        return []

    def _fill(self, pool: Executor, left: list[Path], running: Running[T], most: int) -> bool:
        """Start files until there are enough in work; False if the pool takes no more."""
        while left and len(running) < most:
            path = left[-1]
            about = (self._told[path],) if path in self._told else ()
            try:
                running[pool.submit(self._work, path.absolute(), *about)] = path
            except BrokenProcessPool:
                return False
            left.pop()
        return True


def _lost[T](future: Future[Done[T]]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)


def _outcome[T](path: Path, future: Future[Done[T]]) -> Done[T]:
    """Return the result. An error that no file should cause is named, with its type."""
    if future.cancelled():
        return Done(path, None, "the cluster gave it up")
    error = future.exception()
    if error is None:
        return replace(future.result(), path=path)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Done(path, None, f"{said} (a fault in Pichay, or of the machine)")


@contextmanager
def _stopped[E: Executor](pool: E) -> Iterator[E]:
    """Close the pool in the end; after an error without waiting for what nobody wants any more."""
    ended = False
    try:
        yield pool
        ended = True
    finally:
        pool.shutdown(wait=ended, cancel_futures=True)


def _processes(jobs: int) -> ProcessPoolExecutor:
    # Not forked: this process may have threads, and a fork copies the locks that they hold.
    return ProcessPoolExecutor(jobs, get_context("spawn"), _quiet_when_interrupted)


def _quiet_when_interrupted() -> None:
    """Let Ctrl-C end a worker at once, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class _Client(Protocol):
    """What this room uses of ``distributed.Client``, which may not be installed."""

    def get_executor(self, *, pure: bool) -> Executor: ...
    def nthreads(self) -> dict[str, int]: ...
    def close(self) -> None: ...


@contextmanager
def _client(address: str) -> Iterator[_Client]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        said = "Dask is not installed. Install it with: pip install 'pichay[dask]'"
        raise click.ClickException(said) from error
    try:
        client = cast("_Client", Client(address, timeout=_CONNECT_SECONDS))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"There is no Dask scheduler at {address}: {error}") from error
    try:
        yield client
    finally:
        client.close()
