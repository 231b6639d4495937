"""The only way out of a client: a proxy that leads to the scripted upstream, and nowhere else.

Rule of this file: ``CONNECT`` to a model's API is answered by a connection to the upstream, which
has a certificate for that name; everything else is refused and remembered. Pichay goes through
it as through any proxy of a user's own, so nothing of Pichay is changed for the test.
"""

import asyncio
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(slots=True)
class Gateway:
    """A running gateway."""

    upstream: int
    """Port of the upstream on loopback."""
    hosts: Collection[str]
    """Names that lead there."""
    port: int = 0
    refused: list[str] = field(default_factory=list[str])
    """What clients asked for beside."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split()
            if method == "CONNECT" and target.rpartition(":")[0] in self.hosts:
                await self._lead(reader, writer)
            else:
                self.refused.append(f"{method} {target}")
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection(HOST, self.upstream)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pumped(reader, away), _pumped(there, writer))


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on to the end of the stream; then the other side is told so."""
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextmanager
def open_gateway(upstream: int, hosts: Collection[str]) -> Iterator[Gateway]:
    """A gateway on a free port of loopback while the block runs."""
    gateway = Gateway(upstream, hosts)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(gateway.serve, HOST, 0))
    gateway.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="gateway")
    thread.start()
    try:
        yield gateway
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_end(server))
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
