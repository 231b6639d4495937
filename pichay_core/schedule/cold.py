"""Never pay for a flush: wait until the provider's cache is lost anyway."""

from pichay_core.schedule.pending import Pending


def cold(pending: Pending) -> str | None:
    """Flush when something is pending and the cache has expired."""
    return "cold" if pending.cold and pending.tokens > 0 else None
