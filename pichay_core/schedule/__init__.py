"""When to flush. One file per schedule.

A flush breaks the provider's cached prefix at the first page it moves. A schedule says
whether this turn is a good one for it.
"""

from pichay_core.schedule.auto import auto
from pichay_core.schedule.batch import batch
from pichay_core.schedule.break_even import break_even
from pichay_core.schedule.cold import cold
from pichay_core.schedule.every_turn import every_turn
from pichay_core.schedule.pending import Pending, Schedule, Window
from pichay_core.schedule.pressure import pressure

SCHEDULES: dict[str, Schedule] = {
    "auto": auto,
    "batch": batch,
    "break-even": break_even,
    "cold": cold,
    "every-turn": every_turn,
    "pressure": pressure,
}

USUAL_SCHEDULE = "auto"
"""What runs unless the user chooses; DESIGN 7 says why."""

__all__ = ["SCHEDULES", "USUAL_SCHEDULE", "Pending", "Schedule", "Window"]
