"""The paper's schedule: whatever may leave leaves at once.

It breaks the cached prefix on nearly every turn. It is here to be compared with.
"""

from pichay_core.schedule.pending import Pending


def every_turn(pending: Pending) -> str | None:
    """Flush whenever anything is pending."""
    return "every-turn" if pending.tokens > 0 else None
