"""The requests of a session, a line each with what happened in it below; quiet ones are folded.

Rule of this file: a request in which something happened is never hidden in a quiet stretch, and
what is left out for want of room says how much that is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from pichay_cli.amounts import dollars, times, tokens
from pichay_cli.events_view import NAME_WIDTH, name_of, story_of
from pichay_cli.panels import OUTCOMES, PAGED, change
from pichay_cli.render import QUIET, Cell, Column, Sheet, Text, line
from pichay_core.store.stories import EventStory, TurnStory

LEAST_QUIET = 3
"""Requests in a row in which nothing happened, from which they are one line."""
MOST_ALIKE = 3
"""Events of one kind in one request, above which they are counted rather than told."""
MOST_SHOWN = 60
"""Lines of requests, above which those in the middle are left out."""
_ALIKE = frozenset(("evicted", "collected", "pinned", "unpinned", "faulted"))
_COLUMNS = (
    Column("request", right=True),
    Column("turn", right=True, least=66),
    Column("window", right=True),
    Column("read", right=True, least=66),
    Column("written", right=True),
    Column("removed", right=True),
    Column("pending", right=True, least=96),
    Column("net so far", right=True),
    Column("money", right=True),
    Column("flush", least=76),
)


type Told = Mapping[int | None, Sequence[EventStory]]


@dataclass(frozen=True, slots=True)
class _Line:
    """One request, or some in a row in which nothing happened."""

    turns: Sequence[TurnStory]
    row: Sequence[Cell]
    notes: Sequence[Text]


def requests_sheet(turns: Sequence[TurnStory], told: Told, every: bool) -> Sheet:
    """The requests: *every* one, or those in which something happened and the rest folded."""
    saved = list(accumulate(_saved_tokens(turn) for turn in turns))
    money = list(accumulate(_saved_dollars(turn) for turn in turns))
    before = (None, *turns)
    single = [
        _Line((turn,), _row(turn, of_tokens, of_dollars), _notes(turn, last, told, every))
        for turn, last, of_tokens, of_dollars in zip(turns, before, saved, money, strict=False)
    ]
    shown = single if every else _cut(list(_folded(single)))
    return Sheet(_COLUMNS, [one.row for one in shown], [one.notes for one in shown])


def _folded(single: Sequence[_Line]) -> Iterator[_Line]:
    for quiet, stretch in groupby(single, lambda one: not one.notes and not one.turns[0].flushed):
        found = list(stretch)
        if quiet and len(found) >= LEAST_QUIET:
            yield _one_line(found)
        else:
            yield from found


def _one_line(quiet: Sequence[_Line]) -> _Line:
    turns = [one.turns[0] for one in quiet]
    (first, *_), (last, *_) = quiet[0].row, quiet[-1].row
    row = (_range(first, last), _range(quiet[0].row[1], quiet[-1].row[1]), *quiet[-1].row[2:])
    windows = [turn.actual.sent for turn in turns if turn.actual]
    said = f"nothing moved{_course(windows)}"
    return _Line(turns, row, [line((said, QUIET))])


def _range(first: Cell, last: Cell) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _course(windows: Sequence[int]) -> str:
    if not windows:
        return ""
    return f", window {tokens(windows[0])} to {tokens(windows[-1])}"


def _cut(found: list[_Line]) -> list[_Line]:
    """Leave out what is in the middle of very many."""
    if len(found) <= MOST_SHOWN:
        return found
    half = MOST_SHOWN // 2
    left = [turn for one in found[half:-half] for turn in one.turns]
    count = times(len(left), "request")
    first, last = left[0].request, left[-1].request
    text = f"{count} more, {first} to {last}: --turns shows them"
    gap = _Line(left, ("...", *[""] * (len(_COLUMNS) - 1)), [line((text, QUIET))])
    return [*found[:half], gap, *found[-half:]]


def _row(turn: TurnStory, saved_tokens: int, saved_dollars: float) -> Sequence[Cell]:
    bill = turn.actual
    return (
        f"{turn.request} leg {turn.leg}" if turn.leg else str(turn.request),
        str(turn.turn),
        tokens(bill.sent) if bill else "",
        tokens(bill.cache_read) if bill else "",
        tokens(bill.cache_write) if bill else "",
        tokens(removed) if (removed := turn.removed_tokens + turn.cleared_tokens) else "",
        tokens(turn.pending_tokens) if turn.pending_tokens else "",
        change(-saved_tokens, tokens) if bill else "",
        change(-saved_dollars, dollars) if turn.dollars is not None else "",
        (turn.flushed or "", "cyan"),
    )


def _saved_tokens(turn: TurnStory) -> int:
    return turn.untouched.sent - turn.actual.sent if turn.untouched and turn.actual else 0


def _saved_dollars(turn: TurnStory) -> float:
    if turn.dollars is None or turn.untouched_dollars is None:
        return 0.0
    return turn.untouched_dollars - turn.dollars


def _notes(turn: TurnStory, last: TurnStory | None, told: Told, every: bool) -> list[Text]:
    said = (
        _outcome(turn),
        _held(turn, last),
        "prefix broken: less read from the cache than it held" if turn.prefix_broken else "",
    )
    events = told.get(turn.request, ())
    happened = map(event_line, events) if every else _counted(events)
    return [*(line((text, "yellow")) for text in said if text), *happened]


def _counted(events: Sequence[EventStory]) -> Iterator[Text]:
    """The events of one request; many of a kind are one line, where the first of them was."""
    kinds = Counter(map(_kind, events))
    said: set[str] = set()
    for event in events:
        kind = _kind(event)
        if event.kind not in _ALIKE or kinds[kind] <= MOST_ALIKE:
            yield event_line(event)
        elif kind not in said:
            said.add(kind)
            yield _together([one for one in events if _kind(one) == kind])


def _kind(event: EventStory) -> str:
    return name_of(event)[0]


def _together(events: Sequence[EventStory]) -> Text:
    word, style = name_of(events[0])
    amount = sum(event.tokens or 0 for event in events)
    size = f", {tokens(amount)} tokens" if amount else ""
    return line((f"{word:<{NAME_WIDTH}}  ", style), f"{times(len(events), 'page')}{size}")


def _held(turn: TurnStory, last: TurnStory | None) -> str:
    """Said where it begins, not with every request that it goes on for."""
    if not turn.held_tokens or (last and last.held_tokens and last.held_why == turn.held_why):
        return ""
    return f"held back from here on, {tokens(turn.held_tokens)} tokens: {turn.held_why}"


def _outcome(turn: TurnStory) -> str:
    """What is out of the ordinary about a request."""
    parts = (_odd(turn), "" if turn.actual else _unbilled(turn.status))
    return "; ".join(part for part in parts if part)


def _odd(turn: TurnStory) -> str:
    if turn.outcome in PAGED:
        return ""
    said = OUTCOMES.get(turn.outcome, turn.outcome)
    return f"{said}: {turn.why}" if turn.why else said


def _unbilled(status: int | None) -> str:
    return "in flight" if status is None else f"not billed, status {status}"


def event_line(event: EventStory) -> Text:
    """What happened, behind its name."""
    word, style = name_of(event)
    return line((f"{word:<{NAME_WIDTH}}  ", style), story_of(event))
