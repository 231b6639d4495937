"""The requests of a session, a line each with what happened in it below; quiet ones are folded.

Rule of this file: a request in which something happened is never hidden in a quiet stretch, and
what is left out for want of room says how much that is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
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
_GAP = ("...", *[""] * (len(_COLUMNS) - 1))


type Told = Mapping[int | None, Sequence[EventStory]]


type Stretch = Sequence[TurnStory]
"""What is one line: one request, or some in a row in which nothing happened."""


def one_by_one(turns: Sequence[TurnStory], eventful: Set[int]) -> list[int]:
    """The requests that stand in a line of their own, if not every one is asked for."""
    first, _, last = _cut(list(_folded(turns, eventful)))
    return [one[0].request for one in (*first, *last) if len(one) == 1]


def requests_sheet(
    turns: Sequence[TurnStory], eventful: Set[int], told: Told, every: bool
) -> Sheet:
    """The requests: *every* one, or those in which something happened and the rest folded.

    *eventful* are the requests in which something happened; *told* is what, in those that stand
    in a line of their own.
    """
    course = _Course(turns)
    if every:
        first, left, last = [(turn,) for turn in turns], (), []
    else:
        first, left, last = _cut(list(_folded(turns, eventful)))
    shown = [*first, *([left] if left else []), *last]
    rows = [_GAP if one is left else _line(one, course) for one in shown]
    notes = [
        [line((_left_out(left), QUIET))] if one is left else _below(one, course, told, every)
        for one in shown
    ]
    return Sheet(_COLUMNS, rows, notes)


class _Course:
    """What had been saved by each request, and which one was before it."""

    def __init__(self, turns: Sequence[TurnStory]) -> None:
        self._places = {turn.request: at for at, turn in enumerate(turns)}
        self._turns = turns
        self._tokens = list(accumulate(_saved_tokens(turn) for turn in turns))
        self._dollars = list(accumulate(_saved_dollars(turn) for turn in turns))

    def row(self, turn: TurnStory) -> Sequence[Cell]:
        at = self._places[turn.request]
        return _row(turn, self._tokens[at], self._dollars[at])

    def before(self, turn: TurnStory) -> TurnStory | None:
        at = self._places[turn.request]
        return self._turns[at - 1] if at else None


def _folded(turns: Sequence[TurnStory], eventful: Set[int]) -> Iterator[Stretch]:
    quiet = (
        turn.request not in eventful and not turn.flushed and not _remarks(turn, last)
        for turn, last in zip(turns, (None, *turns), strict=False)
    )
    for calm, stretch in groupby(zip(quiet, turns, strict=True), lambda pair: pair[0]):
        found = [turn for _, turn in stretch]
        if calm and len(found) >= LEAST_QUIET:
            yield found
        else:
            yield from ((turn,) for turn in found)


def _cut(found: list[Stretch]) -> tuple[list[Stretch], Stretch, list[Stretch]]:
    """The first lines, what is left out in the middle of very many, and the last lines."""
    if len(found) <= MOST_SHOWN:
        return found, (), []
    half = MOST_SHOWN // 2
    return found[:half], [turn for one in found[half:-half] for turn in one], found[-half:]


def _line(stretch: Stretch, course: _Course) -> Sequence[Cell]:
    first, last = course.row(stretch[0]), course.row(stretch[-1])
    return (_range(first[0], last[0]), _range(first[1], last[1]), *last[2:])


def _below(stretch: Stretch, course: _Course, told: Told, every: bool) -> list[Text]:
    if len(stretch) == 1:
        return _notes(stretch[0], course.before(stretch[0]), told, every)
    windows = [turn.actual.sent for turn in stretch if turn.actual]
    return [line((f"nothing moved{_windows(windows)}", QUIET))]


def _left_out(left: Stretch) -> str:
    count = times(len(left), "request")
    return f"{count} more, {left[0].request} to {left[-1].request}: --turns shows them"


def _range(first: Cell, last: Cell) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _windows(windows: Sequence[int]) -> str:
    if not windows:
        return ""
    return f", window {tokens(windows[0])} to {tokens(windows[-1])}"


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
    events = told.get(turn.request, ())
    happened = map(event_line, events) if every else _counted(events)
    return [*(line((text, "yellow")) for text in _remarks(turn, last)), *happened]


def _remarks(turn: TurnStory, last: TurnStory | None) -> list[str]:
    said = (
        _outcome(turn, last),
        _held(turn, last),
        "prefix broken: less read from the cache than it held" if turn.prefix_broken else "",
    )
    return [text for text in said if text]


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


def _outcome(turn: TurnStory, last: TurnStory | None) -> str:
    """What is out of the ordinary about a request."""
    parts = (_odd(turn, last), "" if turn.actual else _unbilled(turn.status))
    return "; ".join(part for part in parts if part)


def _odd(turn: TurnStory, last: TurnStory | None) -> str:
    """Of what is only observed said where it begins, as it is so for a whole session."""
    goes_on = last and (last.outcome, last.why) == ("observed", turn.why)
    if turn.outcome in PAGED or (turn.outcome == "observed" and goes_on):
        return ""
    said = OUTCOMES.get(turn.outcome, turn.outcome)
    return f"{said}: {turn.why}" if turn.why else said


def _unbilled(status: int | None) -> str:
    return "in flight" if status is None else f"not billed, status {status}"


def event_line(event: EventStory) -> Text:
    """What happened, behind its name."""
    word, style = name_of(event)
    return line((f"{word:<{NAME_WIDTH}}  ", style), story_of(event))
