"""The command: where the recording goes, and how large it is."""

import argparse
import sys
import time
from dataclasses import fields
from pathlib import Path

from pichay_core.store.schema import open_for_writing
from recording_parts.making import fill
from recording_parts.size import BIG, SMALL, Size


def main() -> int:
    """Make it, and say how large it is and how long that took."""
    asked = _parser().parse_args()
    base = SMALL if asked.small else BIG
    given = {f.name: getattr(asked, f.name) for f in fields(Size)}
    size = Size(**{name: given[name] or getattr(base, name) for name in given})
    if asked.file.exists():
        print(f"{asked.file} is there already: name a new file", file=sys.stderr)
        return 1
    start = time.monotonic()
    db = open_for_writing(asked.file)
    for _ in fill(db, size, asked.seed, asked.until):
        pass
    counts = {table: db[table].count for table in ("sessions", "turns", "pages", "events")}
    db.conn.close()
    said = ", ".join(f"{count:,} {table}" for table, count in counts.items())
    megabytes = asked.file.stat().st_size / 2**20
    print(f"{said}: {megabytes:,.0f} MiB in {time.monotonic() - start:.0f} s")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/recording", description="Makes up a recording, to measure and to look at."
    )
    parser.add_argument("file", type=Path, help="a new database")
    parser.add_argument("--small", action="store_true", help="some hundred turns")
    for field in fields(Size):
        parser.add_argument(f"--{field.name}", type=int, help=f"usually {field.default:,}")
    parser.add_argument("--seed", type=int, default=1, help="another gives other rows")
    parser.add_argument(
        "--until", type=float, default=time.time(), help="when it ends, in seconds of the epoch"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
