"""What the pager is given, and what it returns. Part of ``pager.py``, which is what to import."""

from dataclasses import dataclass, field

from pichay_core.admission import Arrival
from pichay_core.birth.shorter import NOTHING_SHORTER, Births, Text, no_text
from pichay_core.cooperate.fold import Fold
from pichay_core.events import Event
from pichay_core.flushcost import Prefix
from pichay_core.folding import Folding
from pichay_core.model import PageId
from pichay_core.schedule import Window
from pichay_core.table import PageTable
from pichay_core.thinking import Thinking
from pichay_core.thrash import NOTHING_SEEN, Watch


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the pager. Defaults are the paper's where it has one."""

    tau: int = 1
    """Turns a page stays at least."""
    min_bytes: int = 500
    """A page of this size or less is never moved."""
    flush_tokens: int = 20_000
    """Pending tokens from which a batch is flushed."""
    pin_half_life: int = 16
    """Turns in which an unused pin loses half its strength; 0 switches pins off."""
    keep: int = 20_000
    """Tokens of pages that ``lru`` and ``size`` keep in the window."""
    eases: bool = True
    """Thrash is answered (:mod:`pichay_core.easing`); False to watch it only."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one turn brought."""

    turn: int
    arrivals: tuple[Arrival, ...] = ()
    newest: frozenset[PageId] = frozenset()
    """Pages the model has not answered to yet: never moved."""
    bound: frozenset[PageId] = frozenset()
    """Pages that later thinking is bound to: they stay as they are while it is sent."""
    thinking: Thinking | None = None
    """What they are bound by, if it may be given up in this turn; None if it may not."""
    cold: bool = False
    """The provider's cache has expired by the clock."""
    hold: str | None = None
    """Why nothing may be moved in this turn, None if it may."""
    prefix: Prefix = field(default_factory=Prefix)
    window: Window = field(default_factory=Window)
    """What the client's own text holds of the model's window."""
    births: Births = NOTHING_SHORTER
    """What of the newest results may go out shorter than they came."""
    text: Text = field(default=no_text)
    """Returns the text of a page that the client sends."""
    folds: tuple[Folding, ...] = ()
    """What may be collapsed."""
    folded: int = 0
    """Tokens that are out of the window already beside those of pages."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the policy would have moved if it had been allowed to."""

    pages: int = 0
    tokens: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The table after the turn, and what happened in it."""

    table: PageTable
    events: tuple[Event, ...] = ()
    flushed: str | None = None
    """Why there was a flush, None if there was none."""
    held: Held = Held()
    pending: int = 0
    """Tokens that wait for a flush."""
    given_up: Thinking | None = None
    """The thinking that is not sent any more, None if none was given up."""
    folds: tuple[Fold, ...] = ()
    """What was collapsed."""
    watch: Watch = NOTHING_SEEN
    """What is known of thrash after the turn."""
