"""What can happen between the model and its memory. Part of ``events.py``, which is what to import.

Rule of this file: as there.
"""

from dataclasses import dataclass

from pichay_core.model import Handle, PageId


@dataclass(frozen=True, slots=True)
class Asked:
    """The model used a tool of ours, or a tag."""

    tool: str
    """By its name; ``tag`` and what it asks for, where it was one."""
    why: str
    """``answered``, or why it was not."""
    tokens: int
    """Of the answer."""


@dataclass(frozen=True, slots=True)
class Released:
    """The model does not need this page any more: it leaves with the next flush."""

    page: PageId
    why: str
    """In the model's words, shortened."""


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A summary of the model's stands for whole turns from now on."""

    first: int
    """Message, as the client counts them from 0."""
    last: int
    """Message, itself included."""
    pages: int
    """That left the window with them."""
    tokens: int
    """Removed from the window, after the summary."""
    handle: Handle
    """By which the turns can be recalled."""
    turns: tuple[int, int] = (0, 0)
    """The first and the last of them."""
    digest: str = ""
    """By which their text is kept."""


@dataclass(frozen=True, slots=True)
class Advised:
    """The model was told how full its window is, as it entered a zone."""

    why: str
    """The zone."""
    tokens: int
    """In the window then."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """The client changed a reply of which it had not been shown all: what it had not been shown is
    not sent any more."""

    at: int
    """The message that was changed."""
    why: str
