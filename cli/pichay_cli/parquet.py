"""Rows as Parquet, for data frames and DuckDB.

One idea: rows go into the file in batches of a bounded size. It is written by arro3, the Python
binding of arrow-rs: 33 MB when installed where pyarrow is 170 MB, nothing else comes with it, and
it takes batches as they are made.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, cast

import click

from pichay_core.store.asking import Value
from pichay_core.store.described import Column

BATCH_ROWS = 10_000
BATCH_CHARACTERS = 16_000_000
"""Of text and bytes, from which a batch is closed before it has all its rows."""
_NUMBERS = {"integer": int, "real": float}


def need() -> None:
    """Raise a ClickException that says what to do if Parquet cannot be written."""
    try:
        import arro3.core
        import arro3.io  # noqa: F401
    except ImportError as error:
        raise click.ClickException(_MISSING) from error


_MISSING = "Parquet is written by another package: pip install 'pichay[parquet]'. Or: --format csv"


def write_parquet(
    out: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Value]]
) -> None:
    """Write rows of these columns, compressed. Raises OSError."""
    from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    types = {
        "integer": DataType.int64(),
        "real": DataType.float64(),
        "text": DataType.string(),
        "blob": DataType.binary(),
    }
    kinds = [types[column.type] for column in columns]
    named = [Field(c.name, kind, nullable=True) for c, kind in zip(columns, kinds, strict=True)]
    schema = Schema(named)

    def batches() -> Iterator[RecordBatch]:
        for batch in _batches(rows):
            values = zip(*batch, strict=True)
            arrays = [
                Array([_typed(value, column) for value in each], kind)
                for each, column, kind in zip(values, columns, kinds, strict=True)
            ]
            yield RecordBatch.from_arrays(arrays, schema=schema)

    reader, told = RecordBatchReader.from_batches(schema, batches()), _Told(out)
    write_parquet(reader, cast(BinaryIO, told), compression="zstd(3)")
    if told.error is not None:
        raise told.error


class _Told:
    """A file that tells of its first error when asked. arro3 panics where a write fails, which is
    no ``Exception`` in Python; so no write fails."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, while that is possible."""
        self._tried(lambda: self._out.write(data))
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place: asked for, and of no use here."""
        return self._out.seek(offset, whence) if self.error is None else 0

    def flush(self) -> None:
        """Flush, while that is possible."""
        self._tried(self._out.flush)

    def _tried(self, do: Callable[[], object]) -> None:
        if self.error is None:
            try:
                do()
            except OSError as error:
                self.error = error


def _typed(value: Value, column: Column) -> Value:
    """Return a value in the type of its column: SQLite itself keeps what it is given."""
    number = _NUMBERS.get(column.type)
    if number is not None and isinstance(value, int | float):
        return number(value)
    return value


def _batches(rows: Iterable[Sequence[Value]]) -> Iterator[list[Sequence[Value]]]:
    batch: list[Sequence[Value]] = []
    held = 0
    for row in rows:
        batch.append(row)
        held += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(batch) >= BATCH_ROWS or held >= BATCH_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
