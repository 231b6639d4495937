"""What answers to the model are made with, and what each comes to.

Rule of this file: values only. Whatever is not in the session comes in here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from pichay_core.cooperate.commands import Collapse
from pichay_core.events import Event
from pichay_core.model import PageId
from pichay_core.pager import Limits
from pichay_core.schedule import Window
from pichay_core.session import Session

type Read = Callable[[PageId], str | None]
"""Returns the text of a page: the client's own while it sends it, else what was kept of it."""
type Collapses = Callable[[Session, Collapse], tuple[Session, str, bool]]
"""Returns the session with a collapse asked for, what to say of it, and whether that failed."""


def no_collapse(session: Session, _asked: Collapse) -> tuple[Session, str, bool]:
    """Refuse to collapse anything."""
    return session, "Turns cannot be collapsed in this conversation.", True


def no_turns(_handle: str) -> None:
    """Return no text: nothing was collapsed."""


@dataclass(frozen=True, slots=True)
class Means:
    """What stands beside a session when the model asks something of it."""

    read: Read
    limits: Limits = field(default_factory=Limits)
    window: Window = field(default_factory=Window)
    """What the last request held of the model's window, with all that was decided."""
    collapse: Collapses = no_collapse
    folded: Callable[[str], str | None] = no_turns
    """Returns the text of turns that were collapsed, by their handle; None if it is none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of one command."""

    session: Session
    text: str
    """What the model is told."""
    why: str = "answered"
    """``answered``, or in a word or two why it was not."""
    events: tuple[Event, ...] = ()

    @property
    def error(self) -> bool:
        """True if nothing of it was done."""
        return self.why != "answered"
