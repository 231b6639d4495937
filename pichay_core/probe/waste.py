"""What was sent again without need, in byte-turns: bytes, once for each request they stood in.

One idea: a byte-turn is wasted for one reason, the first that holds of these. It is a
*duplicate* where an equal result stands in the same request, *superseded* once a later result
shows all of it or a call has changed the thing, *idle* once its thing has not been named for
four user turns and never is again (hindsight: no pager knows that). A model may still think of
what no call names, so what is idle is an upper bound.
Source of the classes: T. Mason, arXiv 2603.09023.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import NamedTuple

from pichay_core.model import WHOLE, Call, Span
from pichay_core.probe.stays import length, within, without
from pichay_core.probe.window import Piece, Sort, Stay, Told

IDLE = 4
"""User turns."""


@dataclass(frozen=True, slots=True)
class Waste:
    """Byte-turns. All but ``sent`` are parts of it, and none is a part of another."""

    sent: int = 0
    """Of everything that a recording holds: neither system prompt nor tool definitions."""
    duplicates: int = 0
    superseded: int = 0
    idle: int = 0
    reminders: int = 0
    """User text that stands in the same request already: reminders, skills, rules."""

    @property
    def wasted(self) -> int:
        """All of it together."""
        return self.duplicates + self.superseded + self.idle + self.reminders

    def __add__(self, other: "Waste") -> "Waste":
        """Both together."""
        both = zip(astuple(self), astuple(other), strict=True)
        return Waste(*(one + another for one, another in both))


def waste(told: Told) -> Waste:
    """Return what was sent again without need."""
    duplicates, reminders = _repeated(told, Sort.RESULT), _repeated(told, Sort.USER)
    superseded = _superseded(told)
    named = _last_named(told)
    parts = [
        _split(piece, duplicates.get(piece, []), superseded.get(piece), _idle(told, piece, named))
        for piece in told.results()
        if piece.stays
    ]
    return Waste(
        sent=sum(piece.bytes * piece.requests for piece in told.pieces),
        duplicates=sum(part.duplicate for part in parts),
        superseded=sum(part.superseded for part in parts),
        idle=sum(part.idle for part in parts),
        reminders=sum(piece.bytes * length(stays) for piece, stays in reminders.items()),
    )


class _Parts(NamedTuple):
    """Byte-turns of one result."""

    duplicate: int
    superseded: int
    idle: int


def _split(piece: Piece, duplicate: list[Stay], superseded: int | None, idle: int) -> _Parts:
    end = piece.stays[-1].end
    alone = without(piece.stays, duplicate)
    until = end if superseded is None else superseded
    return _Parts(
        piece.bytes * length(duplicate),
        piece.bytes * length(within(alone, until, end)),
        piece.bytes * length(within(alone, idle, until)),
    )


def _repeated(told: Told, sort: Sort) -> dict[Piece, list[Stay]]:
    """Return where each piece stands beside an earlier one that says the same."""
    earlier: defaultdict[str, list[Stay]] = defaultdict(list)
    found: dict[Piece, list[Stay]] = {}
    for piece in told.pieces:
        if piece.sort is sort and piece.bytes and not piece.copy:
            alone = without(piece.stays, earlier[piece.digest])
            found[piece] = without(piece.stays, alone)
            earlier[piece.digest] += alone
    return found


def _superseded(told: Told) -> dict[Piece, int]:
    """Return from which request on each result is out of date, if it ever is."""
    shown: defaultdict[tuple[str, str], list[tuple[Span, int]]] = defaultdict(list)
    found: dict[Piece, int] = {}
    for piece in reversed([piece for piece in told.results() if _succeeded(piece)]):
        call = piece.call
        if call is None:
            continue
        if call.key is not None:
            name = call.key.tool, call.key.target
            later = [*shown[name], *shown["", call.key.target]]
            shows = [first for span, first in later if span.covers(call.key.span)]
            if shows:
                found[piece] = min(shows)
            shown[name].append((call.key.span, piece.first))
        elif call.writes is not None:
            shown["", call.writes].append((WHOLE, piece.first))
    return found


def _succeeded(piece: Piece) -> bool:
    result = piece.result
    return bool(piece.stays and result) and not (
        result.error or result.cleared or result.unchanged if result else True
    )


def _last_named(told: Told) -> Mapping[str, int]:
    """Return the user turn in which a call last named each thing."""
    named = ((_thing(asked.call), told.turns[asked.request]) for asked in told.calls)
    return {thing: turn for thing, turn in named if thing is not None}


def _thing(call: Call | None) -> str | None:
    if call is None:
        return None
    return call.key.target if call.key else call.writes


def _idle(told: Told, piece: Piece, named: Mapping[str, int]) -> int:
    """Return from which request on nothing names what a result is about."""
    thing = _thing(piece.call)
    used = max(piece.turn, named.get(thing, 0) if thing else 0)
    return bisect_left(told.turns, used + IDLE)
