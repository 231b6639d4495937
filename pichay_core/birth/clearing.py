"""Letting the provider clear old tool results: how much at a time, and how it is asked.

Rule of this file: chosen once, and the same bytes from the first request on. What the provider
clears is gone from the window without a handle of ours; the client still sends it.
"""

from math import ceil

from pichay_core.birth.choice import Birth
from pichay_core.cacheprice import cache_multipliers
from pichay_core.models import clears_on_request
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request
from pichay_core.tariff import CacheMultipliers
from pichay_core.wire.format import Asked, Clearing

TRIGGER = 100_000
"""Tokens of a window from which the provider clears: its own default."""
KEEP = 8
"""Tool uses whose results it leaves, the newest. Its default is 3: too few for an agent that
works on several files at a time."""
REQUESTS = 30
"""Requests that are expected to follow a clearing, its own included. Of 150 recorded
conversations that passed 100,000 tokens, half had 43 more to come; counting none of them beyond
the 50th, they had 34 on the average."""
PLACEHOLDERS = 1_000
"""Tokens that the provider's own notes take in place of what it cleared: some fifty of them."""
_STEP = 1_000


def clear_at_least(times: CacheMultipliers, requests: int = REQUESTS) -> int:
    """Return how many tokens a clearing must remove to pay within so many requests; 0 for never.

    What removing K tokens saves over n requests, in tokens at the base input price, is

        n·r·(K - S) - (w - r)·(G + T + S)

    with w and r the price of a cache write and a cache read, S the placeholders, T what survives
    behind the first place that was cleared and G what has to be written again
    ahead of it. The oldest results go first, so that place is near the beginning: at
    the trigger W all of the window but K is written again, G + T <= W - K. With
    a = (w - r) / (n·r) it pays from

        K = S + a·(W - K + S)   =>   K = S + W·a / (1 + a)

    on, rounded up to thousands. Of reads that cost nothing nothing can be saved.
    """
    if times.read <= 0:
        return 0
    ratio = max(0.0, times.write - times.read) / (requests * times.read)
    least = PLACEHOLDERS + TRIGGER * ratio / (1 + ratio)
    return ceil(round(least / _STEP, 6)) * _STEP


def worth_clearing(model: str, at: float, one_hour: bool, prices: Prices = NOTHING) -> int:
    """Return what a conversation's provider should clear at least; 0 if it cannot be asked."""
    if not clears_on_request(model):
        return 0
    return clear_at_least(cache_multipliers(model, at, one_hour, prices))


def asking(request: Request, birth: Birth) -> Asked | None:
    """Return what asks the provider in this request; None if this session does not ask."""
    if not birth.clears:
        return None
    return request.format.asked(request.outline, Clearing(TRIGGER, KEEP, birth.clears))


def may_clear(request: Request, birth: Birth | None) -> bool:
    """True if the provider may take away results that stand in this request.

    Then nothing may refer the model to an earlier result.
    """
    asked = request.outline.field("context_management") or b""
    return bool(birth and birth.clears) or any(edit in asked for edit in _TAKES_RESULTS)


_TAKES_RESULTS = (b"clear_tool_uses", b"compact")
"""What a client may ask for that takes results away; clearing thinking does not."""
