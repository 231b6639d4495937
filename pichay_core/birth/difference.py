"""A text told as what is different in it from an earlier one.

One idea: what two texts begin and end with in common is set aside before anything is compared, so
that the work is bounded by what changed. A text of which nearly everything changed is not told
so: nothing is gained by it.
"""

from collections import Counter
from collections.abc import Sequence
from difflib import unified_diff
from functools import lru_cache
from itertools import takewhile

LARGEST = 262_144
"""Characters of a text that is compared at all."""
LONGEST = 5_000
"""Lines of such a text."""
MOST_LINES = 400
"""Lines that may be left of either text between the common beginning and the common end.
Measured: 400 lines against as many others, shuffled or of few kinds, take 2 to 5 ms."""
CONTEXT = 3
"""Lines shown around each change."""


@lru_cache(maxsize=64)
def difference(old: str, new: str) -> str | None:
    """Return *new* as a unified diff against *old*; None if that is no shorter, or much work.

    Line numbers are those of the two texts as they are shown.
    """
    if max(len(old), len(new)) > LARGEST:
        return None
    before, after = old.split("\n"), new.split("\n")
    if max(len(before), len(after)) > LONGEST:
        return None
    first = _common(before, after)
    last = _common(before[first:][::-1], after[first:][::-1])
    if max(len(before), len(after)) - first - last > MOST_LINES or _mostly_new(before, after):
        return None
    start, end = max(0, first - CONTEXT), max(0, last - CONTEXT)
    lines = unified_diff(
        before[start : len(before) - end], after[start : len(after) - end], n=CONTEXT, lineterm=""
    )
    return "\n".join(_placed(line, start) for line in list(lines)[2:])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _mostly_new(before: Sequence[str], after: Sequence[str]) -> bool:
    """True if half of the text is in lines that the old one does not have."""
    new = Counter(after) - Counter(before)
    size = sum(len(line) + 1 for line in after)
    return 2 * sum((len(line) + 1) * count for line, count in new.items()) >= size


def _placed(line: str, start: int) -> str:
    """Return a line of a diff that was made from line *start* on, with its numbers put right."""
    if start == 0 or not line.startswith("@@ "):
        return line
    marks = line.split(" ")
    return " ".join([marks[0], _moved(marks[1], start), _moved(marks[2], start), *marks[3:]])


def _moved(span: str, start: int) -> str:
    first, comma, count = span[1:].partition(",")
    return f"{span[0]}{int(first) + start}{comma}{count}"
