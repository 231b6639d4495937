"""What ``prune`` and ``purge`` have in common: say what goes, ask, say what went.

Rule of this file: nothing is taken away that was not counted and agreed to before.
"""

from dataclasses import asdict

import click

from pichay_cli.amounts import times
from pichay_core.store.database import Database
from pichay_core.store.upkeep import Removed, give_back

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def agreed(counts: Removed, of: str, yes: bool) -> bool:
    """True if there is something to take away and the user wants it."""
    if not any(asdict(counts).values()):
        click.echo(f"There is nothing {of}.")
        return False
    return yes or click.confirm(f"Take away {said(counts)} {of}?", abort=True)


def finish(db: Database, counts: Removed) -> None:
    """Say what went, and make the file smaller."""
    click.echo(f"Taken away: {said(counts)}.")
    if not give_back(db):
        click.echo(
            "Another Pichay is using the file, which keeps what was taken away until it is "
            "written over: end it, then run pichay prune again."
        )


def said(counts: Removed) -> str:
    """The counts that are not nought, in words."""
    named = [(count, table) for table, count in asdict(counts).items() if count]
    parts = [times(count, *_WORDS.get(table, (table[:-1], table))) for count, table in named]
    return ", ".join(parts) or "nothing"


_WORDS = {
    "flushes": ("flush", "flushes"),
    "heard": ("message of the client's", "messages of the client's"),
}
"""What one and many rows of a table are called, where its name does not say."""
