"""A very long text by its beginning, its end and the lines that matter.

Lines that matter are those that look like errors, warnings or failures, wherever they stand
between the two. How much is kept does not depend on any option, so that the same text is cut the
same way for ever.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

ENDS = 3_000
"""Characters kept of the beginning, and as many of the end."""
MOST_LINES = 40
"""Lines kept because they matter."""
LONGEST_LINE = 200
"""Characters kept of each of these."""
MOST_SEARCHED = 4_000
"""Characters of a line that are looked at: it may be the whole of a minified file."""
LEAST = 20_000
"""Bytes of the smallest text that one may ask to have cut: what is kept is less than half of it."""

_STEMS = ("error", "fail", "fatal", "panic", "exception", "traceback", "warning", "denied",
          "refused", "undefined", "unresolved", "cannot", "could not", "not found")  # fmt: skip
"""One of these is in every line that matters. To look for them first is many times as fast:
a megabyte of plain lines takes 40 ms."""
_MATTERS = re.compile(
    r"\b(error|errors|fail|fails|failed|failing|failure|failures|fatal|panic|panicked|exception"
    r"|traceback|warning|warnings|denied|refused|undefined|unresolved|cannot|could not|not found)\b"
    r"|(Error|Exception|Warning)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=32)
def cut(text: str, how: str) -> str | None:
    """Return what is kept of a text; None if that is not less than half of it.

    *how* says, in a sentence, how to see the rest.
    """
    head, tail = _beginning(text), _end(text)
    if len(head) + len(tail) >= len(text):
        return None
    middle = text[len(head) : len(text) - len(tail)]
    first = head.count("\n") + 1
    matter = list(_matter(middle.split("\n"), first))
    note = (
        f"[The call succeeded. Its result is long: {len(middle):,} of {len(text):,} characters, "
        f"from the middle of it, are not shown here. {how}]"
    )
    between = f"[... {_left_out(middle, matter)}]"
    parts = [note, head.rstrip("\n"), between, *matter, "[... and the end:]", tail.lstrip("\n")]
    kept = "\n".join(parts)
    return kept if 2 * len(kept) < len(text) else None


def _left_out(middle: str, matter: Sequence[str]) -> str:
    lines = middle.count("\n")
    if not matter:
        return f"{lines:,} lines are not shown here"
    shown = f"the first {len(matter)}" if len(matter) == MOST_LINES else f"these {len(matter)}"
    return f"{lines:,} lines are not shown here; of them {shown} look like errors or warnings:"


def _matter(lines: Iterable[str], first: int) -> Iterable[str]:
    """Yield the lines that matter with their numbers, as many as are kept."""
    found = 0
    for number, whole in enumerate(lines, first):
        if found == MOST_LINES:
            return
        line = whole[:MOST_SEARCHED]
        lower = line.lower()
        if any(stem in lower for stem in _STEMS) and (match := _MATTERS.search(line)):
            found += 1
            start = max(0, match.end() - LONGEST_LINE)
            yield f"{number}: {line[start : start + LONGEST_LINE]}"


def _beginning(text: str) -> str:
    """Return the first lines, as many as are kept whole; part of a line that is longer."""
    end = text.rfind("\n", ENDS // 2, ENDS)
    return text[: end + 1] if end >= 0 else text[:ENDS]


def _end(text: str) -> str:
    start = text.find("\n", len(text) - ENDS, len(text) - ENDS // 2)
    return text[start + 1 :] if start >= 0 else text[-ENDS:]
