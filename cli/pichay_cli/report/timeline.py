"""The timeline of a session: when pages left, came back and were pinned, and when was a flush.

Rule of this file: pure. The size of a mark is how many of them there were; a strip in which
nothing happened is not drawn, and is named below the chart.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pichay_cli.amounts import plain, times, tokens
from pichay_cli.report.drawn import HOVER, Spec, Width
from pichay_cli.report.frame import AXIS, bands, requests, whole
from pichay_core.store.closeup import CloseUp, Happening, Moment

STRIPS = ("evicted", "collected", "refetch", "refresh", "widen", "recall", "pinned", "flush")
"""From the top. The last is of turns, the others of events."""
_HEIGHT = 24
"""Pixels of a strip."""
_FLUSH = 3
"""A flush is drawn as large as so many events."""


def timeline_chart(seen: CloseUp, width: Width) -> Spec:
    """What happened, a strip for each kind of thing."""
    values = [mark for moment, found in _moments(seen) for mark in _marks(moment, found)]
    strips = happened(seen)
    y = {
        "field": "strip",
        "type": "nominal",
        "scale": {"domain": strips},
        "axis": {"title": None, "grid": True, "minExtent": AXIS - 10, "maxExtent": AXIS - 10},
    }
    layers = [*bands(seen), {"name": HOVER, **_POINTS}]
    shared = {"x": requests(seen, width), "y": y}
    return whole(width, _HEIGHT * max(1, len(strips)), values, shared, layers)


def happened(seen: CloseUp) -> list[str]:
    """The strips in which there is anything."""
    kinds = {happening.kind for happening in seen.happenings}
    flushed = any(moment.flushed for moment in seen.moments)
    return [strip for strip in STRIPS if strip in kinds or (strip == "flush" and flushed)]


_POINTS: Spec = {
    "mark": {"type": "point", "filled": True, "shape": "circle", "opacity": 0.85},
    "encoding": {
        "x": {"field": "middle", "type": "quantitative"},
        "size": {
            "field": "count",
            "type": "quantitative",
            "legend": None,
            "scale": {"domain": [0, 24], "range": [12, 260], "clamp": True},
        },
        "color": {
            "field": "strip",
            "type": "nominal",
            "legend": None,
            "scale": {"domain": list(STRIPS), "range": [f"var(--{strip})" for strip in STRIPS]},
        },
        "description": {"field": "said"},
    },
}


def _moments(seen: CloseUp) -> Iterable[tuple[Moment, Sequence[Happening]]]:
    """Each moment with what happened in the requests that it stands for."""
    found: dict[int, list[Happening]] = defaultdict(list)
    for happening in seen.happenings:
        found[happening.request].append(happening)
    for moment in seen.moments:
        spanned = range(moment.first, moment.last + 1)
        yield moment, [one for request in spanned for one in found.get(request, ())]


def _marks(moment: Moment, found: Sequence[Happening]) -> Iterable[Spec]:
    place = {"middle": (moment.first + moment.last + 1) / 2}
    for strip in STRIPS:
        of = [happening for happening in found if happening.kind == strip]
        if of:
            count, size = sum(one.count for one in of), sum(one.tokens for one in of)
            said = times(count, strip, strip) + (f", {tokens(size)} tokens" if size else "")
            yield {**place, "strip": strip, "count": count, "said": f"{_span(moment)}\n{said}"}
    if moment.flushed:
        said = f"{_span(moment)}\nflush: {plain(moment.flushed)}"
        yield {**place, "strip": "flush", "count": _FLUSH, "said": said}


def _span(moment: Moment) -> str:
    if moment.first == moment.last:
        return f"request {moment.first}"
    return f"requests {moment.first} to {moment.last}"
