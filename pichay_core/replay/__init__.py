"""Recorded conversations through a policy and a schedule, and what that would have cost.

``run`` decides as live traffic does, ``world`` bills, ``billing`` sets several plans beside the
untouched world, ``born`` says what stands in front of a conversation
from its birth, ``report`` adds up, ``bound`` says what no schedule can beat, ``foresight`` what a
policy would do that knew the future.
"""

from pichay_core.replay.billing import replay, replay_all, replay_each
from pichay_core.replay.born import TOLD, Begun, Birthright, births, with_tools
from pichay_core.replay.bound import bound
from pichay_core.replay.foresight import FORESIGHT
from pichay_core.replay.report import Report, together
from pichay_core.replay.run import Setup
from pichay_core.replay.world import Unpriced

__all__ = [
    "FORESIGHT",
    "TOLD",
    "Begun",
    "Birthright",
    "Report",
    "Setup",
    "Unpriced",
    "births",
    "bound",
    "replay",
    "replay_all",
    "replay_each",
    "together",
    "with_tools",
]
