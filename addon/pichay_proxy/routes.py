"""What a request is for, and the wire format spoken there.

Rule of this file: it only looks up. Which hosts and paths there are stands in
:mod:`pichay_core.hosts`, which the command line reads too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pichay_core.hosts import ANYWHERE, Path, Purpose, found
from pichay_core.wire.format import Format
from pichay_core.wire.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of a request, by its path."""

    path: str
    """As the table has it: never what stands in its query, which may be a key."""
    purpose: Purpose
    format: Format
    model: str = ""
    """The model that the path names; empty where the body does."""
    why: str = ""
    """Why it passes as it came, if it does."""
    unanswerable: bool = False
    """Its reply is asked for in a form that is not edited."""


def route_of(method: str, path: str, paths: Iterable[Path] = ANYWHERE) -> Route | None:
    """Return the route of a request among those of its host, None if it is none of ours."""
    if method != "POST" or (fitting := found(path, paths)) is None:
        return None
    known, model = fitting
    needed, query = known.gets.events, path.partition("?")[2].split("&")
    unanswerable = bool(needed) and needed not in query
    format = FORMATS[known.format]
    return Route(known.pattern, known.purpose, format, model, known.why, unanswerable)
