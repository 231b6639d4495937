"""Drawings below each other that fit a screen: what does not fit goes by rank.

Rule of this file: content comes before air. First every drawing gets the lines it cannot do
without, then there are empty lines between them, and then those that can be longer grow.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

type _Row = list[Segment]
LAST = sys.maxsize
"""The focus of what is read from its end."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A drawing that may have to make room for those of a lower rank."""

    drawing: RenderableType
    rank: int
    least: int = 0
    """May be shortened to its first line and so many in all; nought for not at all."""
    focus: int = 0
    """The line after the first around which it is shortened."""
    joined: bool = False
    """Stands right below the one before."""


@dataclass(frozen=True, slots=True)
class Later:
    """A drawing that is made only when it is printed."""

    made: Callable[[], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Make it."""
        yield self.made()


@dataclass(slots=True)
class _Kept:
    """A drawing as it will be shown."""

    slot: Slot
    rows: Sequence[_Row]
    lines: int

    @property
    def whole(self) -> bool:
        return self.lines >= len(self.rows)

    def shown(self) -> Iterator[_Row]:
        """Yield its lines, those around its focus if it is shortened."""
        first, *rest = self.rows
        body = self.lines - 1
        start = max(0, min(self.slot.focus - body // 2, len(rest) - body))
        yield from (first, *rest[start : start + body])


@dataclass(frozen=True, slots=True)
class Fitted:
    """Drawings below each other, no more than the screen is high; all where there is none."""

    slots: Sequence[Slot]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what fits."""
        room = console.size.height - 2 if console.is_terminal else sys.maxsize
        kept: dict[int, _Kept] = {}
        for place, slot in sorted(enumerate(self.slots), key=lambda pair: pair[1].rank):
            rows = console.render_lines(slot.drawing, options, pad=False)
            needed = min(slot.least or len(rows), len(rows))
            if rows and needed <= room:
                kept[place] = _Kept(slot, rows, needed)
                room -= needed
        shown = [kept[place] for place in sorted(kept)]
        gaps = sum(not one.slot.joined for one in shown[1:])
        airy = gaps <= room
        _grow(shown, room - gaps if airy else room)
        for number, one in enumerate(shown):
            yield from [Segment.line()] if airy and number and not one.slot.joined else []
            for row in one.shown():
                yield from (*row, Segment.line())


def _grow(shown: Sequence[_Kept], room: int) -> None:
    """Give out the lines that are left, one to each in turn."""
    short = [one for one in shown if not one.whole]
    while short and room > 0:
        for one in short[:room]:
            one.lines += 1
            room -= 1
        short = [one for one in short if not one.whole]
