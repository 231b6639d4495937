"""What the paper's rule would have moved out, and how often that would have been asked for.

Rule of this file: it counts, and moves nothing; the pager is elsewhere. The rule: a result of
more than 500 bytes that is no error leaves when it is four user turns old, and stays away. A
call of the same tool with the same arguments is a fault, whatever the tool. Source: T. Mason,
arXiv 2603.09023; it counts an eviction once for each request that then goes without the result.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import NamedTuple

from pichay_core.model import Call, Kind
from pichay_core.probe.stays import length, within
from pichay_core.probe.window import Asked, Piece, Stay, Told
from pichay_core.tools import rule_for

AGE = 4
"""User turns."""
LARGEST_KEPT = 500
"""Bytes."""


@dataclass(frozen=True, slots=True)
class AgeRule:
    """What it moves, and which calls it makes faults of."""

    evictions: int = 0
    """Results, each once."""
    request_evictions: int = 0
    """The same, once for each request."""
    reads: int = 0
    """Evictions of what a read named."""
    faults: int = 0
    """Calls of the same tool with the same arguments as an eviction's."""
    same: int = 0
    """Of these, those that got the same content again."""
    read_faults: int = 0
    """Reads of a thing of which any read is out, whatever range."""
    read_same: int = 0
    """Of these, those that got the content of one of them again."""
    bytes: int = 0
    """Bytes not sent, once for each request."""

    def __add__(self, other: "AgeRule") -> "AgeRule":
        """Both together."""
        both = zip(astuple(self), astuple(other), strict=True)
        return AgeRule(*(one + another for one, another in both))


class _Out(NamedTuple):
    """A result that is out, and in which requests."""

    piece: Piece
    call: Call | None
    stays: list[Stay]


def age_rule(told: Told) -> AgeRule:
    """Return what the rule does to a conversation."""
    out = list(_evicted(told))
    digests = {piece.result.call_id: piece.digest for piece in told.results() if piece.result}
    faults = list(_faults(told.calls, out, _same_call))
    reads = list(_faults(told.calls, out, _same_thing))
    return AgeRule(
        evictions=len(out),
        request_evictions=sum(length(one.stays) for one in out),
        reads=sum(_same_thing(one.call) is not None for one in out),
        faults=len(faults),
        same=sum(digests.get(id) == missed[-1].digest for id, missed in faults),
        read_faults=len(reads),
        read_same=sum(digests.get(id) in {m.digest for m in missed} for id, missed in reads),
        bytes=sum(one.piece.bytes * length(one.stays) for one in out),
    )


def _evicted(told: Told) -> Iterator[_Out]:
    for piece in told.results():
        if piece.bytes > LARGEST_KEPT and not (piece.result and piece.result.error):
            old = bisect_left(told.turns, piece.turn + AGE)
            if stays := within(piece.stays, old, len(told.turns)):
                yield _Out(piece, piece.call, stays)


type _Wanted = tuple[str, str]


def _same_call(call: Call | None) -> _Wanted | None:
    return (call.tool, call.arguments) if call else None


def _same_thing(call: Call | None) -> _Wanted | None:
    """Return the file that a call of a reading tool names; a shell is none, as the paper counts."""
    if call is None or call.kind is not Kind.READ or call.key is None:
        return None
    if rule_for(call.tool, {}).shell:
        return None
    return "", call.key.target


def _faults(
    calls: Iterable[Asked], out: Iterable[_Out], wants: Callable[[Call | None], _Wanted | None]
) -> Iterator[tuple[str, list[Piece]]]:
    """Yield the id of each call that wants something that is out, with all of that."""
    wanted: defaultdict[_Wanted, list[_Out]] = defaultdict(list)
    for one in out:
        if (name := wants(one.call)) is not None:
            wanted[name].append(one)
    for request, call in calls:
        name = wants(call)
        found = wanted.get(name, ()) if name else ()
        missed = [one.piece for one in found if _is_out(one, request)]
        if missed:
            yield call.id, missed


def _is_out(one: _Out, request: int) -> bool:
    return any(stay.first <= request < stay.end for stay in one.stays)
