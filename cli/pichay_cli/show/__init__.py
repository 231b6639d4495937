"""``pichay show SESSION``: the story of one session, or of one page of it."""

import json
import time
from pathlib import Path

import click

from pichay_cli.recording import database_option, json_option, session_named, something
from pichay_cli.render import display, inset
from pichay_cli.show.story import drawing
from pichay_cli.show.telling import as_data, telling


@click.command()
@click.argument("session")
@click.option("--turns", "every", is_flag=True, help="Every request, also where nothing happened.")
@click.option(
    "--page", "handle", metavar="HANDLE", help="What became of this page of it, by its handle."
)
@json_option
@database_option
def show(session: str, every: bool, handle: str | None, as_json: bool, database: Path) -> None:
    """Tell the story of one session: what it saved or lost, and what happened in it.

    SESSION is its id, the beginning of it, or: last.
    """
    with something(database) as db:
        name = session_named(db, session)
        if handle is not None:
            # Here, since a session is mostly asked for without one.
            from pichay_cli.page import drawn, no_page

            page = drawn(db, handle, name)
            if page is None:
                raise click.ClickException(no_page(handle, f"session {name}"))
            display(inset(page))
            return
        told = telling(db, name, every or as_json)
    if as_json:
        click.echo(json.dumps(as_data(told), indent=2))
    else:
        display(inset(drawing(told, time.time(), every)))
