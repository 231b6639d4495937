"""The request path alone, in this process: what an agent waits for on top of the proxy.

Beside it, on the very same body and in turns with it, what a proxy would pay that parses a
body and dumps it again: with the standard library, and with msgspec.
"""

import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench_parts.conversation import Conversation, Turn, turns
from bench_parts.effort import KB, MB, Effort
from bench_parts.figures import Aim, Cell, Table, median, percentile
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES, USUAL_POLICY
from pichay_core.schedule import SCHEDULES, USUAL_SCHEDULE
from pichay_core.store.records import Record
from pichay_core.turn import Rules
from pichay_proxy.exchange import Arrived, Decision
from pichay_proxy.options import Settings
from pichay_proxy.paging import Paging
from pichay_proxy.routes import route_of
from pichay_proxy.sessions import LiveSessions

NEVER = "cold"
"""The schedule under which nothing leaves here: the cache never expires in a run."""
POLICY, SCHEDULE = USUAL_POLICY, USUAL_SCHEDULE
"""What an addon without options runs."""
OTHERS = 8
"""Sessions that live beside the one that is measured."""
_COLUMNS = (
    "body",
    "state",
    "first ms",
    "p50 ms",
    "p90 ms",
    "json p50 ms",
    "msgspec p50 ms",
    "json / ours",
    "msgspec / ours",
)


def measure(effort: Effort) -> Table:
    """Milliseconds per request, by size, before anything was evicted and after."""
    found = [
        (size, evicted, _timed(size, rounds, evicted))
        for size, rounds in effort.path
        for evicted in (False, True)
    ]
    return Table(
        name="request",
        title="Request path in this process, one pair of messages new per request",
        columns=_COLUMNS,
        rows=tuple(_row(size, evicted, times) for size, evicted, times in found),
        aims=tuple(aim for size, evicted, times in found for aim in _aims(size, evicted, times)),
        notes=(
            "  first: a conversation not seen before, as after a restart. p90 holds the flushes.",
            "  json, msgspec: parse and dump of the same body, in turns with ours.",
        ),
    )


def paging(put: Callable[[Record], None], schedule: str = SCHEDULE) -> Paging:
    """The addon's request path, without mitmproxy around it."""
    rules = Rules(POLICIES[POLICY], SCHEDULES[schedule], Limits())
    settings = Settings(Path("unused"), frozenset(), rules, False, 64 * MB)
    return Paging(settings, LiveSessions(), put, lambda _: None)


def arrived(name: str, body: bytes) -> Arrived:
    """A request as the hook hands it on."""
    headers = {"x-api-key": "sk-ant-bench", "x-claude-code-session-id": name}
    host = "api.anthropic.com"
    route = route_of("POST", "/v1/messages")
    assert route is not None
    return Arrived(route, host, headers, body, time.time(), time.perf_counter_ns())


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds, round by round."""

    first: list[float]
    ours: list[float]
    json: list[float]
    msgspec: list[float]


def _timed(size: int, rounds: int, evicted: bool) -> _Times:
    pager = paging(_forget, SCHEDULE if evicted else NEVER)
    for other in range(OTHERS):
        pager.request(arrived(f"other-{other}", Conversation(f"other-{other}", 100 * KB).body()))
    gc.collect()
    gc.freeze()  # as the addon does at its start
    try:
        return _rounds(pager, size, rounds)
    finally:
        gc.unfreeze()


def _rounds(pager: Paging, size: int, rounds: int) -> _Times:
    def ours(turn: Turn) -> Decision:
        return pager.request(arrived(turn.session, turn.body))

    found = _Times([], [], [], [])
    for turn in turns("measured", size, rounds):
        (found.first if turn.first else found.ours).append(_milliseconds(ours, turn))
        found.json.append(_milliseconds(_json, turn))
        found.msgspec.append(_milliseconds(_msgspec, turn))
    return found


def _milliseconds(action: Callable[[Turn], object], turn: Turn) -> float:
    start = time.perf_counter()
    action(turn)
    return (time.perf_counter() - start) * 1000


def _json(turn: Turn) -> bytes:
    return json.dumps(json.loads(turn.body), ensure_ascii=False, separators=(",", ":")).encode()


def _msgspec(turn: Turn) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(turn.body))


def _forget(_: Record) -> None:
    pass


def _row(size: int, evicted: bool, times: _Times) -> tuple[Cell, ...]:
    ours, parsed, decoded = map(median, (times.ours, times.json, times.msgspec))
    return (
        named(size),
        "evicted" if evicted else "whole",
        median(times.first),
        ours,
        percentile(times.ours, 0.9),
        parsed,
        decoded,
        parsed / ours,
        decoded / ours,
    )


def _aims(size: int, evicted: bool, times: _Times) -> list[Aim]:
    where = f"{named(size)}, {'evicted' if evicted else 'whole'}"
    p50 = median(times.ours)
    bound = {300 * KB: 1.0, 5 * MB: 8.0}.get(size)
    found = [] if bound is None else [Aim(f"p50 ms at {where}", p50, bound)]
    if size == 5 * MB:
        found.append(Aim(f"json / ours at {where}", median(times.json) / p50, 4.0, at_least=True))
    return found


def named(size: int) -> str:
    """A size of a body for a reader."""
    return f"{size // KB} KB" if size < MB else f"{size // MB} MB"
