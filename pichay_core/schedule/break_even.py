"""Flush when waiting has cost as much as the flush would: the ski-rental rule.

Keeping a pending page costs a cache read on every request (rent); a flush costs one rewrite of
what stands behind it (the price of the skis). Whoever buys when the rent paid reaches the price
never pays more than twice what somebody pays who knows how long the session lasts, give or take
the rent of one turn. The bound holds for one set of pages and a tail that does not grow; pages
that come later begin a wait of their own.

Source: A. Karlin, M. Manasse, L. Rudolph, D. Sleator, "Competitive snoopy caching", 1988.
"""

from pichay_core.schedule.pending import Pending


def break_even(pending: Pending) -> str | None:
    """Flush when the cache is cold anyway, or when keeping has cost what the rewrite costs."""
    if pending.tokens <= 0:
        return None
    if pending.cold:
        return "cold"
    return "break-even" if pending.paid >= pending.rewrite else None
