"""Flush when the window is nearly full, or when a long request would be charged at a higher price.

Two reasons that ``break-even`` does not know. Near the end of its window a model is less sure, and
its client sums the conversation up: a request of its own, the whole cache, and content that is
lost. And a provider may ask more for the whole of a long request.

A flush for want of room must bring room: what is pending must be a share of the window. A window
that is full of what may not leave is left alone, instead of breaking its cache on every turn.

Source of the zones: arXiv 2603.09023, for a window of 200,000 tokens: advisory from 60,000,
involuntary from 100,000, aggressive from 120,000. In each one patience is less.
"""

from enum import Enum

from pichay_core.schedule.pending import Pending, Window


class Zone(Enum):
    """How full the window is. The value is the share of it from which the zone begins."""

    NORMAL = 0.0
    ADVISORY = 0.3
    INVOLUNTARY = 0.5
    AGGRESSIVE = 0.6


WORTH = 0.05
"""Share of the model's window that must be pending. Less near the end (down to an eightieth from
0.8 on) was tried: it costs more, and 11 of 12 conversations still grow until their client acts."""
PATIENCE = {Zone.ADVISORY: 0.75, Zone.INVOLUNTARY: 0.65, Zone.AGGRESSIVE: 0.5}
"""Part of its rewrite that keeping must have cost for a flush. None, as the paper has it from the
involuntary zone on, costs more: where reads are cheap the worst of 174 sessions lost 22 %."""


def zone_of(window: Window) -> Zone:
    """Return the zone of a window; ``NORMAL`` if nobody knows what the model can take."""
    fill = window.tokens / window.size if window.size else 0.0
    return max((zone for zone in Zone if fill >= zone.value), key=lambda zone: zone.value)


def pressure(pending: Pending) -> str | None:
    """Flush if the zone asks for it, or if it takes the request below a surcharge and pays."""
    if pending.tokens <= 0:
        return None
    if _pays(pending):
        return "surcharge"
    return "pressure" if _makes_room(pending) else None


def _makes_room(pending: Pending) -> bool:
    """True if the zone asks for a flush, and it brings something."""
    patience, size = PATIENCE.get(zone_of(pending.window)), pending.window.size
    if size is None or patience is None or pending.tokens < WORTH * size:
        return False
    return pending.paid >= patience * pending.rewrite


def _pays(pending: Pending) -> bool:
    """True if the surcharge that a flush saves, and what keeping has cost, pay for it at once.

    A request costs at least what it costs to read all of it from the cache. To count on further
    requests (two, three, five) saves twice as much, and sessions lose that end soon.
    """
    window, left = pending.window, pending.window.tokens - pending.tokens
    saved = (window.times(window.tokens) - window.times(left)) * pending.read * left
    return saved > 0 and saved + pending.paid >= pending.rewrite
