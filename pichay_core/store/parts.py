"""The bill, added up by what it was spent on: a session at a time, in one pass over its pages.

Rule of this file: every token and dollar of a bill goes to one part, and none to two.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from pichay_core.store.commands import command_name
from pichay_core.store.cost import By, Cost
from pichay_core.store.shares import Course, course
from pichay_core.store.spent import Spent, Stay

DEFINITIONS, RESULTS = "tool definitions", "other tool results"


@dataclass(slots=True)
class _Part:
    """A part of the bill while it is added up."""

    sessions: set[str] = field(default_factory=set[str])
    calls: int = 0
    tokens: float = 0.0
    definition: float = 0.0
    requests: int = 0
    sent: float = 0.0
    priced: int = 0
    dollars: float = 0.0
    definition_dollars: float = 0.0
    saved: float = 0.0
    faults: int = 0

    def cost(self, rest: bool, what: str) -> Cost:
        return Cost(
            what=what,
            rest=rest,
            sessions=len(self.sessions),
            calls=self.calls,
            tokens=round(self.tokens),
            definition_tokens=round(self.definition),
            requests=self.requests,
            sent=round(self.sent),
            dollars=self.dollars if self.priced else None,
            definition_dollars=self.definition_dollars,
            saved_dollars=self.saved,
            faults=self.faults,
        )


class Parts:
    """The parts of the bill, each by whether it is a rest, and by its name."""

    def __init__(self, by: By) -> None:
        """Nothing has been added yet."""
        self._by: By = by
        self._parts: dict[tuple[bool, str], _Part] = defaultdict(_Part)
        self._names: dict[str, str] = {}

    def add(self, spent: Spent) -> None:
        """Add what one session was billed."""
        size = len(spent.bills)
        new, standing = _standing(spent.stays, size)
        defined = _running(((one.entry, one.sent) for one in spent.definitions), size)
        told = course(spent.bills, standing, new, defined)
        self._add_pages(spent, told)
        self._add_definitions(spent, told)
        self._add_rests(spent.session, told)

    def costs(self) -> tuple[Cost, ...]:
        """Return them all: what was asked for first, the dearest first."""
        every = (part.cost(*name) for name, part in self._parts.items())
        found = (cost for cost in every if not cost.rest or cost.sent or cost.dollars)
        return tuple(sorted(found, key=lambda c: (c.rest, -(c.dollars or 0.0), -c.sent, c.what)))

    def _part(self, session: str, rest: bool, name: str) -> _Part:
        part = self._parts[(False, session) if self._by == "session" else (rest, name)]
        part.sessions.add(session)
        return part

    def _known_by(self, what: str) -> str:
        if self._by != "command":
            return what
        if what not in self._names:
            self._names[what] = command_name(what)
        return self._names[what]

    def _add_pages(self, spent: Spent, told: Course) -> None:
        shares = _shares(spent)
        parts = {what: self._part_of(spent.session, what) for what in _named(spent)}
        kept, first, sent = told.kept, told.first, told.sent
        requests, priced, stayed = told.requests, told.priced, self._by != "session"
        for what, pages, tokens, entry, leave, moved, called in spent.stays:
            part = parts[what]
            if called:
                part.calls += pages
                part.tokens += tokens
            if moved is not None:
                part.saved += tokens * shares.get(moved, 0.0)
            if leave > entry:
                part.sent += tokens * (sent[leave] - sent[entry])
                part.dollars += tokens * (first[entry] + kept[leave] - kept[entry])
                part.priced += priced[leave] - priced[entry]
                if stayed:
                    part.requests += pages * (requests[leave] - requests[entry])
        for what, count in spent.faults.items():
            parts[what].faults += count

    def _part_of(self, session: str, what: str | None) -> _Part:
        if what is None or self._by == "definition":
            return self._part(session, True, RESULTS)
        return self._part(session, False, self._known_by(what))

    def _add_definitions(self, spent: Spent, told: Course) -> None:
        asked, end = self._by in ("tool", "definition"), len(spent.bills)
        for tool, entry, whole, sent in spent.definitions:
            part = self._part(spent.session, not asked, tool if asked else DEFINITIONS)
            dollars = told.front[end] - told.front[entry]
            part.definition = max(part.definition, sent)
            part.sent += sent * (told.front_sent[end] - told.front_sent[entry])
            part.dollars += sent * dollars
            part.definition_dollars += sent * dollars
            part.saved += max(0.0, whole - sent) * dollars
            part.priced += told.priced[end] - told.priced[entry]
            part.requests += told.requests[end] - told.requests[entry] if asked and sent else 0
        if self._by == "definition":
            self._add_calls(spent)

    def _add_calls(self, spent: Spent) -> None:
        """Say of each definition how often its tool was called: those are no calls of the rest."""
        tools = {one.tool for one in spent.definitions}
        for stay in spent.stays:
            if stay.what in tools and stay.called:
                self._part(spent.session, False, stay.what).calls += stay.pages
                self._part(spent.session, True, RESULTS).calls -= stay.pages

    def _add_rests(self, session: str, told: Course) -> None:
        for name, dollars, sent, output in told.rests:
            part = self._part(session, True, name)
            part.dollars += dollars
            part.sent += sent
            part.tokens += 0 if self._by == "session" else output
        for part in self._rests_of(session, {name for name, *_ in told.rests}):
            part.requests += told.requests[-1]
            part.priced += told.priced[-1]

    def _rests_of(self, session: str, names: Iterable[str]) -> Iterable[_Part]:
        if self._by == "session":
            return (self._part(session, False, session),)
        return tuple(self._part(session, True, name) for name in names)


def _standing(stays: Iterable[Stay], size: int) -> tuple[list[float], Sequence[float]]:
    """Return the tokens of pages that came with each request, and that stood in it."""
    new, changes = [0.0] * size, [0.0] * (size + 1)
    for stay in stays:
        if stay.leave > stay.entry:
            new[stay.entry] += stay.tokens
            changes[stay.entry] += stay.tokens
            changes[stay.leave] -= stay.tokens
    return new, [*accumulate(changes[:size])]


def _running(changes: Iterable[tuple[int, float]], size: int) -> Sequence[float]:
    found = [0.0] * (size + 1)
    for at, change in changes:
        found[at] += change
    return [*accumulate(found[:size])]


def _named(spent: Spent) -> set[str | None]:
    return {stay.what for stay in spent.stays} | spent.faults.keys()


def _shares(spent: Spent) -> Mapping[int, float]:
    """Return for each flush the dollars that it saved for a token that left with it."""
    moved: dict[int, float] = defaultdict(float)
    for stay in spent.stays:
        if stay.moved is not None:
            moved[stay.moved] += stay.tokens
    return {
        turn: net / moved[turn] for turn, net in spent.flushes.items() if moved.get(turn, 0.0) > 0
    }
