"""What tokens cost, in dollars: at a user's own prices, else at the provider's list prices.

Rule of this file: list prices are those of the ``genai-prices`` package as installed, at the time
given by the caller; an unknown model has no price rather than a guessed one, and whoever asked
says so. A price band (long context) goes by the whole input side and holds for the whole
request, as the providers bill it. Batch, priority and regional surcharges are not included.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from pichay_core.model import Usage
from pichay_core.models import claude_version, plain_name
from pichay_core.prices import NOTHING, TOKENS_PER_PRICE, Band, Price, Prices, Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, TieredPrices

# genai_prices is imported where it is first needed: importing it takes over half a second,
# which a CLI verb that shows no money need not wait for.

_PROVIDERS = (
    (re.compile(r"(?:^|[/.])(?:gpt|chatgpt|codex|o\d)\b"), "openai"),
    (re.compile(r"(?:^|[/.])gemini\b"), "google"),
)

_DIGITS = 9
"""Of a multiplier; dollars per token are no round numbers in binary."""

HALF_HOUR = 30
"""Minutes. Every price of the list begins and ends with a day or with half an hour of one."""


@dataclass(frozen=True, slots=True)
class CacheMultipliers:
    """What a cached token costs, in tokens of plain input."""

    write: float
    read: float


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What the whole of a long request costs more."""

    above: int
    """Tokens on the input side above which it is due."""
    times: float
    """Price of a token of input, as a multiple of that of a short request."""


def provider_of(model: str) -> str | None:
    """Return the id, in the price list, of the provider that makes *model*; None if unsure.

    ``anthropic`` for every Claude, ``openai`` for gpt-*, chatgpt-*, codex-* and o1, o3, ...,
    ``google`` for gemini-*. A model that many hosts serve at prices of their own has none.
    """
    if claude_version(model) is not None:
        return "anthropic"
    name = model.lower()
    return next((provider for names, provider in _PROVIDERS if names.search(name)), None)


@lru_cache(maxsize=256)
def provider_at(host: str) -> str:
    """Return the id, in the price list, of the provider that serves at *host*; empty if unknown.

    The whole name must fit: the list's own search takes a look-alike with more behind it.
    """
    from genai_prices.data_snapshot import get_snapshot

    known = (one.id for one in get_snapshot().providers
             if re.fullmatch(f"(?:{one.api_pattern})[a-z]*", f"https://{host}"))  # fmt: skip
    return next(known, "")


def price(
    usage: Usage,
    model: str,
    at: datetime,
    provider: str | None = None,
    prices: Prices = NOTHING,
) -> Price | None:
    """What *usage* cost at the time *at*; None if nobody knows the price of *model*."""
    found = rates(model, usage.window, at, provider, prices)
    return found.price(usage) if found else None


def rates(
    model: str,
    window_tokens: int,
    at: datetime,
    provider: str | None = None,
    prices: Prices = NOTHING,
) -> Rates | None:
    """The rates of a request with *window_tokens* on its input side at the time *at*.

    *provider* is an id of the price list: ``anthropic``, ``openai``, ``google``, ``aws``, ....;
    None, and where it lists no such model, for :func:`provider_of`. The user's own *prices* win,
    whatever the time and provider. A kind of cache token without a price of its own costs what the
    next broader kind costs, at last the input price. None if neither knows *model*, or the list not
    by the token. A naive *at* is read as UTC.
    """
    reached = [b for b in _priced(model, at, provider, prices) if window_tokens > b.above]
    return reached[-1].rates if reached else None


def bands(
    model: str, at: datetime, provider: str | None = None, prices: Prices = NOTHING
) -> tuple[int, ...]:
    """The window sizes in tokens above which the whole request gets dearer, the smallest first.

    Empty for a model with one price, and for one without.
    """
    priced = _priced(model, at, provider, prices)
    pairs = pairwise(priced)
    return tuple(band.above for below, band in pairs if _dearer(band.rates, below.rates))


def surcharges(
    model: str, at: datetime, provider: str | None = None, prices: Prices = NOTHING
) -> tuple[Surcharge, ...]:
    """The steps in the price of input, as multiples of the smallest band's, the smallest first."""
    priced = _priced(model, at, provider, prices)
    base = priced[0].rates.input if priced else 0.0
    found = (Surcharge(band.above, round(band.rates.input / base, _DIGITS))
             for band in priced[1:] if base)  # fmt: skip
    return tuple(surcharge for surcharge in found if surcharge.times > 1)


def multipliers(rates: Rates, one_hour: bool = False) -> CacheMultipliers:
    """What a cache write and a cache read cost at these *rates*, over plain input.

    Writes with a time to live of five minutes, or of *one_hour*. A write that is not priced
    apart gives 1.0, as it costs plain input; a model that is free gives 1.0 for both.
    """
    if not rates.input:
        return CacheMultipliers(1.0, 1.0)
    write = rates.cache_write_1h if one_hour else rates.cache_write_5m
    return CacheMultipliers(*(round(p / rates.input, _DIGITS) for p in (write, rates.cache_read)))


def load_price_list() -> None:
    """Make the price list ready, so that nothing waits for it later: 0.2 to 0.8 seconds."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


def _priced(model: str, at: datetime, provider: str | None, prices: Prices) -> tuple[Band, ...]:
    """The bands of *model* from the smallest window on; none without a price."""
    own = prices.of((model, plain_name(model))) if prices.own else None
    if own:
        return own.bands
    makers = dict.fromkeys((provider, provider_of(model)))
    listed = (_listed(model, maker, _moment(at)) for maker in makers if maker)
    return next(filter(None, listed), ())


def _moment(at: datetime) -> datetime:
    """The half hour that *at* lies in, in UTC: the same prices, and few of them to remember."""
    utc = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return utc.replace(minute=utc.minute // HALF_HOUR * HALF_HOUR, second=0, microsecond=0)


@lru_cache(maxsize=1024)
def _listed(model: str, provider: str | None, at: datetime) -> tuple[Band, ...]:
    info = _model_info(model, provider) if provider else None
    if info is None:
        return ()
    listed = info.get_prices(at)
    if listed.input_mtok is None or listed.output_mtok is None:
        return ()
    read = _first(listed.cache_read_mtok, listed.input_mtok)
    write = _first(listed.cache_write_mtok, listed.input_mtok)
    kinds = (
        listed.input_mtok,
        read,
        _first(listed.cache_write_5m_mtok, write),
        _first(listed.cache_write_1h_mtok, write),
        listed.output_mtok,
    )
    starts = {tier.start for kind in kinds if not isinstance(kind, Decimal) for tier in kind.tiers}
    return tuple(
        Band(above, Rates(*(_per_token(kind, above + 1) for kind in kinds)))
        for above in (-1, *sorted(starts))
    )


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
        return float(listed / TOKENS_PER_PRICE)
    reached = [tier.price for tier in listed.tiers if window_tokens > tier.start]
    return float((reached[-1] if reached else listed.base) / TOKENS_PER_PRICE)


def _dearer(above: Rates, below: Rates) -> bool:
    return above.input > below.input or above.output > below.output
