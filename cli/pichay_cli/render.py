"""What is drawn, and how it fits: lines, sheets of aligned columns, bars, a live screen.

Rule of this file: a drawing is a value; how wide it becomes is decided when it is printed. Text
from outside is shown without control characters and never read as markup.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

if TYPE_CHECKING:
    from rich.live import Live

from pichay_cli.alike import keep_going
from pichay_cli.amounts import plain

GOOD, BAD, QUIET, STRONG = "green", "red", "dim", "bold"
PIPED_WIDTH = 130
"""Columns where nobody says how many there are: wide enough for every column of every sheet."""
WIDE = 150
"""Columns from which two drawings stand side by side."""
GAP, GUTTER = "  ", "    "
"""Between columns, and between drawings side by side."""
LEAST_FOLD = 20
"""Columns below which a text is cut off rather than continued below."""
NOTE_INSET = 9
"""Columns by which the lines below a row stand further in."""

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


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under columns, without borders. Narrow screens leave out columns, not digits."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[Sequence[Text]] = ()
    """For each row the lines that stand below it, further in; none for the rows after."""
    cut: bool = False
    """The last column is cut off where there is no room, rather than continued below."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the columns that fit."""
        shown = [i for i, column in enumerate(self.columns) if column.least <= options.max_width]
        columns = [self.columns[i] for i in shown]
        titles = [Text(column.title, QUIET) for column in columns]
        cells = [[_cell(row[i], self.columns[i].style) for i in shown] for row in self.rows]
        widths = [max(c.cell_len for c in each) for each in zip(titles, *cells, strict=True)]
        if any(titles):
            yield _aligned(titles, columns, widths)
        for row, notes in zip_longest(cells, self.notes, fillvalue=()):
            yield from self._row(console, options.max_width, row, columns, widths)
            yield from _notes(console, options.max_width - NOTE_INSET, notes)

    def _row(
        self,
        console: Console,
        width: int,
        row: Sequence[Text],
        columns: Sequence[Column],
        widths: Sequence[int],
    ) -> Iterator[Text]:
        *head, last = row
        before = sum(widths[:-1]) + len(GAP) * len(head)
        if self.cut or before + last.cell_len <= width or width - before < LEAST_FOLD:
            yield _aligned(row, columns, widths)
            return
        for number, part in enumerate(last.wrap(console, width - before)):
            part.rstrip()
            yield _aligned([*head, part], columns, widths) if number == 0 else _after(before, part)


def _notes(console: Console, width: int, notes: Sequence[Text]) -> RenderResult:
    """Yield lines further in. To look where one may be broken takes most of drawing it, so one
    that fits is not looked at."""
    for note in notes:
        if note.cell_len <= width:
            yield from (Segment(" " * NOTE_INSET), *note.render(console, end="\n"))
        else:
            yield Inset(note, NOTE_INSET)


def _aligned(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    whole = Text(no_wrap=True, overflow="ellipsis")
    for number, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
        blanks = " " * (width - cell.cell_len)
        whole.append(GAP if number else "")
        whole.append(blanks if column.right else "").append_text(cell)
        whole.append("" if column.right else blanks)
    whole.rstrip()
    return whole


def _after(blanks: int, text: Text) -> Text:
    return Text(" " * blanks).append_text(text)


@dataclass(frozen=True, slots=True)
class Inset:
    """A drawing some columns in from the left, without blanks at the end of its lines."""

    drawing: RenderableType
    columns: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it in the width that is left."""
        inner = options.update_width(max(1, options.max_width - self.columns))
        for row in console.render_lines(self.drawing, inner, pad=False):
            kept = _without_end(row)
            yield from ([Segment(" " * self.columns), *kept] if kept else [])
            yield Segment.line()


def _without_end(row: Sequence[Segment]) -> list[Segment]:
    """A row without the blanks at its end that nobody would see."""
    kept = list(row)
    while kept and not (kept[-1].style and (kept[-1].style.reverse or kept[-1].style.bgcolor)):
        text, style, _ = kept.pop()
        if text.rstrip():
            return [*kept, Segment(text.rstrip(), style)]
    return kept


@dataclass(frozen=True, slots=True)
class Either:
    """One drawing for narrow screens, another for wide ones."""

    narrow: RenderableType
    wide: RenderableType
    least: int = WIDE
    """Columns from which a screen is wide."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the one that fits."""
        yield self.narrow if options.max_width < self.least else self.wide


def line(*parts: Part) -> Text:
    """One line of text. What is not printable stands as ``?``."""
    text = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        text.append(plain(words), style)
    return text


def title(name: str, *parts: Part) -> Text:
    """A title and what it is of, cut off where there is no room."""
    text = line((name, STRONG), *parts)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _cell(cell: Cell, style: str = "") -> Text:
    text = cell if isinstance(cell, Text) else line(cell)
    return Text(style=style).append_text(text) if style else text


@dataclass(frozen=True, slots=True)
class Beside:
    """Two drawings side by side, each in a half of the width."""

    left: RenderableType
    right: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them, the right one at the same column in every line."""
        half = options.max_width // 2
        width = options.max_width - half - len(GUTTER)
        left = console.render_lines(self.left, options.update_width(width))
        right = console.render_lines(self.right, options.update_width(half), pad=False)
        blank = [Segment(" " * width)]
        for one, other in zip_longest(left, right):
            yield from (*(one or blank), Segment(GUTTER), *(other or []), Segment.line())


def stack(*drawings: RenderableType) -> Group:
    """Drawings below each other, an empty line between them."""
    first, *others = drawings
    return Group(first, *(part for drawing in others for part in (Text(), drawing)))


def lines(drawings: Iterable[RenderableType]) -> Group:
    """Drawings below each other."""
    return Group(*drawings)


def section(title: str, drawing: RenderableType) -> Group:
    """A drawing under its title."""
    return Group(Text(title, STRONG), drawing)


def inset(drawing: RenderableType) -> Group:
    """A drawing two columns in from the left, an empty line above it."""
    return Group(Text(), Inset(drawing, 2))


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
    keep_going()
    terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if terminal else PIPED_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def on_screen() -> bool:
    """True if a drawing on standard output can be replaced by another."""
    return sys.stdout.isatty() and not console().is_dumb_terminal


def display(drawing: RenderableType) -> None:
    """Print a drawing."""
    console().print(drawing)


@dataclass(slots=True)
class Screen:
    """A drawing on a terminal that can be replaced."""

    live: "Live"
    _drawn_at: tuple[int, int] | None = None

    def draw(self, drawing: RenderableType) -> None:
        """Replace what is there; all that is seen, where the terminal has another size now."""
        size = self.size()
        if self._drawn_at not in (None, size):
            # Its lines may have been broken anew, and nobody knows where the first one is.
            with self.left():
                self.live.console.clear()
        self._drawn_at = size
        self.live.update(drawing, refresh=True)

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal now."""
        size = self.live.console.size
        return size.width, size.height

    @contextmanager
    def left(self) -> Iterator[None]:
        """The terminal is somebody else's; afterwards drawings stand below what is there then."""
        self.live.stop()
        yield
        self.live = _live(self.live.console)
        self.live.start()


@contextmanager
def screen() -> Iterator[Screen]:
    """A live screen, drawn only when it is told to. Its last drawing stays."""
    shown = Screen(_live(console()))
    shown.live.start()
    try:
        yield shown
    finally:
        shown.live.stop()


def _live(on: Console) -> "Live":
    # Here, as only what stays on screen needs it.
    from rich.live import Live

    return Live(console=on, auto_refresh=False)
