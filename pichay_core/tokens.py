"""How many tokens a text is, nearly.

Rule of this file: pure arithmetic on names and sizes, so that live traffic, a restart and a
replay decide alike. Everything is measured against o200k, the one vocabulary that can be
counted offline (``store/vocabulary.py``); a model family is a factor on top of it, and what the
provider bills corrects the factor. Every figure from here is an estimate and is shown as one.
"""

from dataclasses import dataclass
from math import ceil

from pichay_core.models import claude_version

O200K_BYTES_PER_TOKEN = 3.9
"""UTF-8 bytes per o200k token over a mix of source, JSON, Markdown and shell output."""

PICTURE_BYTES = 5_000
"""A picture is billed by its area, about as much as so many bytes of text."""

_OLD_CLAUDE = 1.22
_NEW_CLAUDE = 1.5
_NEW_CLAUDE_FROM = (4, 7)

LOWEST_MULTIPLIER = 0.8
HIGHEST_MULTIPLIER = 2.2

SMALLEST_DELTA = 500
"""o200k tokens; below it the framing of a message outweighs the tokenizer's difference."""
CALIBRATION_WEIGHT = 0.2
"""What one observation counts for; the last ten make nine tenths of the result."""


def multiplier(model: str) -> float:
    """Tokens of *model* per o200k token, before calibration.

    1.0 for OpenAI and whatever is not known to be a Claude, 1.22 for Claude up to 4.6, 1.5 from
    4.7 on, whose tokenizer is a newer one; a Claude that is not known counts as the newest.
    """
    version = claude_version(model)
    if version is None:
        return 1.0
    return _NEW_CLAUDE if version.number >= _NEW_CLAUDE_FROM else _OLD_CLAUDE


def bytes_per_token(model: str) -> float:
    """UTF-8 bytes per token of *model*: 3.9, for an older Claude 3.2, for a newer one 2.6."""
    return O200K_BYTES_PER_TOKEN / multiplier(model)


def tokens_of_bytes(size: int, model: str) -> int:
    """Tokens of *size* UTF-8 bytes for *model*, rounded up. Costs no look at the text."""
    return ceil(size / bytes_per_token(model))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a session has learnt of its model's tokenizer."""

    multiplier: float
    """Tokens as billed per o200k token, within 0.8 and 2.2."""
    samples: int = 0
    """How many requests it was learnt from; 0 for the family's own figure."""


def uncalibrated(model: str) -> Calibration:
    """What is assumed of *model* before its provider has billed anything."""
    return Calibration(multiplier(model))


def calibrated(calibration: Calibration, usage_delta: int, o200k_delta: int) -> Calibration:
    """*calibration* corrected by one pair of requests, the second of which only appends.

    *usage_delta* is what the provider billed more on the input side, *o200k_delta* what the
    appended text counts in o200k; the difference cancels system prompt, tools and framing.
    Moves a fifth of the way (an exponentially weighted average). A delta too small to mean
    anything changes nothing.
    """
    if usage_delta <= 0 or o200k_delta < SMALLEST_DELTA:
        return calibration
    observed = _within_bounds(usage_delta / o200k_delta)
    moved = calibration.multiplier + CALIBRATION_WEIGHT * (observed - calibration.multiplier)
    return Calibration(_within_bounds(moved), calibration.samples + 1)


def _within_bounds(value: float) -> float:
    return min(max(value, LOWEST_MULTIPLIER), HIGHEST_MULTIPLIER)
