"""Broken prefixes in words. Rule of this file: what our own flushes break is told apart."""

from pichay_core.store.activity import Activity


def breaks(activity: Activity) -> str:
    """What a broken prefix is, and how many of them our own flushes account for."""
    said = "less read than the cache held"
    if not activity.prefix_breaks:
        return said
    others = activity.prefix_breaks - activity.flush_breaks
    return f"{said}: {activity.flush_breaks:,} with a flush, {others:,} without"
