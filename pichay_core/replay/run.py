"""A recorded conversation through a policy and a schedule: what it would have cost.

Rule of this file: decisions come from :func:`pichay_core.turn.take`, the function that live
traffic runs; bills come from :mod:`pichay_core.prefix`. Nothing is decided or priced here.

What a recording cannot say, and what is assumed: the system prompt and the tools stand in front
as one block (as big as the first bill leaves over, else ``HEAD_TOKENS``); the client marks that
block and its newest one; the model asks for what it asked for in the recording, so that only
faults that were re-reads anyway are seen, and both sides pay for them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pichay_core.cacheprice import CacheMultipliers, cache_multipliers, surcharges_of
from pichay_core.events import Collected, Event, Evicted, Faulted, Flushed
from pichay_core.model import FaultKind, Kind, PageId, SessionId, Usage
from pichay_core.policies import Policy
from pichay_core.prefix import Ttl
from pichay_core.replay.report import Report
from pichay_core.replay.world import BLOCK_TOKENS, World, sizes_of
from pichay_core.request import Request
from pichay_core.schedule import Schedule, Window
from pichay_core.session import Match, Session, shared_prefix
from pichay_core.table import Entry
from pichay_core.tokens import bytes_per_token, tokens_of_bytes
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


type Foresight = Callable[[Conversation, Setup], Policy]
"""Makes the policy of one conversation, having read all of it."""


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
    foresight: Foresight | None = None
    """Makes a policy for each conversation, in place of that of the rules."""

    def policy_for(self, conversation: Conversation) -> Policy:
        """Return the policy that decides in a conversation."""
        return self.foresight(conversation, self) if self.foresight else self.rules.policy


def replay_all(conversations: Iterable[Conversation], setup: Setup) -> Report:
    """Return what the conversations of one recording come to together."""
    found = Report()
    for conversation in conversations:
        found = found.plus(replay(conversation, setup))
    return found


def replay(conversation: Conversation, setup: Setup) -> Report:
    """Return what a conversation would have come to under these rules, beside untouched.

    Raises Unpriced for a model of which nobody knows how it is cached.
    """
    found = Report()
    worlds: _Worlds | None = None
    for seen in replayed(conversation, setup, setup.rules.schedule):
        worlds = worlds or _Worlds(setup, seen)
        found = found.plus(worlds.bill(seen))
    return found


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
    policy = setup.policy_for(conversation)
    rules = replace(setup.rules, policy=policy, schedule=schedule, edit=False)
    session = Session(SessionId("replay"), "", "", _SECRET, model=model)
    messages: list[Message] = []
    at, head = 0.0, setup.head
    for step in conversation.steps:
        head = _head_tokens(step, model) if head is None else head
        messages[step.keeps :] = step.new
        at = max(at + 1.0, step.at or at + TURN_SECONDS)
        before, sent = session, tuple(messages)
        matched = _match(before, sent)
        turn = take(matched, _request(sent, at, model, head, setup.ttl), rules, _nothing_stored)
        session = turn.session
        yield Replayed(turn, before, matched.shared, at, model, head)


@dataclass(frozen=True, slots=True)
class _Prices:
    """What a request costs, in tokens at the base input price."""

    cache: CacheMultipliers
    window: Window

    def of(self, usage: Usage) -> float:
        """Return the cost of the input side."""
        cached = self.cache.read * usage.cache_read + self.cache.write * usage.cache_write
        return self.window.times(usage.window) * (usage.input + cached)

    def again(self, usage: Usage, tokens: int) -> float:
        """Return what one more request costs that reads all of it and writes so many tokens."""
        more = self.cache.read * usage.window + self.cache.write * tokens
        return self.window.times(usage.window) * more


class _Worlds:
    """Two worlds side by side: as decided, and untouched."""

    def __init__(self, setup: Setup, first: Replayed) -> None:
        self._setup = setup
        world = partial(World, first.model, first.head, {}, setup.ttl)
        self._actual = world(paged=True, boundary=setup.boundary)
        self._untouched = world(paged=False, boundary=False)

    def bill(self, seen: Replayed) -> Report:
        """Return what one request costs in both."""
        session, at = seen.session, seen.at
        same = min(_first_moved(seen.turn, len(session.messages)), seen.shared)
        usage, broke = self._actual.bill(session, same, at)
        bare, _ = self._untouched.bill(session, seen.shared, at)
        edits, refetched = _edits_of_pages_out(seen.before, seen.turn), _refetched(seen.turn)
        return _report(seen.turn, usage, bare, broke, self._prices(seen), edits, refetched)

    def _prices(self, seen: Replayed) -> _Prices:
        rules, hour = self._setup.rules, self._setup.ttl is Ttl.HOUR
        times = rules.multiples or cache_multipliers(seen.model, seen.at, hour, rules.prices)
        return _Prices(times, Window(surcharges=surcharges_of(seen.model, seen.at, rules.prices)))


def _request(messages: tuple[Message, ...], at: float, model: str, head: int, ttl: Ttl) -> Request:
    size = round(head * bytes_per_token(model))
    said = Head(model, None, None, "", "", (), (ttl.value,), None, True, "", None, size)
    return Request(anthropic, Outline(b"", {}, ()), said, messages, at)


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
    arrived = (e.page for page, e in table.entries.items() if page not in before.table)
    written = (page.call.writes for page in arrived if page.call.writes and not page.error)
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
    turn: Turn,
    usage: Usage,
    bare: Usage,
    broke: bool,
    prices: _Prices,
    edits: Sequence[Entry],
    refetched: Sequence[Entry],
) -> Report:
    kinds = Counter[type[Event]](type(event) for event in turn.events)
    return Report(
        requests=1,
        cost=prices.of(usage),
        untouched_cost=prices.of(bare),
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
        doubt=sum(prices.again(usage, e.page.tokens) for e in (*edits, *refetched)),
        faults=dict(Counter(e.kind.value for e in turn.events if isinstance(e, Faulted))),
    )


def _pages_out(session: Session) -> int:
    def is_out(page: PageId) -> bool:
        return page in session.table and session.table[page].out

    return sum(map(is_out, session.frames))
