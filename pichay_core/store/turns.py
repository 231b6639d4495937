"""The row of a request as it went upstream; what it was billed is added by ``accounts.py``."""

from collections.abc import Iterable
from typing import NamedTuple

from pichay_core.folding import folded
from pichay_core.ledger import Amounts
from pichay_core.model import State
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned
from pichay_core.stubs import saved
from pichay_core.table import Entry


class Counted(NamedTuple):
    """One page of a request, with what it holds and what it saves, in calibrated tokens."""

    entry: Entry
    tokens: int
    gain: int
    """That its having left saves, or would save."""
    short: int
    """That its form leaves out."""


def counted_page(entry: Entry, tokens: int) -> Counted:
    """Return a page of a request that comes to so many tokens."""
    short = 0 if entry.state is State.GONE else entry.left_out(tokens)
    return Counted(entry, tokens, saved(entry.page, tokens, entry.summary) - short, short)


NOTHING_SAVED: Row = dict.fromkeys(
    (
        *("removed_tokens", "shortened_tokens", "thinking_tokens"),
        *("definitions_tokens", "protocol_tokens"),
    ),
    0,
)


def turn_row(record: Turned, counted: Iterable[Counted], each: float, beside: int = 0) -> Row:
    """Return the row of a request that has not been billed yet.

    *each*: tokens of its model per byte of text; *beside*: those that collapsed turns keep out
    beside their pages.
    """
    edited = record.outcome == "edited"
    after, amounts = record.after, _amounts(counted, round(record.listed * each), beside)
    unseen = round(record.unseen * each)
    return {
        "session": after.id,
        "request": after.requests,
        "turn": after.turn,
        "at": record.at,
        "model": record.model,
        "outcome": record.outcome,
        "why": record.why,
        "messages": len(after.messages),
        "bytes_before": record.bytes_before,
        "bytes_after": record.bytes_after,
        "front_bytes": _front_bytes(record),
        "removed_tokens": amounts.removed if edited else 0,
        "shortened_tokens": amounts.born if edited else 0,
        "thinking_tokens": round(given_up(record) * each) if edited else 0,
        "refetched_tokens": amounts.refetched + unseen,
        "resident_tokens": amounts.resident,
        "pending_tokens": record.pending,
        "flushed": record.flushed,
        "held_pages": record.held.pages,
        "held_tokens": record.held.tokens,
        "held_why": record.held.why,
        "overhead_microseconds": record.overhead_microseconds,
        "leg": record.leg,
        "window_limit": record.window,
        **_front(record, each),
    }


def given_up(record: Turned, first: int = 0, upto: int | None = None) -> int:
    """Return the bytes of thinking that these messages of a request are sent without.

    Not so of messages that are not sent at all.
    """
    after = record.after
    end = after.stripped if upto is None else min(upto, after.stripped)
    hidden = folded(after)
    sent = (at for at in range(first, min(end, len(after.messages))) if at not in hidden)
    return sum(after.messages[at].thought for at in sent)


def _front(record: Turned, each: float) -> Row:
    """Return how much smaller, and how much larger, the front is than the client's.

    *each*: tokens per byte.
    """
    edited = record.outcome == "edited"
    return {
        "definitions_tokens": round(record.definitions * each) if edited else 0,
        "protocol_tokens": round(record.protocol * each) if edited else 0,
    }


def _front_bytes(record: Turned) -> int | None:
    """Return the bytes beside the messages; None where these were not looked at."""
    if record.after.frozen:
        return None
    return record.bytes_before - sum(len(message.raw) for message in record.after.own)


RECALLING = "memory_fault"
"""What it brings back is unseen by the client, and counted with all that is."""


def _amounts(counted: Iterable[Counted], listed: int, beside: int) -> Amounts:
    """Return what paging did to a request, *listed* tokens of which went from the user's text."""
    removed = refetched = resident = 0
    born = listed
    for one in counted:
        born += one.short
        removed += one.gain if one.entry.out else 0
        refetched += one.tokens if came_back(one.entry) and not _recalls(one.entry) else 0
        resident += one.tokens - one.short if one.entry.state is State.RESIDENT else 0
    return Amounts(removed + born + beside, refetched, resident, born=born)


def came_back(entry: Entry) -> bool:
    """True if the page holds what had left: it was fetched again, or recalled."""
    return entry.faults > 0 or _recalls(entry)


def _recalls(entry: Entry) -> bool:
    return entry.page.call.tool == RECALLING
