"""Draws what ``pichay stats --live`` shows of a recording, as an SVG that loads nothing."""

import io
import re
from pathlib import Path

import click
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, DIMMED_MONOKAI

from pichay_cli.live import live_panel
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Scope

ROOT = Path(__file__).parent.parent.parent
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without the fonts that it would fetch from a network."""


@click.command()
@click.argument("database", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--session", help="Only this session, by its whole id.")
@click.option("--columns", default=120, show_default=True)
@click.option("--lines", default=40, show_default=True, help="Of the terminal.")
@click.option("--light", is_flag=True, help="On a light background.")
@click.option(
    "--to", type=click.Path(path_type=Path), default=ROOT / "docs" / "live.svg", help="The file."
)
def picture(
    database: Path, session: str | None, columns: int, lines: int, light: bool, to: Path
) -> None:
    """Draw the live screen of DATABASE, as it was just after its last request."""
    console = Console(
        record=True, force_terminal=True, color_system="standard", file=io.StringIO(),
        width=columns, height=lines, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    console.print(live_panel(database, _last(database) + 1, Scope(session)))
    theme = DEFAULT_TERMINAL_THEME if light else DIMMED_MONOKAI
    drawn = console.export_svg(title="pichay stats --live", theme=theme, code_format=_FORMAT)
    to.parent.mkdir(exist_ok=True)
    to.write_text(drawn.replace("Fira Code, monospace", FONTS).replace("Fira Code", FONTS))


def _last(database: Path) -> float:
    db = open_for_reading(database)
    (at,) = db.conn.execute("select max(last_at) from sessions").fetchone()
    return at


if __name__ == "__main__":
    picture()
