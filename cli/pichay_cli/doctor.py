"""``pichay doctor``: is everything here that Pichay needs?"""

import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from pichay_cli import checkup, disk, troubles
from pichay_cli.options import CONFDIR, Options
from pichay_cli.row import Row, Status
from pichay_core.store.place import home
from pichay_core.store.schema import Unusable, open_for_reading
from pichay_core.store.scope import Scope
from pichay_core.store.troubles import troubles as found


@click.command()
@click.option("--confdir", type=click.Path(path_type=Path), default=CONFDIR, show_default=True)
@click.option("--database", type=click.Path(path_type=Path), help="Look at this one.")
@click.option("--json", "as_json", is_flag=True, help="The rows as a JSON list.")
@click.option("--hosts", is_flag=True, help="Show which hosts and paths are looked at instead.")
@click.option("--host", "own", multiple=True, metavar="NAME", help="As for `run`; repeatable.")
def doctor(
    confdir: Path, database: Path | None, as_json: bool, hosts: bool, own: tuple[str, ...]
) -> None:
    """Check what Pichay needs, and what the recording says went wrong in the last 7 days.

    The exit code is 1 if anything fails.
    """
    if hosts or own:
        _show_hosts(own, as_json)
        return
    rows = examined(Options(confdir=confdir, database=database))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        from pichay_cli.doctor_view import show

        show(rows)
    sys.exit(any(row.status is Status.FAIL for row in rows))


def _show_hosts(own: tuple[str, ...], as_json: bool) -> None:
    """Print what is looked at, and what each host and path gets."""
    from pichay_core.hosts import ANYWHERE, HOSTS, LEFT_ALONE, Host

    if as_json:
        known = (*HOSTS, Host(own, ANYWHERE)) if own else HOSTS
        click.echo(json.dumps([asdict(host) for host in known], indent=2))
        return
    from pichay_cli.hosts_view import view
    from pichay_cli.render import display

    display(view(HOSTS, own, ANYWHERE, LEFT_ALONE))


def examined(options: Options) -> list[Row]:
    """Every row, in the order in which things are needed."""
    confdir = options.folder()
    return [
        checkup.interpreter(),
        checkup.mitmproxy_version(),
        checkup.addon(),
        checkup.memory_tools(),
        checkup.certificate_authority(confdir, datetime.now(UTC)),
        *checkup.clients(confdir, os.environ),
        *checkup.node_goes_through(os.environ),
        checkup.proxies(os.environ),
        *checkup.gateways(os.environ),
        checkup.default_port(),
        checkup.state_folder(home()),
        checkup.database(options.recording()),
        *disk.room(options.recording()),
        checkup.price_file(),
        *_recorded(options.recording(), time.time()),
    ]


def _recorded(path: Path, now: float) -> list[Row]:
    """What the recording says went wrong; nothing where it cannot be read, which is told above."""
    if not path.exists():
        return []
    try:
        db = open_for_reading(path)
        with closing(db.conn):
            return troubles.told(found(db, Scope(since=now - troubles.LOOKED_BACK)), now)
    except (Unusable, sqlite3.Error):
        return []
