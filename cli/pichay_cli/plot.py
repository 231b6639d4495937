"""Compared plans as a picture: what each costs, against how much it leaves in the window.

Rule of this file: it alone imports matplotlib, and only when a picture is drawn. The picture is
made from values, without any state of the library's, and an SVG of the same values is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pichay_cli.labels import Box, Line, Point, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

ENDINGS = (".png", ".svg")
INCHES = (9.6, 7.0)
DOTS = 160
"""To the inch, of a PNG."""
_POINTS = 72
"""To the inch. Labels are placed in these, whatever the dots."""
_INK, _QUIET, _GRID, _GREEN = "#222222", "#8a8f98", "#eceef1", "#1a7f4b"
_LABEL, _SMALL = 7.5, 9.0
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "svg.hashsalt": "pichay",
    "svg.fonttype": "path",
    "axes.unicode_minus": True,
}


class Look(Enum):
    """Colour, marker and area of a dot."""

    OTHER = "#4c72b0", "o", 28.0
    UNTOUCHED = _QUIET, "D", 28.0
    PAPER = "#c43d3d", "s", 40.0
    DEFAULT = _GREEN, "*", 120.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A plan, or several that come to the same. Both figures are of untouched."""

    name: str
    context: float
    net: float
    look: Look = Look.OTHER


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn."""

    title: str
    about: str
    """A line below the title."""
    dots: Sequence[Dot]
    bound: float
    """The least net that there can be."""


def drawable(_ctx: object, _param: object, path: Path | None) -> Path | None:
    """Return the path of the picture if one can be made there: asked before the long work."""
    if path is None:
        return None
    if path.suffix.lower() not in ENDINGS:
        raise click.BadParameter(f"{path.name} must end in {' or '.join(ENDINGS)}.")
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.absolute().parent}.")
    if find_spec("matplotlib") is None:
        raise click.ClickException(
            "A picture needs matplotlib. Install it with: pip install 'pichay[plot]'"
        )
    return path


plot_option = click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=drawable,
    metavar="FILE",
    help="Draw cost against window size into FILE.png or FILE.svg.",
)


def draw(picture: Picture, path: Path) -> None:
    """Afterwards the file holds the picture. Raises a ClickException if it cannot be written."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kind = path.suffix.lower().removeprefix(".")
    with matplotlib.rc_context(_STYLE):
        figure = Figure(INCHES, dpi=DOTS, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes, picture)
        _points(axes, picture)
        canvas.draw()
        # From here on nothing may move: the labels stand where there is room.
        figure.set_layout_engine("none")
        _labels(canvas, axes, picture)
        try:
            figure.savefig(path, format=kind, metadata={"Date": None} if kind == "svg" else None)
        except OSError as error:
            said = f"The picture cannot be written to {path}: {error.strerror or error}"
            raise click.ClickException(said) from error


def _frame(axes: "Axes", picture: Picture) -> None:
    axes.set_title(picture.title, loc="left", fontsize=12.5, color=_INK, fontweight="bold", pad=24)
    axes.text(
        0,
        1.025,
        picture.about,
        transform=axes.transAxes,
        fontsize=_SMALL,
        color=_QUIET,
        va="bottom",
    )
    axes.set_xlabel("mean window, untouched = 1", fontsize=_SMALL + 1, color=_INK, labelpad=8)
    axes.set_ylabel("input cost, untouched = 1", fontsize=_SMALL + 1, color=_INK, labelpad=8)
    axes.tick_params(colors=_QUIET, labelsize=_SMALL, length=0)
    axes.grid(color=_GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.margins(x=0.12, y=0.09)


def _points(axes: "Axes", picture: Picture) -> None:
    axes.axhline(1.0, color=_QUIET, linewidth=0.8, zorder=1)
    axes.axhline(picture.bound, color=_GREEN, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1)
    axes.annotate(
        f"no plan can cost less than {picture.bound:.3f}",
        (0.995, picture.bound), xycoords=axes.get_yaxis_transform(), xytext=(0, -4),
        textcoords="offset points", ha="right", va="top", fontsize=_LABEL + 0.5, color=_GREEN,
    )  # fmt: skip
    for dot in picture.dots:
        colour, marker, area = dot.look.value
        axes.scatter(
            dot.context, dot.net, s=area, c=colour, marker=marker, linewidths=0.8,
            edgecolors="white", zorder=3 if dot.look is Look.OTHER else 4,
        )  # fmt: skip


def _labels(canvas: "FigureCanvasAgg", axes: "Axes", picture: Picture) -> None:
    """Write the name of each dot where it covers nothing, with a line if that is further off."""
    ordered = sorted(picture.dots, key=lambda dot: (dot.look is Look.OTHER, dot.net, dot.context))
    scale = _POINTS / DOTS
    across = axes.transData.transform([(dot.context, dot.net) for dot in ordered]) * scale
    points = [Point(float(x), float(y)) for x, y in across]
    sizes = [_size(canvas, axes, dot) for dot in ordered]
    inside = axes.get_window_extent()
    within = Box(*(scale * edge for edge in (inside.x0, inside.y0, inside.x1, inside.y1)))
    taken = [*(_extent(canvas, text) for text in axes.texts), *_lines(axes, within, picture.bound)]
    for dot, point, box in zip(ordered, points, places(points, sizes, within, taken), strict=True):
        line = Line(point, box.nearest(point))
        axes.annotate(
            dot.name, (dot.context, dot.net), textcoords="offset points",
            xytext=(box.left - point.x, box.bottom - point.y), ha="left", va="bottom", zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
            **_font(dot),
        )  # fmt: skip
        if line.needed:
            axes.annotate(
                "", (dot.context, dot.net), textcoords="offset points",
                xytext=(line.end.x - point.x, line.end.y - point.y), zorder=2,
                arrowprops={"arrowstyle": "-", "color": _QUIET, "linewidth": 0.5,
                            "shrinkA": 0, "shrinkB": 3},
            )  # fmt: skip


def _lines(axes: "Axes", within: Box, bound: float) -> Iterator[Box]:
    """Yield what the lines across the picture cover."""
    for net in (1.0, bound):
        _, height = axes.transData.transform((0.0, net)) * _POINTS / DOTS
        yield Box(within.left, float(height) - 1, within.right, float(height) + 1)


def _font(dot: Dot) -> Mapping[str, Any]:
    if dot.look is Look.OTHER:
        return {"fontsize": _LABEL, "color": _INK}
    return {"fontsize": _LABEL, "color": dot.look.value[0], "fontweight": "bold"}


def _size(canvas: "FigureCanvasAgg", axes: "Axes", dot: Dot) -> tuple[float, float]:
    """Return width and height of the name as it will be written."""
    text = axes.text(0.5, 0.5, dot.name, transform=axes.transAxes, **_font(dot))
    box = _extent(canvas, text)
    text.remove()
    return box.right - box.left, box.top - box.bottom


def _extent(canvas: "FigureCanvasAgg", text: "Text") -> Box:
    found, scale = text.get_window_extent(canvas.get_renderer()), _POINTS / DOTS
    return Box(*(float(scale * edge) for edge in (found.x0, found.y0, found.x1, found.y1)))
