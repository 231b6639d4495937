"""A model on loopback that says the same few words to everybody, over TLS and HTTP/1.1.

Rule of this file: as little work as possible. It reads the body and does not look at it, so
that what is measured is the proxy.
"""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override

from bench_parts.conversation import MODEL
from pichay_cli.demo.certificate import Certificate
from pichay_cli.demo.reply import Reply, Text, frames
from pichay_core.model import Usage

BYTES_PER_TOKEN = 3.4


class Upstream(ThreadingHTTPServer):
    """Answers each POST with a stream. One request at a time is expected."""

    daemon_threads = True
    pause_seconds = 0.0
    """Between two events; 0 sends the whole stream at once."""
    words = "Done."
    received = 0
    """Size of the last body, in bytes."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.leaf, certificate.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.sent_at: list[float] = []
        """When each event of the last stream was sent, by ``time.perf_counter``."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A proxy that goes away without a goodbye is no news."""

    def pieces(self) -> list[bytes]:
        """The stream of a reply, in the pieces in which it is sent."""
        billed = Usage(
            input=3,
            cache_read=round(self.received / BYTES_PER_TOKEN) - 2_000,
            cache_write_5m=2_000,
            output=8,
        )
        events = list(frames(Reply((Text(self.words),)), "msg_bench", MODEL, billed))
        return events if self.pause_seconds else [b"".join(events)]


class _Answering(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        """Read the body, then say it."""
        self.server.received = len(self.rfile.read(int(self.headers["content-length"])))
        self.server.sent_at = []
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(self.server.pieces()):
            time.sleep(self.server.pause_seconds if number else 0)
            self.server.sent_at.append(time.perf_counter())
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on screen."""


@contextmanager
def upstream(certificate: Certificate, kind: type[Upstream] = Upstream) -> Iterator[Upstream]:
    """The upstream, serving while the block runs."""
    with kind(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
