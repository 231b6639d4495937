"""``pichay export``: recorded rows for other programs, as JSON lines, CSV or Parquet.

Rule of this file: all tables are of one moment, rows are written as they are read, files are for
their owner only, and what the agent read stays here unless ``--content`` is said.
"""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from io import TextIOWrapper
from pathlib import Path
from sqlite3 import Connection
from tempfile import mkstemp
from typing import BinaryIO, TextIO

import click

from pichay_cli.formats import as_hex, write_csv, write_jsonl
from pichay_cli.parquet import need, write_parquet
from pichay_cli.recording import (
    NOTHING_YET,
    Since,
    database_option,
    session_named,
    something,
    usable,
)
from pichay_core.store.asking import BadQuestion, open_for_questions
from pichay_core.store.extracts import Extract, chosen, extract
from pichay_core.store.scope import Scope

FORMATS = ("jsonl", "csv", "parquet")


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="As the name of --out ends if not said, else jsonl.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="A file if it ends in .jsonl, .csv or .parquet, else a folder with a file for each "
    "table. Without it JSON lines, or one table as CSV, go to standard output.",
)
@click.option("--since", type=Since(), metavar="TIME", help="Only since 2h, 3d or an ISO time.")
@click.option("--session", metavar="ID", help="Only this session: its id, a beginning, or last.")
@click.option(
    "--table",
    "names",
    multiple=True,
    metavar="NAME",
    help="This table or view; may be said again. Without it: all that happened. "
    "`pichay sql` lists them.",
)
@click.option(
    "--content", is_flag=True, help="Also what the agent read and said, where it was kept."
)
@database_option
def export(
    form: str | None,
    out: Path | None,
    since: float | None,
    session: str | None,
    names: tuple[str, ...],
    content: bool,
    database: Path,
) -> None:
    """Write recorded rows for other programs."""
    form = _format(form, out)
    if form == "parquet":
        need()
    scope = Scope(_session(database, session), since)
    try:
        wanted = [extract(table, scope, content) for table in chosen(names, content)]
    except BadQuestion as error:
        raise click.UsageError(str(error)) from error
    _fitting(form, out, len(wanted))
    with usable(database), closing(open_for_questions(database)) as connection:
        connection.set_authorizer(None)
        connection.execute("begin")
        _write(connection, wanted, form, out)


def _session(database: Path, session: str | None) -> str | None:
    if not database.exists():
        raise click.ClickException(NOTHING_YET)
    if session is None:
        return None
    with something(database) as db:
        return session_named(db, session)


def _format(form: str | None, out: Path | None) -> str:
    """The format asked for, or that of the file. Raises a usage error if they are two."""
    of_file = out.suffix.removeprefix(".") if out and _is_file(out) else None
    if form and of_file and form != of_file:
        raise click.UsageError(f"{out} is named as {of_file} and asked for as {form}.")
    return form or of_file or "jsonl"


def _fitting(form: str, out: Path | None, tables: int) -> None:
    """Raise a usage error that says what to do if the rows do not fit where they are to go."""
    if out is None and form == "parquet":
        raise click.UsageError("Parquet goes to a file or folder: name one with --out.")
    if form != "jsonl" and tables > 1 and (out is None or _is_file(out)):
        raise click.UsageError(
            f"These are {tables} tables, and a {form} file holds one: name a folder with --out, "
            "or one with --table."
        )


def _is_file(out: Path) -> bool:
    return out.suffix.removeprefix(".") in FORMATS


def _write(connection: Connection, wanted: Sequence[Extract], form: str, out: Path | None) -> None:
    if out is None:
        _write_texts(connection, wanted, form, sys.stdout)
    elif _is_file(out):
        with _private(out) as file:
            _write_file(connection, wanted, form, file)
    else:
        _folder(out)
        for one in wanted:
            with _private(out / f"{one.table.name}.{form}") as file:
                _write_file(connection, [one], form, file)


def _write_file(
    connection: Connection, wanted: Sequence[Extract], form: str, file: BinaryIO
) -> None:
    if form == "parquet":
        (one,) = wanted
        write_parquet(file, one.columns, one.rows(connection))
        return
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    _write_texts(connection, wanted, form, text)
    text.detach()


def _write_texts(connection: Connection, wanted: Sequence[Extract], form: str, out: TextIO) -> None:
    for one in wanted:
        names, rows = [column.name for column in one.columns], one.rows(connection)
        if form == "csv":
            write_csv(out, names, rows, as_hex)
        else:
            write_jsonl(out, names, rows, as_hex, one.table.name if len(wanted) > 1 else "")


def _folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be made: {error.strerror}.") from error


@contextmanager
def _private(path: Path) -> Generator[BinaryIO]:
    """A new file that only its owner may read. It stands at *path* when all of it is written."""
    part: Path | None = None
    try:
        number, name = mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)  # of this export alone, whatever stands beside it
        with os.fdopen(number, "wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
