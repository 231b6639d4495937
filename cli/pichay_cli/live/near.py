"""One session from near: how full its window is, turn by turn, and what stands in it.

Rule of this file: what the provider billed stands first; what is estimated stands behind it.
"""

from collections.abc import Iterator

from pichay_cli.amounts import share, tokens
from pichay_cli.fitting import Slot
from pichay_cli.gauges import MARK, Facts, Fill, Gauge, Labelled, Scale, Strip, facts
from pichay_cli.panels import ID_SHOWN
from pichay_cli.render import BAD, GOOD, QUIET, STRONG, RenderableType, Text, line, lines, title
from pichay_core.bounds import LEAST_REFETCHES, REFETCH_BOUND, WINDOW
from pichay_core.schedule.pressure import Zone
from pichay_core.store.now import Held, Standing
from pichay_core.store.shape import WORKING_TURNS

ZONES = tuple(zone.value for zone in Zone if zone is not Zone.NORMAL)
"""Shares of a window at which a zone begins."""
MOST_REFETCHED = 0.5
"""Refetches, for each page moved out, at which the meter is full."""
_STYLES = {
    Zone.NORMAL: GOOD,
    Zone.ADVISORY: "cyan",
    Zone.INVOLUNTARY: "magenta",
    Zone.AGGRESSIVE: BAD,
}
_KINDS = {
    "front": ("█", "blue"),
    "talk": ("▓", "cyan"),
    "thought": ("▒", "blue"),
    "read": ("█", "green"),
    "query": ("▓", "yellow"),
    "run": ("▒", "magenta"),
    "write": ("█", "cyan"),
    "stub": ("░", "red"),
}
"""How the kinds look. Neighbours differ without colour, too."""
_NAMES = {"stub": "stubs", "thought": "thinking"}


def zone(share: float) -> Zone:
    """The zone of a window that is so full."""
    return max((one for one in Zone if share >= one.value), key=lambda one: one.value)


def zone_style(share: float | None) -> str:
    """The colour of the zone of a window that is so full."""
    return "" if share is None else _STYLES[zone(share)]


def whole_percent(share: float) -> str:
    """``28 %``."""
    return f"{100 * share:.0f} %"


def near_slots(near: Standing) -> Iterator[Slot]:
    """A session from near, in pieces: how full it is comes first, what it is made of later."""
    of = f" of {near.session[:ID_SHOWN]}, turn {near.turn:,} · {near.kind}, {near.model}"
    name = title("Window", (of, QUIET))
    if not near.sent:
        yield Slot(lines([name, line(("no reply has been billed yet", QUIET))]), 1)
        return
    yield Slot(lines([name, Labelled(*_fill(near))]), 1)
    if near.fill is not None:
        short = [whole_percent(mark) for mark in ZONES]
        names = [
            f"{each} {zone(mark).name.lower()}" for each, mark in zip(short, ZONES, strict=True)
        ]
        yield Slot(Labelled("", Scale(ZONES, names, short, _said(near))), 7, joined=True)
    yield Slot(lines(_by_turn(near)), 1, joined=True)
    if near.held is not None:
        yield Slot(Labelled("holds", _made_of(near.held, near.sent[-1].window)), 5, joined=True)
    yield Slot(Labelled("in use", _in_use(near)), 3, joined=True)
    if near.moved:
        yield Slot(Labelled("refetch", _meter(near)), 3, joined=True)


def _fill(near: Standing) -> tuple[tuple[str, str], RenderableType]:
    """How full the window is, a label and a gauge."""
    said = _said(near)
    if near.fill is None:
        return ("window", ""), said
    whole = sum(near.held.kinds.values()) if near.held else 0
    if near.held is None or not whole:
        fills = [Fill(near.fill, "█", zone_style(near.fill))]
    else:
        shares = {kind: near.fill * amount / whole for kind, amount in near.held.kinds.items()}
        fills = [Fill(share, *_KINDS[kind]) for kind, share in shares.items()]
    return (whole_percent(near.fill), f"bold {zone_style(near.fill)}"), Gauge(fills, ZONES, said)


def _said(near: Standing) -> Text:
    window = tokens(near.sent[-1].window)
    if near.fill is None:
        return line(f"{window} tokens", (", its limit is not known", QUIET))
    return line(f"{window} of {tokens(near.limit or 0)}")


def _by_turn(near: Standing) -> Iterator[RenderableType]:
    """The windows, and what of them was read from the cache: one above the other."""
    sent, most = near.sent, max(one.window for one in near.sent)
    shares = [one.window / near.limit if near.limit else None for one in sent]
    top = line((f"at most {tokens(most)}", QUIET))
    hit = line((f"last {whole_percent(sent[-1].hit)}", QUIET))
    width = max(top.cell_len, hit.cell_len)
    for said in (top, hit):
        said.append(" " * (width - said.cell_len))
    windows = [one.window for one in sent]
    yield Labelled("by turn", Strip(windows, most, [zone_style(share) for share in shares], top))
    hits = [one.hit for one in sent]
    yield Labelled("cached", Strip(hits, 1.0, ["yellow" if s.broken else GOOD for s in sent], hit))


def _made_of(held: Held, window: int) -> Facts:
    """The kinds with how they look in the gauge; they add up to what was billed."""
    scale = window / (sum(held.kinds.values()) or 1)
    return Facts(
        [
            line(_KINDS[kind], " ", _NAMES.get(kind, kind), " ", (tokens(scale * amount), STRONG))
            for kind, amount in held.kinds.items()
        ]
    )


def _in_use(near: Standing) -> Facts:
    """The working set beside what is resident. Pages are estimated."""
    outside = share(near.unused, near.resident) or "nothing"
    pinned = f", {tokens(near.held.pinned)}" if near.held and near.pins else ""
    return facts(
        f"W(t, {WORKING_TURNS}) {tokens(near.held.working)}" if near.held else None,
        f"pages resident {tokens(near.resident)}",
        f"{outside} of it unused for {WORKING_TURNS} turns",
        f"{near.pins:,} pinned{pinned}",
    )


def _meter(near: Standing) -> Gauge:
    """Refetches against pages moved out in the last turns, and the bound of thrash."""
    rate = near.refetched / max(1, near.moved)
    over = rate >= REFETCH_BOUND and near.refetched >= LEAST_REFETCHES
    of = f"{near.refetched:,} for {near.moved:,} moved out, {WINDOW} turns"
    said = line(of, (f" · {MARK} {whole_percent(REFETCH_BOUND)}", QUIET))
    fill = Fill(rate / MOST_REFETCHED, "█", BAD if over else "yellow")
    return Gauge([fill], [REFETCH_BOUND / MOST_REFETCHED], said)
