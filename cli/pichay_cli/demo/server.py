"""The scripted upstream on a loopback port, with TLS, HTTP/1.1 and HTTP/2.

Rule of this file: a free port, one thread with its own event loop, and nothing left when the
block is left.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from pichay_cli.demo.certificate import Certificate

HOST = "127.0.0.1"
PROTOCOLS = ("h2", "http/1.1")
GOODBYE_SECONDS = 0.2


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose servers do not wait 30 seconds for a client to say goodbye over TLS.

    The server library has no setting for it, and a client may keep its connection open.
    """

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:  # type: ignore[override]
        if options.get("ssl"):
            options["ssl_shutdown_timeout"] = GOODBYE_SECONDS
        return await super().create_server(*arguments, **options)


@contextmanager
def serving(
    application: Any, certificate: Certificate | None, protocols: Sequence[str] = PROTOCOLS
) -> Iterator[str]:
    """Serve *application* while the block runs; the value is its URL.

    *protocols* are offered in the TLS handshake. Without a certificate it is plain HTTP/1.1.
    """
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    config = _config(listener.detach(), certificate, protocols)
    loop = _Loop()
    stop = asyncio.Event()
    task = serve(application, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=_run, args=(loop, task), name="upstream")
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://{HOST}:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _config(descriptor: int, certificate: Certificate | None, protocols: Sequence[str]) -> Config:
    config = Config()
    config.bind = f"fd://{descriptor}"
    config.alpn_protocols = list(protocols)
    config.errorlog = None
    config.graceful_timeout = GOODBYE_SECONDS
    config.keep_alive_timeout = 60
    config.keep_alive_max_requests = 100_000
    if certificate:
        config.certfile = str(certificate.leaf)
        config.keyfile = str(certificate.key)
    return config


def _run(loop: asyncio.AbstractEventLoop, task: Any) -> None:
    """Run the server to its end; an event loop of its own keeps other loops out of it."""
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(task)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
