"""Writes the table of episodes: one row from when an episode of thrash is noticed to its end.

Rule of this file: the row holds what the session knows; added to it is what only the recorder
does, the requests in which a flush was held back and what the refetches cost. A refetch costs what
``flushes.py`` charges for it, in every request from the first of its episode to the last. Nothing
is forgotten by being used: what the database refused is written again. Runs in the recorder's
thread only.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import NamedTuple

from pichay_core.easing import HELD
from pichay_core.events import Eased, Faulted, Recovered
from pichay_core.flushes import Weights
from pichay_core.ledger import TurnFacts
from pichay_core.model import FaultKind, SessionId
from pichay_core.store.bill import Beside, Bill, Cost
from pichay_core.store.database import Database
from pichay_core.store.decisions import insert
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned
from pichay_core.store.turns import RECALLING, Counted, came_back
from pichay_core.thrash import WINDOW, Episode

MOST_OPEN = 1_024
"""Requests without a reply that are remembered, and sessions with the cost of their last."""


class _Back(NamedTuple):
    """A page in a request that had come back."""

    born: int
    tokens: int
    fresh: bool
    """It came with this request."""
    refetched: bool

    def price(self, weights: Weights, facts: TurnFacts) -> float:
        """Return what it weighs in what all of them cost, as ``flushes.shared`` has it."""
        read = 0.0 if facts.only_refetched or facts.ours else weights.read
        return self.tokens * (weights.write_5m if self.fresh else read)


class _Stake(NamedTuple):
    """What is remembered of a request until it is billed."""

    start: int | None
    """Of the episode that lasts in it."""
    back: tuple[_Back, ...]


class _Spent(NamedTuple):
    """What the refetches in a request cost, by the turns in which they came."""

    request: int
    turn: int
    shares: tuple[tuple[int, float], ...]
    cost: Cost

    def since(self, start: int) -> Cost:
        """Return what those cost that came in this turn or later."""
        part = sum(share for born, share in self.shares if born >= start)
        dollars = self.cost.dollars
        return Cost(part * self.cost.tokens, None if dollars is None else part * dollars)


class Episodes:
    """Keeps the table. Holds what the last requests of each session cost: they may be of one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._open: OrderedDict[tuple[SessionId, int], _Stake] = OrderedDict()
        self._spent: OrderedDict[SessionId, deque[_Spent]] = OrderedDict()

    def turned(self, record: Turned, counted: Iterable[Counted]) -> None:
        """Put down the episode that lasts in this turn, or is over with it."""
        session = record.after
        watch = session.watch
        if watch.current is not None:
            insert(self._db, "episodes", [self._row(record, watch.current)], also=_AGAIN)
        if watch.last is not None and any(isinstance(e, Recovered) for e in record.events):
            row = _known(watch.last) | {"session": session.id, "at": record.at}
            self._db.conn.execute(_OVER, row | {"ended": watch.last.over})
        if record.outcome == "edited":
            start = watch.current.start if watch.current else None
            back = tuple(_back(record, counted))
            _remember(self._open, (session.id, session.requests), _Stake(start, back))

    def billed(self, bill: Bill, beside: Beside) -> None:
        """Add what the refetches of a request cost to the episode that lasted in it."""
        stake = self._open.get((bill.session, bill.request))
        if stake is None or not stake.back:
            return
        spent = _spent(bill, beside, stake.back)
        if stake.start is None:
            last = self._spent.get(bill.session) or deque[_Spent](maxlen=WINDOW)
            if spent not in last:
                last.append(spent)
            _remember(self._spent, bill.session, last)
            return
        cost = spent.since(stake.start)
        key = {"session": bill.session, "start": stake.start}
        self._db.conn.execute(_ADD, {**key, "tokens": cost.tokens, "dollars": cost.dollars})

    def _row(self, record: Turned, episode: Episode) -> Row:
        session = record.after
        eased = [event for event in record.events if isinstance(event, Eased)]
        before = self._spent.get(session.id, ())
        costs = [spent.since(episode.start) for spent in before if spent.turn >= episode.start]
        dollars = [cost.dollars for cost in costs if cost.dollars is not None]
        return _known(episode) | {
            "session": session.id,
            "noticed": session.turn,
            "request": session.requests,
            "at": record.at,
            "tau": max((event.tau for event in eased), default=None),
            "pins": sum(event.pins for event in eased),
            "held": int(record.held.why == HELD),
            "cost_tokens": sum(cost.tokens for cost in costs),
            "dollars": sum(dollars) if dollars else None,
        }


def _known(episode: Episode) -> Row:
    return {
        "start": episode.start,
        "faults": episode.faults,
        "tokens": episode.tokens,
        "bounced": episode.bounced,
        "pages": json.dumps(dict(episode.returns)),
    }


def _back(record: Turned, counted: Iterable[Counted]) -> Iterable[_Back]:
    """Yield what had come back of the pages of a request."""
    asked = (FaultKind.REFETCH, FaultKind.RECALL)
    came = {e.by for e in record.events if isinstance(e, Faulted) and e.kind in asked}
    for one in counted:
        page, entry = one.entry.page, one.entry
        if came_back(entry):
            refetched = page.call.tool != RECALLING
            yield _Back(entry.born, one.tokens, page.id in came, refetched)


def _spent(bill: Bill, beside: Beside, back: Iterable[_Back]) -> _Spent:
    prices = [(one, one.price(beside.weights, bill.facts)) for one in back]
    whole = sum(price for _, price in prices)
    shares = tuple((one.born, price / whole) for one, price in prices if one.refetched and price)
    return _Spent(bill.request, bill.turn, shares, beside.faulted)


def _remember[K, V](known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > MOST_OPEN:
        known.popitem(last=False)


_AGAIN = """
    on conflict (session, start) do update set
        faults = excluded.faults, tokens = excluded.tokens, bounced = excluded.bounced,
        pages = excluded.pages, tau = coalesce(excluded.tau, tau), pins = pins + excluded.pins,
        held = held + excluded.held
"""
_OVER = """
    update episodes set faults = :faults, tokens = :tokens, bounced = :bounced, pages = :pages,
        ended = :ended, ended_at = :at
    where session = :session and start = :start
"""
_ADD = """
    update episodes set cost_tokens = cost_tokens + :tokens,
        dollars = coalesce(dollars + :dollars, :dollars, dollars)
    where session = :session and start = :start
"""
