"""What input costs: a plain token in dollars, and the prompt cache as multiples of that.

Rule of this file: found once for each model and day, so that it may be asked on every request.
"""

from datetime import UTC, datetime
from functools import lru_cache

from pichay_core.tariff import CacheMultipliers, multipliers, provider_of, rates

_DAY = 86_400
"""Seconds. A price list changes by the day."""
USUAL = {False: CacheMultipliers(1.25, 0.1), True: CacheMultipliers(2.0, 0.1)}
"""Anthropic's, by whether writes are held for an hour: what a model without a price is taken to
have. Source: Anthropic, "Prompt caching: Pricing"."""


def cache_multipliers(model: str, at: float, one_hour: bool = False) -> CacheMultipliers:
    """Return what a cache write and a cache read of *model* cost on the day of *at*.

    *at* is in seconds since the epoch. Bands of long windows leave the multiples as they are.
    """
    return _multipliers(model, int(at) // _DAY, one_hour)


@lru_cache(maxsize=256)
def _multipliers(model: str, day: int, one_hour: bool) -> CacheMultipliers:
    provider = provider_of(model)
    at = datetime.fromtimestamp(day * _DAY, UTC)
    found = rates(model, 0, at, provider) if provider else None
    return multipliers(found, one_hour) if found else USUAL[one_hour]


def input_price(model: str, at: float) -> float | None:
    """Return the dollars of a token of plain input that day, in a window below every band.

    None if nobody knows the price of *model*.
    """
    return _input_price(model, int(at) // _DAY)


@lru_cache(maxsize=256)
def _input_price(model: str, day: int) -> float | None:
    found = rates(model, 0, datetime.fromtimestamp(day * _DAY, UTC))
    return found.input if found else None
