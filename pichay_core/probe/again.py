"""Calls that ask for what an earlier call has got, and what they get.

Rule of this file: a call is compared with all earlier calls of its conversation, whether their
results still stand in the window or not: nothing was evicted in a recording.
"""

from collections import defaultdict
from dataclasses import astuple, dataclass

from pichay_core.model import Key
from pichay_core.probe.window import Piece, Told


@dataclass(frozen=True, slots=True)
class Again:
    """How many calls, and how many of them ask again."""

    calls: int = 0
    repeats: int = 0
    """Calls with the tool and the arguments of an earlier one."""
    repeats_same: int = 0
    """Results that are those of the newest such call, letter for letter."""
    refetch: int = 0
    """The same thing and range, and nothing has changed."""
    refresh: int = 0
    """The same thing and range, and the content has changed."""
    widen: int = 0
    """The same thing, another range of it."""
    rerun: int = 0
    """The same command once more: its output is another one, even if equal."""

    def __add__(self, other: "Again") -> "Again":
        """Both together."""
        both = zip(astuple(self), astuple(other), strict=True)
        return Again(*(one + another for one, another in both))


def again(told: Told) -> Again:
    """Return which calls of a conversation ask again."""
    asked = [(call.tool, call.arguments) for _, call in told.calls]
    seen = _Seen()
    classes = [seen.add(piece) for piece in told.results()]
    return Again(
        calls=len(asked),
        repeats=len(asked) - len(set(asked)),
        repeats_same=seen.same,
        refetch=classes.count("refetch"),
        refresh=classes.count("refresh"),
        widen=classes.count("widen"),
        rerun=classes.count("rerun"),
    )


class _Seen:
    """The results so far."""

    def __init__(self) -> None:
        self.same = 0
        self._content: dict[tuple[str, str], str] = {}
        self._spans: defaultdict[tuple[str, str], dict[Key, str]] = defaultdict(dict)

    def add(self, piece: Piece) -> str | None:
        """Take in a result; return its class, None for one that asks for nothing again."""
        call = piece.call
        if call is None:
            return None
        asked = call.tool, call.arguments
        before = self._content.get(asked)
        self.same += before == piece.digest
        self._content[asked] = piece.digest
        if call.key is not None:
            return self._keyed(call.key, piece)
        return None if before is None else "rerun"

    def _keyed(self, key: Key, piece: Piece) -> str | None:
        """Compare with the newest of this range; what says "unchanged" is the same content."""
        result = piece.result
        copies = self._spans[key.tool, key.target]
        if result is None or result.error:
            return None
        before = copies.get(key)
        unchanged = result.unchanged and before is not None
        if not unchanged:
            copies[key] = piece.digest
        if before is None:
            return "widen" if len(copies) > 1 else None
        return "refetch" if unchanged or before == piece.digest else "refresh"
