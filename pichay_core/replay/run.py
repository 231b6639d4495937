"""A recorded conversation through a policy and a schedule: what it would have cost.

Rule of this file: decisions come from :func:`pichay_core.turn.take`, the function that live
traffic runs; bills come from :mod:`pichay_core.prefix`. Nothing is decided or priced here.

What a recording cannot say, and what is assumed: the system prompt and the tools stand in front
as one block (as big as the first bill leaves over, else ``HEAD_TOKENS``); the client marks that
block and its newest one; the model asks for what it asked for in the recording, so that only
faults that were re-reads anyway are seen, and both sides pay for them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from pichay_core.cacheprice import CacheMultipliers, cache_multipliers, input_price
from pichay_core.events import Collected, Event, Evicted, Faulted, Flushed
from pichay_core.model import FaultKind, Kind, SessionId, Usage
from pichay_core.prefix import Ttl
from pichay_core.replay.report import Report, together
from pichay_core.replay.world import BLOCK_TOKENS, World, sizes_of
from pichay_core.request import Request
from pichay_core.schedule import Schedule
from pichay_core.session import Match, Session, shared_prefix
from pichay_core.table import Entry
from pichay_core.thrash import Watch
from pichay_core.tokens import tokens_of_bytes
from pichay_core.traces.trace import Conversation, Step
from pichay_core.turn import Rules, Turn, take
from pichay_core.wire import anthropic
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.message import Message

HEAD_TOKENS = 18_000
"""Tokens of system prompt and tools where the recording does not say."""
LEAST_HEAD, MOST_HEAD = 1_000, 80_000
TURN_SECONDS = 20.0
"""Between two requests where the recording has no times."""
_SECRET = bytes(16)
"""Handles of a replay are shown to nobody."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a recording is replayed."""

    rules: Rules
    model: str = ""
    """Prices and cache of this model; the recorded one if empty."""
    ttl: Ttl = Ttl.MINUTES
    head: int | None = None
    """Tokens of system prompt and tools; None to take them from the recording."""
    boundary: bool = True
    """Leave a cache marker on the eviction boundary, as live traffic does."""


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
        worlds = worlds or _Worlds(setups, seen[0])
        worlds.bill(seen)
    return worlds.reports() if worlds else [Report() for _ in setups]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One request of a replay, after what was decided in it."""

    turn: Turn
    before: Session
    shared: int
    """Messages that are the same as in the request before."""
    at: float
    """Seconds."""
    model: str
    head: int
    """Tokens in front of the messages."""

    @property
    def session(self) -> Session:
        """The session after it."""
        return self.turn.session


def replayed(conversation: Conversation, setup: Setup, schedule: Schedule) -> Iterator[Replayed]:
    """Yield each request of a conversation with what is decided under these rules."""
    model = setup.model or next((s.model for s in conversation.steps if s.model), "")
    rules = replace(setup.rules, schedule=schedule, edit=False)
    head_fields = replace(_HEAD, model=model, ttls=(setup.ttl.value,))
    session = Session(SessionId("replay"), "", "", _SECRET, model=model)
    messages: list[Message] = []
    at, head = 0.0, setup.head
    for step in conversation.steps:
        head = _head_tokens(step, model) if head is None else head
        messages[step.keeps :] = step.new
        at = max(at + 1.0, step.at or at + TURN_SECONDS)
        before, sent = session, tuple(messages)
        matched = _match(before, sent)
        request = Request(anthropic, Outline(b"", {}, ()), head_fields, sent, at)
        turn = take(matched, request, rules, _nothing_stored)
        session = turn.session
        yield Replayed(turn, before, matched.shared, at, model, head)


class _Worlds:
    """One world for each setup, and the untouched one beside them."""

    def __init__(self, setups: Sequence[Setup], first: Replayed) -> None:
        world = partial(World, first.model, first.head, {}, setups[0].ttl)
        self._untouched = world(paged=False, boundary=False)
        self._accounts = [
            _Account(setup, world(paged=True, boundary=setup.boundary)) for setup in setups
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

    def __init__(self, setup: Setup, world: World) -> None:
        self._setup = setup
        self._world = world
        self._found: list[Report] = []
        self._watch = Watch()

    def add(self, seen: Replayed, bare: Usage) -> None:
        """Add one request, which costs *bare* untouched."""
        session, at = seen.session, seen.at
        same = min(_first_moved(seen.turn, len(session.messages)), seen.shared)
        usage, broke = self._world.bill(session, same, at)
        hour = self._setup.ttl is Ttl.HOUR
        prices = self._setup.rules.multiples or cache_multipliers(seen.model, at, hour)
        self._watch = self._watch.after(session.turn, seen.turn.events)
        self._found.append(_report(seen, usage, bare, broke, prices))

    def report(self) -> Report:
        """Return all of it."""
        episodes = self._watch.episodes
        thrash = Report(
            thrash=len(episodes),
            thrash_tokens=sum(episode.tokens for episode in episodes),
            bounced=sum(episode.bounced for episode in episodes),
        )
        return together([*self._found, thrash])


_HEAD = Head("", None, None, "", "", (), (), None, True, "", None)


def _nothing_stored(_digest: str) -> None:
    return None


def _match(session: Session, messages: tuple[Message, ...]) -> Match:
    shared = shared_prefix(session.messages, messages)
    if shared == len(session.messages):
        return Match(session, shared, "extends" if len(messages) > shared else "repeats")
    return Match(session, shared, "edited" if shared else "compacted")


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


def _head_tokens(step: Step, model: str) -> int:
    """Return how much of the first bill the first messages do not account for."""
    if step.usage is None:
        return HEAD_TOKENS
    sizes = (size for message in step.new for _, size in sizes_of(message, {}))
    left = step.usage.window - sum(tokens_of_bytes(size, model) + BLOCK_TOKENS for size in sizes)
    return min(MOST_HEAD, max(LEAST_HEAD, left)) if left > 0 else HEAD_TOKENS


def _report(
    seen: Replayed, usage: Usage, bare: Usage, broke: bool, prices: CacheMultipliers
) -> Report:
    turn, cost, untouched = seen.turn, _cost(usage, prices), _cost(bare, prices)
    kinds = Counter[type[Event]](type(event) for event in turn.events)
    edits = _edits_of_pages_out(seen.before, turn)
    asked_again = prices.read * usage.window
    price = input_price(seen.model, seen.at)
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
        edits=len(edits),
        doubt=sum(
            asked_again + prices.write * entry.page.tokens for entry in (*edits, *_refetched(turn))
        ),
        faults=dict(Counter(e.kind.value for e in turn.events if isinstance(e, Faulted))),
        priced=int(price is not None),
        dollars=cost * (price or 0.0),
        untouched_dollars=untouched * (price or 0.0),
    )


def _cost(usage: Usage, prices: CacheMultipliers) -> float:
    return usage.input + prices.read * usage.cache_read + prices.write * usage.cache_write


def _pages_out(session: Session) -> int:
    entries = session.table.entries
    return sum(page in entries and entries[page].out for page in session.frames)
