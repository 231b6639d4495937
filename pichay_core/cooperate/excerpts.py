"""Parts of a text, by lines and by what stands in them, in a room of so many bytes.

Rule of this file: what is left out is said, with how to ask for it. A search is for the very
text, so it takes time in proportion to the text, whatever is searched for.
"""

from collections.abc import Sequence
from itertools import islice

MOST_MATCHES = 100
"""Lines that a search shows."""
BEFORE_MATCH = 200
AFTER_MATCH = 300
"""Characters that are shown of a long line before and from what was searched for."""


def excerpt(text: str, first: int | None, last: int | None, search: str | None, room: int) -> str:
    """Return these lines of a text (from 1 on), or those of them that hold what is searched for.

    All of it, just as it is, if nothing less is asked for and there is *room* (bytes of UTF-8).
    """
    lines = _lines(text)
    start, end = first or 1, min(last or len(lines), len(lines))
    if lines and start > len(lines):
        return f"[There are only {len(lines):,} lines.]"
    if search is not None:
        return _found(lines, start, end, search, room)
    if (start, end) == (1, len(lines)) and size_of(text) <= room:
        return text
    return _range(lines, start, end, room)


def size_of(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text.encode(errors="replace"))


def _lines(text: str) -> list[str]:
    """Return the lines as editors count them: what ends with a line break ends with a line."""
    lines = text.split("\n")
    return lines[:-1] if text.endswith("\n") else lines


def _range(lines: Sequence[str], start: int, end: int, room: int) -> str:
    shown = _fitting(lines[start - 1 : end], room)
    if not shown:
        begins = lines[start - 1].encode(errors="replace")[: max(0, room)].decode(errors="ignore")
        return f"[The beginning of line {start:,}, which is too long to be shown:]\n{begins}"
    stop = start + len(shown) - 1
    said = f"[Lines {start:,}-{stop:,} of {len(lines):,}:]\n" + "\n".join(shown)
    if stop == end:
        return said
    return f"{said}\n[An answer holds no more. The rest can be had with lines {stop + 1}-{end}.]"


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """Return as many lines as there is room for, from the first on."""
    found: list[str] = []
    for line in lines:
        room -= size_of(line) + 1
        if room < 0:
            break
        found.append(line)
    return found


def _found(lines: Sequence[str], start: int, end: int, search: str, room: int) -> str:
    """Return the lines that hold a text, each with its number."""
    numbered = enumerate(lines[start - 1 : end], start)
    numbers = [number for number, line in numbered if search in line]
    if not numbers:
        return f"[No line of {start:,}-{end:,} holds that text.]"
    shown = (f"{number}: {_around(lines[number - 1], search)}" for number in numbers)
    fitting = _fitting(list(islice(shown, MOST_MATCHES)), room)
    said = "\n".join((f"[{len(numbers):,} of {len(lines):,} lines hold that text:]", *fitting))
    if len(fitting) == len(numbers):
        return said
    after = numbers[len(fitting)]
    return f"{said}\n[An answer holds no more. The others can be had with lines {after}-{end}.]"


def _around(line: str, search: str) -> str:
    at = line.index(search)
    start, end = max(0, at - BEFORE_MATCH), at + AFTER_MATCH
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
