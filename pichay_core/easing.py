"""What the pager does against thrash, computed from what is known of it.

One idea: while pages come back that have left, do not pay to take more of them away. As long as an
episode lasts, a flush that costs something waits, unless the window is in its highest zone; what
came back is pinned for longer; and a page must have been unused for longer than the longest pause
after which one was wanted again.

Source: P. Denning, "Working sets past and present", 1980: give every program its working set, and
let nothing be taken from it; tau is wide enough if it spans the pauses between uses.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pichay_core.events import Eased, Event, Pinned, Recovered, Thrashed
from pichay_core.given import Advance, Limits
from pichay_core.schedule import Pending
from pichay_core.schedule.pressure import Zone, zone_of
from pichay_core.table import Entry, PageTable
from pichay_core.thrash import NOTHING_SEEN, Episode, Watch

HELD = "thrashing"
"""Why a flush waits."""
STRONG = 4.0
"""Strength of the pins of pages that came back: they hold for 48 turns unused, not 16."""


@dataclass(frozen=True, slots=True)
class Ease:
    """How the pager's rules are changed in a turn."""

    tau: int = 0
    """Turns that a page must be unused at least to leave; 0 for no more than the limits say."""
    holds: bool = False
    """Flushes that cost something wait."""

    def within(self, limits: Limits) -> Limits:
        """Return the limits with this."""
        return replace(limits, tau=self.tau) if self.tau > limits.tau else limits

    def holds_back(self, pending: Pending) -> bool:
        """True if a flush has to wait that a schedule wants."""
        dear = not pending.cold and pending.rewrite > 0
        return self.holds and dear and zone_of(pending.window) is not Zone.AGGRESSIVE


NO_EASE = Ease()


def ease_of(watch: Watch, limits: Limits) -> Ease:
    """Return what is changed in a turn, given what was known before it."""
    if not limits.eases or watch is NOTHING_SEEN:
        return NO_EASE
    pauses = [one.unused for one in (watch.current, watch.last) if one is not None]
    return Ease(max(pauses, default=-1) + 1, holds=watch.current is not None)


def watched(
    advanced: Advance, turn: int, before: PageTable, known: Watch, limits: Limits
) -> Advance:
    """Return a turn with what it says of thrash, and with the answer to that.

    *known* is what was known before the turn, *before* the table that it began with.
    """
    watch = known.after(turn, advanced.events, before)
    table, events = advanced.table, [*advanced.events, *_told(known, watch)]
    if watch.current and limits.eases:
        raised = _raised(table, watch.current) if limits.pin_half_life else []
        tau, former = (ease_of(one, limits).within(limits).tau for one in (watch, known))
        if raised or tau > former or known.current is None:
            events.append(Eased(tau, len(raised), watch.until))
        events += [Pinned(entry.page.id, STRONG) for entry in raised]
        table = table.with_entries(raised)
    return replace(advanced, table=table, events=tuple(events), watch=watch)


def _told(known: Watch, watch: Watch) -> Iterable[Event]:
    if (one := watch.current) and known.current is None:
        yield Thrashed(one.start, one.faults, one.tokens, len(one.returns))
    if (one := watch.last) and known.current is not None and watch.current is None:
        yield Recovered(one.start, one.end, one.faults, one.tokens, one.bounced)


def _raised(table: PageTable, episode: Episode) -> list[Entry]:
    """Return the pages that came back and are pinned still, with a pin that holds longer."""
    back = (table.entries.get(page) for page in episode.returns)
    return [
        replace(entry, pin=replace(entry.pin, strength=STRONG))
        for entry in back
        if entry is not None and entry.pin is not None and entry.pin.strength < STRONG
    ]
