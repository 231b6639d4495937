"""Few large flushes: when enough is pending to repay the rewrite, or when it is free."""

from pichay_core.schedule.pending import Pending


def batch(pending: Pending) -> str | None:
    """Flush when the cache is cold anyway, or when the batch is full."""
    if pending.tokens <= 0:
        return None
    if pending.cold:
        return "cold"
    return "batch" if pending.tokens >= pending.threshold else None
