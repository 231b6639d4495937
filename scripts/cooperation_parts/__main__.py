"""The command: how long the session is, and the table of what the three runs come to."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cooperation_parts.course import Came, Proxy, Run
from cooperation_parts.project import Task, plan

_COLUMNS = ("run", "requests", "legs", "mean context", "most", "compactions", "read again",
            "recalls", "dollars", "of untouched")  # fmt: skip


def main() -> int:
    """Play, and print the table."""
    turns = _parser().parse_args().turns
    tasks = plan(turns)
    runs = {"untouched": None, "without": False, "with": True}
    found = {name: _played(name, tasks, cooperates) for name, cooperates in runs.items()}
    print(f"{turns} turns are planned, in {len(tasks)} tasks; context in tokens per request")
    print(
        _table([_COLUMNS, *(_row(name, came, found["untouched"]) for name, came in found.items())])
    )
    if not found["with"].recalls:
        print("with: the model was offered no memory tools")
    return 0


def _played(name: str, tasks: Sequence[Task], cooperates: bool | None) -> Came:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pichay-cooperation-") as folder:
        proxy = None if cooperates is None else Proxy(Path(folder), cooperates)
        came = Run(tasks, proxy).play()
        if proxy is not None:
            proxy.close()
    print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return came


def _row(name: str, came: Came, untouched: Came) -> tuple[str, ...]:
    windows = came.windows
    return (
        name,
        f"{came.own:,}",
        f"{len(windows) - came.own:,}",
        f"{sum(windows) / len(windows):,.0f}",
        f"{max(windows):,}",
        f"{came.compactions}",
        f"{came.read_again}",
        f"{came.recalls}",
        f"{came.dollars:.2f}",
        f"{100 * came.dollars / untouched.dollars:.0f} %",
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/cooperation",
        description="Plays a long session with a model that looks after its memory, and without.",
    )
    parser.add_argument("--turns", type=int, default=300, metavar="N", help="replies planned")
    return parser


if __name__ == "__main__":
    sys.exit(main())
