"""The collapsed turns of a session: what a summary stands for, and what that has saved.

Rule of this file: turns leave with a flush, and what that has brought is theirs by their tokens.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pichay_cli.amounts import dollars, times, tokens
from pichay_cli.panels import change
from pichay_cli.render import QUIET, STRONG, Cell, Column, RenderableType, Sheet, line, lines
from pichay_core.store.stories import EventStory, FlushStory

_COLUMNS = (
    Column("turns"),
    Column("at turn", right=True),
    Column("messages", right=True, least=66),
    Column("pages", right=True, least=66),
    Column("tokens", right=True),
    Column("page"),
    Column("net", right=True, least=66),
    Column("money", right=True),
)


def collapsed_sheet(
    events: Sequence[EventStory], flushes: Sequence[FlushStory]
) -> RenderableType | None:
    """The turns that were collapsed, a line each; None if there are none."""
    found = collapsed_data(events, flushes)
    if not found:
        return None
    about = f"{times(len(found), 'summary', 'summaries')} · its part of what the flush brought"
    title = line(("Collapsed turns", STRONG), (f"  {about}", QUIET))
    return lines([title, Sheet(_COLUMNS, [_row(one) for one in found])])


def collapsed_data(
    events: Sequence[EventStory], flushes: Sequence[FlushStory]
) -> list[dict[str, Any]]:
    """The same as plain data; what it brought is None where no flush is recorded."""
    by_turn = {flush.turn: flush for flush in flushes}
    return list(_told(events, by_turn))


def _told(events: Sequence[EventStory], flushes: dict[int, FlushStory]) -> Iterator[dict[str, Any]]:
    for event in events:
        if event.kind != "collapsed":
            continue
        detail, flush = event.detail, flushes.get(event.turn or 0)
        part = _part(event, flush)
        brought = flush.net_dollars if flush else None
        yield {
            "turns": list(detail.get("turns") or ()),
            "at_turn": event.turn,
            "messages": detail.get("last", 0) - detail.get("first", 0) + 1,
            "pages": detail.get("pages", 0),
            "tokens": event.tokens or 0,
            "handle": detail.get("handle"),
            "net_tokens": flush.net_tokens * part if flush else None,
            "net_dollars": brought * part if brought is not None else None,
        }


def _part(event: EventStory, flush: FlushStory | None) -> float:
    """The part of a flush that the turns are."""
    if flush is None or not flush.tokens:
        return 0.0
    return min(1.0, (event.tokens or 0) / flush.tokens)


def _row(one: dict[str, Any]) -> Sequence[Cell]:
    first, last = one["turns"] or ("?", "?")
    net, money = one["net_tokens"], one["net_dollars"]
    return (
        f"{first} to {last}",
        f"{one['at_turn']}",
        f"{one['messages']:,}",
        f"{one['pages']:,}",
        tokens(one["tokens"]),
        (one["handle"] or "", QUIET),
        change(-net, tokens) if net is not None else "",
        change(-money, dollars) if money is not None else "",
    )
