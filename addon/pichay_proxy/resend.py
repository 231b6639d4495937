"""Sending a request once more with the client's own bytes, on mitmproxy's own connections.

Used when a provider refuses an edit of ours. Upstream proxies, TLS options and client
certificates hold as for the first try. The reply comes back whole: this one is not streamed.
"""

import asyncio
from collections.abc import Sequence

from mitmproxy import ctx, http
from mitmproxy.addons.clientplayback import ReplayHandler

LONGEST_SECONDS = 900
BETAS = b"anthropic-beta"


def as_client_sent(
    flow: http.HTTPFlow, body: bytes, encoding: str | None, betas: Sequence[str] = ()
) -> http.HTTPFlow:
    """Return a copy of the flow whose request is what the client sent, without our *betas*."""
    copy = flow.copy()
    copy.response = None
    copy.error = None
    copy.is_replay = "request"
    put_body(copy.request, body, encoding)
    take_betas(copy.request, betas)
    return copy


def put_betas(request: http.Request, betas: Sequence[str]) -> None:
    """Let the request ask for these features too, in the client's own header if it has one."""
    if not betas:
        return
    added, fields = ",".join(betas).encode(), [*request.headers.fields]
    if (at := _last(fields)) is None:
        fields.append((BETAS, added))
    else:
        name, value = fields[at]
        fields[at] = name, value + b"," + added
    request.headers.fields = tuple(fields)


def take_betas(request: http.Request, betas: Sequence[str]) -> None:
    """Undo :func:`put_betas`: the headers are the client's again, byte for byte."""
    added, fields = ",".join(betas).encode(), [*request.headers.fields]
    at = _last(fields)
    if not betas or at is None:
        return
    name, value = fields[at]
    if value == added:
        del fields[at]
    else:
        fields[at] = name, value.removesuffix(b"," + added)
    request.headers.fields = tuple(fields)


def _last(fields: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Return where the header of features stands, the last of them if there are several."""
    found = [at for at, (name, _) in enumerate(fields) if name.lower() == BETAS]
    return found[-1] if found else None


def put(request: http.Request, body: bytes, betas: Sequence[str]) -> None:
    """Let the request carry *body*, and ask for these features too.

    Not encoded: encoding five megabytes again would cost 70 ms.
    """
    put_betas(request, betas)
    put_body(request, body, None)


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
