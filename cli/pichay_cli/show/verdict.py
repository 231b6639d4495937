"""What to think of a session, in one sentence: what brought most, and what cost most.

Rule of this file: pure. Amounts are dollars where the price is known, else as many tokens of plain
input as cost the same; nothing is said of what is next to nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pichay_cli.amounts import dollars, times, tokens
from pichay_cli.show.telling import Telling
from pichay_core.store.stories import FlushStory

LEAST_DOLLARS, LEAST_TOKENS = 0.005, 500


class _Item(NamedTuple):
    amount: float
    """Dollars or tokens."""
    what: str


def verdict(told: Telling) -> str:
    """Return the sentence; empty if nothing was brought nor cost."""
    priced = bool(told.session.net.priced)
    least = LEAST_DOLLARS if priced else LEAST_TOKENS
    best = max(_brought(told, priced), default=_NOTHING)
    worst = max(_cost(told, priced), default=_NOTHING)
    parts = [
        f"most was saved by {best.what} ({_said(best, priced)})" if best.amount >= least else "",
        f"most was lost to {worst.what} ({_said(worst, priced)})" if worst.amount >= least else "",
    ]
    sentence = "; ".join(part for part in parts if part)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


_NOTHING = _Item(0.0, "")


def _brought(told: Telling, priced: bool) -> list[_Item]:
    born = told.born.saved_dollars or 0.0 if priced else told.born.saved_tokens
    return [
        *(_Item(_net(flush, priced), _named(flush)) for flush in told.flushes),
        _Item(born, "what was sent smaller from the start"),
    ]


def _cost(told: Telling, priced: bool) -> list[_Item]:
    flushes, net = told.flushes, told.session.net
    born = told.born.saved_dollars or 0.0 if priced else told.born.saved_tokens
    return [
        _Item(_sum(flushes, "rewritten", priced), "text written again after flushes"),
        _Item(
            _sum(flushes, "faulted", priced),
            f"{times(told.session.faults, 'fault')}, pages that came back",
        ),
        _Item(net.legs_dollars if priced else net.legs_sent, "turns of our own"),
        _Item(-born, "the text that tells of paging"),
    ]


def _net(flush: FlushStory, priced: bool) -> float:
    return (flush.net_dollars or 0.0) if priced else flush.net_tokens


def _named(flush: FlushStory) -> str:
    return f"the flush of turn {flush.turn}: {flush.why}, {times(flush.pages, 'page')}"


def _sum(flushes: Sequence[FlushStory], what: str, priced: bool) -> float:
    unit = "dollars" if priced else "tokens"
    return sum(getattr(flush, f"{what}_{unit}") or 0.0 for flush in flushes)


def _said(item: _Item, priced: bool) -> str:
    return dollars(item.amount) if priced else f"{tokens(item.amount)} tokens"
