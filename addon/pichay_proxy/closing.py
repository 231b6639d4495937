"""How exchanges end: settled, tried once more with the client's own bytes, given up.

Rule of this file: an exchange is settled once. What raises here ends at the boundary of the addon.
"""

import logging
import time
from collections.abc import Callable

from mitmproxy import http

from pichay_core.session import REFUSED
from pichay_core.wire.report import Reader
from pichay_proxy.exchange import Exchange
from pichay_proxy.paging import Paging
from pichay_proxy.refusals import may_be_ours
from pichay_proxy.resend import as_client_sent, resend

log = logging.getLogger("pichay")


class Closing:
    """Ends what :class:`pichay_proxy.paging.Paging` began."""

    def __init__(self, paging: Paging, warn_once: Callable[[str], None]) -> None:
        self._paging = paging
        self._warn_once = warn_once
        self._resent: set[str] = set()

    def is_ours(self, flow: http.HTTPFlow) -> bool:
        """True for a flow that we made ourselves, to try once more."""
        return flow.id in self._resent

    async def close(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """Settle what the turn cost; try once more if our edit was refused."""
        if flow.response is None:
            return
        answer = flow.response.get_content(strict=False) or b""
        refusal = may_be_ours(flow.response.status_code, answer) if exchange.edited else None
        if refusal is None:
            self.settle(exchange, flow.response)
        else:
            await self._try_again(flow, exchange, refusal)

    async def _try_again(self, flow: http.HTTPFlow, exchange: Exchange, refusal: str) -> None:
        assert exchange.client_body is not None
        reply: http.Response | None = None
        try:
            body, encoding = exchange.client_body, exchange.client_encoding
            copy = as_client_sent(flow, body, encoding, exchange.betas)
            reply = await self._resend(copy)
            if reply is not None:
                flow.response = reply
                exchange.reader = reader_of(exchange, reply)
                if exchange.reader is not None:
                    exchange.reader.feed(reply.raw_content or b"")
        finally:
            self.settle(exchange, flow.response, refusal)
            if reply is None or reply.status_code != 400:
                self.give_up(exchange, refusal)

    async def _resend(self, copy: http.HTTPFlow) -> http.Response | None:
        """Send a copy past our own hooks, which see it like any other flow."""
        self._resent.add(copy.id)
        try:
            return await resend(copy)
        finally:
            self._resent.discard(copy.id)

    def give_up(self, exchange: Exchange, refusal: str) -> None:
        """Edit this session no more."""
        self._paging.aftermath.freeze(exchange, f"{REFUSED}: {refusal}", time.time())
        self._warn_once(f"the provider refused an edit; this session is only observed: {refusal}")

    def settle(
        self, exchange: Exchange, reply: http.Response | None, retried: str | None = None
    ) -> None:
        """Take over what a reply said, as far as it came; once."""
        report = exchange.reader.report() if exchange.reader else None
        status, after = reply.status_code if reply else 0, self._paging.aftermath
        for said in after.replied(exchange, status, report, time.time(), retried):
            log.warning("pichay: session %s: %s: %s", exchange.session, said.why, said.detail)


def reader_of(exchange: Exchange, reply: http.Response) -> Reader | None:
    """Return what reads a reply in passing; None for one that is none of ours."""
    if exchange.carried is None:
        return None
    headers, format = reply.headers, exchange.carried.request.format
    return format.reader(headers.get("content-type", ""), headers.get("content-encoding", ""))
