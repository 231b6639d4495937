"""``pichay top``: what costs the most money, over all sessions or in one."""

import json
from pathlib import Path

import click

from pichay_cli.recording import (
    NOTHING_YET,
    Since,
    database_option,
    json_option,
    reading,
    session_named,
)
from pichay_cli.render import display, inset
from pichay_cli.top_view import top_data, top_sheet
from pichay_core.store.cost import BYS, By
from pichay_core.store.scope import Scope
from pichay_core.store.top import top as parts

NOT_BILLED = "None of that has been billed."


@click.command()
@click.option(
    "--by",
    type=click.Choice(BYS),
    default="tool",
    show_default=True,
    help="What the bill is divided by; with tool, a tool's definition is a part of it.",
)
@click.option("--since", type=Since(), help="Only what was billed since, such as 3d, 2h.")
@click.option("--session", help="Only this session: its id, the beginning of it, or: last.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many at most."
)
@json_option
@database_option
def top(
    by: By, since: float | None, session: str | None, limit: int, as_json: bool, database: Path
) -> None:
    """Show what costs the most money: tools, files, definitions, sessions or commands.

    A result is paid for with every request that it stands in, a definition with every request.
    """
    with reading(database) as db:
        name = session_named(db, session) if db and session is not None else None
        found = parts(db, Scope(name, since), by) if db else ()
        nothing = NOT_BILLED if db else NOTHING_YET
    if as_json:
        click.echo(json.dumps(top_data(found, by), indent=2))
    elif not found:
        click.echo(nothing)
    else:
        display(inset(top_sheet(found, by, limit)))
