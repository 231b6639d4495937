"""What a request is billed, and what it would have been untouched."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from pichay_core.model import Usage
from pichay_core.tariff import Rates, rates
from recording_parts.cast import Client

TTL = 300
"""Seconds that a prompt cache lasts."""
type Row = dict[str, object]


@dataclass(slots=True)
class Books:
    """What the provider has of a session's prefix, and would have of the untouched one."""

    cached: int = 0
    untouched: int = 0


@lru_cache(maxsize=4_096)
def _rates(model: str, band: int, month: str, provider: str) -> Rates | None:
    return rates(model, band, datetime.fromisoformat(f"{month}-15").replace(tzinfo=UTC), provider)


def usage(client: Client, window: int, cached: int, output: int) -> Usage:
    """Return the bill of a window of which so much is read from the cache."""
    read = min(cached, window)
    new = window - read
    if client.wire == "anthropic":
        return Usage(min(new, 8), read, new - min(new, 8), 0, output)
    return Usage(new, read, 0, 0, output)


def bill(
    client: Client, model: str, at: float, books: Books, sent: int, whole: int, broken: int | None,
    cold: bool, output: int,
) -> tuple[Row, Usage]:  # fmt: skip
    """Return the columns of a turn that say what it cost; *broken*: where the prefix ends."""
    held, held_whole = (0, 0) if cold else (books.cached, books.untouched)
    real = usage(client, sent, held if broken is None else min(held, broken), output)
    other = usage(client, whole, held_whole, output)
    books.cached, books.untouched = sent, whole
    return _columns(client, model, at, real, other, broken is not None and not cold), real


def _columns(client: Client, model: str, at: float, real: Usage, other: Usage, broken: bool) -> Row:
    month = datetime.fromtimestamp(at, UTC).strftime("%Y-%m")
    band = max(real.window, other.window) // 50_000 * 50_000
    known = _rates(model, band, month, client.provider)
    price = known and known.price(real)
    return {
        "status": 200,
        "input_tokens": real.input,
        "cache_read_tokens": real.cache_read,
        "cache_write_5m_tokens": real.cache_write_5m,
        "cache_write_1h_tokens": 0,
        "output_tokens": real.output,
        "untouched_input_tokens": other.input,
        "untouched_cache_read_tokens": other.cache_read,
        "untouched_cache_write_tokens": other.cache_write,
        "untouched_output_tokens": other.output,
        "dollars": price and price.total,
        "read_dollars": price and price.cache_read,
        "output_dollars": price and price.output,
        "untouched_dollars": known and known.price(other).total,
        "prefix_broken": int(broken),
    }


UNSETTLED: Row = dict.fromkeys(
    (
        *("status", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens"),
        *("cache_write_1h_tokens", "output_tokens", "untouched_input_tokens"),
        *("untouched_cache_read_tokens", "untouched_cache_write_tokens"),
        *("untouched_output_tokens", "dollars", "untouched_dollars", "prefix_broken"),
        *("read_dollars", "output_dollars"),
    )
)
"""Of a request whose reply never ended."""
