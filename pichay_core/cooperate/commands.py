"""What the model can ask of its memory, whichever way it asks.

Rule of this file: values only. Pages are named as the model named them (handles or paths), so
that who carries a command out decides what they mean in his session.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recall:
    """Bring pages back, or parts of them."""

    pages: tuple[str, ...]
    first: int | None = None
    """Line, 1-based; None for the first."""
    last: int | None = None
    """Line, itself included; None for the last."""
    search: str | None = None
    """Only lines that hold this very text."""


@dataclass(frozen=True, slots=True)
class Release:
    """These pages are not needed any more."""

    pages: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """These pages are to stay."""

    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summarize:
    """A page may leave; this is to stand in its place beside its name."""

    page: str
    text: str


@dataclass(frozen=True, slots=True)
class Collapse:
    """A summary is to stand for whole turns."""

    first: int
    """Turn, 1-based, as ``memory_status`` counts them."""
    last: int
    """Turn, itself included."""
    summary: str


@dataclass(frozen=True, slots=True)
class Status:
    """Say how full the window is, and of what."""


type Command = Recall | Release | Anchor | Summarize | Collapse | Status
