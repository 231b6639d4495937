"""Which traffic is looked at: hosts and paths, as data.

Rule of this file: what is not listed is neither decrypted nor read. A look-alike host is not
a listed host; names are compared whole.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import cast

from pichay_core.wire import anthropic
from pichay_core.wire.format import Format


@dataclass(frozen=True, slots=True)
class Route:
    """What a path is for, and the wire format spoken there."""

    path: str
    purpose: str
    """``messages`` is paged; ``count`` gets the same view; ``pass`` goes as it came."""
    format: Format


def _format(module: ModuleType) -> Format:
    return cast("Format", module)


HOSTS: tuple[str, ...] = ("api.anthropic.com",)
"""Hosts whose traffic is decrypted. Extended by the option ``pichay_hosts``."""

ROUTES: tuple[Route, ...] = (
    Route("/v1/messages", "messages", _format(anthropic)),
    Route("/v1/messages/count_tokens", "count", _format(anthropic)),
    Route("/v1/messages/batches", "pass", _format(anthropic)),
)


def route_of(method: str, path: str, prefixed: bool = False) -> Route | None:
    """Return the route of a request, None if it is none of ours.

    The query does not count. *prefixed*: a gateway may put something in front of the path.
    """
    if method != "POST":
        return None
    plain = path.partition("?")[0].rstrip("/")
    fits = str.endswith if prefixed else str.__eq__
    return next((route for route in ROUTES if fits(plain, route.path)), None)
