"""What the model has said that it does not need leaves first, whatever else a policy keeps.

Under every policy: the model knows what it still needs, and a policy can only guess. How young a
page is does not count then.
"""

from collections.abc import Sequence

from pichay_core.policies.moment import Moment, Policy
from pichay_core.table import Entry


def released_first(policy: Policy) -> Policy:
    """Return the policy that lets the released pages leave before what this one chooses."""

    def ranked(pages: Sequence[Entry], now: Moment) -> list[Entry]:
        released = [entry for entry in pages if entry.released]
        if not released:
            return policy(pages, now)
        return [*released, *policy([entry for entry in pages if not entry.released], now)]

    return ranked
