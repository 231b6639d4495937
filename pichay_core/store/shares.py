"""What a token cost that stood in the windows of a session: the bill of each request, taken apart.

Rule of this file: pure, and one pass over the requests. A window is taken to be its front (prompt,
definitions), then what stood in the last one, then what is new: in this order the provider's
cache was read, and the rest was written to it or was plain input. Estimated sizes are scaled to
the provider's count, so the parts never come to more than the bill.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import NamedTuple

MOST_SCALED = 1.5
"""Times that an estimated size is made larger at most, to fit the provider's count. What is left
over then is something that was not seen, such as what the provider keeps of a conversation."""
OUTPUT, PROMPT, TALK, THINKING, STUBS = "output", "system prompt", "talk", "thinking", "stubs"
PROMPT_AND_TOOLS = "system prompt and tools"
"""Where no size of a definition is recorded."""
TALK_AND_THINKING = "talk and thinking"
"""Where it is not recorded how much of it was thinking."""


class Billed(NamedTuple):
    """One request: what it was billed, and what its window is estimated to have held."""

    request: int
    turn: int
    sent: int = 0
    """Tokens of the input side as billed; 0 for what is not to be counted."""
    read: int = 0
    """Of these, read from the cache."""
    output: int = 0
    dollars: float | None = None
    read_dollars: float = 0.0
    output_dollars: float = 0.0
    window: int = 0
    """Tokens of the input side, whether they count or not."""
    removed: int = 0
    """Tokens that were missing from it."""
    front: float = 0.0
    """Tokens before the messages, estimated like the next three."""
    talk: float | None = None
    """None where nothing is recorded of talk, thinking and stubs."""
    thought: float = 0.0
    stubs: float = 0.0

    @property
    def input_dollars(self) -> float:
        """What the input side cost; nought without a price."""
        return 0.0 if self.dollars is None else self.dollars - self.output_dollars


class Rate(NamedTuple):
    """What a token, as estimated, came to in one request: dollars, and tokens as billed."""

    front: float = 0.0
    old: float = 0.0
    new: float = 0.0
    scale: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """What a token came to, summed over all requests before each; one longer than these."""

    kept: Sequence[float]
    """Dollars of a token that stood there before."""
    first: Sequence[float]
    """Dollars more of one that is new, in each request."""
    front: Sequence[float]
    """Dollars of one of a definition."""
    front_sent: Sequence[float]
    sent: Sequence[float]
    """Tokens as billed, of one as estimated."""
    requests: Sequence[int]
    priced: Sequence[int]
    rests: Sequence[tuple[str, float, float, int]]
    """What else was paid for in all: its name, dollars, tokens as billed, output tokens."""


def course(
    bills: Sequence[Billed],
    standing: Sequence[float],
    new: Sequence[float],
    defined: Sequence[float],
) -> Course:
    """Return what a token came to in requests with so many tokens of pages in their windows.

    *new* are those of them that came with the request, *defined* the tokens of definitions.
    """
    rows = list(zip(bills, (None, *bills), standing, new, defined, strict=False))
    each = [_rate(bill, before, pages, fresh) for bill, before, pages, fresh, _ in rows]
    known = [min(1.0, bill.front / size) if size else 0.0 for bill, _, _, _, size in rows]
    return Course(
        kept=_sums(rate.old for rate in each),
        first=[rate.new - rate.old for rate in each],
        front=_sums(map(mul, (rate.front for rate in each), known)),
        front_sent=_sums(map(mul, (rate.scale for rate in each), known)),
        sent=_sums(rate.scale for rate in each),
        requests=[0, *accumulate(int(bill.sent > 0) for bill in bills)],
        priced=[0, *accumulate(int(bill.sent > 0 and bill.dollars is not None) for bill in bills)],
        rests=_together(
            _rests(bill, rate, pages, fresh, min(size, bill.front))
            for (bill, _, pages, fresh, size), rate in zip(rows, each, strict=True)
        ),
    )


type _Rest = tuple[str, float, float, int]


def _together(each: Iterable[Iterable[_Rest]]) -> list[_Rest]:
    """Return the rests of all requests, each name once."""
    found: dict[str, _Rest] = {}
    for rests in each:
        for name, dollars, sent, output in rests:
            _, paid, tokens, replied = found.get(name, _NOTHING)
            found[name] = (name, paid + dollars, tokens + sent, replied + output)
    return list(found.values())


_NOTHING: _Rest = ("", 0.0, 0.0, 0)


def _sums(amounts: Iterable[float]) -> list[float]:
    return [0.0, *accumulate(amounts)]


def _rate(bill: Billed, before: Billed | None, standing: float, new: float) -> Rate:
    if not bill.sent:
        return Rate()
    scale = _scale(bill, standing)
    front, fresh = bill.front * scale, new * scale
    room = bill.sent - front
    grown = room if before is None else bill.sent - _still_there(bill, before)
    added = max(fresh, min(grown, room - (standing - new) * scale))
    old = max(0.0, room - added)
    prompt = _price(bill, 0.0, front)
    stood, came = _price(bill, front, front + old), _price(bill, front + old, bill.sent)
    return Rate(prompt * scale, stood * scale, came * scale, scale)


def _scale(bill: Billed, standing: float) -> float:
    """Return how many tokens were billed for one that is estimated."""
    seen = bill.front + standing
    if bill.talk is None:
        return min(1.0, bill.sent / seen) if seen else 1.0
    whole = seen + bill.talk + bill.thought + bill.stubs
    return min(MOST_SCALED, bill.sent / whole) if whole else 1.0


def _still_there(bill: Billed, before: Billed) -> int:
    """Return how much of the last window stood in this one."""
    return max(0, before.window - max(0, bill.removed - before.removed))


def _price(bill: Billed, start: float, upto: float) -> float:
    """Return dollars a token of what stood between these places of a window."""
    size = upto - start
    if bill.dollars is None or size <= 0:
        return 0.0
    read = max(0.0, min(bill.read, upto) - start)
    paid = bill.read_dollars * read / bill.read if bill.read else 0.0
    others = bill.sent - bill.read
    if others > 0:
        paid += (bill.input_dollars - bill.read_dollars) * (size - read) / others
    return paid / size


def _rests(bill: Billed, rate: Rate, pages: float, new: float, defined: float) -> Sequence[_Rest]:
    """Return what a request paid for beside pages and definitions."""
    if not bill.sent:
        return ()
    prompt = bill.front - defined
    front = rate.front * bill.front
    paid = rate.old * (pages - new) + rate.new * new
    left = bill.input_dollars - front - paid
    sent = bill.sent - (bill.front + pages) * rate.scale
    name = PROMPT if defined else PROMPT_AND_TOOLS
    return [
        (OUTPUT, bill.output_dollars, 0.0, bill.output),
        (name, rate.front * prompt, prompt * rate.scale, 0),
        *((name, left * part, sent * part, 0) for name, part in _spoken(bill)),
    ]


def _spoken(bill: Billed) -> list[tuple[str, float]]:
    """Return the shares of what is neither front nor page."""
    if bill.talk is None:
        return [(TALK_AND_THINKING, 1.0)]
    whole = bill.talk + bill.thought + bill.stubs
    if not whole:
        return [(TALK, 1.0)]
    thought, stubs = bill.thought / whole, bill.stubs / whole
    return [(TALK, 1.0 - thought - stubs), (THINKING, thought), (STUBS, stubs)]
