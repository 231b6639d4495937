"""Streams: what the addon delays of an event, the first one above all.

The upstream says when it sent each event and the client when it had it; both are this
process, so the two clocks are one.
"""

from contextlib import ExitStack

from bench_parts.client import Client
from bench_parts.conversation import Conversation
from bench_parts.effort import KB, Effort
from bench_parts.figures import Aim, Cell, Table, median, percentile
from bench_parts.proxies import Stage, no_op, ours, stage

EVENT_SECONDS = 0.05
SIZE = 300 * KB
TOLERATED_MS = 1.0
"""A first byte that is later by less than this is not delayed measurably: it is within what
two runs of the no-op addon differ by."""
_WORDS = "A reply of a few events. " * 6
_COLUMNS = (
    "addon",
    "first p50 ms",
    "first p90 ms",
    "later p50 ms",
    "later p90 ms",
    "from request p50 ms",
)


def measure(effort: Effort) -> Table:
    """Milliseconds from the upstream's write to the client's read, through both."""
    with stage() as on, ExitStack() as running:
        proxies = (running.enter_context(no_op(on)), running.enter_context(ours(on)))
        clients = [running.enter_context(on.client(proxy)) for proxy in proxies]
        on.upstream.words = _WORDS
        on.upstream.pause_seconds = EVENT_SECONDS
        found = _timed(on, clients, effort.streams)
    plain, paged = ([first for first, _, _ in runs] for runs in found)
    delays = [one - other for one, other in zip(paged, plain, strict=True)]
    return Table(
        name="stream",
        title=f"A stream, one event every {EVENT_SECONDS * 1000:.0f} ms, after a request of 300 KB",
        columns=_COLUMNS,
        rows=tuple(_row(name, runs) for name, runs in zip(("no-op", "pichay"), found, strict=True)),
        aims=(Aim("first event later by p50 ms", median(delays), TOLERATED_MS),),
        notes=(
            "  first, later: from the upstream's write of an event to the client's read of it.",
        ),
    )


type _Stream = tuple[float, tuple[float, ...], float]
"""Milliseconds: the first event on its way, each later one, the first since the request."""


def _timed(on: Stage, clients: list[Client], rounds: int) -> list[list[_Stream]]:
    talk = Conversation("streamed", SIZE)
    found: list[list[_Stream]] = [[] for _ in clients]
    for number in range(-1, rounds):
        for at in (0, 1) if number % 2 else (1, 0):
            stream = _one(on, clients[at], talk)
            if number >= 0:
                found[at].append(stream)
        talk.grow()
    return found


def _one(on: Stage, client: Client, talk: Conversation) -> _Stream:
    answered = client.post(talk.name, talk.body())
    sent = on.upstream.sent_at
    first, *later = (
        (read - written) * 1000 for written, read in zip(sent, answered.events, strict=True)
    )
    return first, tuple(later), (answered.events[0] - answered.began) * 1000


def _row(name: str, runs: list[_Stream]) -> tuple[Cell, ...]:
    first = [stream[0] for stream in runs]
    later = [delay for stream in runs for delay in stream[1]]
    whole = [stream[2] for stream in runs]
    return (
        name,
        median(first),
        percentile(first, 0.9),
        median(later),
        percentile(later, 0.9),
        median(whole),
    )
