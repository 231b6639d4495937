"""A fixed allocation: of an order of pages, as many as fit stay in the window."""

from collections.abc import Iterable
from itertools import accumulate

from pichay_core.policies.moment import Moment
from pichay_core.table import Entry


def beyond(pages: Iterable[Entry], now: Moment) -> list[Entry]:
    """Return what does not fit into the allocation, the last of the order first.

    *pages* stand in the order in which they may stay. From the first that does not fit on, none
    does: what stays holds at most ``now.keep`` tokens. A page younger than tau stays as well,
    and takes its room.
    """
    ordered = list(pages)
    filled = accumulate(entry.page.tokens - entry.short for entry in ordered)
    out = (e for e, tokens in zip(ordered, filled, strict=True) if tokens > now.keep)
    return [entry for entry in out if now.turn - entry.born >= now.tau][::-1]
