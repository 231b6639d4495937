"""Amounts as drawings: a gauge with marks, a row of little bars, a label beside what it names.

Rule of this file: every drawing can be read without colour, and takes the width that it is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from pichay_cli.render import QUIET, Part, line

LABEL = 10
"""Columns of a label."""
FREE, MARK = "─", "│"
LOW = 32
"""Lines of a screen on which lines are dear."""
_SPARKS = "▁▂▃▄▅▆▇"
"""Never up to the line above, where other bars may stand."""
LEAST_GAUGE = 16
"""Columns below which what a gauge says beside it goes below it."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A part of a gauge: its share of the whole, and how it looks."""

    share: float
    glyph: str = "█"
    style: str = ""


def gauge(fills: Sequence[Fill], marks: Sequence[float], width: int) -> Text:
    """Return shares of a whole as a bar of so many columns, marks standing at shares of it."""
    ends = [round(width * min(1.0, end)) for end in accumulate(fill.share for fill in fills)]
    places = {min(width - 1, round(width * mark)) for mark in marks}
    cells: list[tuple[str, str]] = []
    for place in range(width):
        fill = next((f for f, end in zip(fills, ends, strict=True) if place < end), None)
        glyph, style = (FREE, QUIET) if fill is None else (fill.glyph, fill.style)
        marked = "" if fill is None else f"{style} reverse"
        cells.append((MARK, marked) if place in places else (glyph, style))
    return _joined(cells)


def _joined(cells: Sequence[tuple[str, str]]) -> Text:
    """Return glyphs in their styles, those behind each other of the same style in one."""
    drawn = Text(no_wrap=True)
    for style, run in groupby(cells, key=lambda cell: cell[1]):
        drawn.append("".join(glyph for glyph, _ in run), style)
    return drawn


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge with what it says beside it, and below it what its marks are, if they have names."""

    fills: Sequence[Fill]
    marks: Sequence[float] = ()
    said: Text | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is room."""
        width = gauge_width(options.max_width, self.said)
        drawn = gauge(self.fills, self.marks, width)
        if self.said is None:
            yield drawn
        elif width == options.max_width:
            yield from (drawn, self.said)
        else:
            yield drawn.append("  ").append_text(self.said)


def gauge_width(width: int, said: Text | None) -> int:
    """Return the columns of the gauge itself, of *width* that it has with what it says."""
    left = width - (said.cell_len + 2 if said else 0)
    return left if left >= LEAST_GAUGE else width


@dataclass(frozen=True, slots=True)
class Scale:
    """The names of the marks of a gauge, each below its own where there is room."""

    marks: Sequence[float]
    names: Sequence[str]
    short: Sequence[str]
    """Shorter ones, where there is not room for all."""
    said: Text | None = None
    """By the gauge, beside it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them."""
        width = gauge_width(options.max_width, self.said)
        long, short = (_below(self.marks, names, width) for names in (self.names, self.short))
        drawn = Text(long if len(long) <= options.max_width else short, QUIET, no_wrap=True)
        drawn.truncate(options.max_width)
        yield drawn


def _below(marks: Sequence[float], names: Sequence[str], width: int) -> str:
    drawn = ""
    for mark, name in zip(marks, names, strict=True):
        place = max(min(width - 1, round(width * mark)), len(drawn) + bool(drawn))
        drawn = f"{drawn:{place}}└{name}"
    return drawn


@dataclass(frozen=True, slots=True)
class Strip:
    """Amounts as a row of little bars, each in its own style; the last ones that fit."""

    values: Sequence[float]
    top: float
    """The amount that is drawn at full height."""
    styles: Sequence[str]
    said: Text | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many as there is room for."""
        width = gauge_width(options.max_width, self.said)
        bars = [_spark(value, self.top) for value in self.values[-width:]]
        drawn = _joined([*zip(bars, self.styles[-width:], strict=True)])
        if self.said is not None and width < options.max_width:
            drawn.append(" " * (width - len(drawn)) + "  ").append_text(self.said)
        yield drawn


@dataclass(frozen=True, slots=True)
class Labelled:
    """A drawing, a label left of its first line."""

    label: Part
    drawing: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it in the width that the label leaves."""
        label = line(self.label)
        label.truncate(LABEL, pad=True)
        inner = options.update_width(max(1, options.max_width - LABEL))
        rows = console.render_lines(self.drawing, inner, pad=False)
        for number, row in enumerate(rows):
            before = label.render(console) if number == 0 else [Segment(" " * LABEL)]
            yield from (*before, *row, Segment.line())


@dataclass(frozen=True, slots=True)
class Facts:
    """Short texts behind each other, a dot between them, none of them broken between lines.

    What matters less stands last: on a low screen there is one line of them.
    """

    texts: Sequence[Text]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them on as many lines as they need."""
        row, low = Text(no_wrap=True), console.is_terminal and console.size.height < LOW
        for text in self.texts:
            if row and row.cell_len + len(" · ") + text.cell_len > options.max_width:
                if low:
                    break
                yield row
                row = Text(no_wrap=True)
            row.append(" · " if row else "", QUIET).append_text(text)
        row.truncate(options.max_width, overflow="ellipsis")
        yield row


def facts(*parts: Part | None) -> Facts:
    """Return short texts behind each other; None for what there is nothing to say of."""
    return Facts([line(part) for part in parts if part])


def sparks(values: Sequence[float], most: int, top: float | None = None) -> str:
    """Return amounts as little bars, *most* at most: each the largest of some in a row.

    *top* is drawn at full height; None for the largest of all.
    """
    step = max(1, -(-len(values) // most))
    bars = [max(values[at : at + step]) for at in range(0, len(values), step)]
    highest = max(bars, default=0) if top is None else top
    return "".join(_spark(value, highest) for value in bars)


def _spark(value: float, top: float) -> str:
    return _SPARKS[min(len(_SPARKS) - 1, int(value * len(_SPARKS) / (top or 1)))]
