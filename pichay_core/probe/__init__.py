"""The paper's measurement of recorded sessions: what they are made of, and what is waste.

Rule of this room: it measures what was sent, and simulates no pager. Measurements add up, so
that recordings can be measured anywhere and in any order.
Source: T. Mason, arXiv 2603.09023.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import reduce

from pichay_core.model import Kind
from pichay_core.probe.again import Again, again
from pichay_core.probe.age import AgeRule, age_rule
from pichay_core.probe.waste import Waste, waste
from pichay_core.probe.window import Sort, Told, told
from pichay_core.traces import Conversation, Trace

NOBODY = "?"
"""Stands for the tool of a result that answers no recorded call."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one or more recordings hold."""

    recordings: int = 0
    conversations: int = 0
    requests: int = 0
    """Those with a reply."""
    results: int = 0
    """Tool results, each once."""
    opaque: int = 0
    """Of these, those that hold something other than text: they count no bytes."""
    skipped: int = 0
    """Lines that could not be read."""
    bytes: Counter[Sort] = field(default_factory=Counter[Sort])
    """Bytes of each piece, once."""
    tools: Counter[str] = field(default_factory=Counter[str])
    """Bytes of results by the tool that gave them."""
    kinds: Counter[Kind] = field(default_factory=Counter[Kind])
    """The same by what the tool does; results that answer no call are left out."""
    main: tuple[float, ...] = ()
    """For each main conversation with results, in how many requests a byte of them is sent."""
    subagents: tuple[float, ...] = ()
    """The same for subagents."""
    waste: Waste = field(default_factory=Waste)
    again: Again = field(default_factory=Again)
    age_rule: AgeRule = field(default_factory=AgeRule)

    def plus(self, other: "Probe") -> "Probe":
        """Return both together."""
        names = (part.name for part in fields(self))
        return Probe(*(getattr(self, name) + getattr(other, name) for name in names))


def together(probes: Iterable[Probe]) -> Probe:
    """Return all of them as one measurement."""
    return reduce(Probe.plus, probes, Probe())


def measure(trace: Trace) -> Probe:
    """Return the measurement of one recording."""
    head = Probe(recordings=1, skipped=trace.skipped)
    return together([head, *map(_measured, trace.conversations)])


def _measured(conversation: Conversation) -> Probe:
    found = told(conversation)
    results = list(found.results())
    sent = _sent(found)
    return Probe(
        conversations=1,
        requests=len(found.turns),
        results=len(results),
        opaque=sum(piece.result is not None and piece.result.opaque for piece in results),
        bytes=_bytes(found),
        tools=_tools(found),
        kinds=_kinds(found),
        main=sent if conversation.kind == "main" else (),
        subagents=sent if conversation.kind != "main" else (),
        waste=waste(found),
        again=again(found),
        age_rule=age_rule(found),
    )


def _bytes(found: Told) -> Counter[Sort]:
    counts: Counter[Sort] = Counter()
    for piece in found.pieces:
        counts[piece.sort] += 0 if piece.copy else piece.bytes
    return counts


def _tools(found: Told) -> Counter[str]:
    counts: Counter[str] = Counter()
    for piece in found.results():
        counts[piece.call.tool if piece.call else NOBODY] += piece.bytes
    return counts


def _kinds(found: Told) -> Counter[Kind]:
    counts: Counter[Kind] = Counter()
    for piece in found.results():
        if piece.call is not None:
            counts[piece.call.kind] += piece.bytes
    return counts


def _sent(found: Told) -> tuple[float, ...]:
    """Return how often a byte of a result was sent, on average; nothing without results."""
    results = list(found.results())
    size = sum(piece.bytes for piece in results)
    if not results:
        return ()
    return (sum(piece.bytes * piece.requests for piece in results) / size if size else 0.0,)


@dataclass(frozen=True, slots=True)
class Amplification:
    """In how many requests a byte of a result is sent: how that spreads over conversations."""

    conversations: int
    """Those with results."""
    median: float | None
    p75: float | None
    p90: float | None


def amplification(values: Sequence[float]) -> Amplification:
    """Return how they spread, by nearest rank; None where there are no values."""
    ordered = sorted(values)
    median, p75, p90 = (_at(ordered, share) for share in (0.5, 0.75, 0.9))
    return Amplification(len(ordered), median, p75, p90)


def _at(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
