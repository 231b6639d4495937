"""What mitmproxy says of connections, and two faults of its that we mend."""

import asyncio

from mitmproxy.connection import Server
from mitmproxy.proxy import context
from mitmproxy.proxy.server import ConnectionHandler

CONNECTIONS_PER_HOST = 256
"""mitmproxy allows five upstream connections to a host per client connection (its issue 8322);
a sixth stream of an HTTP/2 client would wait for one of them to end."""


def many_connections() -> asyncio.Semaphore:
    """Return the bound on upstream connections to one host."""
    return asyncio.Semaphore(CONNECTIONS_PER_HOST)


def hang_up(handler: ConnectionHandler, server: Server) -> None:
    """Close a connection upstream that is over, if mitmproxy has forgotten to. It knows it no more.

    It forgets when it cancels the task of a connection that waits in ``server_event`` for its
    lock: a model would go on talking to nobody, and be paid for it. For ``server_disconnected``.
    """
    forgotten = handler.transports.pop(server, None)
    if forgotten is not None and forgotten.writer is not None:
        forgotten.writer.close()


def host_meant(connected: context.Context, sni: str | None) -> str:
    """Return the host that a client means: an address is never named in a handshake."""
    address = connected.server.address
    return sni or (address[0] if address else "")
