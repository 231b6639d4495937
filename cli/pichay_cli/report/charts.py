"""The charts of a report, as Vega-Lite: what the cost was, and what stood in the windows.

Rule of this file: pure.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from pichay_cli.amounts import dollars, tokens
from pichay_cli.report.drawn import HOVER, Spec, Width
from pichay_cli.report.frame import (
    area,
    bands,
    line,
    pointed,
    requests,
    steps,
    which,
    whole,
    y_axis,
)
from pichay_core.schedule.pressure import Zone
from pichay_core.store.closeup import PARTS, CloseUp, Moment
from pichay_core.store.report import Spent

TALLER = 2.5
"""Times the largest window up to which the untouched size stays in the picture."""
_DASHED = (4, 3)
_CLEAR = 0.07
"""Of the height; where zones are nearer to each other only the last is named."""


def cost_chart(course: Sequence[Spent], money: bool, width: Width) -> Spec:
    """What was paid and what would have been, summed up over time, the gap between shaded."""
    values = [_spent(*both, money) for both in pairwise((*course, course[-1]))]
    x = {
        "field": "x",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {
            "title": None,
            "grid": False,
            "tickCount": width // 130,
            "format": _clock(course[-1].at - course[0].at),
            "labelOverlap": True,
        },
    }
    layers = [
        area("with", "most", "var(--good)", 0.25),
        area("without", "most", "var(--bad)", 0.3),
        line("without", "var(--quiet)", _DASHED),
        line("with", "var(--ink)"),
        *pointed(values, width, "temporal"),
    ]
    y = {"type": "quantitative", "axis": y_axis(_dollars(values) if money else "~s")}
    return whole(width, 250, values, {"x": x, "y": y}, layers)


def _spent(point: Spent, following: Spent, money: bool) -> Spec:
    paid = point.dollars if money else point.tokens
    untouched = point.untouched_dollars if money else point.untouched_tokens
    say = dollars if money else tokens
    when = datetime.fromtimestamp(point.at).strftime("%Y-%m-%d %H:%M")
    gap = f"{say(abs(untouched - paid))} {'saved' if untouched >= paid else 'MORE'}"
    return {
        "x": _wall(point.at),
        "until": _wall(following.at),
        "with": paid,
        "without": untouched,
        "most": max(paid, untouched),
        "said": f"{when}\nwith {say(paid)}\nwithout {say(untouched)}\n{gap}",
    }


def _dollars(values: Sequence[Spec]) -> str:
    """How amounts of money are written along the axis."""
    most = max(value["most"] for value in values)
    return next(form for least, form in _MONEY if most >= least)


_MONEY = ((10_000, "$~s"), (10, "$,.0f"), (0.1, "$.2f"), (0, "$.4f"))


def _clock(seconds: float) -> str:
    """How times are written that lie so far apart."""
    return next(form for most, form in _CLOCKS if seconds < most)


_DAY = 86_400
_CLOCKS = (
    (600, "%H:%M:%S"),
    (_DAY, "%H:%M"),
    (5 * _DAY, "%a %H:%M"),
    (300 * _DAY, "%b %-d"),
    (float("inf"), "%b %Y"),
)


def _wall(at: float) -> int:
    """The time on the wall here, as milliseconds that a chart takes for UTC."""
    local = time.localtime(at)
    return int(datetime(*local[:6], tzinfo=UTC).timestamp() * 1000)


def window_chart(seen: CloseUp, width: Width) -> Spec:
    """What stood in each window by kind, beside what would have, and the zones."""
    top = ceiling(seen)
    values = [
        {
            "x": x,
            "until": moment.last + 1,
            "window": moment.window,
            "untouched": moment.untouched,
            "said": _said(moment),
        }
        for x, moment in steps(seen.moments)
    ]
    layers = [
        *bands(seen),
        _stacked(seen) if parted(seen) else area("window", None, "var(--unknown)", 1.0),
        line("untouched", "var(--ink)", _DASHED, clip=True),
        *_zones(seen, top),
        *pointed(values, width),
    ]
    y = {"type": "quantitative", "scale": {"domain": [0, top]}, "axis": y_axis("~s")}
    return whole(width, 230, values, {"x": requests(seen, width), "y": y}, layers)


def parted(seen: CloseUp) -> bool:
    """True if it was recorded what stood in the windows."""
    return any(moment.parts for moment in seen.moments)


def ceiling(seen: CloseUp) -> float:
    """The upper end of a picture of windows: all of them, and of the untouched what fits."""
    largest = max((moment.window for moment in seen.moments), default=1)
    untouched = max((moment.untouched for moment in seen.moments), default=1)
    return 1.06 * max(largest, min(untouched, TALLER * largest), 1)


def zones_of(seen: CloseUp) -> Mapping[str, float]:
    """Tokens from which each zone begins; none if nobody knows what the model can take."""
    limits = [moment.limit for moment in seen.moments if moment.limit]
    each = {zone.name.lower(): zone.value * limits[-1] for zone in Zone} if limits else {}
    return {name: at for name, at in each.items() if at}


def _zones(seen: CloseUp, top: float) -> Iterable[Spec]:
    shown = {name: at for name, at in zones_of(seen).items() if at <= top}
    values = [{"at": at, "zone": f"{name} {round_tokens(at)}"} for name, at in shown.items()]
    if not values:
        return
    if any(two["at"] - one["at"] < _CLEAR * top for one, two in pairwise(values)):
        values = [{**value, "zone": ""} for value in values[:-1]] + values[-1:]
    y = {"field": "at", "type": "quantitative"}
    text = {
        "type": "text",
        "align": "left",
        "baseline": "bottom",
        "dx": 4,
        "dy": -2,
        "fontSize": 10.5,
        "color": "var(--zone)",
    }
    yield {
        "data": {"values": values},
        "mark": {"type": "rule", "color": "var(--zone)", "strokeWidth": 1},
        "encoding": {"y": y, "x": None},
    }
    yield {
        "data": {"values": values},
        "mark": text,
        "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "zone"}},
    }


def round_tokens(count: float) -> str:
    """Tokens of a bound, which is mostly a whole number of thousands."""
    return tokens(count).replace(".0", "")


def _stacked(seen: CloseUp) -> Spec:
    values = [
        {"x": x, "part": part, "order": order, "tokens": round(moment.parts.get(part, 0.0))}
        for x, moment in steps(seen.moments)
        for order, part in enumerate(PARTS)
    ]
    colour = {
        "field": "part",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(PARTS), "range": [f"var(--{part})" for part in PARTS]},
    }
    return {
        "data": {"values": values},
        "mark": {"type": "area", "interpolate": "step-after"},
        "encoding": {
            "y": {"field": "tokens", "type": "quantitative", "stack": "zero"},
            "color": colour,
            "order": {"field": "order", "type": "quantitative"},
        },
    }


def _said(moment: Moment) -> str:
    parts = sorted(moment.parts.items(), key=lambda pair: -pair[1])
    of = "".join(f"\n{name} {tokens(size)}" for name, size in parts if size >= 1)
    window = f"window {tokens(moment.window)}{' (estimate)' if moment.estimated else ''}"
    return f"{which(moment)}\n{window}\nuntouched {tokens(moment.untouched)}{of}"


def working_chart(seen: CloseUp, width: Width) -> Spec:
    """What was in use in each turn against what was resident, and what of it was pinned."""
    values = [_in_use(x, moment) for x, moment in steps(seen.moments)]
    layers = [
        *bands(seen),
        area("resident", None, "var(--read)", 0.3),
        line("working", "var(--ink)"),
        line("pinned", "var(--pinned)"),
        *pointed(values, width),
    ]
    y = {"type": "quantitative", "axis": y_axis("~s")}
    return whole(width, 150, values, {"x": requests(seen, width), "y": y}, layers)


def _in_use(x: int, moment: Moment) -> Spec:
    working, pinned = moment.working or 0, moment.pinned or 0
    return {
        "x": x,
        "until": moment.last + 1,
        "resident": moment.resident,
        "working": working,
        "pinned": pinned,
        "said": f"{which(moment)}\nresident {tokens(moment.resident)}\nin use {tokens(working)}"
        f"\npinned {tokens(pinned)}",
    }


def curve_chart(seen: CloseUp, width: Width) -> Spec:
    """The mean working set by how far back one looks, against the mean resident set."""
    values = [
        {"tau": tau, "tokens": size, "said": f"last {tau} turns\n{tokens(size)} in use"}
        for tau, size in seen.curve.items()
    ]
    axis = {"title": "tau: turns looked back", "labelAngle": 0, "grid": False}
    y = {"field": "tokens", "type": "quantitative"}
    point = {"type": "point", "filled": True, "color": "var(--ink)", "size": 42, "opacity": 1}
    layers = [
        {
            "data": {"values": [{"at": seen.resident}]},
            "mark": {"type": "rule", "color": "var(--read)", "strokeWidth": 2},
            "encoding": {"x": None, "y": {"field": "at", "type": "quantitative"}},
        },
        {"mark": {"type": "line", "color": "var(--ink)"}, "encoding": {"y": y}},
        {"mark": point, "encoding": {"y": y}},
        {
            "name": HOVER,
            "mark": {"type": "rect", "fill": "var(--ink)", "fillOpacity": 0},
            "encoding": {
                "y": {"value": 0},
                "y2": {"value": "height"},
                "description": {"field": "said"},
            },
        },
    ]
    shared = {
        "x": {"field": "tau", "type": "ordinal", "axis": axis},
        "y": {"type": "quantitative", "axis": y_axis("~s")},
    }
    return whole(width, 150, values, shared, layers)
