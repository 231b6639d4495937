"""mitmproxy's streams, but that a response may be made of several replies.

Rule of this file: it knows mitmproxy's inner parts, and no other file does. A flow that nobody
handed over behaves as if this file did not exist. Import it after ``streams_check.selfcheck``.

When the reply to a flow that was handed over ends, one hook is awaited. Then either a further
request goes upstream, a *leg*, whose reply goes on in the same response; or the response ends.
A leg goes over mitmproxy's own connections under a stream number of its own: upstream proxies,
TLS options, HTTP/2, reuse, backpressure and cancelling are mitmproxy's.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import override

from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http2 import Http2Connection

from pichay_proxy.boundary import FailOpen
from pichay_proxy.continued import (
    Continued,
    LegEnd,
    deciding,
    give_up,
    pieces_of,
    report,
    take_back,
)

FIRST_LEG = 1 << 40
"""Stream numbers from here on are ours: HTTP/2 has none above 2**31, HTTP/1 counts requests."""
PING_SECONDS = 15.0
"""A client is sent a sign of life this often while it waits for the first byte of a leg."""
LONGEST_REFUSAL = 64 * 1024
"""Bytes of a refusal that are read."""


@dataclass
class PichayLegEndedHook(commands.StartHook):
    """mitmproxy calls ``pichay_leg_ended(end)`` of its addons; this stream alone waits."""

    end: LegEnd


_numbers = itertools.count(FIRST_LEG)


@dataclass(slots=True, eq=False)
class _Leg:
    """A request of ours on its way, and what has come of its reply."""

    number: int = field(default_factory=lambda: next(_numbers))
    heard: float = 0.0
    """When something last came of it, or it was sent."""
    waiting: bool = True
    """No byte of its body has come."""
    alarm: commands.RequestWakeup | None = None
    refusal: http.Response | None = None
    refused: bytearray = field(default_factory=bytearray)


class ContinuedStream(HttpStream):
    """mitmproxy's stream, but that the reply of a flow that was handed over may go on."""

    _leg: _Leg | None = None

    @override
    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        leg = self._leg
        if isinstance(event, events.Wakeup):
            if leg is not None and event.command is leg.alarm:
                yield from self._woken(leg)
        elif leg is None or isinstance(event, RequestProtocolError):
            yield from super()._handle_event(event)
        elif isinstance(event, HttpEvent) and event.stream_id == leg.number:
            leg.heard = time.monotonic()
            yield from super()._handle_event(event)

    @override
    def start_response_stream(self) -> CommandGenerator[None]:
        """Begin the response, unless mitmproxy has overheard that the client is gone.

        It does when a request and its reset come in one read (``Http2Connection.handle_h2_event``
        forgets the stream at its end): the reply would be paid for to its end, and every leg.
        """
        if deciding(self.flow) is not None and not self._client_listens():
            gone = RequestProtocolError(self.stream_id, "the client is gone", ErrorCode.CANCEL)
            yield from self.handle_protocol_error(gone)
            self.server_state = self.state_errored  # what waits already is not for the client
        else:
            yield from super().start_response_stream()

    def _client_listens(self) -> bool:
        connection = self._layer().connections[self.context.client]
        over_http2 = isinstance(connection, Http2Connection)
        return not over_http2 or connection.is_open_for_us(self.stream_id)

    @override
    def state_stream_response_body(self, event: events.Event) -> CommandGenerator[None]:
        continued = deciding(self.flow)
        if continued is None:
            yield from super().state_stream_response_body(event)
        elif isinstance(event, ResponseEndOfMessage):
            yield from self._leg_over(continued)
        elif self._leg is None:
            yield from super().state_stream_response_body(event)
        elif isinstance(event, ResponseData):  # the trailers of a leg are none of the client's
            self._leg.waiting = False
            yield from super().state_stream_response_body(event)

    def _leg_over(self, continued: Continued) -> CommandGenerator[None]:
        """Ask what follows, and let it follow.

        The hook blocks, so mitmproxy is done with the connection before it is used again.
        """
        self._drop_leg()
        end = LegEnd(continued)
        yield PichayLegEndedHook(end)
        if (yield from self.check_killed(True)):
            return
        if end.request is None:
            yield from self._end(continued.finish)
        else:
            yield from self._begin_leg(continued, end.request)

    def _begin_leg(self, continued: Continued, request: http.Request) -> CommandGenerator[None]:
        self._leg = leg = _Leg()
        if not (yield from self.make_server_connection()):
            return  # handle_protocol_error has been told
        if (yield from self.check_killed(True)):
            return
        self._layer().streams[leg.number] = self
        self.server_state = self.state_leg_headers
        leg.heard = time.monotonic()
        yield from self._send(leg.number, request)
        yield from self._set_alarm(leg, continued, 0)

    def _send(self, number: int, request: http.Request) -> CommandGenerator[None]:
        body, server = request.raw_content, self.context.server
        yield SendHttp(RequestHeaders(number, request, end_stream=not body), server)
        if body:
            yield SendHttp(RequestData(number, body), server)
        yield SendHttp(RequestEndOfMessage(number), server)

    def state_leg_headers(self, event: events.Event) -> CommandGenerator[None]:
        """A leg is answered: its body goes on in the client's response, or is read as a refusal."""
        if isinstance(event, ResponseHeaders) and self._leg is not None:
            if self._goes_on(event.response):
                self.server_state = self.state_stream_response_body
            else:
                self._leg.refusal = event.response
                self.server_state = self.state_leg_refused
        yield from ()

    def _goes_on(self, reply: http.Response) -> bool:
        continued, first = deciding(self.flow), self.flow.response
        may = False
        if continued is not None and first is not None and reply.status_code == 200:
            with FailOpen(report):
                may = _media_type(reply) == _media_type(first) and continued.began(reply)
        return may

    def state_leg_refused(self, event: events.Event) -> CommandGenerator[None]:
        """Read a refusal, but no more of it than is of use."""
        leg, continued = self._leg, deciding(self.flow)
        if leg is None or leg.refusal is None or continued is None:
            return
        if isinstance(event, ResponseData):
            leg.refused += event.data
        too_long = len(leg.refused) > LONGEST_REFUSAL
        if too_long:
            yield from self._cancel(leg.number, "too long a refusal")
        if too_long or isinstance(event, ResponseEndOfMessage):
            reply = leg.refusal
            reply.raw_content = bytes(leg.refused[:LONGEST_REFUSAL])
            yield from self._end(lambda: continued.refused(reply))

    def _woken(self, leg: _Leg) -> CommandGenerator[None]:
        """Look after a leg: tell the client that we are alive, or give the leg up."""
        continued = deciding(self.flow)
        if continued is None:
            return
        silent = time.monotonic() - leg.heard
        if silent >= continued.idle_seconds:
            why = f"nothing came for {silent:.0f} s"
            yield from self._cancel(leg.number, why)
            yield from self._end(lambda: continued.failed(why))
            return
        if leg.waiting:
            yield from self._say(lambda: [continued.waiting()])
        yield from self._set_alarm(leg, continued, silent)

    def _set_alarm(self, leg: _Leg, continued: Continued, silent: float) -> CommandGenerator[None]:
        leg.alarm = commands.RequestWakeup(min(PING_SECONDS, continued.idle_seconds - silent))
        yield leg.alarm

    @override
    def handle_protocol_error(
        self, event: RequestProtocolError | ResponseProtocolError
    ) -> CommandGenerator[None]:
        """The client is gone, which cancels a leg, or a leg is, which ends the response."""
        leg, continued, why = self._leg, deciding(self.flow), event.message
        if leg is not None:
            if continued is not None and isinstance(event, ResponseProtocolError):
                if not (yield from self.check_killed(True)):
                    yield from self._end(lambda: continued.failed(why))
                return
            from_client = isinstance(event, RequestProtocolError)
            event.stream_id = leg.number if from_client else self.stream_id
        yield from super().handle_protocol_error(event)
        self._let_go(why)

    @override
    def check_killed(self, emit_error_hook: bool) -> CommandGenerator[bool]:
        """End a stream whose client has gone while a hook ran.

        In the hook ``responseheaders`` mitmproxy forgets to say so upstream.
        """
        replying = self.server_state == self.state_wait_for_response_headers
        killed = yield from super().check_killed(emit_error_hook)
        if killed:
            why = self.flow.error.msg if self.flow.error else "killed"
            if replying and deciding(self.flow) is not None:
                yield from self._cancel(self.stream_id, why)
            self._let_go(why)
        return killed

    @override
    def send_response(self, already_streamed: bool = False) -> CommandGenerator[None]:
        self._let_go("the reply is over")
        yield from super().send_response(already_streamed)

    def _end(self, last: Callable[[], list[bytes]]) -> CommandGenerator[None]:
        """Send the last pieces, call mitmproxy's ``response`` hook, and end the response."""
        yield from self._say(last)
        self._drop_leg()
        take_back(self.flow)
        yield from super().state_stream_response_body(ResponseEndOfMessage(self.stream_id))

    def _say(self, asked: Callable[[], list[bytes]]) -> CommandGenerator[None]:
        for piece in pieces_of(asked):
            if self.context.options.store_streamed_bodies:
                self.response_body_buf += piece
            yield SendHttp(ResponseData(self.stream_id, piece), self.context.client)

    def _cancel(self, number: int, why: str) -> CommandGenerator[None]:
        gone = RequestProtocolError(number, why, ErrorCode.CANCEL)
        yield SendHttp(gone, self.context.server)

    def _let_go(self, why: str) -> None:
        self._drop_leg()
        give_up(self.flow, why)

    def _drop_leg(self) -> None:
        leg, self._leg = self._leg, None
        if leg is not None:
            self._layer().streams.pop(leg.number, None)

    def _layer(self) -> HttpLayer:
        """The layer that hands events to streams: the one below this."""
        layer = self.context.layers[self.context.layers.index(self) - 1]
        assert isinstance(layer, HttpLayer)
        return layer


def _media_type(reply: http.Response) -> str:
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()
