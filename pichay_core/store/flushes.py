"""What every flush was expected to bring, and what it has brought so far.

Rule of this file: a row is added with the flush, and from then on only added to, by each billed
request that has to do with it: one pass over the flushes of that request. A flush whose edits
never went upstream (observed, failed) brings nothing and has no row; one that the provider
refused keeps the row it had by then, with nothing in it. Runs in the recorder's thread only.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from pichay_core.cacheprice import cache_multipliers
from pichay_core.events import Differed, Duplicated, Faulted, Flushed, Trimmed
from pichay_core.flushes import Parts, Share, Weights, divide, in_dollars, shared
from pichay_core.model import FaultKind, PageId, SessionId
from pichay_core.prices import Prices, Rates
from pichay_core.store.bill import Beside, Bill, Cost
from pichay_core.store.database import Database
from pichay_core.store.decisions import insert
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned
from pichay_core.store.scope import Scope, rows
from pichay_core.store.turns import Counted, came_back, given_up
from pichay_core.tariff import multipliers, rates

MOST_OPEN = 1_024
"""Requests without a reply that are remembered."""
MOST_SESSIONS = 256
"""Sessions whose refetches are kept in memory; those of others are read back."""
NOBODY = -1
"""Stands for the flushes that are not recorded here: a parent's, those of earlier versions, and
the provider's own clearing."""
BIRTH = -2
"""Stands for what was sent shorter from the first time on."""


class Flushes:
    """Writes the table of flushes. Holds what the requests in flight have to do with them."""

    def __init__(self, db: Database, prices: Prices) -> None:
        self._db = db
        self._prices = prices
        self._open: OrderedDict[tuple[SessionId, int], _Stakes] = OrderedDict()
        self._refetches: OrderedDict[SessionId, dict[PageId, int]] = OrderedDict()

    def turned(
        self, record: Turned, counted: Iterable[Counted], each: float, collapsed: Mapping[int, int]
    ) -> None:
        """Put down a flush, and remember what each flush has to do with the request.

        *each*: tokens per byte of text; *collapsed*: those that collapsed turns keep out beside
        their pages, by the flush that they left with.
        """
        if record.outcome != "edited":
            return
        insert(self._db, "flushes", [*_flushes(record)], also=_AGAIN)
        pages = list(counted)
        shares = self._shares(record, pages, each, collapsed)
        stakes = _Stakes(shares, _born_now(record, pages))
        self._open[record.after.id, record.after.requests] = stakes
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def billed(self, bill: Bill) -> Beside:
        """Add to the flushes what one request has brought; return what it says beside that."""
        at, provider = datetime.fromtimestamp(bill.at, UTC), bill.provider or None
        known = rates(bill.model, bill.window, at, provider, self._prices)
        weights = _weights(known, bill.model, bill.at).where(bill.facts)
        known_shares, new = self._open.get((bill.session, bill.request), _NO_STAKES)
        shares = _with_cleared(known_shares, bill.cleared)
        fresh = sum(share.fresh for share in shares.values())
        parts = divide(bill.ledger, bill.facts, bill.amounts, bill.usage, weights, fresh, new)
        flush = bill.turn if bill.flushed else None
        tokens = shared(parts, shares, flush, bill.facts, weights)
        dollars: Mapping[int, Parts] = {}
        whole: Parts | None = None
        if known is not None and bill.dollars is not None:
            whole = in_dollars(parts, bill.usage, bill.untouched, known, bill.dollars)
            dollars = shared(whole, shares, flush, bill.facts, weights)
        changes = [
            {"session": bill.session, "turn": turn, **_amounts(each, dollars.get(turn))}
            for turn, each in tokens.items()
        ]
        self._db.conn.executemany(_ADD, changes)
        self._db.conn.executemany(_PAID_BACK, changes)
        saved = whole and _born(whole, dollars.get(BIRTH))
        return Beside(
            Cost(_born(parts, tokens.get(BIRTH)), saved),
            Cost(parts.faulted, whole and whole.faulted),
            weights,
        )

    def _shares(
        self, record: Turned, counted: list[Counted], each: float, collapsed: Mapping[int, int]
    ) -> Mapping[int, Share]:
        """One pass over the pages; a flush is named by its turn."""
        again = {one.entry.page.id for one in counted if came_back(one.entry)}
        refetches = self._refetched(record.after.id, again)
        came = _refetched_now(record)
        removed, refetched, fresh = Counter[int](collapsed), Counter[int](), Counter[int]()
        for one in counted:
            entry = one.entry
            if entry.out:
                removed[NOBODY if entry.moved is None else entry.moved] += one.gain
            if came_back(entry):
                turn = refetches[entry.page.id]
                refetched[turn] += one.tokens
                fresh[turn] += one.tokens if entry.page.id in came else 0
        for turn, size in self._thinking(record).items():
            removed[turn] += round(size * each)
        turns = removed.keys() | refetched.keys()
        return {turn: Share(removed[turn], refetched[turn], fresh[turn]) for turn in turns}

    def _thinking(self, record: Turned) -> Mapping[int, int]:
        """Return the bytes of thinking that are missing from a request, by flush.

        What stands elsewhere since the client has changed its history is of the last of them.
        """
        whole, found = given_up(record), Counter[int]()
        if not whole:
            return found
        parts = rows(self._db, _STRIPPED, Scope(record.after.id))
        for part in parts:
            size = given_up(record, part["first"], part["upto"])
            found[part["turn"]] += min(size, whole - found.total())
        found[parts[-1]["turn"] if parts else NOBODY] += whole - found.total()
        return found

    def _refetched(self, session: SessionId, again: set[PageId]) -> Mapping[PageId, int]:
        """Return for pages that came *again* the turn in which they had been taken out."""
        known = self._refetches.get(session, {})
        if not again <= known.keys():
            found = {row["by"]: row["moved"] for row in rows(self._db, _REFETCHES, Scope(session))}
            known = {page: found.get(page, NOBODY) for page in again}
        self._refetches[session] = known
        self._refetches.move_to_end(session)
        while len(self._refetches) > MOST_SESSIONS:
            self._refetches.popitem(last=False)
        return known


def _with_cleared(shares: Mapping[int, Share], cleared: int) -> Mapping[int, Share]:
    """Return the shares in a request with what the provider took out, which is of no flush."""
    if not cleared:
        return shares
    others = shares.get(NOBODY, Share())
    return {**shares, NOBODY: replace(others, removed=others.removed + cleared)}


class _Stakes(NamedTuple):
    """What is remembered of a request until it is billed."""

    shares: Mapping[int, Share]
    new: int
    """Tokens that it was the first to leave out."""


_NO_STAKES = _Stakes({}, 0)


def _born_now(record: Turned, counted: Iterable[Counted]) -> int:
    """Return how many tokens are left out of pages that came with this request."""
    born = (e for e in record.events if isinstance(e, Duplicated | Differed | Trimmed))
    pages = {event.page for event in born}
    return sum(one.short for one in counted if one.entry.page.id in pages)


def _born(parts: Parts, faults: Parts | None) -> float:
    """Return what is saved by what is sent smaller, less what was asked for again of it."""
    return parts.front + parts.born - (faults.faulted if faults else 0.0)


def _refetched_now(record: Turned) -> set[PageId]:
    """Return the pages that came with this request for a second time."""
    faults = (event for event in record.events if isinstance(event, Faulted))
    return {fault.by for fault in faults if fault.kind in (FaultKind.REFETCH, FaultKind.RECALL)}


def _weights(known: Rates | None, model: str, at: float) -> Weights:
    """Return what the cache costs at known rates, else what it usually costs."""
    brief, hour = (
        multipliers(known, long) if known else cache_multipliers(model, at, long)
        for long in (False, True)
    )
    return Weights(brief.read, brief.write, hour.write)


def _flushes(record: Turned) -> Iterable[Row]:
    for event in record.events:
        if isinstance(event, Flushed):
            yield {
                "session": record.after.id,
                "turn": record.after.turn,
                "request": record.after.requests,
                "at": record.at,
                "why": event.why,
                "pages": event.pages,
                "tokens": event.tokens,
                "predicted_saving_tokens": event.saves,
                "predicted_rewrite_tokens": event.rewrite,
                "paid_tokens": event.paid,
            }


def _amounts(tokens: Parts, dollars: Parts | None) -> Row:
    return {
        "saved": tokens.saved,
        "rewritten": tokens.rewritten,
        "faulted": tokens.faulted,
        "saved_dollars": dollars and dollars.saved,
        "rewritten_dollars": dollars and dollars.rewritten,
        "faulted_dollars": dollars and dollars.faulted,
    }


_AGAIN = """
    on conflict (session, turn) do update set
        pages = pages + excluded.pages,
        tokens = tokens + excluded.tokens,
        predicted_saving_tokens = predicted_saving_tokens + excluded.predicted_saving_tokens,
        predicted_rewrite_tokens = predicted_rewrite_tokens + excluded.predicted_rewrite_tokens,
        paid_tokens = paid_tokens + excluded.paid_tokens
    where request <> excluded.request
"""
"""A turn that flushes in two of its requests is one flush; the same request is put down once."""
_ADD = """
    update flushes set
        requests = requests + 1,
        saved_tokens = saved_tokens + :saved,
        rewritten_tokens = rewritten_tokens + :rewritten,
        faulted_tokens = faulted_tokens + :faulted,
        saved_dollars = coalesce(saved_dollars + :saved_dollars, :saved_dollars, saved_dollars),
        rewritten_dollars =
            coalesce(rewritten_dollars + :rewritten_dollars, :rewritten_dollars, rewritten_dollars),
        faulted_dollars =
            coalesce(faulted_dollars + :faulted_dollars, :faulted_dollars, faulted_dollars)
    where session = :session and turn = :turn
"""
_PAID_BACK = """
    update flushes set paid_back = case
        when saved_tokens > 0 and saved_tokens >= rewritten_tokens + faulted_tokens
        then coalesce(paid_back, requests)
    end
    where session = :session and turn = :turn
"""
_STRIPPED = """
    select turn, json_extract(detail, '$.first') first, json_extract(detail, '$.upto') upto
    from events where session = :session and kind = 'stripped' order by id
"""
_REFETCHES = f"""
    select json_extract(events.detail, '$.by') by,
        case when pages.moved <= events.turn then pages.moved else {BIRTH} end moved
    from events join pages on pages.session = events.session and pages.id = events.page
    where events.session = :session and events.kind = 'faulted'
        and events.why in ('refetch', 'recall')
        and (pages.moved <= events.turn or pages.form = 'trimmed')
"""
"""A page that had not left when it was asked for again had been cut when it came."""
