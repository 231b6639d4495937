"""What can happen to tool definitions. Part of ``events.py``, which is what to import.

Rule of this file: as there.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortened:
    """From the first request of a session on, some tool definitions are not sent in full."""

    why: str
    tools: int
    tokens: int
    """Off every request."""


@dataclass(frozen=True, slots=True)
class Called:
    """The model called a tool of which it had not been given the full definition, or looked
    it up: told once for each tool of a session."""

    tool: str
    tokens: int
    """Of the full definition."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A definition goes out in full from now on."""

    tool: str
    why: str
    """``cold`` (nothing was cached any more) or ``forced`` (the client demands this call)."""
    tokens: int
