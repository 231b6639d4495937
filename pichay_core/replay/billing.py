"""What a recorded conversation would have cost under some rules, beside untouched.

Rule of this file: bills come from :mod:`pichay_core.prefix`, prices from
:mod:`pichay_core.cacheprice`. Several setups are followed side by side, request by request, so
that what they share is worked out once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from pichay_core.cacheprice import (
    CacheMultipliers,
    cache_multipliers,
    input_price,
    surcharges_of,
)
from pichay_core.events import Collected, Event, Evicted, Faulted, Flushed, Recovered, Stripped
from pichay_core.model import FaultKind, Kind, Usage
from pichay_core.prefix import Ttl
from pichay_core.replay.born import Ahead
from pichay_core.replay.report import Report, together
from pichay_core.replay.run import Replayed, Setup, replayed
from pichay_core.replay.world import World
from pichay_core.schedule import Window
from pichay_core.session import Session
from pichay_core.table import Entry
from pichay_core.thrash import Episode
from pichay_core.traces.trace import Conversation
from pichay_core.turn import Turn


def replay_all(conversations: Iterable[Conversation], setup: Setup) -> Report:
    """Return what the conversations of one recording come to together."""
    return replay_each(conversations, [setup])[0]


def replay_each(
    conversations: Iterable[Conversation], setups: Sequence[Setup]
) -> tuple[Report, ...]:
    """Return what the conversations of one recording come to together, under each setup.

    The setups are of one world: they agree on model, time to live and head, and what the
    conversations cost untouched is worked out once for all of them. Raises Unpriced for a model
    of which nobody knows how it is cached.
    """
    if len({(setup.model, setup.ttl, setup.head) for setup in setups}) > 1:
        raise ValueError("setups that are replayed together must agree on model, ttl and head")
    nothing = [Report() for _ in setups]
    found = [_side_by_side(conversation, setups) for conversation in conversations]
    return tuple(map(together, zip(nothing, *found, strict=True)))


def replay(conversation: Conversation, setup: Setup) -> Report:
    """Return what a conversation would have come to under these rules, beside untouched.

    Raises Unpriced for a model of which nobody knows how it is cached.
    """
    return replay_all([conversation], setup)


def _side_by_side(conversation: Conversation, setups: Sequence[Setup]) -> list[Report]:
    """Follow a conversation under all setups at a time, request by request."""
    courses = (replayed(conversation, setup, setup.rules.schedule) for setup in setups)
    worlds: _Worlds | None = None
    for seen in zip(*courses, strict=True):
        worlds = worlds or _Worlds(setups, seen)
        worlds.bill(seen)
    return worlds.reports() if worlds else [Report() for _ in setups]


class _Worlds:
    """One world for each setup, and the untouched one beside them."""

    def __init__(self, setups: Sequence[Setup], first: Sequence[Replayed]) -> None:
        world = partial(World, first[0].model, whole={}, ttl=setups[0].ttl)
        self._untouched = world(first[0].ahead.whole, paged=False, boundary=False)
        self._accounts = [
            _Account(setup, world(one.ahead.sent, paged=True, boundary=setup.boundary), one.ahead)
            for setup, one in zip(setups, first, strict=True)
        ]

    def bill(self, seen: Sequence[Replayed]) -> None:
        """Add one request, as each setup has it."""
        bare, _ = self._untouched.bill(seen[0].session, seen[0].shared, seen[0].at)
        for account, one in zip(self._accounts, seen, strict=True):
            account.add(one, bare)

    def reports(self) -> list[Report]:
        """Return what each setup came to."""
        return [account.report() for account in self._accounts]


class _Account:
    """What one setup comes to."""

    def __init__(self, setup: Setup, world: World, ahead: Ahead) -> None:
        self._setup = setup
        self._world = world
        self._ahead = ahead
        self._found: list[Report] = []
        self._over: list[Episode] = []
        self._lasts: Episode | None = None

    def add(self, seen: Replayed, bare: Usage) -> None:
        """Add one request, which costs *bare* untouched."""
        session, at = seen.session, seen.at
        same = min(_first_moved(seen.turn, len(session.messages)), seen.shared)
        if session.stripped != seen.before.stripped:
            # Less stripped than before: pages have come back with it, perhaps in the first message.
            same = 0 if session.stripped < seen.before.stripped else min(same, seen.before.stripped)
        self._world.front(seen.ahead.sent)
        usage, broke = self._world.bill(session, same, at)
        self._lasts = session.watch.current
        if any(isinstance(event, Recovered) for event in seen.turn.events) and session.watch.last:
            self._over.append(session.watch.last)
        self._found.append(_report(seen, usage, bare, broke, self._prices(seen)))

    def _prices(self, seen: Replayed) -> "_Prices":
        rules, hour = self._setup.rules, self._setup.ttl is Ttl.HOUR
        model, at, own = seen.model, seen.at, rules.prices
        return _Prices(
            rules.multiples or cache_multipliers(model, at, hour, own),
            Window(surcharges=surcharges_of(model, at, own)),
            input_price(model, at, own),
        )

    def report(self) -> Report:
        """Return all of it."""
        episodes = [*self._over, *([self._lasts] if self._lasts else [])]
        thrash = Report(
            thrash=len(episodes),
            thrash_tokens=sum(episode.tokens for episode in episodes),
            bounced=sum(episode.bounced for episode in episodes),
        )
        return together([*self._found, thrash, _birth(self._ahead)])


@dataclass(frozen=True, slots=True)
class _Prices:
    """What a request costs, in tokens at the base input price."""

    cache: CacheMultipliers
    window: Window
    token: float | None
    """Dollars of one of these; None if nobody knows."""

    def of(self, usage: Usage) -> float:
        """Return the cost of the input side."""
        cached = self.cache.read * usage.cache_read + self.cache.write * usage.cache_write
        return self.window.times(usage.window) * (usage.input + cached)

    def ahead(self, usage: Usage, tokens: int) -> float:
        """Return what so many tokens in front of all others cost: read if anything is."""
        cache = self.cache
        price = cache.read if usage.cache_read else cache.write if usage.cache_write else 1.0
        return self.window.times(usage.window) * price * tokens

    def again(self, usage: Usage, tokens: int) -> float:
        """Return what one more request costs that reads all of it and writes so many tokens."""
        more = self.cache.read * usage.window + self.cache.write * tokens
        return self.window.times(usage.window) * more


def _first_moved(turn: Turn, messages: int) -> int:
    """Return the first message in which a page was moved, the number of messages if none was."""
    moved = (e.page for e in turn.events if isinstance(e, Evicted | Collected))
    return min((turn.session.frames[page].message for page in moved), default=messages)


def _edits_of_pages_out(before: Session, turn: Turn) -> list[Entry]:
    """Return the pages out that the calls of this turn wrote to the source of."""
    table = turn.session.table
    arrived = islice(table.entries.values(), len(before.table), None)
    calls = (entry.page.call for entry in arrived if not entry.page.error)
    written = (call.writes for call in calls if call.writes)
    found = (_last_read(turn, target) for target in written)
    return [entry for entry in found if entry is not None and entry.out]


def _last_read(turn: Turn, target: str) -> Entry | None:
    entries = turn.session.table.naming(target)
    reads = [entry for entry in entries if entry.page.call.kind is Kind.READ]
    return reads[-1] if reads else None


def _refetched(turn: Turn) -> list[Entry]:
    faults = (event for event in turn.events if isinstance(event, Faulted))
    table = turn.session.table
    return [table[fault.page] for fault in faults if fault.kind is FaultKind.REFETCH]


def _report(seen: Replayed, usage: Usage, bare: Usage, broke: bool, prices: _Prices) -> Report:
    turn, cost, untouched, price = seen.turn, prices.of(usage), prices.of(bare), prices.token
    kinds = Counter[type[Event]](type(event) for event in turn.events)
    edits = _edits_of_pages_out(seen.before, turn)
    return Report(
        requests=1,
        cost=cost,
        untouched_cost=untouched,
        tokens=usage.window,
        untouched_tokens=bare.window,
        peak=usage.window,
        untouched_peak=bare.window,
        flushes=kinds[Flushed],
        breaks=int(broke),
        evicted=kinds[Evicted],
        collected=kinds[Collected],
        request_evictions=_pages_out(turn.session),
        thinking=sum(event.tokens for event in turn.events if isinstance(event, Stripped)),
        edits=len(edits),
        doubt=sum(prices.again(usage, e.page.tokens) for e in (*edits, *_refetched(turn))),
        faults=dict(Counter(e.kind.value for e in turn.events if isinstance(e, Faulted))),
        definitions=seen.ahead.definitions,
        protocol=prices.ahead(usage, seen.ahead.protocol),
        misses=seen.ahead.missed,
        missed=seen.ahead.missed * prices.again(usage, 0),
        priced=int(price is not None),
        dollars=cost * (price or 0.0),
        untouched_dollars=untouched * (price or 0.0),
    )


def _birth(ahead: Ahead) -> Report:
    return Report(
        born=int(ahead.birth is not None),
        offered=int(ahead.offered),
        short=int(ahead.definitions > 0),
        squeezed=int(ahead.squeezed),
    )


def _pages_out(session: Session) -> int:
    entries = session.table.entries
    return sum(page in entries and entries[page].out for page in session.frames)
