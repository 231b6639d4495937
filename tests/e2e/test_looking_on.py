"""What Prometheus and a collector of OpenTelemetry get from a running proxy, and what not."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pytest

from tests.e2e.answers import WHOLE
from tests.e2e.conftest import EAGER, eventually
from tests.e2e.conversations import Conversation

parser = pytest.importorskip("prometheus_client.parser")
service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

pytestmark = pytest.mark.e2e
SECRET = "a text that only the conversation has"


class Collector(ThreadingHTTPServer):
    """Takes traces over OTLP/HTTP, and remembers all that it is sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[bytes] = []
        self.headers: list[str] = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self):
        requests = (service.ExportTraceServiceRequest.FromString(body) for body in self.bodies)
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.headers.append(str(self.headers))
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def collecting():
    made = Collector()
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()


@pytest.fixture
def collector():
    with collecting() as made:
        yield made


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def samples(port):
    """Every sample of a page, by name and labels, as Prometheus' own parser reads it."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        assert page.headers["content-type"].startswith("text/plain")
        text = page.read().decode()
    families = parser.text_string_to_metric_families(text)
    found = [sample for family in families for sample in family.samples]
    return text, {(one.name, *one.labels.values()): one.value for one in found}


def attributes(span):
    def plain(value):
        return getattr(value, value.WhichOneof("value"))

    return {one.key: plain(one.value) for one in span.attributes}


def test_each_request_is_counted_and_is_one_span_without_a_word_of_it(
    mitmdump, upstream, collector, monkeypatch
):
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    conversation = Conversation(SECRET)
    with (
        mitmdump("looked at", metrics_port=port, otel=True, memory_tools=False, **EAGER) as proxy,
        proxy.client() as client,
    ):
        journal = proxy.journal()
        for number in range(5):
            body = conversation.read(f"{number}.py").body()
            assert client.post(upstream.messages, content=body).content == WHOLE
        turns = journal.turns(5)
        assert eventually(lambda: len(collector.spans()) == 5)
        evicted = proxy.count("select count(*) from events where kind = 'evicted'")
        assert eventually(lambda: samples(port)[1]["pichay_recorder_waiting",] == 0)
        text, counted = samples(port)

    assert evicted > 0
    assert counted["pichay_evictions_total",] == evicted
    outcomes = {turn["outcome"] for turn in turns}
    assert sum(counted["pichay_requests_total", outcome] for outcome in outcomes) == 5
    assert counted["pichay_replies_total", "200"] == 5
    assert counted["pichay_sessions_total", "main"] == 1
    assert counted["pichay_tokens_total", "output", "actual"] == sum(
        turn["output_tokens"] for turn in turns
    )
    assert counted["pichay_dollars_total", "untouched"] == pytest.approx(
        sum(turn["untouched_dollars"] for turn in turns)
    )
    assert counted["pichay_overhead_seconds_count",] == 5
    assert counted["pichay_recorder_refused",] == 0

    spans = [attributes(span) for span in collector.spans()]
    assert {span.name for span in collector.spans()} == {f"chat {turns[0]['model']}"}
    assert [span["pichay.request"] for span in spans] == [turn["request"] for turn in turns]
    assert sum(span["pichay.evicted_pages"] for span in spans) == evicted
    for span, turn in zip(spans, turns, strict=True):
        assert span["gen_ai.provider.name"] == "anthropic"
        assert span["gen_ai.conversation.id"] == turn["session"]
        assert span["gen_ai.usage.output_tokens"] == turn["output_tokens"]
        assert span["pichay.net_dollars"] == pytest.approx(
            turn["dollars"] - turn["untouched_dollars"]
        )
    sent = b"".join(collector.bodies).decode(errors="replace") + "".join(collector.headers)
    for private in (SECRET, "sk-ant", "0.py", "Please begin"):
        assert private not in text
        assert private not in sent
    assert turns[0]["session"] not in text


def test_a_port_that_is_taken_and_a_collector_that_is_gone_keep_nobody_from_working(
    mitmdump, upstream, collector, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    taken = collector.server_address[1]
    with (
        mitmdump("not looked at", metrics_port=taken, otel=True) as proxy,
        proxy.client() as client,
    ):
        journal = proxy.journal()
        answer = client.post(upstream.messages, content=Conversation().body())
        assert answer.content == WHOLE
        assert journal.turns()
    assert f"no metrics on 127.0.0.1:{taken}" in proxy.log.read_text()
    assert not collector.bodies
