"""What Prometheus may ask of a running proxy: counters and gauges on a port of loopback.

Rule of this file: fed in the recorder's thread with what is written, never on the way of a request.
No label holds a session, a project or anything of a conversation. Counts are since the start of the
process; amounts of side ``untouched`` are estimates of what would have been without Pichay.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)

from pichay_core.events import Collected, Event, Evicted, Faulted, Flushed, Passed, Warned
from pichay_core.hosts import UNDECRYPTED
from pichay_core.store.recorder import Recorder
from pichay_core.store.records import Answered, Happened, Record, Refused, Settlement, Turned
from pichay_core.store.scope import Row

LOOPBACK = "127.0.0.1"
OVERHEAD_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Bounds of the histogram of what Pichay adds to a request."""

COUNTERS: Mapping[str, tuple[str, ...]] = {
    "requests": ("Requests of clients to models.", "outcome"),
    "legs": ("Requests that Pichay made, to answer the model.",),
    "replies": ("Replies that ended, by HTTP status; 0 if none came.", "status"),
    "sessions": ("Sessions seen for the first time.", "kind"),
    "evictions": ("Pages that left the window and may be asked for.",),
    "evicted_tokens": ("Tokens of evicted pages (estimate).",),
    "collections": ("Pages that left the window and cannot be asked for.", "why"),
    "faults": ("Calls that asked for a page that is out.", "kind"),
    "faulted_tokens": ("Tokens that faults brought back into the window (estimate).", "kind"),
    "flushes": ("Turns in which pages left together.", "why"),
    "thrash_episodes": ("Episodes of thrash that began.",),
    "frozen_sessions": ("Sessions that became only observed.",),
    "failures": ("Requests that went upstream as they came, after an error of Pichay's.",),
    "certificate_refusals": ("Handshakes that a client ended, not trusting the CA.",),
    "undecrypted_hosts": ("Hosts of models whose traffic passed unread.",),
    "tokens": ("Tokens billed, and what untouched would have been (estimate).", "kind", "side"),
    "dollars": ("US dollars, where the price is known.", "side"),
    "unpriced_requests": ("Billed requests whose price is not known.",),
}
"""Every counter: what it counts, and its labels."""
GAUGES: Mapping[str, tuple[str, str]] = {
    "window_limit": ("window_limit_tokens", "Tokens that the model of the last request takes."),
    "resident_tokens": ("resident_tokens", "Tokens of results in the last request's window."),
    "working_tokens": (
        "working_set_tokens",
        "Tokens of results used in the last 16 turns, in the window or not (estimate).",
    ),
}
"""By column of table ``turns``, of the last request that was billed, whatever its session."""
_COUNTED = {
    "frozen": "frozen_sessions",
    "failed": "failures",
    "thrashed": "thrash_episodes",
}
"""Events that are merely counted, by their kind in table ``events``."""
_WINDOW = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
_TOKENS = (
    ("input", "actual", _WINDOW[:1]),
    ("cache_read", "actual", _WINDOW[1:2]),
    ("cache_write", "actual", _WINDOW[2:]),
    ("output", "actual", ("output_tokens",)),
    ("input", "untouched", ("untouched_input_tokens",)),
    ("cache_read", "untouched", ("untouched_cache_read_tokens",)),
    ("cache_write", "untouched", ("untouched_cache_write_tokens",)),
    ("output", "untouched", ("untouched_output_tokens",)),
)
"""Kind, side, and the columns that are its sum."""


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # else each counter brings a second series, of when it began
        self.registry = registry = CollectorRegistry()
        self._counters = {
            name: Counter(f"pichay_{name}", text, labels, registry=registry)
            for name, (text, *labels) in COUNTERS.items()
        }
        self._window = self._gauge("window_tokens", "Tokens of the last billed request's window.")
        self._gauges = {column: self._gauge(*said) for column, said in GAUGES.items()}
        self._overhead = Histogram(
            "pichay_overhead_seconds",
            "What Pichay took of a request before it went upstream.",
            buckets=OVERHEAD_SECONDS,
            registry=registry,
        )
        info = Gauge("pichay_build_info", "Always 1.", ["version"], registry=registry)
        info.labels(version("pichay")).set(1)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"pichay_{name}", text, registry=self.registry)

    def follow(self, recorder: Recorder) -> None:
        """Tell how far a recorder is behind, whenever that is asked for."""
        waiting = self._gauge("recorder_waiting", "Records that are not written yet.")
        waiting.set_function(lambda: recorder.waiting)
        refused = self._gauge("recorder_refused", "1 while the database cannot be written.")
        refused.set_function(lambda: recorder.refused)
        dropped = self._gauge("recorder_dropped", "Telemetry that was not kept, so far.")
        dropped.set_function(lambda: recorder.dropped)

    def observe(self, record: Record, row: Row | None) -> None:
        """Count one record; *row* is that of a billed request, beside the end of its reply."""
        match record:
            case Turned():
                self._turned(record)
            case Settlement():
                self._add("replies", str(record.status))
                if row is not None and row["output_tokens"] is not None:
                    self._billed(row)
            case Happened():
                self._event(record.event)
            case Answered():
                self._events(record.events)
            case Refused():
                self._add("certificate_refusals")

    def _add(self, name: str, *labels: str, by: float = 1) -> None:
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc(by)

    def _turned(self, record: Turned) -> None:
        if record.leg:
            self._add("legs")
        else:
            self._add("requests", record.outcome)
        if record.before is None:
            self._add("sessions", record.after.kind)
        self._overhead.observe(record.overhead_microseconds / 1e6)
        self._events(record.events)

    def _events(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self._event(event)

    def _event(self, event: Event) -> None:
        match event:
            case Evicted(tokens=tokens):
                self._add("evictions")
                # A stub may be longer than the line that stood for a duplicate; counters only grow.
                self._add("evicted_tokens", by=max(0, tokens))
            case Collected(why=why):
                self._add("collections", why)
            case Faulted(kind=kind, tokens=tokens):
                self._add("faults", kind.value)
                self._add("faulted_tokens", kind.value, by=tokens)
            case Flushed(why=why):
                self._add("flushes", why)
            case Passed():
                self._add("requests", "passed")
            case Warned(why=why):
                self._counters["undecrypted_hosts"].inc(why == UNDECRYPTED)
            case _:
                if name := _COUNTED.get(type(event).__name__.lower()):
                    self._add(name)

    def _billed(self, row: Row) -> None:
        for kind, side, columns in _TOKENS:
            self._add("tokens", kind, side, by=sum(row[column] or 0 for column in columns))
        if row["dollars"] is None or row["untouched_dollars"] is None:
            self._add("unpriced_requests")
        else:
            self._add("dollars", "actual", by=row["dollars"])
            self._add("dollars", "untouched", by=row["untouched_dollars"])
        self._window.set(sum(row[column] or 0 for column in _WINDOW))
        for column, gauge in self._gauges.items():
            gauge.set(row[column] or 0)


def serve(metrics: Metrics, port: int) -> Callable[[], None]:
    """Answer on 127.0.0.1:*port*, in threads of their own; returns what ends that.

    Raises OSError if the port cannot be had.
    """
    server, thread = start_http_server(port, addr=LOOPBACK, registry=metrics.registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
