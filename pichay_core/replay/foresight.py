"""A policy that knows what will be asked for again: Belady's, at the prices of a provider.

Rule of this file: it knows the future, so it is no policy of live traffic. It says how much there
is to win by knowing *which*, as the bound says it for *when*.

Source: L. Belady, "A study of replacement algorithms for a virtual-storage computer", 1966.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

from pichay_core.model import Kind, PageId
from pichay_core.policies import Moment, Policy
from pichay_core.policies.cost import fault, rent, window
from pichay_core.replay.run import Foresight, Replayed, Setup, replayed
from pichay_core.schedule import Pending
from pichay_core.table import Entry, PageTable
from pichay_core.traces.trace import Conversation

type Future = Mapping[PageId, Sequence[int]]
"""The turns, in order, in which each page is referenced again."""


def references(seen: Replayed, edits: bool = True) -> Iterator[PageId]:
    """Yield the pages that the calls of one request ask for again, none twice.

    A page is asked for by the same call with the same content; with *edits* also, if it is the
    last read of its file, by a write to that.
    """
    before, table = seen.before.table, seen.session.table
    arrived = [entry for page, entry in table.entries.items() if page not in before]
    asked = (_asked(entry, before, edits) for entry in arrived if not entry.page.error)
    yield from dict.fromkeys(page for page in asked if page is not None)


def _asked(entry: Entry, before: PageTable, edits: bool) -> PageId | None:
    call = entry.page.call
    if call.writes is not None:
        named = before.naming(call.writes) if edits else ()
        found = (e for e in named if e.page.call.kind is Kind.READ and not e.page.error)
    elif call.key is not None:
        key = call.key
        copies = (e for e in before.same_thing(key) if e.page.call.key == key)
        found = (e for e in copies if e.page.call.id != call.id and not e.page.error)
    else:
        return None
    last = next(reversed(list(found)), None)
    if last is None or (call.writes is None and not _same_content(entry, last)):
        return None
    return last.page.id


def _same_content(entry: Entry, last: Entry) -> bool:
    """True if the content is that of *last*, or a note of the client that it still is."""
    return entry.page.digest == last.page.digest or (entry.page.cleared and not last.stale)


def foresee(conversation: Conversation, setup: Setup, edits: bool = True) -> Future:
    """Return what a conversation will ask for again, from a first walk over it."""
    future: defaultdict[PageId, list[int]] = defaultdict(list)
    for seen in walked(conversation, setup):
        for page in references(seen, edits):
            future[page].append(seen.session.turn)
    return future


def walked(conversation: Conversation, setup: Setup) -> Iterator[Replayed]:
    """Yield each request of a conversation from which nothing ever leaves."""
    return replayed(conversation, replace(setup, foresight=None), _never)


def _never(_pending: Pending) -> str | None:
    return None


def clairvoyant(future: Future) -> Policy:
    """Return the policy that knows the future.

    A page at least tau turns old leaves if it is never referenced again, or if keeping it until
    then costs more than the fault. What is referenced last leaves first.
    """

    def next_reference(entry: Entry, turn: int) -> float:
        return next((at for at in future.get(entry.page.id, ()) if at > turn), inf)

    def policy(pages: Sequence[Entry], now: Moment) -> list[Entry]:
        old = [entry for entry in pages if now.turn - entry.born >= now.tau]
        ahead = [(next_reference(entry, now.turn) - now.turn, entry) for entry in old]
        sent = window(now, sum(e.page.tokens for e in now.table.entries.values() if e.out))
        leaving = [
            (turns, entry)
            for turns, entry in ahead
            if turns == inf or turns * rent(entry, now) > fault(entry, now, sent)
        ]
        return [e for _, e in sorted(leaving, key=lambda pair: (-pair[0], pair[1].born))]

    return policy


def foreseeing(conversation: Conversation, setup: Setup) -> Policy:
    """Return the clairvoyant policy of one conversation."""
    return clairvoyant(foresee(conversation, setup))


FORESIGHT: dict[str, Foresight] = {"clairvoyant": foreseeing}
"""Policies that are made for a conversation, by name."""
