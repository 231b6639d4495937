"""``pichay stats``: what paging saved or cost, and what it did."""

import json
import time
from pathlib import Path

import click

from pichay_cli.data import as_data
from pichay_cli.overview import overview
from pichay_cli.recording import (
    NOTHING_YET,
    Since,
    database_option,
    json_option,
    reading,
    session_named,
)
from pichay_cli.render import display, inset, on_screen
from pichay_core.store.scope import Scope


@click.command()
@click.option("--live", is_flag=True, help="Keep it on screen, up to date; q ends it.")
@click.option("--session", metavar="ID", help="Only this session: its id, a beginning, or last.")
@click.option("--since", type=Since(), metavar="TIME", help="Only since 2h, 3d or an ISO time.")
@json_option
@database_option
def stats(
    live: bool, session: str | None, since: float | None, as_json: bool, database: Path
) -> None:
    """Show what paging saved or cost against untouched, and what it did."""
    if live and as_json:
        raise click.UsageError("--live and --json do not go together.")
    scope = _scope(database, session, since)
    if live:
        _watch(database, scope)
        return
    with reading(database) as db:
        if as_json:
            click.echo(json.dumps(as_data(db, scope), indent=2))
        elif db is None:
            click.echo(NOTHING_YET)
        else:
            display(inset(overview(db, time.time(), scope)))


def _watch(database: Path, scope: Scope) -> None:
    # Here, as the figures alone need not wait for its import.
    from pichay_cli.live import live_panel, watch

    watch(database, scope) if on_screen() else display(live_panel(database, time.time(), scope))


def _scope(database: Path, session: str | None, since: float | None) -> Scope:
    if session is None:
        return Scope(None, since)
    with reading(database) as db:
        if db is None:
            raise click.ClickException(NOTHING_YET)
        return Scope(session_named(db, session), since)
