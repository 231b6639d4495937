"""Sending a request once more with the client's own bytes, on mitmproxy's own connections.

Used when a provider refuses an edit of ours. Upstream proxies, TLS options and client
certificates hold as for the first try. The reply comes back whole: this one is not streamed.
"""

import asyncio

from mitmproxy import ctx, http
from mitmproxy.addons.clientplayback import ReplayHandler

LONGEST_SECONDS = 900


def as_client_sent(flow: http.HTTPFlow, body: bytes, encoding: str | None) -> http.HTTPFlow:
    """Return a copy of the flow whose request is what the client sent."""
    copy = flow.copy()
    copy.response = None
    copy.error = None
    copy.is_replay = "request"
    put_body(copy.request, body, encoding)
    return copy


def put_body(request: http.Request, body: bytes, encoding: str | None) -> None:
    """Let the request carry *body* as it is, in that encoding.

    A chunked request stays one: with a length beside it, mitmproxy and servers refuse it.
    """
    request.headers.pop("content-encoding", None)
    if encoding is not None:
        request.headers["content-encoding"] = encoding
    request.raw_content = body
    if "transfer-encoding" not in request.headers:
        request.headers["content-length"] = str(len(body))


async def resend(copy: http.HTTPFlow) -> http.Response | None:
    """Send it and return the reply, None if there was none within fifteen minutes."""
    handler = ReplayHandler(copy, ctx.options)
    try:
        await asyncio.wait_for(handler.replay(), LONGEST_SECONDS)
    except TimeoutError:
        _hang_up(handler)
        return None
    return copy.response


def _hang_up(handler: ReplayHandler) -> None:
    """Close what it opened: nobody else would."""
    for transport in handler.transports.values():
        if transport.handler is not None:
            transport.handler.cancel()
