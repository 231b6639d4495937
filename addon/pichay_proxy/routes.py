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


def route_of(method: str, path: str, paths: Iterable[Path] = ANYWHERE) -> Route | None:
    """Return the route of a request among those of its host, None if it is none of ours."""
    if method != "POST" or (fitting := found(path, paths)) is None:
        return None
    known, model = fitting
    return Route(known.pattern, known.purpose, FORMATS[known.format], model, known.why)
