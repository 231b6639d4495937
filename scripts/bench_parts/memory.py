"""Memory and work of mitmdump over many large requests, and whether the writer keeps up.

Every session grows for a while and then begins anew, as after the client's own compaction, so
that each stays near 1 MB. Every fifth request also goes through mitmdump with the no-op addon.
"""

import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench_parts.client import Client
from bench_parts.conversation import Conversation
from bench_parts.effort import KB, Effort
from bench_parts.figures import Aim, Cell, Table
from bench_parts.process import Cost, cost
from bench_parts.proxies import Proxy, no_op, ours, stage

LIFE = 50
"""Requests until a session begins anew."""
FIRST_SIZE = 820 * KB
"""With about 8 KB more per request, a life has 1 MB on average."""
PLAIN_EVERY = 5
DRAIN_SECONDS = 60.0
BOUND_MB = 1000.0
"""On top of what mitmdump takes empty. Live sessions may hold 512 MiB of the clients' text."""
BOUND_SECONDS = 5.0
_POLL_SECONDS = 0.05
_COLUMNS = (
    "after",
    "RSS MB",
    "no-op RSS MB",
    "database MB",
    "backlog",
    "CPU ms",
    "writer's CPU ms",
    "no-op CPU ms",
)


@dataclass(frozen=True, slots=True)
class _Load:
    """What one proxy has been through."""

    requests: int
    start: Cost
    now: Cost

    def milliseconds(self) -> float:
        """CPU time per request so far."""
        return (self.now.cpu_seconds - self.start.cpu_seconds) * 1000 / max(1, self.requests)

    def writer_milliseconds(self) -> float:
        """CPU time per request so far in other threads than the main one."""
        main = (self.now.main_seconds - self.start.main_seconds) * 1000 / max(1, self.requests)
        return self.milliseconds() - main


@dataclass(frozen=True, slots=True)
class _Point:
    """How things stood at one moment."""

    when: str
    ours: _Load
    plain: _Load
    database_mb: float
    backlog: int
    """Requests that the writer had not settled yet."""


@dataclass(slots=True)
class _Pair:
    """Both proxies under load; says how they stand when asked."""

    proxies: tuple[Proxy, Proxy]
    clients: tuple[Client, Client]
    database: Path
    start: tuple[Cost, Cost]
    sent: tuple[int, int] = (0, 0)

    def post(self, number: int, session: str, body: bytes) -> None:
        """Send one request through ours, and every fifth through the other too."""
        also = number % PLAIN_EVERY == 0
        for client in self.clients if also else self.clients[:1]:
            client.post(session, body)
        self.sent = (self.sent[0] + 1, self.sent[1] + also)

    def point(self, when: str) -> _Point:
        """How things stand now."""
        paged, plain = (
            _Load(sent, start, cost(proxy.pid))
            for sent, start, proxy in zip(self.sent, self.start, self.proxies, strict=True)
        )
        files = self.database.parent.glob(f"{self.database.name}*")
        size = sum(file.stat().st_size for file in files) / 2**20
        return _Point(when, paged, plain, size, self.sent[0] - _settled(self.database))


def measure(effort: Effort) -> Table:
    """RSS after each quarter and after idleness; CPU per request; the writer's backlog."""
    with stage() as on, ExitStack() as running:
        proxies = (running.enter_context(ours(on)), running.enter_context(no_op(on)))
        one, other = (running.enter_context(on.client(proxy)) for proxy in proxies)
        start = (cost(proxies[0].pid), cost(proxies[1].pid))
        pair = _Pair(proxies, (one, other), on.database("pichay"), start)
        points, drained = _driven(pair, effort)
    grown = max(point.ours.now.rss_mb for point in points) - start[0].rss_mb
    return Table(
        name="memory",
        title=f"mitmdump under {effort.requests:,} requests of 1 MB in {effort.sessions} sessions",
        columns=_COLUMNS,
        rows=tuple(map(_row, points)),
        aims=(
            Aim("RSS grown by MB", grown, BOUND_MB),
            Aim("writer done s after the last reply", drained, BOUND_SECONDS),
        ),
        notes=(
            "  backlog: requests that the writer has not settled yet",
            "  CPU: milliseconds per request so far; the writer's is that outside the main thread",
        ),
    )


def _driven(pair: _Pair, effort: Effort) -> tuple[list[_Point], float]:
    """Send everything. Return what was seen, and how long the writer took after that."""
    talks = [Conversation(f"session-{n}", 0) for n in range(effort.sessions)]
    points = [pair.point("0 requests")]
    for number in range(effort.requests):
        body = _next_body(talks, number)
        pair.post(number, talks[number % len(talks)].name.partition("/")[0], body)
        if (number + 1) % (effort.requests // 4) == 0:
            points.append(pair.point(f"{number + 1:,} requests"))
    drained = _drained_after(pair.database, effort.requests)
    time.sleep(effort.idle_seconds)
    points.append(pair.point(f"{effort.idle_seconds:.0f} s idle"))
    return points, drained


def _next_body(talks: list[Conversation], number: int) -> bytes:
    """The next request of the session whose turn it is; lives begin at different ages."""
    at, turn = number % len(talks), number // len(talks)
    age = (turn + at * LIFE // len(talks)) % LIFE
    if turn == 0 or age == 0:
        talks[at] = Conversation(f"session-{at}/{turn}", FIRST_SIZE + age * 8 * KB)
    else:
        talks[at].grow()
    return talks[at].body()


def _settled(database: Path) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as recording:
        (count,) = recording.execute(
            "select count(*) from turns where status is not null"
        ).fetchone()
    return int(count)


def _drained_after(database: Path, requests: int) -> float:
    """Seconds until everything is in the database; infinite if that takes too long."""
    start = time.monotonic()
    while time.monotonic() - start < DRAIN_SECONDS:
        if _settled(database) >= requests:
            return time.monotonic() - start
        time.sleep(_POLL_SECONDS)
    return float("inf")


def _row(point: _Point) -> tuple[Cell, ...]:
    return (
        point.when,
        point.ours.now.rss_mb,
        point.plain.now.rss_mb,
        point.database_mb,
        point.backlog,
        point.ours.milliseconds(),
        point.ours.writer_milliseconds(),
        point.plain.milliseconds(),
    )
