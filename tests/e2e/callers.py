"""Clients below HTTP, through a proxy: they leave when a test says so, with a reset or an abort."""

import asyncio
import ssl
from collections import defaultdict
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes


class Caller:
    """One connection to *url* through *proxy*. ``await Caller.to(proxy, url)`` opens it."""

    protocol = "http/1.1"

    @classmethod
    async def to(cls, proxy, url):
        host = urlsplit(url).netloc
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(f"CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(_trusting(proxy, cls.protocol), server_hostname="127.0.0.1")
        return cls(reader, writer, host)

    def __init__(self, reader, writer, host):
        self._reader, self._writer, self._host = reader, writer, host

    async def post(self, **headers):
        """Send a request and return what to ask for its answer."""
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /v1/messages HTTP/1.1", f"host: {self._host}", "content-length: 1", *lines]
        self._writer.write("\r\n".join([*head, "", "x"]).encode())

    async def read_until(self, text, _stream=None):
        await self._reader.readuntil(text)

    async def leave(self, _stream=None):
        self._writer.transport.abort()

    async def close(self):
        self._writer.transport.abort()


class Http2Caller(Caller):
    """Leaving resets the stream: the connection stays."""

    protocol = "h2"

    def __init__(self, reader, writer, host):
        super().__init__(reader, writer, host)
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._http.initiate_connection()
        self._http.increment_flow_control_window(1 << 28)
        self.got = defaultdict(bytes)
        self.more = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    async def post(self, leaving=False, **headers):
        """Send a request; if *leaving*, its end and a reset in the same write."""
        stream = self._http.get_next_available_stream_id()
        first = [(":method", "POST"), (":scheme", "https"), (":authority", self._host)]
        self._http.send_headers(stream, [*first, (":path", "/v1/messages"), *headers.items()])
        self._http.send_data(stream, b"x", end_stream=True)
        if leaving:
            self._http.reset_stream(stream, ErrorCodes.CANCEL)
        self._flush()
        return stream

    async def read_until(self, text, stream=None):
        async with self.more:
            await self.more.wait_for(lambda: text in self.got[stream])

    async def leave(self, stream=None):
        self._http.reset_stream(stream, ErrorCodes.CANCEL)
        self._flush()

    async def close(self):
        self._task.cancel()
        await super().close()

    async def _read(self):
        while data := await self._reader.read(65536):
            for event in self._http.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.got[event.stream_id] += event.data
            self._flush()
            async with self.more:
                self.more.notify_all()

    def _flush(self):
        self._writer.write(self._http.data_to_send())


def _trusting(proxy, protocol):
    """The proxy is trusted, and offered what the caller does not speak too."""
    context = ssl.create_default_context()
    known = proxy.trusted.get_ca_certs(binary_form=True)
    context.load_verify_locations(cadata="".join(map(ssl.DER_cert_to_PEM_cert, known)))
    context.set_alpn_protocols(sorted(("h2", "http/1.1"), key=protocol.__ne__))
    return context
