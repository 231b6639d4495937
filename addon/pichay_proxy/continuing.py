"""One response to a client, over the replies of which it is made.

Rule of this file: it puts three together that do not know each other: the layer that has the
connections (``streams.py``), the wire's own account of a reply, and the paging that answers the
model. What the model asked of its memory is answered upstream; the client is sent the rest.
"""

import time
from functools import partial

from mitmproxy import http

from pichay_core.cooperate.tags import TagFilter
from pichay_core.wire.encoding import Decoder, decoder
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Stream
from pichay_proxy.answering import facts_of
from pichay_proxy.boundary import FailOpen
from pichay_proxy.closing import Closing, reader_of
from pichay_proxy.continued import report
from pichay_proxy.exchange import Decision, Exchange
from pichay_proxy.paging import Paging
from pichay_proxy.refusals import may_be_ours
from pichay_proxy.resend import put
from pichay_proxy.streams_check import installed
from pichay_proxy.unsent import Unsent

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
        self._unsent = Unsent()
        self._passing = "what is shown"
        """Or, once a reply could not be understood, ``all`` of it or ``nothing``."""

    def began(self, reply: http.Response) -> bool:
        """Return True if the body of this reply can be read; a reader is set on it."""
        self._reply = reply
        encoding = reply.headers.pop("content-encoding", "")
        try:
            self._decoder = decoder(encoding)
        except Unreadable:
            reply.headers["content-encoding"] = encoding
            return False
        self._exchange.reader = reader_of(self._exchange, reply)
        return True

    def feed(self, data: bytes) -> list[bytes]:
        """Return what the client is sent for these bytes of a reply."""
        if self._passing == "nothing":
            return []
        assert self._decoder is not None
        try:
            plain = self._decoder.decode(data, _PIECE)
        except Unreadable as error:
            return self._lose(None, error)  # encoded, it is nothing to a client
        return [plain] if self._passing == "all" else self._made_of(plain)

    def _made_of(self, plain: bytes) -> list[bytes]:
        """Return what the client is to see of it; whatever fails, it sees what it can live with."""
        failures: list[BaseException] = []
        self._unsent.came(plain)
        with FailOpen(failures.append):
            self._look(plain)
            passed = self._stream.feed(plain)
            self._unsent.sent(passed)
            return passed
        return self._lose(self._unsent.rest(), failures[0])

    def _look(self, plain: bytes) -> None:
        """Let the usage be read; without it the reply goes on all the same."""
        with FailOpen(report):
            assert self._exchange.reader is not None
            self._exchange.reader.feed(plain)

    def _lose(self, rest: bytes | None, error: BaseException) -> list[bytes]:
        """Pass on as it comes what cannot be understood, if all has been so far; else end it."""
        report(error)
        self._passing = "nothing" if rest is None else "all"
        return [rest] if rest else self._stream.fail("the reply could not be read")

    async def ended(self) -> http.Request | None:
        """A reply is over: settle it, and return what answers it, None if it is not ours to."""
        if self._lost:
            return None
        reply, exchange = self._stream.end(), self._exchange
        answered = self._paging.answering.answered(exchange, reply, time.time())
        with FailOpen(report):
            exchange.asked = len(reply.asks)
            exchange.facts = facts_of(exchange, reply, answered is not None)
        self._settle(self._reply)
        if answered is None or answered.exchange is None:
            return None
        self._exchange, self._reply = answered.exchange, None
        self._stream.go_on()
        return self._request(answered)

    def _request(self, answered: Decision) -> http.Request:
        request = self._sent.copy()
        request.headers.pop("idempotency-key", None)  # it is another request
        if answered.body is not None:
            put(request, answered.body, ())
        return request

    @property
    def _lost(self) -> bool:
        return self._passing != "what is shown"

    def waiting(self) -> bytes:
        """Return a sign of life, where the client can take one."""
        return self._stream.waiting()

    def finish(self) -> list[bytes]:
        """Return what was held of the end of the message; nothing of it is left unsettled."""
        self._settle(self._reply)
        return [] if self._lost else self._stream.finish()

    def refused(self, reply: http.Response) -> list[bytes]:
        """A leg was refused: the message ends with what was said; our answer is not tried again."""
        answer = reply.get_content(strict=False) or b""
        self._settle(reply)
        with FailOpen(report):
            if (why := may_be_ours(reply.status_code, answer)) is not None:
                self._closing.give_up(self._exchange, why)
        return self._stream.fail(f"status {reply.status_code}")

    def failed(self, why: str) -> list[bytes]:
        """A leg broke off: the message ends with what was said."""
        self._settle(self._reply)
        return [] if self._lost else self._stream.fail(why)

    def gone(self, why: str) -> None:
        """Nobody listens any more: what was billed until now is settled."""
        self._settle(self._reply)

    def _settle(self, reply: http.Response | None) -> None:
        """Take over what a reply said; if that fails, its client gets the rest all the same."""
        with FailOpen(report):
            self._closing.settle(self._exchange, reply)


def continuing(
    flow: http.HTTPFlow, reply: http.Response, exchange: Exchange, paging: Paging, closing: Closing
) -> Continuing | None:
    """Return what lets a reply go on that may ask something of us, None for any other.

    None too if mitmproxy cannot go on with one: what a conversation was offered when it could
    passes to the client then, who knows no such tool and says so.
    """
    kind, carried = reply.headers.get("content-type", "").lower(), exchange.carried
    streamed = "event-stream" in kind
    if reply.status_code != 200 or carried is None or not (streamed or "json" in kind):
        return None
    if not (exchange.cooperates and installed()):
        return None
    tags = partial(TagFilter, exchange.nonce) if exchange.nonce else None
    stream = carried.request.format.stream(exchange.offered, tags, streamed)
    return Continuing(flow, exchange, stream, paging, closing)
