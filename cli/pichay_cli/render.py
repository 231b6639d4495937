"""What is drawn, and how it fits: lines, sheets of aligned columns, bars, a live screen.

Rule of this file: it alone imports rich (and the view of ``doctor``). A drawing is a value;
how wide it becomes is decided when it is printed. Text from outside is shown without control
characters and never read as markup.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["RenderableType", "Text"]

GOOD, BAD, QUIET, STRONG = "green", "red", "dim", "bold"
PIPED_WIDTH = 110
"""Columns where nobody says how many there are: wide enough for every column of every sheet."""
WIDE = 150
"""Columns from which two drawings stand side by side."""
NOTE_INSET = 6
"""Columns by which the lines below a row of a log stand further in."""
_SPARKS = "▁▂▃▄▅▆▇█"

type Part = str | tuple[str, str]
"""Text, or text and its style."""
type Cell = Part | Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet."""

    title: str = ""
    right: bool = False
    style: str = ""
    least: int = 0
    """Shown only where there are at least so many columns of text."""
    folds: bool = False
    """Takes the width that is left, in several lines if it must."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under columns, without borders. Narrow screens leave out columns, not digits."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the columns that fit."""
        shown = [i for i, column in enumerate(self.columns) if column.least <= options.max_width]
        titled = any(column.title for column in self.columns)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=titled)
        for column in (self.columns[i] for i in shown):
            justify: Literal["left", "right"] = "right" if column.right else "left"
            table.add_column(
                Text(column.title, QUIET),
                justify=justify,
                style=column.style,
                no_wrap=not column.folds,
                overflow="fold" if column.folds else "ellipsis",
            )
        for row in self.rows:
            table.add_row(*(_cell(row[i]) for i in shown))
        yield table


@dataclass(frozen=True, slots=True)
class Log:
    """Rows under columns, each with the lines that belong below it, further in."""

    columns: Sequence[Column]
    rows: Sequence[tuple[Sequence[Cell], Sequence[Text]]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the columns that fit; a line below a row has the whole width."""
        shown = [i for i, column in enumerate(self.columns) if column.least <= options.max_width]
        cells = [[_cell(row[i]) for i in shown] for row, _ in self.rows]
        titles = [Text(self.columns[i].title, QUIET) for i in shown]
        widths = [max(cell.cell_len for cell in column) for column in zip(titles, *cells)]
        rights = [self.columns[i].right for i in shown]
        yield _aligned(titles, widths, rights)
        for row, (_, notes) in zip(cells, self.rows, strict=True):
            yield _aligned(row, widths, rights)
            yield from (Padding(note, (0, 0, 0, NOTE_INSET)) for note in notes)


def _aligned(cells: Sequence[Text], widths: Sequence[int], rights: Sequence[bool]) -> Text:
    parts: list[Text] = []
    for cell, width, right in zip(cells, widths, rights, strict=True):
        room = Text(" " * (width - cell.cell_len))
        parts.append(room + cell if right else cell + room)
    return Text("  ").join(parts)


@dataclass(frozen=True, slots=True)
class Beside:
    """Two drawings, side by side where there is room, else below each other."""

    left: RenderableType
    right: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw both."""
        if options.max_width < WIDE:
            yield stack(self.left, self.right)
            return
        grid = Table.grid(padding=(0, 4, 0, 0), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(self.left, self.right)
        yield grid


@dataclass(frozen=True, slots=True)
class Spark:
    """Amounts as a row of little bars, the largest at full height; the last ones that fit."""

    values: Sequence[int]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many as there are columns."""
        shown = self.values[-options.max_width :]
        top = max(shown, default=0) or 1
        yield Text("".join(_SPARKS[min(7, value * 8 // top)] for value in shown), "cyan")


def line(*parts: Part) -> Text:
    """One line of text. What is not printable stands as ``?``."""
    text = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        text.append(plain(words), style)
    return text


def _cell(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else line(cell)


def plain(words: str) -> str:
    """*words* without anything that could move a cursor or change a colour."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in words)


def stack(*drawings: RenderableType) -> Group:
    """Drawings below each other, an empty line between them."""
    return Group(*(part for drawing in drawings for part in (drawing, Text())))


def lines(drawings: Iterable[RenderableType]) -> Group:
    """Drawings below each other."""
    return Group(*drawings)


def section(title: str, drawing: RenderableType) -> Group:
    """A drawing under its title."""
    return Group(Text(title, STRONG), drawing)


def inset(drawing: RenderableType) -> Padding:
    """A drawing two columns in from the left, an empty line above it."""
    return Padding(drawing, (1, 0, 0, 2))


def bar(actual: float, untouched: float, width: int) -> Text:
    """Two amounts as one bar: what is there, and what was saved or lost against the other."""
    whole = max(actual, untouched)
    if whole <= 0:
        return Text()
    both = round(width * min(actual, untouched) / whole)
    lost = actual > untouched
    return Text.assemble(
        ("█" * both, QUIET), (("▓" if lost else "░") * (width - both), BAD if lost else GOOD)
    )


def console() -> Console:
    """Standard output; no colour if it is not a terminal or NO_COLOR is set."""
    _keep_going()
    terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if terminal else PIPED_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def display(drawing: RenderableType) -> None:
    """Print a drawing."""
    console().print(drawing)


def _keep_going() -> None:
    """A character that the terminal's encoding lacks is shown as ``?``."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")


@dataclass(frozen=True, slots=True)
class Screen:
    """A drawing on a terminal that can be replaced."""

    live: Live

    def draw(self, drawing: RenderableType) -> None:
        """Replace what is there."""
        self.live.update(drawing, refresh=True)

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal now."""
        return tuple(self.live.console.size)


@contextmanager
def screen(first: RenderableType) -> Iterator[Screen]:
    """A live screen, drawn only when it is told to. Its last drawing stays."""
    with Live(first, console=console(), auto_refresh=False) as live:
        yield Screen(live)
