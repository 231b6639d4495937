"""``pichay sql "SELECT ..."``: ask the recording anything.

Rule of this file: the recording is only read, and a kept text is read only where it is asked for.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import click

from pichay_cli import datasette
from pichay_cli.amounts import plain
from pichay_cli.formats import as_size, write_csv, write_json, write_jsonl, write_tsv
from pichay_cli.recording import NOTHING_YET, database_option, usable
from pichay_cli.render import console, display, inset
from pichay_cli.sql_view import alone, answer_sheet, overview, plain_table, schema_sheets
from pichay_core.store.asking import Answer, BadQuestion, Interrupted, ask, open_for_questions
from pichay_core.store.described import ALL, Described
from pichay_core.store.extracts import chosen

WRITERS: dict[str, Callable[..., None]] = {
    "json": write_json,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "tsv": write_tsv,
}


@click.command()
@click.argument("query", required=False, metavar="[QUERY]")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", *WRITERS)),
    default="table",
    show_default=True,
    help="Bytes are shown as their size.",
)
@click.option(
    "--schema",
    is_flag=True,
    help="Describe every table, view and column; with a name as QUERY that one.",
)
@click.option(
    "--datasette",
    "served",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what Datasette needs to show the recording, its columns and the common questions.",
)
@database_option
def sql(query: str | None, form: str, schema: bool, served: Path | None, database: Path) -> None:
    """Ask the recording in SQL; without a QUERY, say what there is to ask.

    content(digest) is the text of a page that was kept.
    """
    if served is not None:
        click.echo(datasette.write(served, database))
    elif schema:
        display(inset(schema_sheets(_named(query))))
    elif query is None:
        display(inset(overview()))
    else:
        _answer(query, form, database)


def _named(name: str | None) -> list[Described]:
    if name is None:
        return list(ALL)
    try:
        return chosen([name], content=False)
    except BadQuestion as error:
        raise click.UsageError(str(error)) from error


def _answer(query: str, form: str, database: Path) -> None:
    if not database.exists():
        raise click.ClickException(NOTHING_YET)
    with usable(database), closing(open_for_questions(database)) as connection:
        try:
            _show(connection, query, form)
        except BadQuestion as error:
            raise click.ClickException(str(error)) from error
        except Interrupted as error:
            raise click.Abort from error


def _show(connection: Connection, query: str, form: str) -> None:
    answer = ask(connection, query)
    if not answer.columns:
        raise BadQuestion("That asks for nothing: begin with SELECT.")
    if form != "table":
        console()
        WRITERS[form](sys.stdout, answer.columns, answer.rows, as_size)
        return
    text, answer = alone(answer)
    if text is not None:
        _write_text(text)
    elif sys.stdout.isatty():
        _display(answer)
    else:
        console()
        click.echo("\n".join(plain_table(answer)))


def _display(answer: Answer) -> None:
    display(answer_sheet(answer, console().width))


def _write_text(text: str) -> None:
    """Write a text as it is; to a screen without what could move its cursor."""
    console()
    if sys.stdout.isatty():
        text = "\n".join(map(plain, text.expandtabs().splitlines()))
    click.echo(text, nl=not text.endswith("\n"))
