"""Upstreams below HTTP: a test says what goes over the TLS connection, byte by byte."""

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress

import h2.config
import h2.connection
import h2.events

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@contextmanager
def speaking(certificate, speak, protocol="http/1.1"):
    """Each connection is handed to *speak*, in a thread; the value is the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.leaf, certificate.key)
    context.set_alpn_protocols([protocol])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context, speak), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener, context, speak):
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_speak, args=(plain, context, speak), daemon=True).start()


def _speak(plain, context, speak):
    with suppress(OSError, ssl.SSLError), context.wrap_socket(plain, server_side=True) as tls:
        speak(tls)


def request_of(tls) -> bytes:
    """Read one HTTP/1.1 request with a length; its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(tls)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += _more(tls)
    return body


def _more(tls) -> bytes:
    if data := tls.recv(65536):
        return data
    raise ConnectionError("the other side is gone")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def reset(tls) -> None:
    """Tear the connection down: RST, no goodbye."""
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tls.close()


class Http2:
    """One HTTP/2 connection of a server."""

    def __init__(self, tls):
        self._tls = tls
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._http.initiate_connection()
        self._flush()

    def request(self):
        """Wait for one whole request; its stream."""
        while True:
            for event in self._http.receive_data(_more(self._tls)):
                if isinstance(event, h2.events.DataReceived):
                    length = event.flow_controlled_length
                    self._http.acknowledge_received_data(length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    return event.stream_id
            self._flush()

    def head(self, stream):
        headers = [(":status", "200"), ("content-type", "text/event-stream")]
        self._http.send_headers(stream, headers)
        self._flush()

    def data(self, stream, data, end=False):
        self._http.send_data(stream, data, end_stream=end)
        self._flush()

    def reset(self, stream):
        self._http.reset_stream(stream, error_code=2)
        self._flush()

    def _flush(self):
        self._tls.sendall(self._http.data_to_send())
