"""``pichay sessions``: the conversations that were recorded, newest first."""

import json
import time
from pathlib import Path

import click

from pichay_cli.data import session_data
from pichay_cli.panels import sessions_sheet
from pichay_cli.recording import NOTHING_YET, database_option, json_option, reading
from pichay_cli.render import display, inset
from pichay_core.store import figures


@click.command()
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many at most."
)
@json_option
@database_option
def sessions(limit: int, as_json: bool, database: Path) -> None:
    """List the recorded sessions, newest first."""
    with reading(database) as db:
        found = figures.sessions(db, limit) if db else ()
    if as_json:
        click.echo(json.dumps([session_data(session) for session in found], indent=2))
    elif not found:
        click.echo(NOTHING_YET)
    else:
        display(inset(sessions_sheet(found, time.time())))
