"""Which page first. One file per policy, named as the literature names it.

A policy ranks pages that may leave; it never decides *whether* they do (that is the pager)
nor *when* (that is the schedule).
"""

from pichay_core.policies.cost import cost
from pichay_core.policies.fifo import fifo
from pichay_core.policies.lru import lru
from pichay_core.policies.moment import Moment, Policy
from pichay_core.policies.released import released_first
from pichay_core.policies.size import size
from pichay_core.policies.working_set import working_set

POLICIES: dict[str, Policy] = {
    "cost": cost,
    "fifo": fifo,
    "lru": lru,
    "size": size,
    "working-set": working_set,
}

USUAL_POLICY = "fifo"
"""What runs unless the user chooses; DESIGN 7 says why."""

__all__ = ["POLICIES", "USUAL_POLICY", "Moment", "Policy", "released_first"]
