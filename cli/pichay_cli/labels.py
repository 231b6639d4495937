"""Where the names of points go, so that they cover neither each other nor the points.

Rule of this file: pure, in any unit, the y axis upwards. One after the other each name takes the
best of many places around its point, so that those who come first have the choice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, dist, pi, sin
from typing import NamedTuple

DISTANCES = (7.0, 12.0, 18.0, 26.0, 36.0, 48.0, 62.0, 78.0, 96.0)
ANGLES = 16
"""Directions that are tried, the first to the right."""
NEAR = 9.0
"""A name that stands further off is joined to its point by a line."""
CLEAR = 4.0
"""A point covers so much around it."""
_COVERS_NAME, _COVERS_DOT, _OUTSIDE, _CROSSES = 10.0, 6.0, 50.0, 40.0
"""What an area that is covered, one that is outside, and a line through something weigh, against
a name that stands further off by one."""
_STEPS = 8
"""Places on a line at which it is tested."""


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle in the picture."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        """Nothing if it is turned inside out."""
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    def shared(self, other: "Box") -> float:
        """Return the area that both cover."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        ).area

    def holds(self, point: Point) -> bool:
        """True if the point lies in it."""
        return self.left <= point.x <= self.right and self.bottom <= point.y <= self.top

    def nearest(self, point: Point) -> Point:
        """Return the place in it that is nearest to a point."""
        x = min(max(point.x, self.left), self.right)
        return Point(x, min(max(point.y, self.bottom), self.top))


class Line(NamedTuple):
    """From a point to its name."""

    start: Point
    end: Point

    @property
    def needed(self) -> bool:
        """False if the name stands so near that nobody misses the line."""
        return dist(self.start, self.end) > NEAR

    def passes(self, box: Box) -> bool:
        """True if it goes through the box; seen at a few places of it only."""
        return any(box.holds(self.at(step / _STEPS)) for step in range(1, _STEPS))

    def at(self, share: float) -> Point:
        """Return the place that lies so far from the start to the end."""
        (x, y), (to_x, to_y) = self.start, self.end
        return Point(x + share * (to_x - x), y + share * (to_y - y))

    def crosses(self, other: "Line") -> bool:
        """True if the two have a place in common, their ends left out."""
        (a, b), (c, d) = self, other
        return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def places(
    points: Sequence[Point],
    sizes: Sequence[tuple[float, float]],
    within: Box,
    taken: Sequence[Box] = (),
) -> list[Box]:
    """Return a place for the name of each point. *sizes* are widths and heights of the names.

    *taken* is covered by something else. Names stay inside of *within* where they can.
    """
    names: list[Box] = []
    lines: list[Line] = []
    for point, size in zip(points, sizes, strict=True):
        dots = [_around(other) for other in points if other != point]
        picture = _Picture(within, [*taken, *names], dots, lines)
        boxes = _candidates(point, *size)
        _, best = min(boxes, key=lambda pair: picture.price(*pair, point))
        names.append(best)
        lines += [line] if (line := Line(point, best.nearest(point))).needed else []
    return names


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is there when a name looks for its place."""

    within: Box
    names: Sequence[Box]
    dots: Sequence[Box]
    """Of the other points."""
    lines: Sequence[Line]

    def price(self, distance: float, box: Box, point: Point) -> float:
        """Return what it weighs if the name of *point* stands there."""
        line = Line(point, box.nearest(point))
        price = (
            distance
            + _COVERS_NAME * sum(map(box.shared, self.names))
            + _COVERS_DOT * sum(map(box.shared, (*self.dots, _around(point))))
            + _OUTSIDE * (box.area - box.shared(self.within))
            + _CROSSES * sum(other.passes(box) or line.crosses(other) for other in self.lines)
        )
        if not line.needed:
            return price
        return price + _CROSSES * sum(map(line.passes, (*self.names, *self.dots)))


def _around(point: Point) -> Box:
    return Box(point.x - CLEAR, point.y - CLEAR, point.x + CLEAR, point.y + CLEAR)


def _candidates(point: Point, width: float, height: float) -> Iterator[tuple[float, Box]]:
    """Yield boxes around a point, each with how far off it is."""
    for distance, turn in product(DISTANCES, range(ANGLES)):
        angle = 2 * pi * turn / ANGLES
        x, y = point.x + distance * cos(angle), point.y + distance * sin(angle)
        left, bottom = x - width * (1 - cos(angle)) / 2, y - height * (1 - sin(angle)) / 2
        yield distance, Box(left, bottom, left + width, bottom + height)


def _side(one: Point, other: Point, point: Point) -> float:
    """Return more than nothing if a point lies left of a line, less if it lies right of it."""
    return (other.x - one.x) * (point.y - one.y) - (other.y - one.y) * (point.x - one.x)
