"""What a token cost that stood in the windows of a session: the bill of each request, taken apart.

Rule of this file: pure, and one pass over the requests. A window is taken to be its front (prompt,
definitions), then what stood in the last one, then what is new: in this order the provider's
cache was read, and the rest was written to it or was plain input. Estimated sizes are scaled to
the provider's count, so the parts never come to more than the bill.
"""

from collections import defaultdict
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


_NOTHING = Rate()


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
        rests=_rests(zip(bills, each, standing, new, defined, strict=True)),
    )


def _sums(amounts: Iterable[float]) -> list[float]:
    return [0.0, *accumulate(amounts)]


def _rate(bill: Billed, before: Billed | None, standing: float, new: float) -> Rate:
    if not bill.sent:
        return _NOTHING
    scale = _scale(bill, standing)
    front, fresh = bill.front * scale, new * scale
    room = bill.sent - front
    grown = room if before is None else bill.sent - _still_there(bill, before)
    added = max(fresh, min(grown, room - (standing - new) * scale))
    behind = front + max(0.0, room - added)
    read, others = bill.read, bill.sent - bill.read
    cheap = bill.read_dollars / read if read else 0.0
    dear = (bill.input_dollars - bill.read_dollars) / others if others > 0 else 0.0
    prompt = _price(0.0, front, read, cheap, dear)
    stood = _price(front, behind, read, cheap, dear)
    came = _price(behind, bill.sent, read, cheap, dear)
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


def _price(start: float, upto: float, read: int, cheap: float, dear: float) -> float:
    """Return dollars a token of what stood between these places of a window, *read* so far."""
    if upto <= start:
        return 0.0
    if upto <= read:
        return cheap
    if start >= read:
        return dear
    return (cheap * (read - start) + dear * (upto - read)) / (upto - start)


def _rests(
    rows: Iterable[tuple[Billed, Rate, float, float, float]],
) -> list[tuple[str, float, float, int]]:
    """Return what requests paid for beside pages and definitions, each name once."""
    dollars, sent, output = defaultdict[str, float](float), defaultdict[str, float](float), 0
    for bill, rate, pages, new, defined in rows:
        if not bill.sent:
            continue
        tools = min(defined, bill.front)
        name, prompt = PROMPT if tools else PROMPT_AND_TOOLS, bill.front - tools
        left = bill.input_dollars - rate.front * bill.front
        left -= rate.old * (pages - new) + rate.new * new
        unseen = bill.sent - (bill.front + pages) * rate.scale
        output += bill.output
        dollars[OUTPUT] += bill.output_dollars
        dollars[name] += rate.front * prompt
        sent[name] += prompt * rate.scale
        for said, part in _spoken(bill):
            dollars[said] += left * part
            sent[said] += unseen * part
    return [(name, dollars[name], sent[name], output * (name == OUTPUT)) for name in dollars]


def _spoken(bill: Billed) -> list[tuple[str, float]]:
    """Return the shares of what is neither front nor page."""
    if bill.talk is None:
        return [(TALK_AND_THINKING, 1.0)]
    whole = bill.talk + bill.thought + bill.stubs
    if not whole:
        return [(TALK, 1.0)]
    thought, stubs = bill.thought / whole, bill.stubs / whole
    return [(TALK, 1.0 - thought - stubs), (THINKING, thought), (STUBS, stubs)]
