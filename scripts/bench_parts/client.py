"""A client that keeps one connection through a proxy, as agents do, and looks at the clock."""

import ssl
import time
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Self

_EVENT_END = b"\n\n"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answered:
    """One exchange, by ``time.perf_counter``."""

    began: float
    ended: float
    events: tuple[float, ...]
    """When each event of the stream had come in."""

    @property
    def milliseconds(self) -> float:
        """From the first byte of the request to the last one of the reply."""
        return (self.ended - self.began) * 1000


class Client:
    """One connection through the proxy at *proxy_port*. Use it in a ``with`` block."""

    def __init__(self, proxy_port: int, upstream_port: int, authority: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        self._connection = HTTPSConnection(
            "127.0.0.1", proxy_port, context=context, timeout=_SECONDS
        )
        self._connection.set_tunnel("127.0.0.1", upstream_port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def post(self, session: str, body: bytes) -> Answered:
        """Send one request of a session and read the whole stream. Raises OSError if refused."""
        headers = {
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            "x-api-key": "sk-ant-bench",
            "x-claude-code-session-id": session,
        }
        began = time.perf_counter()
        self._connection.request("POST", "/v1/messages", body, headers)
        reply = self._connection.getresponse()
        events = _read(reply)
        if reply.status != 200:
            raise OSError(f"the proxy answered {reply.status}")
        return Answered(began, time.perf_counter(), events)


def _read(reply: HTTPResponse) -> tuple[float, ...]:
    """Read to the end and say when each event was whole."""
    times: list[float] = []
    rest = b""
    while piece := reply.read1():
        now = time.perf_counter()
        rest += piece
        times += [now] * rest.count(_EVENT_END)
        rest = rest.rpartition(_EVENT_END)[2] if _EVENT_END in rest else rest
    return tuple(times)
