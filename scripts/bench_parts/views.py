"""What a big recording costs who looks at it: each verb as a user feels it, and its share alone.

The same verbs are asked of a small recording: what is more than that is the size of the recording.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from recording_parts.making import make
from recording_parts.size import BIG, SMALL, Size

from bench_parts.effort import Effort
from bench_parts.figures import Aim, Cell, Table
from pichay_core.store.library import Library
from pichay_core.store.schema import open_for_reading

VARIABLE = "PICHAY_BENCH_RECORDING"
"""Names a big recording that is there already; a new one takes minutes."""
MEDIUM = Size(sessions=100, turns=5_000, events=100_000, pages=40_000)
PICHAY = (sys.executable, "-P", "-c", "from pichay_cli import main; main(prog_name='pichay')")
AIMS_MS = {
    "stats": 300.0,
    "show last": 500.0,
    "show of the longest session": 500.0,
    "top": 2_000.0,
    "report": 10_000.0,
}


def measure(effort: Effort) -> Table:
    """Milliseconds of each verb, the shortest of a few, on a big recording and on a small one."""
    with tempfile.TemporaryDirectory(prefix="pichay-bench-") as folder:
        big, small = _recordings(Path(folder), effort)
        rounds = 3 if effort.idle_seconds < 10 else 5
        rows = [_row(verb, big, small, rounds) for verb in _verbs(big)]
        copy = Path(shutil.copy(big, Path(folder) / "copy.db"))
        rows += [_row(verb, copy, small, 1) for verb in _PRUNED]
        rows.append(("(load an identity)", _loaded(big), 0.0, 0.0, _loaded(small)))
    felt = {row[0]: row[1] for row in rows}
    return Table(
        name="views",
        title="Verbs on a big recording, of processor time and as felt",
        columns=("verb", "ms felt", "ms of cpu", "cpu ms small", "ms small"),
        rows=tuple(rows),
        aims=tuple(Aim(f"{verb} ms", float(felt[verb]), most) for verb, most in AIMS_MS.items()),
        notes=(f"{_said(big)}; the interpreter alone: {_start():.0f} ms of cpu",),
    )


_PRUNED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("prune half of it", ("prune", "--older-than", "20d", "--yes")),
)
"""On a copy that is thrown away."""


def _recordings(folder: Path, effort: Effort) -> tuple[Path, Path]:
    small, big = folder / "small.db", folder / "big.db"
    make(small, SMALL, until=time.time())
    there = os.environ.get(VARIABLE)
    if there:
        return Path(there), small
    make(big, MEDIUM if effort.idle_seconds < 10 else BIG, until=time.time())
    return big, small


def _verbs(big: Path) -> Sequence[tuple[str, tuple[str, ...]]]:
    longest = _longest(big)
    return (
        ("stats", ("stats",)),
        ("stats --json", ("stats", "--json")),
        ("stats --since 7d", ("stats", "--since", "7d")),
        ("sessions", ("sessions",)),
        ("show last", ("show", "last")),
        ("show of the longest session", ("show", longest)),
        ("stats of the longest session", ("stats", "--session", longest)),
        ("stats --live, its first screen", ("stats", "--live")),
        ("top", ("top",)),
        ("report", ("report",)),
    )


def _longest(path: Path) -> str:
    """Return the longest session; where only a small recording is asked, its last one will do."""
    with closing(open_for_reading(path).conn) as connection:
        sql = "select id from sessions order by turn desc, id limit 1"
        return connection.execute(sql).fetchone()[0]


def _row(
    verb: tuple[str, tuple[str, ...]], big: Path, small: Path, rounds: int
) -> tuple[Cell, ...]:
    name, arguments = verb
    felt, cpu = _shortest(arguments, big, rounds)
    known = tuple(_longest(small) if one == _longest(big) else one for one in arguments)
    felt_small, cpu_small = _shortest(known, small, rounds)
    return name, felt, cpu, cpu_small, felt_small


def _shortest(arguments: Sequence[str], path: Path, rounds: int) -> tuple[float, float]:
    """Return the milliseconds that a verb takes, and those of processor time."""
    command = [*PICHAY, *arguments, "--database", str(path)]
    took = [_timed(command) for _ in range(rounds)]
    return min(felt for felt, _ in took), min(cpu for _, cpu in took)


def _timed(command: Sequence[str]) -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    felt = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command[3:])} failed")
    return 1000 * felt, 1000 * (used.ru_utime + used.ru_stime)


def _start() -> float:
    return min(_timed([sys.executable, "-c", "pass"])[1] for _ in range(5))


def _loaded(path: Path) -> float:
    """Return the milliseconds until the sessions of the identity with most pages are known."""
    with closing(open_for_reading(path).conn) as connection:
        sql = "select identity from sessions order by turn desc, id limit 1"
        identity = connection.execute(sql).fetchone()[0]
    start = time.perf_counter()
    library = Library(path)
    library.sessions(identity)
    library.close()
    return 1000 * (time.perf_counter() - start)


def _said(path: Path) -> str:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        counts = {
            table: connection.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("sessions", "turns", "pages", "events")
        }
    sizes = ", ".join(f"{count:,} {table}" for table, count in counts.items())
    return f"{sizes}, {path.stat().st_size / 2**20:,.0f} MiB"
