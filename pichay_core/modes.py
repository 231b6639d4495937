"""Modes: which mechanisms run, and which mode a request gets if nobody chose one.

Rule of this file: two tables, and nothing else decides. The README shows both; a test compares.
"""

from dataclasses import dataclass
from typing import Literal

from pichay_core.models import binds_thinking

type Reach = Literal["never", "binding", "always"]
"""With which models a mechanism runs; ``binding`` are those that bind thinking to what stands
before it, so that evicting there costs thinking."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A named set of mechanisms."""

    edits: bool = True
    """False to decide and record, but send as it came."""
    definitions: bool = False
    """Tool definitions that are not used go out in short, from the first request."""
    births: bool = False
    """What a message repeats goes out shorter, the first time it is sent."""
    evicts: bool = False
    """Old tool results leave the window, and the model is told so."""
    server: Reach = "never"
    """The provider is asked to clear old tool results itself."""

    def asks_provider(self, model: str) -> bool:
        """True if the provider of *model* is asked to clear old tool results itself."""
        return self.server == "always" or (self.server == "binding" and binds_thinking(model))


MODES = {
    "observe": Mode(edits=False, evicts=True),
    "birth": Mode(definitions=True, births=True),
    "page": Mode(evicts=True),
    "server": Mode(definitions=True, births=True, server="always"),
    "full": Mode(definitions=True, births=True, evicts=True, server="binding"),
}
AUTO = "auto"
"""Not a mode: whatever :func:`usual_mode` says."""
FORMER = {"evict": "page"}
"""Names of earlier versions, and what does the same now."""

USUAL = {
    ("api key", "free"): "full",
    ("api key", "binding"): "full",
    ("bearer", "free"): "full",
    ("bearer", "binding"): "full",
    ("none", "free"): "full",
    ("none", "binding"): "full",
    ("subscription", "free"): "observe",
    ("subscription", "binding"): "observe",
    ("subscription, allowed", "free"): "full",
    ("subscription, allowed", "binding"): "full",
    ("signed", "free"): "observe",
    ("signed", "binding"): "observe",
}
"""By kind of credential, and whether the model binds thinking to what stands before it."""


def usual_mode(credential: str, model: str) -> str:
    """Return the mode of a request whose user chose none."""
    family = "binding" if binds_thinking(model) else "free"
    return USUAL.get((credential, family), "observe")


def no_mode(name: str) -> str:
    """Say what to choose instead of a name that is none of a mode's."""
    if name in FORMER:
        return f"{name!r} is called {FORMER[name]!r} now; {AUTO!r} chooses by credential and model"
    return f"must be {' or '.join((AUTO, *MODES))}, not {name!r}"
