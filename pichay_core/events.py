"""What can happen to a session. Each event is a fact, told to the recorder once.

Rule of this file: an event holds everything that is needed to understand it without the
table; amounts are tokens (estimated) and turns.
"""

from dataclasses import dataclass

from pichay_core.events_asked import Advised as Advised
from pichay_core.events_asked import Asked as Asked
from pichay_core.events_asked import Collapsed as Collapsed
from pichay_core.events_asked import Released as Released
from pichay_core.events_asked import Unsaid as Unsaid
from pichay_core.events_defined import Called as Called
from pichay_core.events_defined import Restored as Restored
from pichay_core.events_defined import Shortened as Shortened
from pichay_core.events_thrash import Eased as Eased
from pichay_core.events_thrash import Recovered as Recovered
from pichay_core.events_thrash import Thrashed as Thrashed
from pichay_core.model import FaultKind, Handle, PageId


@dataclass(frozen=True, slots=True)
class Evicted:
    """An addressable page left the window; it may fault."""

    page: PageId
    handle: Handle
    tokens: int
    age: int


@dataclass(frozen=True, slots=True)
class Collected:
    """A page that nothing can ask for left the window; it cannot fault."""

    page: PageId
    handle: Handle
    tokens: int
    age: int
    why: str
    """``ephemeral`` or ``superseded``."""


@dataclass(frozen=True, slots=True)
class Faulted:
    """A call asked for a page that is out."""

    kind: FaultKind
    page: PageId
    by: PageId
    """The page that the call brought."""
    tokens: int
    """What came back into the window."""
    away: int
    """Turns since the page was moved out."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A page may not be evicted while its pin lasts."""

    page: PageId
    strength: float


@dataclass(frozen=True, slots=True)
class Unpinned:
    """A pin ended; ``why`` is ``changed``, ``decayed`` or ``collapsed``."""

    page: PageId
    why: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A "file unchanged" note pointed at a page that is out; its content stands there now."""

    page: PageId
    """The frame that held the note."""
    by: PageId
    """The page whose content stands there now."""
    stale: bool


@dataclass(frozen=True, slots=True)
class Duplicated:
    """A new result says the same as an earlier one: a line that names that one stands for it."""

    page: PageId
    of: PageId
    tokens: int
    """Not sent, after what stands for them."""


@dataclass(frozen=True, slots=True)
class Differed:
    """A new result is nearly an earlier one: what is different from that one stands for it."""

    page: PageId
    of: PageId
    tokens: int
    """Not sent, after what stands for them."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A new result is very long: its beginning, end and lines that matter stand for it."""

    page: PageId
    tokens: int
    """Not sent, after what stands for them."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """The client took away what a page referred to: it goes out as it came from now on."""

    page: PageId
    tokens: int
    """That are sent again."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """Pending evictions were carried out together."""

    why: str
    pages: int
    tokens: int
    """Removed from the window, after what the stubs cost."""
    saves: int = 0
    """What every request is expected to save, this one included; like the amounts below in
    tokens at the base input price."""
    rewrite: int = 0
    """What it is expected to cost, once: text that has to be written to the cache again."""
    paid: int = 0
    """What it has cost to keep the pages from when they could leave until now."""


@dataclass(frozen=True, slots=True)
class Stripped:
    """Thinking was given up with a flush: the pages that it was bound to could leave."""

    blocks: int
    tokens: int
    first: int
    """The first message that lost any."""
    upto: int
    """The messages before this one are sent without thinking from now on."""


@dataclass(frozen=True, slots=True)
class Returned:
    """Pages stand in full again where they stood: the client returned to thinking that was made
    while they did."""

    pages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """The client sent a different history from message ``at`` on."""

    at: int
    why: str
    """``edited`` (rewind, edit, fork) or ``compacted`` (nothing of it was kept)."""
    gone: int
    """Pages that are no longer sent."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The session is only observed from now on."""

    why: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """No more pages leave from now on. Those that are out stay out."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something inside Pichay went wrong; the client's own bytes went upstream."""

    why: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A request went upstream as it came; ``why`` says for what reason."""

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The provider kept thinking from the model; told once for each reply and reason."""

    why: str
    """In the provider's words: ``prefix_binding_mismatch``, ``model_binding_mismatch``, ..."""
    blocks: int
    path: str
    """Of the first of them."""
    edited: bool
    """Before this reply, something other than the client's bytes went upstream."""


@dataclass(frozen=True, slots=True)
class Missed:
    """The provider could not read its cache, and said why."""

    why: str
    tokens: int
    """That were not read, where the provider says so."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The provider itself took old tool results out of the window, more than before.

    Amounts are what came to it since; they are the provider's own.
    """

    why: str
    """``asked by us`` or ``asked by the client``."""
    pages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know; recorded once a session."""

    why: str
    detail: str = ""


type Event = (
    Evicted
    | Collected
    | Faulted
    | Pinned
    | Unpinned
    | Repaired
    | Duplicated
    | Differed
    | Trimmed
    | Expanded
    | Flushed
    | Stripped
    | Returned
    | Rewound
    | Frozen
    | Stopped
    | Failed
    | Passed
    | Dropped
    | Missed
    | Shortened
    | Called
    | Restored
    | Cleared
    | Asked
    | Released
    | Collapsed
    | Advised
    | Unsaid
    | Thrashed
    | Eased
    | Recovered
    | Warned
)
