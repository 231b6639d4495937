"""``pichay report``: what a recording says, on a screen or as one page that needs no network.

Rule of this package: the values come from ``pichay_core.store.report``; here they are only drawn.
``text.py`` draws them on the screen; ``charts.py`` and ``timeline.py`` say what the charts are,
``drawn.py`` makes them SVG, and ``page.py`` puts them in the page.
"""

import time
from pathlib import Path

import click

from pichay_cli.recording import Since, database_option, session_named, something
from pichay_cli.render import display, inset
from pichay_cli.report.drawn import drawable
from pichay_cli.report.text import drawing
from pichay_core.store.database import Database
from pichay_core.store.report import Report
from pichay_core.store.report import report as gathered
from pichay_core.store.scope import Scope


def _page(_ctx: object, _param: object, path: Path | None) -> Path | None:
    """The file if a page can be made there: asked before the long work."""
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.absolute().parent}.")
    drawable()
    return path


@click.command()
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=_page,
    metavar="FILE",
    help="Write one page with charts, which loads nothing. Needs pip install 'pichay[report]'.",
)
@click.option("--session", metavar="ID", help="Only this session: its id, a beginning, or last.")
@click.option("--since", type=Since(), metavar="TIME", help="Only since 2h, 3d or an ISO time.")
@database_option
def report(html: Path | None, session: str | None, since: float | None, database: Path) -> None:
    """Tell what paging saved or cost, where the money goes, and what to change."""
    now = time.time()
    with something(database) as db:
        scope = Scope(_named(db, session), since)
        found = (
            gathered(db, scope, closely=0) if html is None else gathered(db, scope, also=("file",))
        )
    if html is None:
        display(inset(drawing(found, now)))
    else:
        _write(found, html, now)


def _named(db: Database, session: str | None) -> str | None:
    return None if session is None else session_named(db, session)


def _write(found: Report, path: Path, now: float) -> None:
    from pichay_cli.report.page import page

    try:
        path.write_text(page(found, now), "utf-8", errors="replace")
    except OSError as error:
        said = f"The page cannot be written to {path}: {error.strerror or error}"
        raise click.ClickException(said) from error
    click.echo(f"Written: {path}. Open it in a browser; it loads nothing from anywhere.")
