"""What the charts of a report have in common: their frame, lines, bands, and what they say.

Rule of this file: pure. A chart comes in two widths; the narrow one says less, never other things.
What a mark says when it is pointed at is a text that was made here, not in the page.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from pichay_cli.report.drawn import HOVER, Spec, Width
from pichay_core.store.closeup import CloseUp, Moment

AXIS = 68
"""Pixels for the labels of the vertical axis, so that charts one above the other agree."""
_LABEL = 90
"""Pixels for a label of the horizontal axis."""


def whole(
    width: Width, height: int, values: Sequence[Spec], shared: Spec, layers: Sequence[Spec]
) -> Spec:
    """The chart, its parts one over the other."""
    return {
        "width": width - AXIS - 16,
        "height": height,
        "padding": {"left": 2, "right": 12, "top": 6, "bottom": 2},
        "data": {"values": list(values)},
        "encoding": shared,
        "layer": list(layers),
    }


def y_axis(form: str) -> Spec:
    """The vertical axis of amounts."""
    return {
        "title": None,
        "labelExpr": f"datum.value ? format(datum.value, '{form}') : '0'",
        "tickCount": 5,
        "minExtent": AXIS - 10,
        "maxExtent": AXIS - 10,
    }


def requests(seen: CloseUp, width: Width) -> Spec:
    """The horizontal axis: the requests of a session."""
    last = max((moment.last for moment in seen.moments), default=1)
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [1, last + 1], "nice": False, "zero": False},
        "axis": {
            "title": "request",
            "grid": False,
            "format": "d",
            "tickMinStep": 1,
            "tickCount": width // _LABEL,
        },
    }


def steps(moments: Sequence[Moment]) -> Iterable[tuple[int, Moment]]:
    """Each moment with the request that it begins with, and the last once more at its end."""
    ends = ((moment.last + 1, moment) for moment in moments[-1:])
    return chain(((moment.first, moment) for moment in moments), ends)


def line(field: str, colour: str, dash: Sequence[int] = (), clip: bool = False) -> Spec:
    """A line that goes on at its height until the next point."""
    mark: Spec = {
        "type": "line",
        "interpolate": "step-after",
        "color": colour,
        "strokeWidth": 1.75,
        "clip": clip,
    }
    return {
        "mark": mark | ({"strokeDash": list(dash)} if dash else {}),
        "encoding": {"y": {"field": field, "type": "quantitative"}},
    }


def area(low: str, high: str | None, colour: str, opacity: float) -> Spec:
    """What lies between two lines, or between one and nothing."""
    mark = {"type": "area", "interpolate": "step-after", "color": colour, "opacity": opacity}
    y = {"field": low, "type": "quantitative"}
    return {"mark": mark, "encoding": {"y": y} | ({"y2": {"field": high}} if high else {})}


def bands(seen: CloseUp) -> Iterable[Spec]:
    """The episodes of thrash, over the whole height."""
    if not seen.bands:
        return
    yield {
        "data": {"values": [{"x": band.first, "until": band.last + 1} for band in seen.bands]},
        "mark": {"type": "rect", "color": "var(--band)", "opacity": 1},
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "x2": {"field": "until"},
            "y": {"value": 0},
            "y2": {"value": "height"},
        },
    }


def pointed(values: Sequence[Spec], width: Width, kind: str = "quantitative") -> Iterable[Spec]:
    """What says something when it is pointed at: each moment over the whole height.

    Narrow screens are touched, not pointed at: a finger is wider than a moment.
    """
    if width is Width.NARROW:
        return
    yield {
        "name": HOVER,
        "data": {"values": [value for value in values if value["x"] < value["until"]]},
        "mark": {"type": "rect", "fill": "var(--ink)", "fillOpacity": 0},
        "encoding": {
            "x": {"field": "x", "type": kind},
            "x2": {"field": "until"},
            "y": {"value": 0},
            "y2": {"value": "height"},
            "description": {"field": "said"},
        },
    }


def which(moment: Moment) -> str:
    """The request that a moment is, and those that it stands for."""
    if moment.first == moment.last:
        return f"request {moment.request}, turn {moment.turn}"
    return f"request {moment.request}, the largest of {moment.first} to {moment.last}"
