"""What a simulated prefix cache is asked, and what it answers.

Rule of this file: no clock. The caller says when a request started and when the first byte of
its response came; a cache is a value, and billing a request gives the next one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pichay_core.model import Usage
from pichay_core.prefix.chain import Chain


class Ttl(StrEnum):
    """How long what a marker writes is held, as requests spell it."""

    MINUTES = "5m"
    HOUR = "1h"

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return 3600.0 if self is Ttl.HOUR else 300.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A cache marker that the request carries."""

    unit: int
    """Index of the unit it stands on."""
    ttl: Ttl = Ttl.MINUTES
    """Only Anthropic distinguishes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Requests must be billed in the order in which they started."""

    chain: Chain
    start: float
    """Seconds, on any clock."""
    scope: str = ""
    """What must be equal for two requests to share a cache: workspace, model, speed, key."""
    marks: tuple[Mark, ...] = ()
    """In the order of their units, at most one for each."""
    first_byte: float | None = None
    """Seconds; when its entries become readable. None: at once."""
    automatic: Ttl | None = None
    """Anthropic's request-wide marker, which falls on the last unit that may carry one."""
    managed: bool = True
    """OpenAI from GPT-5.6: the provider sets a breakpoint of its own (``implicit`` mode)."""

    @property
    def readable(self) -> float:
        """When other requests can read what this one writes, in seconds."""
        return self.start if self.first_byte is None else self.first_byte


class Refused(ValueError):
    """The provider would refuse the request, with a 400; the text says why."""


@dataclass(frozen=True, slots=True)
class Billed:
    """The input side of one bill, and the cache after it."""

    usage: Usage
    after: "PrefixCache"


class PrefixCache(Protocol):
    """What a provider holds of earlier requests. A value: to branch, keep it and bill twice."""

    def bill(self, request: Request) -> Billed:
        """Return what *request* costs; its tokens always sum to the whole window."""
        ...
