"""The least that a conversation can cost, whoever decides and whatever they know.

The cost model: each request reads what is cached and unchanged (``read`` a token) and writes the
rest (``write`` a token). A flush at request *t* that cuts at a page writes again, once, whatever
survives behind the cut: (write - read) a token. A page may leave from the request after the one
it came with. A cold cache, a compaction and a rewind let everything leave for nothing. A page
that is out never costs anything more: what the model asked for again it asked for in the
recording, whose price both sides pay.

Relaxed, so that the bound holds for every real schedule: the cache can be read up to any cut, and
thinking that may be given up costs nothing.

With no price on faults, leaving later is never better once a flush covers a page, so a plan is a
set of flushes (time, cut). What survives behind a cut is the text that never leaves, so its price
depends on time and cut alone; nothing is gained by flushing between two arrivals. Let
``least(q, t)`` be the least cost of all pages from the *q*-th on that could leave before *t*, if
all of them are out at *t* at the latest. Either page *q* waits for *t*, and ``least(q + 1, t)`` is
left; or the first flush to cover it comes at some *u* before *t*: what came between is out at *u*
at the latest, and what comes after *u* is a matter of its own:

    least(q, u) = read * gain * (u - since) + price(q, u) + least(q + 1, u) + least(after u, t)

This is exact for the relaxed model (``tests`` compare it with every plan on small ones), and cubic
in the number of distinct times between two cold ones.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pichay_core.cacheprice import CacheMultipliers, cache_multipliers
from pichay_core.models import binds_thinking
from pichay_core.pager import may_leave
from pichay_core.prefix import Ttl
from pichay_core.replay.run import Replayed, Setup, replayed
from pichay_core.replay.world import BLOCK_TOKENS, Sizes, sizes_of
from pichay_core.schedule import Pending
from pichay_core.stubs import stub_bytes
from pichay_core.tokens import tokens_of_bytes
from pichay_core.traces.trace import Conversation
from pichay_core.wire.message import THINKING, Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page between two cold times. Times are requests."""

    since: int
    """When it could leave first."""
    gain: int
    """Tokens that leave with it."""
    before: int
    """Tokens that never leave in front of it."""


def least(
    pages: Sequence[Waiting], fixed: Sequence[int], end: int, price: CacheMultipliers
) -> float:
    """Return the least that keeping and flushing cost, on top of what must be paid anyway.

    ``pages`` stand in order of position and of ``since``; ``fixed`` holds for each request the
    tokens cached before it that never leave; all waiting is over at ``end``.
    """
    times = sorted({page.since for page in pages})
    after = [bisect_right([page.since for page in pages], time) for time in times]
    ends = [*times, end]
    rows = [[0.0] * len(ends) for _ in range(len(pages) + 1)]
    for q in range(len(pages) - 1, -1, -1):
        page, row, below = pages[q], rows[q], rows[q + 1]
        first = times.index(page.since)
        flushed = [
            price.read * page.gain * (time - page.since)
            + (price.write - price.read) * max(0, fixed[time] - page.before)
            + below[at]
            for at, time in enumerate(times[first:], first)
        ]
        for at in range(first, len(ends)):
            waits = price.read * page.gain * (ends[at] - page.since) + below[at]
            covered = (
                flushed[u - first] + rows[after[u]][at] for u in range(first, min(at, len(times)))
            )
            row[at] = min(waits, min(covered, default=waits))
    return rows[0][-1]


def bound(conversation: Conversation, setup: Setup) -> float:
    """Return the least that a conversation can cost, in tokens at the base input price.

    Of the rules in *setup* only the size from which a page may leave counts.
    """
    course: _Course | None = None
    for seen in replayed(conversation, setup, _never):
        course = course or _Course(setup, seen)
        course.step(seen)
    return course.total() if course else 0.0


_EMPTY = 0


def _answered(messages: Sequence[Message]) -> int:
    """Return how many messages stand up to the last reply: the model has seen what is in them.

    What a first request brings of them may be out before it was ever sent.
    """
    replies = (n for n, message in enumerate(messages, 1) if message.role == "assistant")
    return max(replies, default=0)


def _named(before: int, message: Message) -> int:
    return hash((before, message.digest))


def _never(_pending: Pending) -> str | None:
    return None


class _Course:
    """A conversation as the cost model sees it."""

    def __init__(self, setup: Setup, first: Replayed) -> None:
        at, hour = first.at, setup.ttl is Ttl.HOUR
        self._price = setup.rules.multiples or cache_multipliers(
            first.model, at, hour, setup.rules.prices
        )
        self._setup = setup
        self._unthought = binds_thinking(first.model) and not setup.rules.keep_thinking
        self._head = first.ahead.whole
        self._sizes: Sizes = {}
        self._ends: list[int] = []
        """For each message the tokens up to its end that never leave."""
        self._fixed: list[int] = []
        self._waiting: list[Waiting] = []
        self._cost = 0.0
        self._last_at: float | None = None
        self._known = {_EMPTY}
        """Every beginning of a history that was ever sent: it may be cached still."""

    def step(self, seen: Replayed) -> None:
        """Add one request."""
        request, price, shared = len(self._fixed), self._price, seen.shared
        cold = self._last_at is None or seen.at - self._last_at > self._setup.ttl.seconds
        self._last_at = seen.at
        if cold or shared < len(self._ends):
            self._settle(request)
        del self._ends[shared:]
        again = self._sent_before(seen.session.messages)
        leaving = self._append(seen, request, again)
        cached = self._ends[again - 1] if again else 0
        new = self._ends[-1] - cached + leaving if self._ends else 0
        old = self._head + cached
        self._cost += price.write * (new + old) if cold else price.read * old + price.write * new
        self._fixed.append(cached)

    def _sent_before(self, messages: Sequence[Message]) -> int:
        """Return how many messages from the first on were sent like this at any time."""
        names = list(accumulate(messages, _named, initial=_EMPTY))
        again = next(n for n in range(len(messages), -1, -1) if names[n] in self._known)
        self._known.update(names)
        return again

    def total(self) -> float:
        """Return the least that all of it costs."""
        self._settle(len(self._fixed))
        return self._cost

    def _settle(self, request: int) -> None:
        pages = [page for page in self._waiting if page.since < request]
        self._cost += least(pages, self._fixed, request, self._price)
        self._waiting = []

    def _append(self, seen: Replayed, request: int, again: int) -> int:
        """Add the new messages; return how many tokens may leave that were never sent."""
        pages = {frame: page for page, frame in seen.session.frames.items()}
        model, leaving = seen.model, 0
        unseen = max(again, _answered(seen.session.messages))
        for position in range(len(self._ends), len(seen.session.messages)):
            fixed = self._ends[-1] if self._ends else 0
            message = seen.session.messages[position]
            for block, (_, size) in enumerate(sizes_of(message, self._sizes)):
                if self._unthought and message.blocks[block].type in THINKING:
                    continue
                tokens = tokens_of_bytes(size, model)
                page = pages.get((position, block))  # pyright: ignore[reportArgumentType]
                entry = seen.session.table.entries.get(page) if page else None
                if entry and may_leave(entry, self._setup.rules.limits):
                    stub = tokens_of_bytes(stub_bytes(entry.page), model)
                    gain = max(0, tokens - stub)
                    if position >= unseen:
                        self._waiting.append(Waiting(request + 1, gain, fixed))
                        leaving += gain
                    tokens -= gain
                fixed += tokens + BLOCK_TOKENS
            self._ends.append(fixed)
        return leaving
