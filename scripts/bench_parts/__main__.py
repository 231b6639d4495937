"""The command: which measurements, how thoroughly, and where the figures go."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench_parts import (
    advance,
    first_byte,
    legs,
    memory,
    recorder_put,
    request_path,
    through_proxy,
    views,
)
from bench_parts.effort import FULL, QUICK, Effort
from bench_parts.figures import Table, as_text, machine, write_json

MEASUREMENTS: dict[str, Callable[[Effort], Table]] = {
    "request": request_path.measure,
    "advance": advance.measure,
    "recorder": recorder_put.measure,
    "proxy": through_proxy.measure,
    "stream": first_byte.measure,
    "legs": legs.measure,
    "memory": memory.measure,
    "views": views.measure,
}


def main() -> int:
    """Measure, print, and write the figures down where that was asked for."""
    asked = _parser().parse_args()
    signal.signal(signal.SIGTERM, _leave)
    effort = QUICK if asked.quick else FULL
    print(machine(), flush=True)
    tables: list[Table] = []
    for name in asked.only or MEASUREMENTS:
        tables.append(_measured(name, effort))
        print(f"\n{as_text(tables[-1])}", flush=True)
    if asked.json:
        write_json(asked.json, tables)
    return 0


def _measured(name: str, effort: Effort) -> Table:
    start = time.monotonic()
    table = MEASUREMENTS[name](effort)
    print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures speed and memory, side by side in one run."
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under a minute")
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), metavar="NAME",
        help=f"one measurement; may be repeated: {', '.join(MEASUREMENTS)}",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser


def _leave(number: int, _frame: object) -> None:
    """End in order: every process and folder goes with the block that made it."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
