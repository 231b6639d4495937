"""A recording of a real proxy, as a file of lines: what ``pichay demo`` left behind.

It was written with ``pichay demo --keep``, then ``pichay export --database DEMO/pichay.db --content
--table NAME ...`` with every table. A text that is kept stands in it in plain; those of 3 kB and
more were left out.
"""

import json
from pathlib import Path

import zstandard

from pichay_core.store.schema import open_for_writing

DEMO = Path(__file__).parent / "golden" / "recordings" / "demo.jsonl"


def demo(path):
    """Return that recording as a database at *path*, open for writing."""
    db = open_for_writing(path)
    with db.conn:
        for line in DEMO.read_text("utf-8").splitlines():
            row = json.loads(line)
            table = row.pop("table")
            db[table].insert(_whole(table, row))
    return db


def _whole(table, row):
    if table == "sessions":
        return row | {"secret": b"0" * 16}
    if table == "contents":
        text = row.pop("text").encode()
        return row | {"zstd": zstandard.ZstdCompressor().compress(text)}
    if table in ("messages", "heard"):
        return row | {"digest": bytes.fromhex(row["digest"])}
    return row
