"""A part of the bill: what :mod:`pichay_core.store.top` answers with.

Rule of this file: a value, and nothing that computes it.
"""

from dataclasses import dataclass
from typing import Literal

type By = Literal["tool", "file", "definition", "session", "command"]
"""What the bill is divided by. With ``tool``, a tool's definition is a part of what it costs."""
BYS: tuple[By, ...] = ("tool", "file", "definition", "session", "command")


@dataclass(frozen=True, slots=True)
class Cost:
    """One part of the bill. Tokens and dollars are estimates; they add up to what was billed."""

    what: str
    """Its name: a tool, a path, a command, a session's id; of a rest what is in it."""
    rest: bool = False
    """It is none of the things asked for, but what else the bill paid for: prompt, talk, ..."""
    sessions: int = 0
    """In which it was."""
    calls: int = 0
    """Times that it was called: results that came."""
    tokens: int = 0
    """Of these results, each counted once."""
    definition_tokens: int = 0
    """Of its definition as it is sent, in each request; 0 where none is, or none is known."""
    requests: int = 0
    """Requests that were billed for it, those of each result: one that stayed for ten is ten."""
    sent: int = 0
    """Tokens that were billed for it, over all these requests."""
    dollars: float | None = None
    """Of the bill, None where no request of a known price was billed for it."""
    definition_dollars: float = 0.0
    """Of these dollars, for its definition."""
    saved_dollars: float = 0.0
    """What its having left has saved, or its definition's having been sent in short: net of what
    had to be written again, and of faults; negative is a loss."""
    faults: int = 0
    """Times that it was asked for while it was out."""
