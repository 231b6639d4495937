"""``pichay prune --older-than 30d``: forget the sessions that nobody has used for so long."""

import time
from pathlib import Path

import click

from pichay_cli.recording import Duration, changing, database_option
from pichay_cli.removal import agreed, finish, yes_option
from pichay_core.store import upkeep


@click.command()
@click.option(
    "--older-than", type=Duration(), required=True, metavar="AGE", help="Such as 30d, 12h, 2w."
)
@yes_option
@database_option
def prune(older_than: float, yes: bool, database: Path) -> None:
    """Take away the sessions that were last seen longer ago than AGE."""
    before = time.time() - older_than
    with changing(database) as db:
        if agreed(upkeep.older_than(db, before), "older than that", yes):
            finish(db, upkeep.prune(db, before))
        else:
            upkeep.give_back(db)
