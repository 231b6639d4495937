"""The flushes of a session: what each was expected to bring, and what it has brought.

Rule of this file: a loss is drawn as plainly as a saving, and what a session's flushes do not
explain of its net are lines of their own: what its birth saved, and the rest.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pichay_cli.amounts import dollars, tokens
from pichay_cli.panels import change
from pichay_cli.render import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    Cell,
    Column,
    Part,
    RenderableType,
    Sheet,
    line,
    lines,
)
from pichay_core.store.births import Births
from pichay_core.store.figures import Net
from pichay_core.store.stories import FlushStory

LEAST_SHOWN = 0.005
"""Dollars. A smaller rest would be shown as nought."""
MOST_FLUSHES = 20
"""Above which not every one has a line of its own."""
_COLUMNS = (
    Column("turn", right=True),
    Column("flush"),
    Column("pages", right=True, least=66),
    Column("tokens", right=True),
    Column("predicted"),
    Column("paid back"),
    Column("requests", right=True, least=110),
    Column("saved", right=True, least=96),
    Column("rewrite", right=True, least=96),
    Column("faults", right=True, least=96),
    Column("net", right=True, least=66),
    Column("money", right=True),
)


def flushes_sheet(
    flushes: Sequence[FlushStory], net: Net, born: Births, every: bool = True
) -> RenderableType:
    """The flushes, a line each; *net* is that of their session, *born* what its birth saved.

    Without *every*, of very many those that brought or cost the most, and what the others did.
    """
    shown = flushes if every else _telling(flushes)
    left = [flush for flush in flushes if flush not in shown]
    others = [
        *(_left(left, net.priced > 0) if left else []),
        *_beside("birth", born.saved_dollars if net.priced else None),
        *_beside("others", rest(net, flushes, born)),
    ]
    rows = [_row(flush) for flush in shown]
    return lines([_title(flushes), Sheet(_COLUMNS, [*rows, *others])])


def _telling(flushes: Sequence[FlushStory]) -> Sequence[FlushStory]:
    """Return the flushes in which the most was brought or lost, in order."""
    if len(flushes) <= MOST_FLUSHES:
        return flushes
    most = sorted(flushes, key=lambda flush: -abs(flush.net_tokens))[:MOST_FLUSHES]
    return sorted(most, key=lambda flush: flush.turn)


def _left(flushes: Sequence[FlushStory], priced: bool) -> list[Sequence[Cell]]:
    """Return the line of the flushes that have none of their own."""
    money = sum(flush.net_dollars or 0.0 for flush in flushes)
    net = sum(flush.net_tokens for flush in flushes)
    pages, size = sum(f.pages for f in flushes), sum(f.tokens for f in flushes)
    amounts = (change(-net, tokens), change(-money, dollars) if priced else "")
    said = (f"{pages:,}", tokens(size), *[""] * 6)
    return [("", (f"{len(flushes):,} more", QUIET), *said, *amounts)]


def rest(net: Net, flushes: Sequence[FlushStory], born: Births) -> float | None:
    """Dollars of a session's net that neither its birth nor a flush has brought.

    None without a price. What flushes of its parent or of an earlier version took out, and what
    giving edits up cost.
    """
    if not net.priced:
        return None
    flushed = sum(flush.net_dollars or 0.0 for flush in flushes)
    return net.saved_dollars - flushed - (born.saved_dollars or 0.0)


def flushes_data(flushes: Sequence[FlushStory]) -> list[dict[str, Any]]:
    """The flushes as plain data."""
    return [
        asdict(flush)
        | {
            "pays_after": flush.pays_after,
            "net_tokens": flush.net_tokens,
            "net_dollars": flush.net_dollars,
        }
        for flush in flushes
    ]


def _title(flushes: Sequence[FlushStory]) -> RenderableType:
    paid = sum(flush.paid_back is not None for flush in flushes)
    about = f"{len(flushes):,}, {paid:,} paid back · after: so many requests · net: as plain input"
    return line(("Flushes", STRONG), (f"  {about}", QUIET))


def _row(flush: FlushStory) -> Sequence[Cell]:
    net = flush.net_dollars
    return (
        str(flush.turn),
        (flush.why, "cyan"),
        f"{flush.pages:,}",
        tokens(flush.tokens),
        _after(flush.pays_after) or "never",
        _paid_back(flush),
        f"{flush.requests:,}",
        _amount(flush.saved_tokens),
        _amount(flush.rewritten_tokens),
        _amount(flush.faulted_tokens),
        change(-flush.net_tokens, tokens) if flush.requests else "",
        change(-net, dollars) if net is not None else "",
    )


def _paid_back(flush: FlushStory) -> Part:
    if not flush.requests:
        return "", ""
    if flush.paid_back is not None:
        return _after(flush.paid_back), GOOD
    return ("not yet" if flush.pages_out else "not", BAD)


def _after(requests: int | None) -> str:
    if requests is None:
        return ""
    return f"after {requests:,}" if requests > 1 else "at once"


def _amount(count: float) -> str:
    return tokens(count) if count else ""


def _beside(name: str, dollars_: float | None) -> list[Sequence[Cell]]:
    if dollars_ is None or abs(dollars_) < LEAST_SHOWN:
        return []
    return [("", name, *[""] * 9, change(-dollars_, dollars))]
