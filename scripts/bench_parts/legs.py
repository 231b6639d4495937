"""A slow stream that goes on: what that costs its client, against a mitmdump that only streams.

The upstream says when each request came and when it sent each event, the client when it had it;
both are this process, so the two clocks are one. Decisions take no time here: what is measured
is the way through mitmproxy.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from typing import override

from bench_parts.client import Client
from bench_parts.effort import Effort
from bench_parts.figures import Aim, Cell, Table, median, percentile
from bench_parts.proxies import Stage, no_op, scripted, stage
from bench_parts.upstream import Upstream
from pichay_cli.demo.certificate import Certificate

EVENT_SECONDS = 0.02
BODY = b'{"stream": true}'
FIRST_MS, GAP_MS, SEAM_MS = 5.0, EVENT_SECONDS * 1000, 15.0
_VARIANTS = (("plain", 0), ("armed", 0), ("called", 1), ("twice", 2))
"""The first goes through a mitmdump without the layer; the number is that of further legs."""
_MORE = b"data: more\n\n"
_ADDON = """\
from pichay_proxy import continued, streams_check

MORE = b"data: more\\n\\n"


class UntilNoMore:
    idle_seconds = 60.0

    def __init__(self, flow):
        self._request, self._more = flow.request.copy(), False

    def feed(self, data):
        self._more = self._more or MORE in data
        return [data.replace(MORE, b"")]

    async def ended(self):
        more, self._more = self._more, False
        return self._request.copy() if more else None

    def began(self, reply):
        return True

    def waiting(self):
        return b""

    def finish(self):
        return []

    def refused(self, reply):
        return []

    def failed(self, why):
        return []

    def gone(self, why):
        pass


class GoingOn:
    def running(self):
        assert streams_check.selfcheck() is None
        streams_check.install()

    def request(self, flow):
        pass

    def responseheaders(self, flow):
        continued.hand_over(flow, UntilNoMore(flow))

    async def pichay_leg_ended(self, end):
        await continued.leg_ended(end)

    def response(self, flow):
        pass

    def error(self, flow):
        pass


addons = [GoingOn()]
"""


class _Speaking(Upstream):
    """Answers each request with the next leg of ``plan``."""

    pause_seconds = EVENT_SECONDS

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate)
        self.plan: list[list[bytes]] = []
        self.asked: list[float] = []
        """When each request of a stream had come."""
        self.spoken: list[list[float]] = []
        """When each event of each leg was sent."""

    def begin(self, further: int, events: int) -> None:
        """The next request begins a stream of one leg and so many further ones."""
        self.plan = [_leg(events, number < further) for number in range(further + 1)]
        self.asked, self.spoken = [], []

    @override
    def pieces(self) -> list[bytes]:
        self.asked.append(time.perf_counter())
        self.spoken.append(self.sent_at)
        return self.plan.pop(0)


def _leg(events: int, more: bool) -> list[bytes]:
    pieces = [b'data: {"text": "a few words"}\n\n'] * events
    return [*pieces[:-1], pieces[-1] + _MORE] if more else pieces


@dataclass(slots=True)
class _Run:
    """One variant, all rounds. Milliseconds."""

    first: list[float] = field(default_factory=list)
    """From the request to the first event."""
    later: list[float] = field(default_factory=list)
    """From the upstream's write of an event to the client's read of it."""
    gaps: list[float] = field(default_factory=list)
    """Between two events of a leg, above what was between them upstream."""
    seams: list[float] = field(default_factory=list)
    """Between two legs, less the upstream's own time from the request to its first event."""


def measure(effort: Effort) -> Table:
    """Milliseconds to the first event, between events, and between legs."""
    runs = [_Run() for _ in _VARIANTS]
    with stage(_Speaking) as on, ExitStack() as running:
        plain = running.enter_context(no_op(on))
        layered = running.enter_context(scripted(on, "legs", _ADDON))
        clients = [running.enter_context(on.client(proxy)) for proxy in (plain, layered)]
        for number in range(-1, effort.streams):
            for at in _turned(number):
                run = runs[at] if number >= 0 else _Run()
                _one(on, clients[min(at, 1)], _VARIANTS[at][1], effort.events, run)
    return Table(
        name="legs",
        title=f"A stream that goes on, one event every {EVENT_SECONDS * 1000:.0f} ms",
        columns=_COLUMNS,
        rows=tuple(_row(name, run) for (name, _), run in zip(_VARIANTS, runs, strict=True)),
        aims=_aims(runs),
        notes=(
            "  armed, called, twice: through the layer, with none, one, two further legs.",
            "  gap: between two events, above what was between them upstream; seam: between the",
            "  legs, above the upstream's own time from the request to its first event.",
        ),
    )


_COLUMNS = (
    "stream",
    "first p50 ms",
    "first p99 ms",
    "event p50 ms",
    "event p99 ms",
    "gap p50 ms",
    "gap p99 ms",
    "seam p50 ms",
    "seam p99 ms",
)


def _turned(number: int) -> list[int]:
    """The variants, another one first in every round."""
    first = number % len(_VARIANTS)
    return [*range(first, len(_VARIANTS)), *range(first)]


def _one(on: Stage, client: Client, further: int, events: int, run: _Run) -> None:
    assert isinstance(on.upstream, _Speaking)
    on.upstream.begin(further, events)
    answered = client.post("legs", BODY)
    asked, spoken = on.upstream.asked, on.upstream.spoken
    read = [answered.events[at : at + events] for at in range(0, len(answered.events), events)]
    run.first.append((answered.events[0] - answered.began) * 1000)
    for got, sent in zip(read, spoken, strict=True):
        delays = [(one - other) * 1000 for one, other in zip(got, sent, strict=True)]
        run.later += delays
        run.gaps += [later - earlier for earlier, later in pairwise(delays)]
    for leg, (before, after) in enumerate(pairwise(read), 1):
        own = spoken[leg][0] - asked[leg]
        run.seams.append((after[0] - before[-1] - own) * 1000)


def _row(name: str, run: _Run) -> tuple[Cell, ...]:
    figures = (run.first, run.later, run.gaps, run.seams)
    return (name, *(cell for values in figures for cell in _middle_and_worst(values)))


def _middle_and_worst(values: list[float]) -> tuple[Cell, Cell]:
    return (median(values), percentile(values, 0.99)) if values else ("", "")


def _aims(runs: list[_Run]) -> tuple[Aim, ...]:
    plain, *layered = runs
    later = max(median(run.first) - median(plain.first) for run in layered)
    gaps = [gap for run in layered for gap in run.gaps]
    seams = [seam for run in layered for seam in run.seams]
    return (
        Aim("first event later than plain by p50 ms", later, FIRST_MS),
        Aim("added gap p99 ms", percentile(gaps, 0.99), GAP_MS),
        Aim("seam p50 ms", median(seams), SEAM_MS),
        Aim("seam p99 ms", percentile(seams, 0.99), SEAM_MS),
    )
