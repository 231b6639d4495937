"""What tokens cost, in dollars at the provider's list prices.

Rule of this file: the prices are those of the ``genai-prices`` package as installed, at the time
given by the caller; an unknown model has no price rather than a guessed one. A price band (long
context) goes by the whole input side and holds for the whole request, as the providers bill it.
Batch, priority and regional surcharges are not included.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from math import fsum
from typing import TYPE_CHECKING

from pichay_core.model import Usage
from pichay_core.models import plain_name

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, TieredPrices

# genai_prices is imported where it is first needed: importing it takes over half a second,
# which a CLI verb that shows no money need not wait for.

_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What one request cost, in dollars, by kind of token."""

    input: float = 0.0
    cache_read: float = 0.0
    cache_write: float = 0.0
    output: float = 0.0

    @property
    def total(self) -> float:
        """Dollars for the whole request."""
        return fsum((self.input, self.cache_read, self.cache_write, self.output))


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per token, by kind of token, for windows of one price band."""

    input: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    output: float

    def price(self, usage: Usage) -> Price:
        """What *usage* costs at these rates; its window must be of their price band."""
        return Price(
            input=usage.input * self.input,
            cache_read=usage.cache_read * self.cache_read,
            cache_write=usage.cache_write_5m * self.cache_write_5m
            + usage.cache_write_1h * self.cache_write_1h,
            output=usage.output * self.output,
        )


def price(usage: Usage, model: str, at: datetime, provider: str = "anthropic") -> Price | None:
    """What *usage* cost at the time *at*; None if the price list does not know *model*."""
    found = rates(model, usage.window, at, provider)
    return found.price(usage) if found else None


def rates(
    model: str, window_tokens: int, at: datetime, provider: str = "anthropic"
) -> Rates | None:
    """The rates of a request with *window_tokens* on its input side at the time *at*.

    *provider* is an id of the price list: ``anthropic``, ``openai``, ``google``, ``aws``, ....
    A kind of cache token without a price of its own costs what the next broader kind costs, at
    last the input price. None if the price list does not know *model*, or not by the token.
    A naive *at* is read as UTC.
    """
    info = _model_info(model, provider)
    if info is None:
        return None
    listed = info.get_prices(at)
    if listed.input_mtok is None or listed.output_mtok is None:
        return None
    write = _first(listed.cache_write_mtok, listed.input_mtok)
    return Rates(
        input=_per_token(listed.input_mtok, window_tokens),
        cache_read=_per_token(_first(listed.cache_read_mtok, listed.input_mtok), window_tokens),
        cache_write_5m=_per_token(_first(listed.cache_write_5m_mtok, write), window_tokens),
        cache_write_1h=_per_token(_first(listed.cache_write_1h_mtok, write), window_tokens),
        output=_per_token(listed.output_mtok, window_tokens),
    )


def price_list() -> str:
    """Which price list the figures come from, to be shown beside them."""
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"


@lru_cache(maxsize=256)
def _model_info(model: str, provider: str) -> "ModelInfo | None":
    """The entry for *model* under its own name, else under its plain one."""
    from genai_prices.data_snapshot import get_snapshot

    for name in (model, plain_name(model)):
        try:
            return get_snapshot().find_provider_model(name, None, provider, None)[1]
        except LookupError:
            continue
    return None


def _first(
    own: "Decimal | TieredPrices | None", broader: "Decimal | TieredPrices"
) -> "Decimal | TieredPrices":
    return broader if own is None else own


def _per_token(listed: "Decimal | TieredPrices", window_tokens: int) -> float:
    """Dollars per token in the price band that a window of *window_tokens* falls into."""
    if isinstance(listed, Decimal):
        return float(listed / _TOKENS_PER_PRICE)
    reached = [tier.price for tier in listed.tiers if window_tokens > tier.start]
    return float((reached[-1] if reached else listed.base) / _TOKENS_PER_PRICE)
