"""What the pager does against thrash, computed from what is known of it.

One idea: while pages bounce, do not pay to take more of them away. From when a page has come back
for the second time, and as long as the episode lasts, a flush that costs something waits; what came
back is pinned for longer; and a page stays for longer than the longest pause after which one was
wanted again. When it is over, that time halves with every window. All this takes room: in the
highest zone of a window, or where nobody knows how large it is, a flush is as it would be.

Why not at once: what comes back once is pinned, and that is answer enough. Measured over 278
recorded sessions: no page of the three episodes in them came back twice, and to answer them
all the same cost 0.5 % of the bill of all sessions under ``every-turn``. Why not for good: a wide
tau makes every flush reach further back (DESIGN has the figures).

Source: P. Denning, "Working sets past and present", 1980: give every program its working set, and
let nothing be taken from it; tau is wide enough if it spans the pauses between uses.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pichay_core.events import Eased, Event, Pinned, Recovered, Thrashed
from pichay_core.given import Advance, Limits
from pichay_core.schedule import Pending, Window
from pichay_core.schedule.pressure import Zone, zone_of
from pichay_core.table import Entry, PageTable
from pichay_core.thrash import NOTHING_SEEN, WINDOW, Episode, Watch

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

    def where(self, window: Window) -> "Ease":
        """Return what of this is done in a window: nothing, unless there is known to be room."""
        room = window.size is not None and zone_of(window) is not Zone.AGGRESSIVE
        return self if room else NO_EASE

    def holds_back(self, pending: Pending) -> bool:
        """True if a flush has to wait that a schedule wants."""
        return self.holds and not pending.cold and pending.rewrite > 0


NO_EASE = Ease()


def ease_of(watch: Watch, turn: int, limits: Limits) -> Ease:
    """Return what is changed in a turn, given what was known before it.

    In a session that has bounced the next episode is answered at once.
    """
    if not limits.eases or watch is NOTHING_SEEN:
        return NO_EASE
    former = watch.last if watch.last and watch.last.bounced else None
    bounces = watch.current and (watch.current.bounced or former)
    lasting = watch.current if bounces else None
    return Ease(max(_wide(lasting), _narrowing(former, turn)), holds=lasting is not None)


def _wide(episode: Episode | None) -> int:
    return episode.unused + 1 if episode else 0


def _narrowing(episode: Episode | None, turn: int) -> int:
    if episode is None or episode.over is None:
        return 0
    return _wide(episode) >> max(0, turn - episode.over) // WINDOW


def answered(advanced: Advance, former: Ease, ease: Ease, limits: Limits) -> Advance:
    """Return a turn with the answer to the episode that lasts after it, if that is a new one.

    *former* is what was changed in the turn, *ease* what is to be changed in the next.
    """
    watch = advanced.watch
    if not ease.holds or watch.current is None:
        return advanced
    tau, raised = ease.within(limits).tau, _raised(advanced.table, watch.current, limits)
    if not raised and former.holds and tau <= former.within(limits).tau:
        return advanced
    pins = (Pinned(entry.page.id, STRONG) for entry in raised)
    answer = Eased(tau, len(raised), watch.until), *pins
    table = advanced.table.with_entries(raised)
    return replace(advanced, table=table, events=(*advanced.events, *answer))


def noticed(known: Watch, watch: Watch) -> Iterable[Event]:
    """Yield what is said of an episode that began, or is over, between two times."""
    if (one := watch.current) and known.current is None:
        yield Thrashed(one.start, one.faults, one.tokens, len(one.returns))
    if (one := watch.last) and known.current is not None and watch.current is None:
        yield Recovered(one.start, one.end, one.faults, one.tokens, one.bounced)


def _raised(table: PageTable, episode: Episode, limits: Limits) -> list[Entry]:
    """Return the pages that came back and are pinned still, with a pin that holds longer."""
    if limits.pin_half_life <= 0:
        return []
    back = (table.entries.get(page) for page in episode.returns)
    return [
        replace(entry, pin=replace(entry.pin, strength=STRONG))
        for entry in back
        if entry is not None and entry.pin is not None and entry.pin.strength < STRONG
    ]
