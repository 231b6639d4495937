"""Prices as values, and the ones a user gives: by model, in dollars per million tokens.

Rule of this file: what a user writes is taken whole or refused. An entry names all five prices,
so that none is guessed; a name that is not known is an error, so that no misspelt price is lost.

::

    {
      "claude-opus-5-5": {
        "input": 3.2, "output": 16,
        "cache_read": 0.16, "cache_write_5m": 4, "cache_write_1h": 6.4,
        "date": "2026-11-21", "note": "our contract"
      },
      "house-model-*": {
        "input": 1, "output": 5,
        "cache_read": 1, "cache_write_5m": 1, "cache_write_1h": 1,
        "bands": [
          {"above_tokens": 200000, "input": 2, "output": 10,
           "cache_read": 2, "cache_write_5m": 2, "cache_write_1h": 2}
        ]
      }
    }

A name is a model's, in any case; ``*`` stands for any letters, ``?`` for one. The very name
wins over a pattern, of patterns the first that fits. A kind of cache token that the provider
has no price for costs as much as input: write that. ``bands`` are the prices of a whole request
with more than ``above_tokens`` on its input side. ``date`` and ``note`` are for the reader.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from math import fsum
from typing import NoReturn, cast

from pichay_core.model import Usage
from pichay_core.wire.shapes import Json, items, mapping

TOKENS_PER_PRICE = 1_000_000
DEAREST = 1_000_000
"""Dollars per million tokens above which a price is taken for a mistake."""


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


@dataclass(frozen=True, slots=True)
class Band:
    """The rates of every request whose window has more tokens than ``above``."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Own:
    """What a user says that a model costs."""

    name: str
    """A model's name or a pattern, in lower case."""
    bands: tuple[Band, ...]
    """By size of window, the first above -1."""
    date: str = ""
    """When it was written down, ISO 8601; empty if that is not said."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """A user's own prices, in the order of the file. They win over the price list."""

    own: tuple[Own, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.own))

    def __hash__(self) -> int:
        # Asked for on every request, as what is remembered of a price goes by the list too.
        return self._hash

    def of(self, names: tuple[str, ...]) -> Own | None:
        """Return the entry of the first of a model's *names* that has one, None if none has."""
        return _entry(self, names) if self.own else None


NOTHING = Prices()
"""No prices of the user's own."""


class BadPrices(ValueError):
    """A user's prices cannot be taken. The text names the entry and what to do."""


def parse(text: str) -> Prices:
    """Read a user's prices. Raises BadPrices."""
    said = _json(text)
    if not isinstance(said, dict):
        raise BadPrices('begin with { and name models: {"claude-opus-5-5": {"input": 4, ...}}')
    entries = tuple(_own(name, entry) for name, entry in mapping(cast("object", said)).items())
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            _bad(name, "is named twice in different case: keep one")
    return Prices(entries)


@lru_cache(maxsize=1024)
def _entry(prices: Prices, names: tuple[str, ...]) -> Own | None:
    wanted = [name.lower() for name in names]
    named = (own for name in wanted for own in prices.own if own.name == name)
    fitting = (own for name in wanted for own in prices.own if _fits(own.name, name))
    return next(named, None) or next(fitting, None)


def _fits(pattern: str, name: str) -> bool:
    """Not ``fnmatch``: to that, the [1m] of a model's name would be one letter of two."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BadPrices(f"not JSON ({error.msg}, {place}): correct it there") from error
    except BadPrices:
        raise
    except ValueError as error:
        raise BadPrices(f"not JSON ({error}): correct it") from error
    except RecursionError as error:
        raise BadPrices("nested too deeply: an entry is a list of prices") from error


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            _bad(name, "is there twice: keep one")
        found[name] = value
    return found


_KINDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_IN_ENTRY = (*_KINDS, "bands", "date", "note")
_IN_BAND = ("above_tokens", *_KINDS)


def _own(name: str, said: object) -> Own:
    entry = _fields(name, said, _IN_ENTRY)
    above = [_band(f"{name}, band {at}", band) for at, band in enumerate(_bands(name, entry), 1)]
    sizes = [band.above for band in above]
    if sizes != sorted(set(sizes)):
        _bad(name, "the above_tokens of its bands must rise: put the smallest first")
    return Own(
        name=name.lower(),
        bands=(Band(-1, _rates(name, entry)), *above),
        date=_date(name, entry.get("date", "")),
        note=_text(name, "note", entry.get("note", "")),
    )


def _bands(name: str, entry: Json) -> list[object]:
    said = entry.get("bands", [])
    if not isinstance(said, list):
        _bad(name, "bands must be a list: [{...}]")
    return items(cast("object", said))


def _band(where: str, said: object) -> Band:
    band = _fields(where, said, _IN_BAND)
    above = band.get("above_tokens")
    if type(above) is not int or above <= 0:
        _bad(where, f"above_tokens must be a whole number above 0, not {_shown(above)}")
    return Band(above, _rates(where, band))


def _fields(where: str, said: object, known: tuple[str, ...]) -> Json:
    if not isinstance(said, dict):
        _bad(where, f"must be an object with {', '.join(known)}, not {_shown(said)}")
    fields = mapping(cast("object", said))
    for name in fields:
        if name not in known:
            _bad(where, f"{name!r} is not known; there are {', '.join(known)}")
    return fields


def _rates(where: str, fields: Mapping[str, object]) -> Rates:
    per_token = {kind: _number(where, kind, fields) / TOKENS_PER_PRICE for kind in _KINDS}
    return Rates(**per_token)


def _number(where: str, kind: str, fields: Mapping[str, object]) -> float:
    if kind not in fields:
        instead = "" if kind in ("input", "output") else " (the input price, if it has none)"
        _bad(where, f"{kind} is missing: give dollars per million tokens{instead}")
    price = fields[kind]
    if isinstance(price, bool) or not isinstance(price, int | float):
        _bad(where, f"{kind} must be dollars per million tokens, not {_shown(price)}")
    if not 0 <= price <= DEAREST:
        _bad(where, f"{kind} must be from 0 to {DEAREST:,}, not {_shown(price)}")
    return float(price)


def _date(name: str, said: object) -> str:
    text = _text(name, "date", said)
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        _bad(name, f"date must be a day like 2026-11-21, not {text!r}")


def _text(name: str, field: str, said: object) -> str:
    return said if isinstance(said, str) else _bad(name, f"{field} must be text")


def _shown(said: object) -> str:
    return json.dumps(said, default=str)[:40]


def _bad(where: str, what: str) -> NoReturn:
    raise BadPrices(f"{where}: {what}")
