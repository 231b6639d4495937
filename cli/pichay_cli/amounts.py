"""Figures as text, and times as they are typed.

Rule of this file: pure. A difference carries its sign: minus is less than untouched.
"""

import re
from datetime import datetime

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_UNITS = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"))
_ROUNDS_UP = 999.95
"""From here on one decimal would show a thousand of the unit."""
_WHOLE_PERCENT = 9.95
_LEAST_PERCENT = 0.05
"""Below this one decimal would show nought of what is not."""
_CENT = 0.01


def tokens(count: float) -> str:
    """``999``, ``12.3k``, ``1.2M``: at most six characters below a thousand billion."""
    if abs(count) < _UNITS[0][0]:
        return f"{count:.0f}"
    divisor, unit = next((pair for pair in _UNITS if abs(count) < _ROUNDS_UP * pair[0]), _UNITS[-1])
    return f"{count / divisor:.1f}{unit}"


def dollars(amount: float) -> str:
    """``$0.42``, ``$1,234.50``; below a cent four decimals: ``$0.0042``."""
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    return f"{sign}${size:.4f}" if 0 < size < _CENT else f"{sign}${size:,.2f}"


def signed(amount: float, text: str) -> str:
    """*text*, which says *amount*, with a plus if that is more than nothing."""
    return f"+{text}" if amount > 0 else text


def percent(part: float, whole: float) -> str:
    """*part* of *whole* with its sign, ``-27 %``; one decimal below ten; empty if of nothing.

    Of hardly anything it is ``<0.1 %``, without a sign.
    """
    if not whole:
        return ""
    value = 100 * part / whole
    if value == 0:
        return "0 %"
    if abs(value) < _LEAST_PERCENT:
        return "<0.1 %"
    return f"{value:+.1f} %" if abs(value) < _WHOLE_PERCENT else f"{value:+,.0f} %"


def share(part: float, whole: float) -> str:
    """*part* of *whole*, ``11 %``; empty if of nothing."""
    return percent(part, whole).lstrip("+")


def times(count: int, one: str, many: str | None = None) -> str:
    """``1 page``, ``1,200 pages``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def plain(words: str) -> str:
    """*words* without anything that could move a cursor or change a colour."""
    if words.isprintable():
        return words
    return "".join(letter if letter.isprintable() else "?" for letter in words)


def ago(seconds: float) -> str:
    """An age in its largest unit: ``12s``, ``3m``, ``5d``."""
    units = [(length, unit) for unit, length in _SECONDS.items() if unit != "w"]
    length, unit = next((u for u in reversed(units) if seconds >= u[0]), units[0])
    return f"{max(0, int(seconds // length))}{unit}"


def duration(text: str) -> float | None:
    """Seconds of ``90s``, ``45m``, ``2h``, ``3d``, ``1w``; None if it is none of these."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip().lower())
    return float(found[1]) * _SECONDS[found[2]] if found else None


def moment(text: str, now: float) -> float | None:
    """Seconds since the epoch of a duration ago or of an ISO 8601 time; None if it is neither.

    A time without a zone is local.
    """
    span = duration(text)
    if span is not None:
        return now - span
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
