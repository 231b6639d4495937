"""One OpenTelemetry span for each request, with the names of the GenAI semantic conventions.

Rule of this file: amounts, names and outcomes only. Nothing of a conversation, no credential, and
no reason in the words of a provider, which may quote one. Made in the recorder's thread once the
reply has ended. Source of the names: the conventions' page on inference spans, status Development
(open-telemetry/semantic-conventions-genai).
"""

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Thread

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from pichay_core.events import Collected, Evicted, Faulted
from pichay_core.store.records import Record, Settlement, Turned
from pichay_core.store.scope import Row

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""One of these must name where spans go: without one, the exporter would take a default."""
MOST_OPEN = 1024
"""Requests whose replies are awaited; the oldest are forgotten."""
END_SECONDS = 3.0
"""How long the last spans may take on their way out when the proxy ends."""

_PROVIDERS = {
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "aws": "aws.bedrock",
    "mistral": "mistral_ai",
    "x-ai": "x_ai",
}
"""Names that the conventions have for who serves, where the price list has another."""
_BY_WIRE = {"anthropic": "anthropic", "gemini": "gcp.gemini"}
"""Where nobody knows who serves; else it is OpenAI's format, and the conventions' ``openai``."""

type Value = str | int | float | bool


class Spans:
    """Makes spans of what is recorded."""

    def __init__(self, processor: SpanProcessor) -> None:
        """Hand every span to *processor* when it has ended."""
        named = os.environ.get("OTEL_SERVICE_NAME")
        resource = Resource.create({} if named else {SERVICE_NAME: "pichay"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("pichay")
        self._open: OrderedDict[tuple[str, int], dict[str, Value]] = OrderedDict()

    def observe(self, record: Record, row: Row | None) -> None:
        """Remember what a request brought about; make its span when its reply has ended."""
        match record:
            case Turned():
                self._open[record.after.id, record.after.requests] = moved(record)
                while len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            case Settlement():
                before = self._open.pop((record.session, record.request), {})
                if row is not None:
                    self._made(record, row, before)
            case _:
                pass

    def _made(self, record: Settlement, row: Row, before: Mapping[str, Value]) -> None:
        attributes = {**named(row), **before}
        name = f"{attributes['gen_ai.operation.name']} {row['model']}".rstrip()
        begun, ended = row["at"], max(row["at"], record.at)
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, start_time=_nanoseconds(begun)
        )
        if record.status == 0 or record.status >= 400:
            span.set_attribute("error.type", str(record.status or "no reply"))
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=_nanoseconds(ended))

    def close(self) -> None:
        """Send what is left, for at most ``END_SECONDS``."""
        ending = Thread(target=self._provider.shutdown, name="pichay-spans-end", daemon=True)
        ending.start()
        ending.join(END_SECONDS)


class Once(logging.Filter):
    """Lets each kind of message pass once: a collector that is gone would be told of for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it is the first of its kind, by its text before anything is put in."""
        kind = str(record.msg)
        first = kind not in self._said
        self._said.add(kind)
        return first


def exporting() -> Spans:
    """Spans that go where OpenTelemetry's own variables say (``OTEL_EXPORTER_OTLP_*``)."""
    logging.getLogger(trace_exporter.__name__).addFilter(Once())
    return Spans(BatchSpanProcessor(OTLPSpanExporter()))


def endpoint(environment: Mapping[str, str]) -> str | None:
    """Return where spans would go; None if nobody has said."""
    return next((environment[name] for name in ENDPOINTS if environment.get(name)), None)


def moved(record: Turned) -> dict[str, Value]:
    """Return what a request brought about, before its reply."""
    count = _counter(record)
    return {
        "pichay.evicted_pages": count(Evicted),
        "pichay.collected_pages": count(Collected),
        "pichay.faults": count(Faulted),
        "pichay.evicted_tokens": sum(e.tokens for e in record.events if isinstance(e, Evicted)),
        "pichay.mode": record.after.mode,
    }


def _counter(record: Turned) -> Callable[[type], int]:
    return lambda kind: sum(isinstance(event, kind) for event in record.events)


def named(row: Row) -> dict[str, Value]:
    """Return the attributes of a request and its reply; what is not known is left out."""
    written = (row["cache_write_5m_tokens"] or 0) + (row["cache_write_1h_tokens"] or 0)
    read, plain = row["cache_read_tokens"] or 0, row["input_tokens"] or 0
    billed = row["output_tokens"] is not None
    found: dict[str, Value | None] = {
        "gen_ai.operation.name": "generate_content" if row["wire"] == "gemini" else "chat",
        "gen_ai.provider.name": provider(row["provider"], row["wire"]),
        "gen_ai.request.model": row["model"] or None,
        "gen_ai.conversation.id": row["session"],
        "gen_ai.usage.input_tokens": plain + read + written if billed else None,
        "gen_ai.usage.output_tokens": row["output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": row["cache_read_tokens"],
        "gen_ai.usage.cache_creation.input_tokens": written if billed else None,
        "http.response.status_code": row["status"] or None,
        "pichay.session.kind": row["kind"],
        "pichay.outcome": row["outcome"],
        "pichay.turn": row["turn"],
        "pichay.request": row["request"],
        "pichay.leg": row["leg"],
        "pichay.flushed": row["flushed"],
        "pichay.overhead_seconds": row["overhead_microseconds"] / 1e6,
        "pichay.window.limit_tokens": row["window_limit"],
        "pichay.window.removed_tokens": row["removed_tokens"],
        "pichay.window.resident_tokens": row["resident_tokens"],
        "pichay.window.working_set_tokens": row["working_tokens"],
        "pichay.dollars": row["dollars"],
        "pichay.untouched_dollars": row["untouched_dollars"],
        "pichay.net_dollars": _net(row),
    }
    return {name: value for name, value in found.items() if value is not None}


def provider(listed: str | None, wire: str) -> str:
    """Return the conventions' name of who serves; by the wire format where nobody knows."""
    if not listed:
        return _BY_WIRE.get(wire, "openai")
    return _PROVIDERS.get(listed, listed)


def _net(row: Row) -> float | None:
    """Dollars that the request cost more than untouched; negative if it saved (estimate)."""
    if row["dollars"] is None or row["untouched_dollars"] is None:
        return None
    return row["dollars"] - row["untouched_dollars"]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
