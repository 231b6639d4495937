"""``pichay purge SESSION``: forget one session."""

from pathlib import Path

import click

from pichay_cli.recording import changing, database_option, session_named
from pichay_cli.removal import agreed, finish, yes_option
from pichay_core.store import upkeep


@click.command()
@click.argument("session")
@yes_option
@database_option
def purge(session: str, yes: bool, database: Path) -> None:
    """Take away one session with all its rows.

    SESSION is its id, the beginning of it, or: last. Its subagents are sessions of their own.
    """
    with changing(database) as db:
        name = session_named(db, session)
        others = upkeep.children(db, name)
        if agreed(upkeep.of_session(db, name), f"of {name}", yes):
            finish(db, upkeep.purge(db, name))
            for other in others:
                click.echo(f"Its subagent or fork stays: {other}")
