"""What input costs: a plain token in dollars, and the prompt cache as multiples of that.

Rule of this file: found once for each model and day, so that it may be asked on every request.
"""

from datetime import UTC, datetime
from functools import lru_cache

from pichay_core.models import claude_version
from pichay_core.prices import NOTHING, Prices
from pichay_core.tariff import CacheMultipliers, Surcharge, multipliers, rates, surcharges

_DAY = 86_400
"""Seconds. A price list changes by the day."""
USUAL = {False: CacheMultipliers(1.25, 0.1), True: CacheMultipliers(2.0, 0.1)}
"""Anthropic's, by whether writes are held for an hour: what a model without a price is taken to
have. Source: Anthropic, "Prompt caching: Pricing"."""
AUTOMATIC = CacheMultipliers(1.0, 0.1)
"""What a model of another maker is taken to have, that has no price: its provider caches unasked,
and writes for nothing."""


def cache_multipliers(
    model: str,
    at: float,
    one_hour: bool = False,
    prices: Prices = NOTHING,
    provider: str = "",
) -> CacheMultipliers:
    """Return what a cache write and a cache read of *model* cost on the day of *at*.

    *at* is in seconds since the epoch; *provider* is an id of the price list, or nothing to go
    by the model. The user's own *prices* win; a Claude without a price
    is taken to have the ``USUAL`` ones, another model those of ``AUTOMATIC``.
    Bands of long windows leave the multiples as they are.
    """
    return _multipliers(model, int(at) // _DAY, one_hour, prices, provider)


def writes_free(model: str, at: float, prices: Prices = NOTHING, provider: str = "") -> bool:
    """True if the provider of *model* caches unasked, and a write costs what plain input does."""
    return cache_multipliers(model, at, prices=prices, provider=provider).write <= 1.0


def surcharges_of(
    model: str, at: float, prices: Prices = NOTHING, provider: str = ""
) -> tuple[Surcharge, ...]:
    """Return by how much long requests to *model* are dearer; none for one without a price."""
    return _surcharges(model, int(at) // _DAY, prices, provider)


@lru_cache(maxsize=256)
def _multipliers(
    model: str, day: int, one_hour: bool, prices: Prices, provider: str
) -> CacheMultipliers:
    found = rates(model, 0, _start(day), provider or None, prices)
    if found:
        return multipliers(found, one_hour)
    return USUAL[one_hour] if claude_version(model) or not model else AUTOMATIC


@lru_cache(maxsize=256)
def _surcharges(model: str, day: int, prices: Prices, provider: str) -> tuple[Surcharge, ...]:
    return surcharges(model, _start(day), provider or None, prices)


def input_price(model: str, at: float, prices: Prices = NOTHING) -> float | None:
    """Return the dollars of a token of plain input that day, in a window below every band.

    None if nobody knows the price of *model*.
    """
    return _input_price(model, int(at) // _DAY, prices)


@lru_cache(maxsize=256)
def _input_price(model: str, day: int, prices: Prices) -> float | None:
    found = rates(model, 0, _start(day), None, prices)
    return found.input if found else None


def _start(day: int) -> datetime:
    return datetime.fromtimestamp(day * _DAY, UTC)
