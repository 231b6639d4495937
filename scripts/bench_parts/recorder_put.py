"""What the proxy's thread pays to have a turn recorded, while the writer thread works."""

import tempfile
import time
from pathlib import Path

from bench_parts.conversation import turns
from bench_parts.effort import MB, Effort
from bench_parts.figures import Aim, Table, percentile
from bench_parts.request_path import arrived, paging
from pichay_core.model import Usage
from pichay_core.store.recorder import Recorder
from pichay_core.store.records import Record
from pichay_core.wire.report import Report

LIFE = 50
"""Turns of each conversation."""
DRAIN_SECONDS = 120.0
BOUND_MICROSECONDS = 50.0


def measure(effort: Effort) -> Table:
    """Microseconds of ``Recorder.put`` for the turns of conversations of 1 MB."""
    with tempfile.TemporaryDirectory(prefix="pichay-bench-") as folder:
        recorder = Recorder(Path(folder) / "pichay.db")
        try:
            times, fed = _put_all(recorder, effort.puts)
            start = time.perf_counter()
            drained = recorder.settle(DRAIN_SECONDS)
            drain = time.perf_counter() - start
        finally:
            recorder.close()
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    columns = ("records", "p50 us", "p99 us", "largest us", "fed in s", "drained after s")
    row = (len(times), p50, p99, max(times), fed, drain if drained else "not drained")
    return Table(
        name="recorder",
        title="Recorder.put, turns of conversations of 1 MB, as fast as they can be decided",
        columns=columns,
        rows=(row,),
        aims=(Aim("put p99 us", p99, BOUND_MICROSECONDS),),
    )


def _put_all(recorder: Recorder, requests: int) -> tuple[list[float], float]:
    """Microseconds of each put, and the seconds in which all were made."""
    times: list[float] = []

    def put(record: Record) -> None:
        start = time.perf_counter_ns()
        recorder.put(record)
        times.append((time.perf_counter_ns() - start) / 1000)

    pager = paging(put)
    start = time.perf_counter()
    for turn in turns("recorded", MB, requests, LIFE):
        decision = pager.request(arrived(turn.session, turn.body))
        if decision.exchange is not None:
            pager.replied(decision.exchange, 200, Report(Usage(3, 250_000, 2_000)), time.time())
    return times, time.perf_counter() - start
