"""The same requests through mitmdump: with an addon that does nothing, and with ours.

Ours comes twice: once with nothing ever evicted, so that the same bytes go upstream, and once
as it is by default, when less goes upstream. The difference is taken request by request.
"""

import sqlite3
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench_parts.client import Client
from bench_parts.conversation import turns
from bench_parts.effort import KB, MB, Effort
from bench_parts.figures import Aim, Cell, Table, median, percentile
from bench_parts.proxies import Stage, no_op, ours, stage
from bench_parts.request_path import NEVER, named

PAUSE_SECONDS = 0.1
"""After each request: an agent pauses for longer, and the writer thread has its turn then."""
_VARIANTS = ("no-op", "whole", "evicted")
_COLUMNS = (
    "body",
    "addon",
    "upstream KB",
    "p50 ms",
    "p90 ms",
    "added p50 ms",
    "added p90 ms",
    "ratio to no-op",
    "own clock p50 ms",
)


def measure(effort: Effort) -> Table:
    """Milliseconds that the addon adds to an exchange, by size."""
    with stage() as on, ExitStack() as running:
        proxies = (
            running.enter_context(no_op(on)),
            running.enter_context(ours(on, "whole", NEVER)),
            running.enter_context(ours(on, "evicted")),
        )
        clients = [running.enter_context(on.client(proxy)) for proxy in proxies]
        found = [(size, _timed(on, clients, size, rounds)) for size, rounds in effort.proxy]
        time.sleep(1)  # the recorder commits within half a second
        rows = tuple(row for size, runs in found for row in _rows(on, size, runs))
    return Table(
        name="proxy",
        title="One exchange through mitmdump, TLS on both sides, HTTP/1.1 keep-alive",
        columns=_COLUMNS,
        rows=rows,
        aims=tuple(aim for size, runs in found for aim in _aims(size, runs)),
        notes=(
            "  added: ours less no-op, request by request; below zero where less is sent upstream.",
            "  own clock: overhead_microseconds of the recording, what the hook itself took.",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One variant. Milliseconds and bytes sent upstream, round by round."""

    name: str
    times: list[float]
    sent: list[int]


def _timed(on: Stage, clients: list[Client], size: int, rounds: int) -> list[_Run]:
    runs = [_Run(name, [], []) for name in _VARIANTS]
    for number, turn in enumerate(turns(f"through-{size}", size, rounds)):
        begin = number % len(runs)
        for at in (*range(begin, len(runs)), *range(begin)):
            answered = clients[at].post(turn.session, turn.body)
            time.sleep(PAUSE_SECONDS)
            if not turn.first:
                runs[at].times.append(answered.milliseconds)
                runs[at].sent.append(on.upstream.received)
    return runs


def _rows(on: Stage, size: int, runs: list[_Run]) -> list[tuple[Cell, ...]]:
    plain = runs[0]
    return [_row(on, size, run, plain) for run in runs]


def _row(on: Stage, size: int, run: _Run, plain: _Run) -> tuple[Cell, ...]:
    added = _added(run, plain)
    is_ours = run is not plain
    return (
        named(size),
        run.name,
        round(median(run.sent) / KB),
        median(run.times),
        percentile(run.times, 0.9),
        median(added) if is_ours else "",
        percentile(added, 0.9) if is_ours else "",
        median(run.times) / median(plain.times) if is_ours else "",
        _own_clock(on.database(run.name), size) if is_ours else "",
    )


def _added(run: _Run, plain: _Run) -> list[float]:
    return [one - other for one, other in zip(run.times, plain.times, strict=True)]


def _own_clock(database: Path, size: int) -> float:
    """Milliseconds in the hook, as the addon itself recorded them."""
    with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as recording:
        found = recording.execute(
            "select overhead_microseconds from turns where bytes_before between ? and ?"
            " and request > 1",
            (size * 0.7, size * 1.4),
        )
        times = [microseconds / 1000 for (microseconds,) in found]
    recording.close()
    return median(times)


def _aims(size: int, runs: list[_Run]) -> list[Aim]:
    bound = {300 * KB: 1.0, 5 * MB: 8.0}.get(size)
    if bound is None:
        return []
    return [
        Aim(f"added p50 ms at {named(size)}, {run.name}", median(_added(run, runs[0])), bound)
        for run in runs[1:]
    ]
