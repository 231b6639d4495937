"""The rows of ``pichay doctor``, drawn."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pichay_cli.row import Row, Status

COLOURS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def view(rows: Sequence[Row]) -> Table:
    """One line per row; what to do stands below what was found."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in rows:
        told = Text(row.finding)
        if row.advice:
            told.append(f"\n{row.advice}", style="bold")
        table.add_row(Text(row.status, style=COLOURS[row.status]), Text(row.what), told)
    return table


def show(rows: Sequence[Row]) -> None:
    """The rows, on standard output."""
    Console(highlight=False, soft_wrap=False).print(view(rows))
