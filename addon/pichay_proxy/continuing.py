"""One response to a client, over the replies of which it is made.

Rule of this file: it puts three together that do not know each other: the layer that has the
connections (``streams.py``), the wire's own account of a reply, and the paging that answers the
model. What the model asked of its memory is answered upstream; the client is sent the rest.
"""

import time
from collections.abc import Callable
from functools import partial

from mitmproxy import http

from pichay_core.cooperate.tags import TagFilter
from pichay_core.wire.anthropic_reply import Reader
from pichay_core.wire.encoding import Decoder, decoder
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Stream
from pichay_proxy.answering import facts_of
from pichay_proxy.closing import Closing
from pichay_proxy.exchange import Decision, Exchange
from pichay_proxy.paging import Paging
from pichay_proxy.refusals import may_be_ours
from pichay_proxy.resend import put

IDLE_SECONDS = 600.0
"""A leg that says nothing for so long has failed; models that think are silent for minutes."""
_PIECE = 8 * 1024 * 1024


class Continuing:
    """Decides how one response goes on, until nothing in it is left for us to answer."""

    idle_seconds = IDLE_SECONDS

    def __init__(
        self,
        flow: http.HTTPFlow,
        exchange: Exchange,
        stream: Stream,
        paging: Paging,
        closing: Closing,
    ) -> None:
        self._sent = flow.request
        self._exchange = exchange
        self._stream = stream
        self._paging = paging
        self._closing = closing
        self._reply: http.Response | None = None
        self._decoder: Decoder | None = None

    def began(self, reply: http.Response) -> bool:
        """Return True if the body of this reply can be read; a reader is set on it."""
        self._reply = reply
        encoding = reply.headers.pop("content-encoding", "")
        try:
            self._decoder = decoder(encoding)
        except Unreadable:
            reply.headers["content-encoding"] = encoding
            return False
        self._exchange.reader = Reader(reply.headers.get("content-type", ""), "")
        return True

    def feed(self, data: bytes) -> list[bytes]:
        """Return what the client is sent for these bytes of a reply."""
        assert self._decoder is not None and self._exchange.reader is not None
        plain = self._decoder.decode(data, _PIECE)
        self._exchange.reader.feed(plain)
        return self._stream.feed(plain)

    async def ended(self) -> http.Request | None:
        """A reply is over: settle it, and return what answers it, None if it is not ours to."""
        reply, exchange = self._stream.end(), self._exchange
        answered = self._paging.answering.answered(exchange, reply, time.time())
        exchange.asked = len(reply.asks)
        exchange.facts = facts_of(exchange, reply, answered is not None)
        self._closing.settle(exchange, self._reply)
        if answered is None or answered.exchange is None:
            return None
        self._exchange = answered.exchange
        self._stream.go_on()
        return self._request(answered)

    def _request(self, answered: Decision) -> http.Request:
        request = self._sent.copy()
        if answered.body is not None:
            put(request, answered.body, ())
        return request

    def waiting(self) -> bytes:
        """Return a sign of life, where the client can take one."""
        return self._stream.waiting()

    def finish(self) -> list[bytes]:
        """Return what was held of the end of the message."""
        return self._stream.finish()

    def refused(self, reply: http.Response) -> list[bytes]:
        """A leg was refused: the message ends with what was said; our answer is not tried again."""
        answer = reply.get_content(strict=False) or b""
        self._closing.settle(self._exchange, reply)
        if (why := may_be_ours(reply.status_code, answer)) is not None:
            self._closing.give_up(self._exchange, why)
        return self._stream.fail(f"status {reply.status_code}")

    def failed(self, why: str) -> list[bytes]:
        """A leg broke off: the message ends with what was said."""
        self._closing.settle(self._exchange, self._reply)
        return self._stream.fail(why)

    def gone(self, why: str) -> None:
        """Nobody listens any more: what was billed until now is settled."""
        self._closing.settle(self._exchange, self._reply)


def continuing(
    flow: http.HTTPFlow, reply: http.Response, exchange: Exchange, paging: Paging, closing: Closing
) -> Continuing | None:
    """Return what lets a reply go on that may ask something of us, None for any other."""
    if not exchange.cooperates or reply.status_code != 200 or exchange.carried is None:
        return None
    kind = reply.headers.get("content-type", "").lower()
    streamed = "event-stream" in kind
    if not (streamed or "json" in kind):
        return None
    format, tags = exchange.carried.request.format, _tags(exchange.nonce)
    stream = format.stream(exchange.offered, tags, streamed)
    return Continuing(flow, exchange, stream, paging, closing)


def _tags(nonce: str) -> Callable[[], TagFilter] | None:
    """Return what makes a filter for tags, None if the model was told of none."""
    return partial(TagFilter, nonce) if nonce else None
