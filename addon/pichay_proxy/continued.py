"""Replies that may go on: what decides of them, and which flows they belong to.

Rule of this file: nothing of mitmproxy but what it offers to addons, and no provider. Whatever
is raised by who decides, the client's response flows and ends.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from mitmproxy import http

from pichay_proxy.boundary import FailOpen

log = logging.getLogger("pichay")

LONGEST_END_SECONDS = 30.0
"""How long :meth:`Continued.ended` may take before the reply ends without a further leg."""


class Continued(Protocol):
    """What decides how one response to a client goes on.

    Its last call is one of ``finish``, ``refused``, ``failed`` and ``gone``. Pieces are sent to
    the client in order, empty ones are left out. What is raised is logged and taken for "nothing".
    """

    @property
    def idle_seconds(self) -> float:
        """How long a leg may be silent before it has failed."""
        ...

    def feed(self, data: bytes) -> list[bytes]:
        """Return what the client is sent for these bytes of a reply, of whichever leg.

        If it raises, the rest of the reply passes as it comes and ``gone`` is called.
        """
        ...

    async def ended(self) -> http.Request | None:
        """Return the request of the next leg, now that a reply has ended; None if none follows.

        It goes to the host, port and scheme of the flow's own request, whatever it says.
        """
        ...

    def began(self, reply: http.Response) -> bool:
        """Return True if the body of a leg's reply may be fed.

        The reply has status 200 and the media type of the first, and no content yet. Its
        ``content-encoding`` is the one that the bytes come in.
        """
        ...

    def waiting(self) -> bytes:
        """Return what tells a client that waits for a leg that we are alive, ``b""`` for none."""
        ...

    def finish(self) -> list[bytes]:
        """Return what is still to be sent, now that nothing follows."""
        ...

    def refused(self, reply: http.Response) -> list[bytes]:
        """Return a coherent end, now that a leg was answered with what cannot go on.

        The reply has its content, as far as it was read.
        """
        ...

    def failed(self, why: str) -> list[bytes]:
        """Return a coherent end, now that a leg could not be had or broke off."""
        ...

    def gone(self, why: str) -> None:
        """Take leave of a response that is not ours any more, at whatever stage it is.

        The client left, the first reply broke off, or ``feed`` raised. mitmproxy's ``error`` or
        ``response`` hook is called for the flow as well, before or after.
        """
        ...


@dataclass(slots=True)
class LegEnd:
    """The end of one reply, on its way through the addons' hooks and back."""

    continued: Continued
    request: http.Request | None = None
    """What goes upstream next, None if nothing does."""


async def leg_ended(end: LegEnd) -> None:
    """Find out what follows. The addon's hook ``pichay_leg_ended`` calls this and no more.

    Never raises and always returns: a hook that does not leaves its client waiting for ever.
    """
    with FailOpen(report):
        async with asyncio.timeout(LONGEST_END_SECONDS):
            end.request = await end.continued.ended()


_handed_over: WeakKeyDictionary[http.HTTPFlow, Continued] = WeakKeyDictionary()
"""Not in ``flow.metadata``: that is copied deeply."""


def hand_over(flow: http.HTTPFlow, continued: Continued) -> None:
    """Let *continued* decide how the response of this flow goes on. In ``responseheaders`` only.

    The response is streamed from then on, and of no known length.
    """
    assert flow.response is not None
    without_length(flow)
    _handed_over[flow] = continued
    flow.response.stream = _passing(flow, continued)


def without_length(flow: http.HTTPFlow) -> None:
    """Let the response have any length. On HTTP/1.1 it then needs chunks to end."""
    assert flow.response is not None
    headers = flow.response.headers
    headers.pop("content-length", None)
    versions = (flow.request.http_version, flow.response.http_version)
    if "HTTP/1.0" not in versions and not flow.request.is_http2 and not flow.request.is_http3:
        headers["transfer-encoding"] = "chunked"


def deciding(flow: http.HTTPFlow) -> Continued | None:
    """Return what decides of this flow, None if it is mitmproxy's alone."""
    return _handed_over.get(flow)


def take_back(flow: http.HTTPFlow) -> Continued | None:
    """Let the flow be mitmproxy's alone again: what is still to come passes as it is."""
    continued = _handed_over.pop(flow, None)
    if continued is not None and flow.response is not None:
        flow.response.stream = True
    return continued


def give_up(flow: http.HTTPFlow, why: str) -> None:
    """Take the flow back in the middle of a response, and say so to what decided of it."""
    continued = take_back(flow)
    if continued is not None:
        with FailOpen(report):
            continued.gone(why)


def pieces_of(asked: Callable[[], Iterable[bytes]]) -> list[bytes]:
    """Return the pieces without the empty ones: on HTTP/1.1 one of those would end the body."""
    with FailOpen(report):
        return [piece for piece in asked() if piece]
    return []


def _passing(flow: http.HTTPFlow, continued: Continued) -> Callable[[bytes], Iterable[bytes]]:
    """Return the flow's stream function. An empty piece is no end: HTTP/2 has them anywhere."""

    def passed_on(data: bytes) -> list[bytes]:
        with FailOpen(report):
            return [piece for piece in continued.feed(data) if piece] if data else []
        give_up(flow, "a reply could not be read")
        return [data]

    return passed_on


def report(error: BaseException) -> None:
    """Log an error that has cost a continuation, and nothing else."""
    log.warning("pichay: a reply was not continued, after %r", error, exc_info=error)
