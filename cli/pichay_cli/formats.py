"""Rows as text for other programs: JSON, CSV, TSV.

Rule of this file: a row is written when it is read, so that a recording of any size takes no
more memory than a row. What is no text is hexadecimal; what is not there is null, or empty. No
text can move the cursor of a screen that it is written to.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TextIO

from pichay_cli.amounts import plain
from pichay_core.store.asking import Value

type Names = Sequence[str]
type Rows = Iterable[Sequence[Value]]
type Shown = Callable[[bytes], str]


def as_hex(value: bytes) -> str:
    """The bytes, hexadecimal."""
    return value.hex()


def as_size(value: bytes) -> str:
    """How many bytes there are."""
    return f"<{len(value):,} byte{'' if len(value) == 1 else 's'}>"


def write_jsonl(out: TextIO, names: Names, rows: Rows, shown: Shown, table: str = "") -> None:
    """Write one object a line; *table* stands first in each, if there is one."""
    for row in _objects(names, rows, shown):
        said = {"table": table, **row} if table else row
        out.write(f"{_json(said)}\n")


def write_json(out: TextIO, names: Names, rows: Rows, shown: Shown) -> None:
    """Write one list of objects, a line each."""
    between = "[\n "
    for row in _objects(names, rows, shown):
        out.write(f"{between}{_json(row)}")
        between = ",\n "
    out.write("[]\n" if between.startswith("[") else "\n]\n")


_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What ``json`` leaves as it is, and a terminal does not."""


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_csv(out: TextIO, names: Names, rows: Rows, shown: Shown) -> None:
    """Write comma-separated values as RFC 4180 has them, but for the ends of its lines."""
    _write_separated(out, names, rows, shown, ",")


def write_tsv(out: TextIO, names: Names, rows: Rows, shown: Shown) -> None:
    """Write values that tabs separate."""
    _write_separated(out, names, rows, shown, "\t")


def _write_separated(out: TextIO, names: Names, rows: Rows, shown: Shown, between: str) -> None:
    writer = csv.writer(out, delimiter=between, lineterminator="\n")
    writer.writerow(names)
    shows = out.isatty()
    writer.writerows(_seen(_plain(row, shown)) if shows else _plain(row, shown) for row in rows)


def _objects(names: Names, rows: Rows, shown: Shown) -> Iterator[dict[str, Value]]:
    for row in rows:
        yield dict(zip(names, _plain(row, shown), strict=True))


def _seen(row: Sequence[Value]) -> list[Value]:
    return [plain(value) if isinstance(value, str) else value for value in row]


def _plain(row: Sequence[Value], shown: Shown) -> list[Value]:
    return [shown(value) if isinstance(value, bytes) else value for value in row]
