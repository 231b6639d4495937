"""Who looks on: counted without labels that grow, refused at start where something is missing."""

import logging
import sys
from dataclasses import dataclass, replace

import pytest
from mitmproxy import exceptions
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pichay_core.events import Collected, Evicted, Failed, Faulted, Flushed, Frozen, Passed, Warned
from pichay_core.hosts import UNDECRYPTED
from pichay_core.ledger import TurnFacts
from pichay_core.model import FaultKind, Handle, PageId, SessionId
from pichay_core.store.records import Answered, Happened, Refused, Settlement
from pichay_proxy.looking_on import looking_on
from pichay_proxy.metrics import COUNTERS, Metrics
from pichay_proxy.spans import MOST_OPEN, Once, Spans, provider
from tests.builders import Proxy, Talk, body, known, settings

PAGE, HANDLE = PageId("p"), Handle("ABCDEFGH")
BILLED = {
    "session": "s1", "request": 1, "turn": 1, "at": 10.0, "model": "claude-sonnet-4-6",
    "outcome": "edited", "wire": "anthropic", "provider": "anthropic", "kind": "main",
    "status": 200, "leg": 0, "flushed": "cold", "overhead_microseconds": 2_000,
    "input_tokens": 5, "cache_read_tokens": 1_000, "cache_write_5m_tokens": 100,
    "cache_write_1h_tokens": 20, "output_tokens": 7, "untouched_input_tokens": 5,
    "untouched_cache_read_tokens": 3_000, "untouched_cache_write_tokens": 120,
    "untouched_output_tokens": 7, "dollars": 0.25, "untouched_dollars": 0.75,
    "window_limit": 200_000, "removed_tokens": 2_000, "resident_tokens": 600,
    "working_tokens": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thrashed:
    """As the core has it: known here by its name alone."""


def settled(status=200):
    return Settlement(SessionId("s1"), 1, status, TurnFacts(), None, at=12.5)


def samples(metrics):
    text = generate_latest(metrics.registry).decode()
    found = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return {(one.name.removeprefix("pichay_"), *one.labels.values()): one.value for one in found}


def counted(*records, row=None):
    metrics = Metrics()
    for record in records:
        metrics.observe(record, row)
    return {name: value for name, value in samples(metrics).items() if value and "_created" not in
            name[0] and name[0] != "build_info"}  # fmt: skip


def test_each_event_is_counted_where_it_belongs():
    events = (
        Evicted(PAGE, HANDLE, 300, 4),
        Collected(PAGE, HANDLE, 200, 4, "ephemeral"),
        Faulted(FaultKind.REFETCH, PAGE, PAGE, 300, 2),
        Flushed("cold", 2, 400),
        Frozen("3 failures"),
        Failed("ValueError"),
        Passed("signed body"),
        Warned(UNDECRYPTED, "a host: why"),
        Warned("something else"),
        Thrashed(),
    )
    assert (
        counted(
            *(Happened(event, 0.0) for event in events),  # type: ignore[arg-type]
            Refused("a host", 0.0, ""),
            Answered(known(), known(), events[:1], 0.0),
        )
        == {
            ("evictions_total",): 2,
            ("evicted_tokens_total",): 600,
            ("collections_total", "ephemeral"): 1,
            ("faults_total", "refetch"): 1,
            ("faulted_tokens_total", "refetch"): 300,
            ("flushes_total", "cold"): 1,
            ("frozen_sessions_total",): 1,
            ("failures_total",): 1,
            ("requests_total", "passed"): 1,
            ("undecrypted_hosts_total",): 1,
            ("thrash_episodes_total",): 1,
            ("certificate_refusals_total",): 1,
        }
    )


def test_a_page_whose_stub_is_longer_than_what_stood_there_ends_no_counting():
    events = (Evicted(PAGE, HANDLE, -7, 4), Evicted(PAGE, HANDLE, 300, 4), Flushed("cold", 2, 293))
    assert counted(Answered(known(), known(), events, 0.0)) == {
        ("evictions_total",): 2,
        ("evicted_tokens_total",): 300,
        ("flushes_total", "cold"): 1,
    }


def test_a_billed_request_is_counted_as_it_is_and_as_it_would_have_been():
    assert counted(settled(), row=BILLED) == {
        ("replies_total", "200"): 1,
        ("tokens_total", "input", "actual"): 5,
        ("tokens_total", "cache_read", "actual"): 1_000,
        ("tokens_total", "cache_write", "actual"): 120,
        ("tokens_total", "output", "actual"): 7,
        ("tokens_total", "input", "untouched"): 5,
        ("tokens_total", "cache_read", "untouched"): 3_000,
        ("tokens_total", "cache_write", "untouched"): 120,
        ("tokens_total", "output", "untouched"): 7,
        ("dollars_total", "actual"): 0.25,
        ("dollars_total", "untouched"): 0.75,
        ("window_tokens",): 1_125,
        ("window_limit_tokens",): 200_000,
        ("resident_tokens",): 600,
    }
    unpriced = counted(settled(), row=BILLED | {"dollars": None})
    assert (unpriced["unpriced_requests_total",], ("dollars_total", "actual") in unpriced) == (1, 0)
    assert counted(settled(529), row=BILLED | {"output_tokens": None}) == {
        ("replies_total", "529"): 1
    }


def test_no_label_can_grow_with_what_is_talked_of():
    labels = {label for _, *labels in COUNTERS.values() for label in labels}
    assert labels == {"outcome", "status", "kind", "why", "side"}


def spans_of(*observed):
    exporter = InMemorySpanExporter()
    spans = Spans(SimpleSpanProcessor(exporter))
    for record, row in observed:
        spans.observe(record, row)
    return exporter.get_finished_spans()


def test_a_reply_makes_a_span_with_the_names_of_the_conventions():
    (span,) = spans_of((settled(), BILLED))
    assert (span.name, span.kind.name) == ("chat claude-sonnet-4-6", "CLIENT")
    assert (span.start_time, span.end_time) == (10 * 10**9, 12.5 * 10**9)
    assert span.resource.attributes["service.name"] == "pichay"
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-6",
        "gen_ai.conversation.id": "s1",
        "gen_ai.usage.input_tokens": 1_125,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 1_000,
        "gen_ai.usage.cache_creation.input_tokens": 120,
        "http.response.status_code": 200,
        "pichay.session.kind": "main",
        "pichay.outcome": "edited",
        "pichay.turn": 1,
        "pichay.request": 1,
        "pichay.leg": 0,
        "pichay.flushed": "cold",
        "pichay.overhead_seconds": 0.002,
        "pichay.window.limit_tokens": 200_000,
        "pichay.window.removed_tokens": 2_000,
        "pichay.window.resident_tokens": 600,
        "pichay.dollars": 0.25,
        "pichay.untouched_dollars": 0.75,
        "pichay.net_dollars": -0.5,
    }


@pytest.mark.parametrize(("status", "kind"), [(400, "400"), (529, "529"), (0, "no reply")])
def test_a_span_of_a_reply_that_failed_says_so_in_no_words_of_the_provider(status, kind):
    refused = replace(settled(status), why="messages.3: a text that only the conversation has")
    (span,) = spans_of((refused, BILLED | {"status": status, "why": refused.why}))
    assert (span.status.status_code.name, span.attributes["error.type"]) == ("ERROR", kind)
    assert "only the conversation" not in span.to_json()


def test_a_request_whose_reply_never_ends_is_forgotten():
    proxy = Proxy()
    proxy.send(body(Talk().read("a.py")))
    (turned,) = proxy.turns
    spans = Spans(SimpleSpanProcessor(InMemorySpanExporter()))
    for number in range(MOST_OPEN + 9):
        spans.observe(replace(turned, after=replace(turned.after, requests=number)), None)
    assert len(spans._open) == MOST_OPEN


@pytest.mark.parametrize(
    ("listed", "wire", "name"),
    [
        ("anthropic", "openai_chat", "anthropic"),
        ("google", "gemini", "gcp.gemini"),
        ("mistral", "openai_chat", "mistral_ai"),
        ("", "anthropic", "anthropic"),
        (None, "gemini", "gcp.gemini"),
        ("", "openai_responses", "openai"),
    ],
)
def test_who_serves_has_the_conventions_own_name(listed, wire, name):
    assert provider(listed, wire) == name


def test_a_collector_that_is_gone_is_told_of_once():
    once, failed = Once(), "Transient error %s, retrying in %.2fs."
    records = [logging.makeLogRecord({"msg": failed, "args": ("it", n)}) for n in range(3)]
    assert [once.filter(one) for one in records] == [True, False, False]
    assert once.filter(logging.makeLogRecord({"msg": "something else"}))


def test_nobody_looks_on_unless_asked_to():
    looking = looking_on(settings(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, print)
    assert (looking.observers, looking.ends) == ([], [])


def test_spans_without_an_endpoint_or_their_packages_are_refused_with_what_to_do(monkeypatch):
    wanted = replace(settings(), otel=True)
    with pytest.raises(exceptions.OptionsError, match="set OTEL_EXPORTER_OTLP_ENDPOINT"):
        looking_on(wanted, {}, print)
    monkeypatch.delitem(sys.modules, "pichay_proxy.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(exceptions.OptionsError, match=r"pip install 'pichay\[otel\]'"):
        looking_on(wanted, {}, print)


def test_a_variable_that_opentelemetry_refuses_is_a_wrong_option(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(exceptions.OptionsError, match="OpenTelemetry says: max_export_batch_size"):
        looking_on(replace(settings(), otel=True), endpoint, print)
