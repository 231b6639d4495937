"""One response to the client, over the replies of which it is made; as the proxy does it.

Rule of this file: what the addon does around its streams (``pichay_proxy/continuing.py``), without
a wire: replies come in one piece.
"""

import json
from collections.abc import Callable
from typing import Any

from pichay_core.model import Usage
from pichay_core.wire.report import Report
from pichay_proxy.answering import facts_of
from pichay_proxy.exchange import Arrived
from pichay_proxy.paging import Paging

type Json = dict[str, Any]
type Upstream = Callable[[bytes], tuple[list[Json], Usage]]
"""Takes a body, and returns the blocks of a reply with what it was billed."""


def through(paging: Paging, arrived: Arrived, upstream: Upstream) -> list[Json]:
    """Return the blocks that the client is shown in reply to its request."""
    decision = paging.request(arrived)
    exchange, body = decision.exchange, decision.body or arrived.body
    assert exchange is not None
    stream = arrived.route.format.stream(exchange.offered, None, streamed=False)
    shown = b""
    while True:
        blocks, usage = upstream(body)
        shown += b"".join(stream.feed(_message(blocks, usage)))
        reply = stream.end()
        following = paging.answering.answered(exchange, reply, arrived.at)
        exchange.asked = len(reply.asks)
        exchange.facts = facts_of(exchange, reply, following is not None)
        paging.aftermath.replied(exchange, 200, Report(usage), arrived.at)
        if following is None or following.exchange is None:
            break
        exchange, body = following.exchange, following.body or body
        stream.go_on()
    shown += b"".join(stream.finish())
    return json.loads(shown)["content"]


def _message(blocks: list[Json], usage: Usage) -> bytes:
    calls = any(block["type"] == "tool_use" for block in blocks)
    billed = {"input_tokens": usage.input, "output_tokens": usage.output}
    reply = {"id": "msg_1", "type": "message", "role": "assistant", "content": blocks}
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "usage": billed}
    return json.dumps({**reply, **stop}).encode()
