"""Which definitions a new session needs: those of the tools that earlier ones used.

Rule of this file: pure. What earlier sessions did is told; what is sent is decided here, once,
from the first request alone. A profile that is wrong too often is not asked any more, until the
sessions that it was wrong for have grown old.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pichay_core.birth.choice import Birth, Way
from pichay_core.birth.definitions import deferred, short
from pichay_core.models import searches_tools
from pichay_core.request import Request

LATEST = 32
"""Earlier sessions that a profile is made from: the latest that used a tool."""
LEAST_JUDGED = 4
"""Of those, the ones that the profile has served: with fewer it is not judged."""
MOST_MISSED = 0.5
"""The share of them that may have called a tool the profile had left out."""

CHOICES = ("auto", "short", "defer", "whole")
"""What a user may ask for."""
WAYS: dict[tuple[str, bool], Way] = {
    ("auto", True): "deferred",
    ("auto", False): "short",
    ("short", True): "short",
    ("short", False): "short",
    ("defer", True): "deferred",
    ("defer", False): "whole",
    ("whole", True): "whole",
    ("whole", False): "whole",
}
"""By what was asked for, and whether the client's own tools hold the provider's tool search.

That search answers in blocks that a client must know how to send back, so it is never added to
the tools of a client that did not ask for it.
"""
_REDUCED = {"short": short, "deferred": deferred}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What one earlier session of the same kind, client and project did with its tools."""

    used: frozenset[str]
    reduced: bool = False
    """It was not given all definitions in full."""
    missed: bool = False
    """It called a tool of which it had not been given the full definition."""


def profiled(birth: Birth, asked: str, request: Request, earlier: Sequence[Earlier]) -> Birth:
    """Return what a conversation is given that begins with this request.

    *earlier* are the sessions to learn from, the latest first. The names are those of tools
    whose definition really gets smaller.
    """
    way = WAYS[asked, has_search(request)]
    if why := _objection(asked, way, earlier):
        return replace(birth, why=why)
    needed = _needed(request, earlier)
    names = frozenset(_reducible(request, way)) - needed
    if not names:
        return replace(birth, why="nothing to leave out")
    sessions = f"{len(earlier)} earlier session{'s' * (len(earlier) != 1)}"
    return replace(birth, way=way, names=names, why=f"unused in {sessions}")


def has_search(request: Request) -> bool:
    """True if the provider searches among the client's tools, with a model that can do it."""
    tools, model = request.head.raw_tools, request.head.model
    return bool(tools) and request.format.searches(tools or b"") and searches_tools(model)


def sizes(request: Request) -> dict[str, int]:
    """Return how many bytes each tool's definition has, by name."""
    tools = request.head.raw_tools or b""
    return {name: end - start for name, (start, end) in request.format.definitions(tools).items()}


def _objection(asked: str, way: Way, earlier: Sequence[Earlier]) -> str | None:
    if way == "whole":
        return "asked for" if asked == "whole" else "no tool search"
    if not any(session.used for session in earlier):
        return "no earlier session"
    return "missed too often" if _misses_too_often(earlier) else None


def _misses_too_often(earlier: Iterable[Earlier]) -> bool:
    judged = [session.missed for session in earlier if session.reduced]
    return len(judged) >= LEAST_JUDGED and sum(judged) > MOST_MISSED * len(judged)


def _needed(request: Request, earlier: Iterable[Earlier]) -> frozenset[str]:
    """Return the tools that were used, and those that the request itself names."""
    named = (request.format.mentions(message.raw) for message in request.messages)
    return frozenset({request.head.forced}).union(*(each.used for each in earlier), *named)


def _reducible(request: Request, way: Way) -> Iterable[str]:
    tools = request.head.raw_tools or b""
    for name, place in request.format.definitions(tools).items():
        if _REDUCED[way](tools[place.start : place.end]) is not None:
            yield name
