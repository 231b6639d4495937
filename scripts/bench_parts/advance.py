"""One turn of the pager on a long conversation: what deciding alone takes.

Beside it, in turns with it, what any pager would pay that looks at every page once.
"""

import time
from collections.abc import Callable

from bench_parts.effort import Effort
from bench_parts.figures import Aim, Cell, Table, median, percentile
from bench_parts.request_path import NEVER, POLICY, SCHEDULE
from pichay_core.model import Call, Handle, Key, Kind, Page, PageId, State
from pichay_core.pager import Limits, Prefix, Seen, advance
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES
from pichay_core.table import Entry, PageTable

PAGES = 2_000
BOUND_MICROSECONDS = 200.0
_SECRET = bytes(16)
_CASES = ((100, SCHEDULE), (PAGES, NEVER))
"""How many pages are in the window still, and under which schedule."""


def measure(effort: Effort) -> Table:
    """Microseconds of ``advance`` on a table of 2,000 pages."""
    found = [(resident, *_timed(resident, plan, effort.turns)) for resident, plan in _CASES]
    aims = [Aim(f"p50 us, {n:,} pages in the window", median(t), BOUND_MICROSECONDS)
            for n, t, _ in found]  # fmt: skip
    return Table(
        name="advance",
        title=f"advance, a table of {PAGES:,} pages, nothing new in the turn",
        columns=("pages in the window", "p50 us", "p99 us", "one look p50 us", "ours / one look"),
        rows=tuple(_row(resident, ours, looks) for resident, ours, looks in found),
        aims=tuple(aims),
        notes=("  one look: asking each of the pages for its state.",),
    )


def _timed(resident: int, schedule: str, turns: int) -> tuple[list[float], list[float]]:
    table = PageTable().with_entries(_entry(n, n >= PAGES - resident) for n in range(PAGES))
    frames = {page: (2 * n + 2, 0) for n, page in enumerate(table.entries)}
    tokens = PAGES * 10_000  # so much that no flush pays
    seen = Seen(PAGES, prefix=Prefix(tokens=tokens, behind=tokens, frames=frames))
    policy, when = POLICIES[POLICY], SCHEDULES[schedule]

    def turn() -> object:
        return advance(table, seen, policy, when, Limits(), _SECRET)

    def look() -> object:
        return [entry for entry in table.entries.values() if entry.out]

    pairs = [(_microseconds(turn), _microseconds(look)) for _ in range(turns)]
    return [ours for ours, _ in pairs], [looks for _, looks in pairs]


def _entry(number: int, resident: bool) -> Entry:
    path = f"/project/src/part_{number}.py"
    call = Call(f"call-{number}", "Read", f'{{"file_path":"{path}"}}', Kind.READ, path,
                Key("Read", path))  # fmt: skip
    page = Page(PageId(f"page-{number}"), call, f"{number:064x}", 4_000, 100, 1_000)
    if resident:
        return Entry(page, born=number, last_use=number)
    return Entry(
        page, State.EVICTED, number, number, handle=Handle(f"{number:08d}"), moved=number + 1
    )


def _microseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    action()
    return (time.perf_counter_ns() - start) / 1000


def _row(resident: int, ours: list[float], looks: list[float]) -> tuple[Cell, ...]:
    p50, look = median(ours), median(looks)
    return f"{resident:,}", p50, percentile(ours, 0.99), look, p50 / look
