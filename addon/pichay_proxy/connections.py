"""What mitmproxy says of connections, and one bound of its that we widen."""

import asyncio

from mitmproxy.proxy import context

CONNECTIONS_PER_HOST = 256
"""mitmproxy allows five upstream connections to a host per client connection (its issue 8322);
a sixth stream of an HTTP/2 client would wait for one of them to end."""


def many_connections() -> asyncio.Semaphore:
    """Return the bound on upstream connections to one host."""
    return asyncio.Semaphore(CONNECTIONS_PER_HOST)


def host_meant(connected: context.Context, sni: str | None) -> str:
    """Return the host that a client means: an address is never named in a handshake."""
    address = connected.server.address
    return sni or (address[0] if address else "")
