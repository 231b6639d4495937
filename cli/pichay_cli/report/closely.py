"""One session of the page: its charts, what their colours are, and what they leave out.

Rule of this file: pure but for the drawing. What a chart does not show is said below it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pichay_cli.amounts import dollars, plain, signed, times, tokens
from pichay_cli.panels import ID_SHOWN
from pichay_cli.report.charts import (
    ceiling,
    curve_chart,
    parted,
    round_tokens,
    window_chart,
    working_chart,
    zones_of,
)
from pichay_cli.report.drawn import Width, alone, both
from pichay_cli.report.tables import moments_table
from pichay_cli.report.timeline import STRIPS, happened, timeline_chart
from pichay_core.store.closeup import PARTS, CloseUp
from pichay_core.store.figures import Net
from pichay_core.store.report import Chosen

PART_NAMES = {
    "front": "front: prompt and tools",
    "talk": "talk",
    "thought": "thinking",
    "read": "read",
    "query": "query",
    "run": "run",
    "write": "write",
    "stub": "stubs",
}


def closely(chosen: Chosen, number: int) -> Mapping[str, Any]:
    """What the page says of one session."""
    figures, seen = chosen.figures, chosen.course
    return {
        "id": plain(figures.id[:ID_SHOWN]),
        "whole_id": plain(figures.id),
        "why": ", ".join(chosen.why),
        "about": " · ".join(plain(part) for part in _about(chosen) if part),
        "net": _net(figures.net),
        "charts": [each for each in _charts(seen, f"s{number}") if each],
        "table": moments_table(seen),
        "thinned": _thinned(seen),
    }


def _about(chosen: Chosen) -> tuple[str, ...]:
    figures = chosen.figures
    return (
        figures.kind,
        figures.model,
        f"mode {figures.mode}" if figures.mode else "",
        times(figures.requests, "request"),
        times(figures.turns, "turn"),
        f"frozen: {figures.frozen}" if figures.frozen else "",
    )


def _net(net: Net) -> Mapping[str, str]:
    saved, say = (net.saved_dollars, dollars) if net.priced else (net.saved_tokens, tokens)
    tone = "good" if saved > 0 else "bad" if saved < 0 else ""
    unit = "" if net.priced else " tokens"
    return {"text": f"{signed(-saved, say(-saved))}{unit}", "tone": tone}


def _thinned(seen: CloseUp) -> str:
    if not seen.thinned:
        return ""
    return (
        f"{seen.requests:,} requests are drawn as {len(seen.moments):,}: each is the one with the "
        "largest window of a few in a row, what happened in the others is counted to it."
    )


def _charts(seen: CloseUp, name: str) -> list[Mapping[str, Any] | None]:
    return [_windows(seen, name), _working(seen, name), _timeline(seen, name), _curve(seen, name)]


def _windows(seen: CloseUp, name: str) -> Mapping[str, Any] | None:
    if not seen.moments:
        return None
    shown = [part for part in PARTS if any(m.parts.get(part, 0) >= 1 for m in seen.moments)]
    parts = [(part, PART_NAMES[part]) for part in reversed(shown)]
    largest = max(moment.window for moment in seen.moments)
    untouched = max(moment.untouched for moment in seen.moments)
    return {
        "title": "Window by kind" if parted(seen) else "Window",
        "said": f"Window of each request: at most {tokens(largest)} tokens, without Pichay "
        f"{tokens(untouched)}.",
        "legend": [*(parts or [("unknown", "window")]), ("dash", "without Pichay"), *_band(seen)],
        "chart": both(partial(window_chart, seen), f"{name}-window"),
        "note": " ".join(_left_out(seen)),
    }


def _band(seen: CloseUp) -> list[tuple[str, str]]:
    return [("band", "thrash")] if seen.bands else []


def _left_out(seen: CloseUp) -> list[str]:
    """What the picture of the windows does not show."""
    top, zones = ceiling(seen), zones_of(seen)
    untouched = max(moment.untouched for moment in seen.moments)
    above = [f"{name} from {round_tokens(at)}" for name, at in zones.items() if at > top]
    return [
        *([f"Without Pichay it goes on to {tokens(untouched)}, above the picture."]
          if untouched > top else []),
        *([f"Zones above the picture: {', '.join(above)}."] if above else []),
        *([] if zones else ["How much the model can take was not recorded: no zones."]),
        *([] if parted(seen) else ["What stood in the windows was not recorded."]),
    ]  # fmt: skip


def _working(seen: CloseUp, name: str) -> Mapping[str, Any] | None:
    if all(moment.working is None for moment in seen.moments):
        return None
    return {
        "title": "In use against resident",
        "said": "W(t, 16), the pages referenced in the last 16 turns, against the pages resident "
        "in the window.",
        "legend": [("resident", "resident"), ("line", "in use: W(t, 16)"), ("pinned", "pinned"),
                   *_band(seen)],
        "chart": both(partial(working_chart, seen), f"{name}-working"),
        "note": "Above the resident set: pages in use that are out. Below it: room for more to "
        "leave.",
    }  # fmt: skip


def _curve(seen: CloseUp, name: str) -> Mapping[str, Any] | None:
    if not seen.curve:
        return None
    covered = [tau for tau, size in seen.curve.items() if size <= seen.resident]
    holds = f"the last {times(covered[-1], 'turn')}" if covered else "less than the last turn"
    return {
        "title": "Working set by how far one looks back",
        "said": f"Mean W(t, tau) by tau; the mean resident set is {tokens(seen.resident)} tokens.",
        "legend": [("line", "mean W(t, tau)"), ("resident-line", "mean resident set")],
        "chart": alone(curve_chart(seen, Width.NARROW), f"{name}-curve"),
        "note": f"On average the window holds about as much as {holds} used. Where the curve is "
        "flat, keeping more would not have been asked for; where it climbs, each turn looked "
        "further back brings in more that was in use.",
        "beside": True,
    }


def _timeline(seen: CloseUp, name: str) -> Mapping[str, Any] | None:
    strips = happened(seen)
    if not strips:
        return None
    none = [strip for strip in STRIPS if strip not in strips]
    return {
        "title": "Faults, pins and flushes",
        "said": "When pages left, came back and were pinned: " + _counts(seen),
        "legend": _band(seen),
        "chart": both(partial(timeline_chart, seen), f"{name}-timeline"),
        "note": " ".join([*_costs(seen), *([f"None: {', '.join(none)}."] if none else [])]),
    }


def _counts(seen: CloseUp) -> str:
    counts = {
        strip: sum(one.count for one in seen.happenings if one.kind == strip) for strip in STRIPS
    }
    said = ", ".join(f"{strip} {count:,}" for strip, count in counts.items() if count)
    return f"{said or 'nothing'}."


def _costs(seen: CloseUp) -> list[str]:
    """Each episode with its cost."""
    return [
        f"Thrash in requests {band.first} to {band.last}: "
        f"{times(band.episode.faults, 'refetch', 'refetches')}, "
        + (
            f"{tokens(band.episode.cost_tokens)} tokens."
            if band.episode.dollars is None
            else f"{dollars(band.episode.dollars)}."
        )
        for band in seen.bands
    ]
