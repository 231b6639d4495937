"""Every good reason to flush: the cache is lost, waiting has cost enough, the window is full."""

from pichay_core.schedule.break_even import break_even
from pichay_core.schedule.cold import cold
from pichay_core.schedule.pending import Pending
from pichay_core.schedule.pressure import pressure


def auto(pending: Pending) -> str | None:
    """Flush for the first reason that ``cold``, ``break-even`` or ``pressure`` has."""
    return cold(pending) or break_even(pending) or pressure(pending)
