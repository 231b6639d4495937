"""The hooks, in this process: what they do to a flow, and what becomes of errors of ours."""

import asyncio
import gc
import json
import logging
import sqlite3
import weakref
from types import SimpleNamespace

import pytest
import zstandard
from mitmproxy import exceptions
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy import mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.server import ConnectionHandler
from mitmproxy.test import taddons, tflow, tutils

from pichay_core.wire import anthropic
from pichay_core.wire.anthropic_reply import Reader
from pichay_proxy import closing
from pichay_proxy.addon import Pichay
from pichay_proxy.connections import CONNECTIONS_PER_HOST
from pichay_proxy.exchange import Exchange
from tests.builders import units
from tests.e2e.answers import EVENTS, WHOLE, refusal
from tests.e2e.conversations import Conversation

HOST = "api.anthropic.com"
STREAM = b"".join(EVENTS)
REFUSED = refusal(400, "invalid_request_error", "messages.3: tool_use ids without tool_result").body


class Proxied:
    """The addon in a mitmproxy without sockets."""

    def __init__(self, context, addon, database):
        self.context = context
        self.addon = addon
        self.database = database

    def ask(self, conversation, **fields):
        """A flow whose request has been through the addon."""
        flow = flow_of(conversation.body(**fields))
        self.addon.request(flow)
        return flow

    async def answered(self, flow, body=STREAM, status=200, kind="text/event-stream"):
        """What the client gets of a reply that comes in two pieces."""
        flow.response = tutils.tresp(status_code=status, content=None)
        flow.response.headers["content-type"] = kind
        self.addon.responseheaders(flow)
        stream = flow.response.stream
        got = list(_through(stream, body)) if callable(stream) else [body]
        if not stream:
            flow.response.raw_content = body
        await self.addon.response(flow)
        return b"".join(got) if stream else flow.response.raw_content

    def rows(self, sql):
        self.addon._recorder.settle()
        with sqlite3.connect(self.database) as db:
            return db.execute(sql).fetchall()


def _through(stream, body):
    for piece in (body[:100], b"", body[100:], b""):
        said = stream(piece)
        yield from [said] if isinstance(said, bytes) else said


def flow_of(body, host=HOST, path="/v1/messages"):
    headers = [(b"x-api-key", b"k"), (b"content-length", b"%d" % len(body))]
    request = tutils.treq(
        host=host, port=443, scheme=b"https", method=b"POST", path=path.encode(),
        headers=headers, content=body, authority=b"",
    )  # fmt: skip
    return tflow.tflow(req=request)


@pytest.fixture
async def proxied(tmp_path, monkeypatch):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    with taddons.context(Proxyserver()) as context:
        addon = Pichay()
        context.options.set(
            "pichay_schedule=batch",
            "pichay_tau=1",
            "pichay_flush_tokens=1",
            "pichay_hosts=llm.example",
            "pichay_memory_tools=false",
            defer=True,
        )
        context.master.addons.add(addon)
        addon.configure(context.options.keys())
        addon.running()
        yield Proxied(context, addon, tmp_path / "pichay.db")
        addon.done()


def grown(name=None, results=3):
    conversation = Conversation(name)
    for number in range(results):
        conversation.read(f"{number}.py")
    return conversation


def messages_of(flow):
    """The messages as they go upstream, without markers."""
    return units(flow.request.raw_content)


def failing(*_, **__):
    raise ValueError("something is wrong with message 17")


# -- what a request becomes -------------------------------------------------------------


async def test_a_request_that_nothing_is_decided_about_keeps_its_very_bytes(proxied):
    body = Conversation().body()
    flow = flow_of(body)
    proxied.addon.request(flow)
    assert flow.request.raw_content is body


async def test_a_request_that_is_edited_has_its_length_right(proxied):
    flow = proxied.ask(grown())
    assert b"[Older result of Read" in flow.request.raw_content
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content))


def in_frames(body):
    """As Codex sends it: compressed as it is written, so that no frame says how much it holds."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join((compressor.compress(body[:999]), compressor.compress(body[999:]),
                     compressor.flush()))  # fmt: skip


async def test_a_request_in_zstd_is_edited_sent_plain_and_tried_again_as_it_was(
    proxied, second_try
):
    sent, body = second_try(tutils.tresp(content=WHOLE)), in_frames(grown().body())
    flow = flow_of(body)
    flow.request.headers["content-encoding"] = "zstd"
    proxied.addon.request(flow)
    assert b"[Older result of Read" in flow.request.raw_content
    assert "content-encoding" not in flow.request.headers
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content))
    assert await proxied.answered(flow, REFUSED, 400, "application/json") == WHOLE
    (again,) = (copy.request for copy in sent)
    assert (again.raw_content, again.headers["content-encoding"]) == (body, "zstd")


async def test_a_request_in_zstd_that_nothing_is_decided_about_keeps_its_very_bytes(proxied):
    flow = flow_of(body := in_frames(Conversation().body()))
    flow.request.headers["content-encoding"] = "zstd"
    proxied.addon.request(flow)
    assert flow.request.raw_content is body
    assert flow.request.headers["content-encoding"] == "zstd"


async def test_a_server_of_the_users_own_is_ours_in_plain_http(proxied):
    flow = flow_of(grown().body(), "llm.example", "/proxy/v1/messages")
    flow.request.scheme, flow.request.port = "http", 11434
    proxied.addon.request(flow)
    assert b"[Older result of Read" in flow.request.raw_content


@pytest.mark.parametrize(
    ("host", "path", "paged"),
    [
        ("localhost", "/v1/messages", True),
        ("gateway.corp", "/some/team/v1/messages", True),
        (HOST, "/v1/messages", True),
        (HOST, "/some/team/v1/messages", False),
    ],
)
async def test_in_reverse_mode_every_path_is_ours_but_on_a_host_with_paths_of_its_own(
    proxied, host, path, paged
):
    flow = flow_of(grown().body(), host, path)
    flow.client_conn.proxy_mode = mode_specs.ProxyMode.parse(f"reverse:https://{host}")
    proxied.addon.request(flow)
    assert (b"[Older result of Read" in flow.request.raw_content) is paged


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("api.anthropic.com.evil.example", "/v1/messages"),
        ("xapi.anthropic.com", "/v1/messages"),
        (HOST, "/v1/messages/x"),
        (HOST, "/v1//messages"),
    ],
)
async def test_what_is_not_ours_is_neither_read_nor_streamed(proxied, host, path):
    body = grown().body()
    flow = flow_of(body, host, path)
    proxied.addon.request(flow)
    assert flow.request.raw_content is body
    assert proxied.rows("select count(*) from turns") == [(0,)]
    flow.response = tutils.tresp()
    proxied.addon.responseheaders(flow)
    assert flow.response.stream is (host == HOST)


async def test_a_request_whose_body_was_streamed_past_is_left_alone(proxied):
    flow = flow_of(b"")
    flow.request.data.content = None
    proxied.addon.request(flow)
    assert flow.request.raw_content is None


@pytest.mark.parametrize("host", [HOST, "API.Anthropic.com", "llm.example", "llm.example."])
async def test_a_listed_host_is_ours_however_it_is_written(proxied, host):
    flow = flow_of(Conversation().body(), host)
    proxied.addon.request(flow)
    assert proxied.rows("select count(*) from turns") == [(1,)]


async def test_a_host_named_in_the_handshake_alone_is_ours(proxied):
    """As where a client looks up the address itself, or is redirected by the system."""
    flow = flow_of(Conversation().body(), "10.0.0.1")
    flow.client_conn.sni = HOST
    proxied.addon.request(flow)
    assert await proxied.answered(flow) == STREAM
    assert proxied.rows("select input_tokens from turns") == [(100,)]


# -- where a request says what it is ----------------------------------------------------

VERTEX = "us-east5-aiplatform.googleapis.com"
PUBLISHED = "/v1/projects/p/locations/us-east5/publishers/anthropic/models"


async def test_a_model_that_the_path_names_is_the_models_of_the_turn(proxied):
    conversation = grown()
    body = conversation.body(anthropic_version="vertex-2023-10-16")
    for path in ("claude-sonnet-4-5@20250929:streamRawPredict", "count-tokens:rawPredict"):
        flow = flow_of(without_model(body), VERTEX, f"{PUBLISHED}/{path}")
        proxied.addon.request(flow)
        assert b"[Older result of Read" in flow.request.raw_content
        assert b'"model"' not in flow.request.raw_content
    assert proxied.rows("select model from turns") == [("claude-sonnet-4-5@20250929",)]


def without_model(body):
    fields = json.loads(body)
    del fields["model"]
    return json.dumps(fields).encode()


async def test_a_key_in_the_query_is_a_key_and_is_kept_nowhere(proxied):
    flow = flow_of(Conversation().body(), path="/v1/messages?key=AIzaSecret&beta=true")
    del flow.request.headers["x-api-key"]
    proxied.addon.request(flow)
    assert flow.request.path.endswith("?key=AIzaSecret&beta=true")
    refused = flow_of(b"not json", path="/v1/messages?key=AIzaSecret")
    proxied.addon.request(refused)
    assert proxied.rows("select credential from sessions") == [("api key",)]
    assert len(proxied.rows("select 1 from events where kind = 'passed'")) == 1
    proxied.addon.done()
    assert b"AIzaSecret" not in proxied.database.read_bytes()


# -- WebSockets -------------------------------------------------------------------------


def socket_wanted(path="/v1/messages", host=HOST):
    flow = flow_of(b"", host, path)
    flow.request.method = "GET"
    flow.request.headers["upgrade"] = "WebSocket"
    flow.request.headers["connection"] = "upgrade"
    return flow


async def test_a_websocket_passes_and_is_recorded_once(proxied):
    flow = socket_wanted()
    fields = flow.request.headers.fields
    for _ in range(3):  # the provider may not take the first
        proxied.addon.request(flow)
    assert (flow.response, flow.request.headers.fields) == (None, fields)
    flow.response = tutils.tresp(status_code=101)
    proxied.addon.websocket_start(flow)
    elsewhere = socket_wanted(host="example.com")
    proxied.addon.websocket_start(elsewhere)
    said = proxied.rows("select why, detail from events where kind = 'passed'")
    assert [(why, json.loads(detail)["detail"]) for why, detail in said] == [
        ("websocket", f"{HOST}/v1/messages")
    ]
    assert proxied.rows("select count(*) from turns") == [(0,)]


async def test_a_websocket_is_answered_with_426_if_the_user_asks_for_it(proxied):
    proxied.context.options.update(pichay_http_fallback=True)
    flow = socket_wanted()
    proxied.addon.request(flow)
    assert (flow.response.status_code, flow.response.headers["upgrade"]) == (426, "HTTP/1.1")
    assert json.loads(flow.response.content)["error"]["type"] == "websocket_refused"
    assert proxied.rows("select count(*) from events") == [(0,)]


@pytest.mark.parametrize(
    ("host", "path"),
    [(HOST, "/v1/other"), ("chatgpt.com", "/v1/messages"), (HOST, "/v1/messages/batches")],
)
async def test_no_other_websocket_is(proxied, host, path):
    proxied.context.options.update(pichay_http_fallback=True)
    flow = socket_wanted(path, host)
    proxied.addon.request(flow)
    assert flow.response is None


async def test_a_request_that_cannot_become_a_websocket_is_one_like_others(proxied):
    """A server of HTTP/1.1 may not take a POST for one, whatever its headers say."""
    flow = flow_of(grown().body())
    flow.request.headers["upgrade"] = "websocket"
    proxied.addon.request(flow)
    assert b"[Older result of Read" in flow.request.raw_content


# -- what a reply becomes ---------------------------------------------------------------


async def test_a_reply_is_streamed_as_it_comes_and_settled(proxied):
    assert await proxied.answered(proxied.ask(Conversation())) == STREAM
    assert proxied.rows("select status, input_tokens, output_tokens from turns") == [(200, 100, 5)]


def test_an_empty_piece_is_never_passed_on_as_such():
    """On HTTP/1.1 it would end the body: mitmproxy would write the last, empty chunk."""
    passed_on = Pichay()._tee(Reader("text/event-stream", ""))
    piece = b"data: x\n\n"
    assert passed_on(b"") == []
    assert passed_on(piece) is piece
    assert passed_on(b"") == []


@pytest.mark.parametrize(
    ("edited", "status", "streamed"),
    [(False, 200, True), (False, 400, True), (True, 200, True), (True, 400, False),
     (True, 413, True), (True, 429, True), (True, 529, True)],
)  # fmt: skip
async def test_all_replies_are_streamed_but_those_that_may_be_tried_again(
    proxied, edited, status, streamed
):
    flow = proxied.ask(grown() if edited else Conversation())
    flow.response = tutils.tresp(status_code=status)
    proxied.addon.responseheaders(flow)
    assert bool(flow.response.stream) is streamed


async def test_a_reply_that_breaks_off_is_settled_with_what_was_said(proxied):
    flow = proxied.ask(Conversation())
    flow.response = tutils.tresp(content=None)
    flow.response.headers["content-type"] = "text/event-stream"
    proxied.addon.responseheaders(flow)
    flow.response.stream(EVENTS[0])
    proxied.addon.error(flow)
    await proxied.addon.response(flow)
    assert proxied.rows("select status, input_tokens, output_tokens from turns") == [(200, 100, 1)]


async def test_a_request_without_a_reply_is_settled_without_a_status(proxied):
    proxied.addon.error(proxied.ask(Conversation()))
    assert proxied.rows("select status, input_tokens from turns") == [(0, None)]


async def test_no_flow_is_kept_after_its_reply(proxied):
    flow = proxied.ask(grown())
    await proxied.answered(flow)
    gone = weakref.ref(flow)
    del flow
    gc.collect()
    assert gone() is None
    assert len(proxied.addon._exchanges) == 0


async def test_no_flow_is_kept_without_a_reply(proxied):
    gone = weakref.ref(proxied.ask(grown()))
    gc.collect()
    assert gone() is None
    assert len(proxied.addon._exchanges) == 0


# -- once more with the client's own bytes ----------------------------------------------


@pytest.fixture
def second_try(monkeypatch):
    """Stands for the provider at the second try; a list of what was sent to it."""
    sent = []

    def answer(reply):
        async def resend(copy):
            sent.append(copy)
            return reply() if callable(reply) else reply

        monkeypatch.setattr(closing, "resend", resend)
        return sent

    return answer


async def test_the_reply_of_the_second_try_is_the_clients(proxied, second_try):
    reply = tutils.tresp(content=WHOLE)
    sent, conversation = second_try(reply), grown()
    flow = proxied.ask(conversation)
    assert await proxied.answered(flow, REFUSED, 400, "application/json") == WHOLE
    assert [copy.request.raw_content for copy in sent] == [conversation.body()]
    (row,) = proxied.rows("select outcome, status, input_tokens from turns")
    assert row == ("retried", 200, 100)


@pytest.mark.parametrize("reply", [None, failing], ids=["no reply", "an error of ours"])
async def test_without_a_second_reply_the_first_is_the_clients(proxied, second_try, reply):
    second_try(reply)
    flow = proxied.ask(grown())
    assert await proxied.answered(flow, REFUSED, 400, "application/json") == REFUSED
    assert proxied.rows("select outcome, status from turns") == [("retried", 400)]
    assert len(proxied.rows("select 1 from sessions where frozen is not null")) == 1


async def test_the_second_try_does_not_pass_our_own_hooks_again(proxied, second_try):
    seen = []

    def replay():
        copy = sent[0]
        proxied.addon.request(copy)
        copy.response = tutils.tresp(content=REFUSED, status_code=400)
        proxied.addon.responseheaders(copy)
        seen.append((copy.request.raw_content, copy.response.stream))
        return copy.response

    sent, conversation = second_try(replay), grown()
    await proxied.answered(proxied.ask(conversation), REFUSED, 400, "application/json")
    assert seen == [(conversation.body(), False)]
    assert proxied.rows("select count(*) from turns") == [(1,)]
    assert proxied.addon._closing._resent == set()


async def test_a_hook_that_is_cancelled_in_the_second_try_returns(proxied, monkeypatch):
    async def never(copy):
        await asyncio.sleep(60)

    monkeypatch.setattr(closing, "resend", never)
    flow = proxied.ask(grown())
    task = asyncio.create_task(proxied.answered(flow, REFUSED, 400, "application/json"))
    await asyncio.sleep(0.05)
    task.cancel()
    assert await task == REFUSED
    assert proxied.rows("select outcome, status from turns") == [("retried", 400)]


# -- asking the provider to clear -------------------------------------------------------


BETA = "context-management-2025-06-27"


@pytest.fixture
def serving(proxied):
    proxied.context.options.update(pichay_mode="server")
    return proxied


def asking(flow):
    """Whether the body asks, and what the header says."""
    asked = b'"context_management"' in flow.request.raw_content
    return asked, flow.request.headers.get("anthropic-beta")


async def test_body_and_header_ask_together_and_the_other_headers_stay(serving):
    flow = flow_of(Conversation().body())
    flow.request.headers["Anthropic-Beta"] = "one-1,two-2"
    before = [field for field in flow.request.headers.fields if field[0] != b"content-length"]
    serving.addon.request(flow)
    assert asking(flow) == (True, f"one-1,two-2,{BETA}")
    after = [(name, value) for name, value in flow.request.headers.fields]
    assert [f for f in before if f[0] != b"Anthropic-Beta"] == [
        f for f in after if f[0] not in (b"Anthropic-Beta", b"content-length")
    ]
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content))


async def test_a_client_without_the_header_is_given_one(serving):
    assert asking(serving.ask(Conversation())) == (True, BETA)


async def test_a_client_that_asks_itself_keeps_its_very_bytes_and_headers(serving):
    body = Conversation().body(context_management={"edits": []})
    flow = flow_of(body)
    fields = flow.request.headers.fields
    serving.addon.request(flow)
    assert flow.request.raw_content is body
    assert flow.request.headers.fields is fields


async def test_a_count_of_tokens_asks_in_body_and_header(serving):
    conversation = Conversation()
    serving.ask(conversation)
    flow = flow_of(conversation.body(), path="/v1/messages/count_tokens")
    serving.addon.request(flow)
    assert asking(flow) == (True, BETA)


async def test_what_was_asked_for_and_refused_is_sent_again_with_the_clients_own_headers(
    serving, second_try
):
    sent, conversation = second_try(tutils.tresp(content=WHOLE)), Conversation()
    text = "context_management: Extra inputs are not permitted"
    refused = refusal(400, "invalid_request_error", text).body
    flow = flow_of(conversation.body())
    flow.request.headers["anthropic-beta"] = "one-1"
    fields = flow.request.headers.fields
    serving.addon.request(flow)
    assert await serving.answered(flow, refused, 400, "application/json") == WHOLE
    assert sent[0].request.raw_content == conversation.body()
    assert sent[0].request.headers.fields == fields
    assert serving.rows("select outcome from turns") == [("retried",)]
    assert text in serving.rows("select frozen from sessions")[0][0]
    assert asking(serving.ask(conversation.read("later.py"))) == (False, None)
    assert asking(serving.ask(Conversation())) == (False, None)


async def test_what_was_cleared_is_read_from_a_stream(serving):
    cleared = {"type": "clear_tool_uses_20250919", "cleared_tool_uses": 9,
               "cleared_input_tokens": 40_000}  # fmt: skip
    end = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5},
           "context_management": {"applied_edits": [cleared]}}  # fmt: skip
    stream = STREAM + b"event: message_delta\ndata: " + json.dumps(end).encode() + b"\n\n"
    assert await serving.answered(serving.ask(Conversation()), stream) == stream
    assert serving.rows("select kind, tokens, why from events where kind = 'cleared'") == [
        ("cleared", 40_000, "asked by us")
    ]
    assert serving.rows("select cleared_tokens from turns") == [(40_000,)]


# -- errors of ours ---------------------------------------------------------------------


async def test_an_error_decides_nothing_new_is_logged_once_and_the_third_freezes(
    proxied, monkeypatch, caplog
):
    conversation = grown("unlucky")
    before = messages_of(proxied.ask(conversation))
    with monkeypatch.context() as broken:
        broken.setattr("pichay_proxy.paging.take", failing)
        for _ in range(3):
            body = conversation.read("more.py").body()
            flow = flow_of(body)
            proxied.addon.request(flow)
            assert messages_of(flow)[: len(before)] == before
            assert await proxied.answered(flow) == STREAM
    assert messages_of(proxied.ask(conversation.read("more.py")))[: len(before)] == before
    assert caplog.text.count("Traceback") == 1
    assert proxied.rows("select kind, count(*) from events where kind in ('failed', 'frozen') "
                        "group by kind") == [("failed", 3), ("frozen", 1)]  # fmt: skip
    assert proxied.rows("select frozen, failures from sessions") == [("3 failures", 3)]
    assert b"[Older result" in proxied.ask(grown("lucky")).request.raw_content


async def test_errors_that_differ_in_their_text_alone_are_logged_once(proxied, monkeypatch, caplog):
    def failing(matched, *_):
        raise KeyError(f"page {matched.session.id}")

    monkeypatch.setattr("pichay_proxy.paging.take", failing)
    for number in range(5):
        proxied.ask(grown(f"number {number}"))
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), asyncio.CancelledError()])
async def test_an_error_of_any_kind_ends_in_the_hook(proxied, monkeypatch, error):
    def failing(*_):
        raise error

    monkeypatch.setattr("pichay_proxy.paging.take", failing)
    body = grown().body()
    flow = flow_of(body)
    proxied.addon.request(flow)
    assert flow.request.raw_content is body


async def test_an_error_while_a_stream_is_read_does_not_touch_the_stream(
    proxied, monkeypatch, caplog
):
    flow = proxied.ask(Conversation())
    monkeypatch.setattr(Reader, "feed", failing)
    assert await proxied.answered(flow) == STREAM
    assert caplog.text.count("Traceback") == 1


async def test_an_error_before_a_stream_is_read_does_not_hold_it_back(proxied, monkeypatch):
    flow = proxied.ask(Conversation())
    monkeypatch.setattr(anthropic, "reader", failing)
    flow.response = tutils.tresp(content=None)
    proxied.addon.responseheaders(flow)
    assert flow.response.stream is True


async def test_an_error_at_the_end_of_a_reply_leaves_the_reply(proxied, monkeypatch):
    flow = proxied.ask(Conversation())
    monkeypatch.setattr(proxied.addon._paging.aftermath, "replied", failing)
    assert await proxied.answered(flow) == STREAM
    proxied.addon.error(proxied.ask(Conversation()))


async def test_an_error_whose_report_fails_ends_in_the_hook_too(proxied, monkeypatch):
    monkeypatch.setattr("pichay_proxy.paging.take", failing)
    monkeypatch.setattr(proxied.addon._paging, "failed", failing)
    body = grown().body()
    flow = flow_of(body)
    proxied.addon.request(flow)
    assert flow.request.raw_content is body


async def test_an_answer_that_was_never_asked_for_is_left_alone(proxied):
    flow = tflow.tflow(resp=True)
    await proxied.addon.response(flow)
    proxied.addon.error(flow)
    assert flow.response.status_code == 200


# -- connections ------------------------------------------------------------------------


def hello(sni, address, mode="regular"):
    client = tflow.tclient_conn()
    client.proxy_mode = mode_specs.ProxyMode.parse(mode)
    context = SimpleNamespace(client=client, server=SimpleNamespace(address=address))
    names = SimpleNamespace(sni=sni)
    return SimpleNamespace(context=context, client_hello=names, ignore_connection=False)


@pytest.mark.parametrize(
    ("sni", "address", "blind"),
    [
        (HOST, (HOST, 443), False),
        ("API.ANTHROPIC.COM", ("10.0.0.1", 443), False),
        (f"{HOST}.", None, False),
        (None, (HOST, 443), False),
        ("", ("llm.example", 8443), False),
        ("github.com", ("github.com", 443), True),
        ("github.com", (HOST, 443), True),
        (f"{HOST}.evil.example", (HOST, 443), True),
        (f"x{HOST}", None, True),
        (None, ("10.0.0.1", 443), True),
        (None, None, True),
    ],
)
async def test_every_host_that_is_not_listed_is_tunnelled(proxied, sni, address, blind):
    data = hello(sni, address)
    proxied.addon.tls_clienthello(data)
    assert data.ignore_connection is blind


async def test_in_reverse_mode_the_one_upstream_is_ours(proxied):
    data = hello("github.com", None, f"reverse:https://{HOST}")
    proxied.addon.tls_clienthello(data)
    assert not data.ignore_connection


def test_before_anything_is_configured_everything_is_tunnelled():
    data = hello(HOST, None)
    Pichay().tls_clienthello(data)
    assert data.ignore_connection


@pytest.mark.parametrize(
    ("sni", "host"), [(HOST, HOST), (None, "llm.example"), ("github.com", None)]
)
async def test_a_refused_certificate_is_recorded_for_listed_hosts(proxied, caplog, sni, host):
    conn = SimpleNamespace(sni=sni, error="unknown ca")
    data = SimpleNamespace(context=hello(sni, ("llm.example", 443)).context, conn=conn)
    proxied.addon.tls_failed_client(data)
    proxied.addon.tls_failed_client(data)
    rows = proxied.rows("select detail from events where kind = 'tls_failed'")
    assert [json.loads(detail)["host"] for (detail,) in rows] == ([host] * 2 if host else [])
    assert caplog.text.count("NODE_EXTRA_CA_CERTS") == bool(host)


class Handler(ConnectionHandler):
    async def handle_hook(self, hook):
        pass


async def test_more_than_five_streams_of_a_client_reach_one_host(proxied):
    handlers = proxied.context.master.addons.get("proxyserver").connections
    client = tflow.tclient_conn()
    handler = handlers[client.id] = Handler(Context(client, proxied.context.options))
    proxied.addon.client_connected(client)
    assert handler.max_conns["anywhere", 443]._value == CONNECTIONS_PER_HOST
    proxied.addon.client_connected(tflow.tclient_conn())


# -- life -------------------------------------------------------------------------------


async def test_a_wrong_option_is_taken_back_while_running(proxied):
    options = proxied.context.options
    with pytest.raises(exceptions.OptionsError, match="pichay_tau must be 1 or more"):
        options.update(pichay_tau=0)
    with pytest.raises(exceptions.OptionsError, match="stream_large_bodies"):
        options.update(stream_large_bodies="1m")
    with pytest.raises(exceptions.OptionsError, match="pichay_mode"):
        options.update(pichay_mode="off")
    assert (options.pichay_tau, options.stream_large_bodies) == (1, None)
    assert b"[Older result" in proxied.ask(grown()).request.raw_content


async def test_an_option_holds_from_the_next_request_on(proxied):
    proxied.context.options.update(pichay_mode="observe")
    body = grown().body()
    flow = flow_of(body)
    proxied.addon.request(flow)
    assert flow.request.raw_content is body


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("pichay_tau=x", "not an integer: x"),
        ("pichay_mode=off", "pichay_mode must be auto or observe"),
        ("pichay_what=1", "pichay_what is not an option"),
        ("pichay_database=/", "/"),
    ],
)
async def test_a_start_with_a_wrong_option_is_one_error_in_the_log(
    monkeypatch, tmp_path, caplog, given, said
):
    """mitmdump ends when an error is logged at start."""
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    with taddons.context(Proxyserver()) as context:
        context.options.set(given, defer=True)
        addon = Pichay()
        try:
            context.master.addons.add(addon)
            addon.configure(context.options.keys())
            addon.running()
        except exceptions.OptionsError:
            pass  # mitmproxy drops this one; it is why we say it ourselves
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        flow = flow_of(grown().body())
        addon.request(flow)
        addon.done()
    assert len(errors) == 1
    assert said in errors[0].getMessage()
    assert not list(tmp_path.iterdir())


async def test_a_start_with_a_price_file_that_is_wrong_is_one_error_and_records_nothing(
    monkeypatch, tmp_path, caplog
):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    (tmp_path / "prices.json").write_text('{"claude-opus-5-5": {"inptu": 4}}')
    with taddons.context(Proxyserver()) as context:
        addon = Pichay()
        context.master.addons.add(addon)
        addon.configure(context.options.keys())
        addon.running()
        addon.done()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "prices.json: claude-opus-5-5: 'inptu' is not known" in errors[0].getMessage()
    assert [file.name for file in tmp_path.iterdir()] == ["prices.json"]


async def test_running_twice_opens_one_recorder(proxied):
    recorder = proxied.addon._recorder
    proxied.addon.running()
    assert proxied.addon._recorder is recorder


async def test_at_the_end_the_whole_recording_is_in_one_file(proxied):
    proxied.ask(grown())
    proxied.addon.done()
    assert not proxied.database.with_name("pichay.db-wal").exists()


async def test_at_the_end_all_is_written_and_what_comes_later_passes(proxied):
    flow = proxied.ask(grown())
    proxied.addon.done()
    with sqlite3.connect(proxied.database) as db:
        assert db.execute("select outcome from turns").fetchall() == [("edited",)]
    assert await proxied.answered(flow) == STREAM
    body = grown().body()
    late = flow_of(body)
    proxied.addon.request(late)
    assert late.request.raw_content is body
    proxied.addon.done()


async def test_another_instance_goes_on_with_the_conversation(proxied, tmp_path):
    """As on a reload of the script."""
    conversation = grown("goes on")
    one = proxied.ask(conversation).request.raw_content
    proxied.addon.done()
    other = Pichay()
    proxied.context.master.addons.remove(proxied.addon)
    proxied.context.master.addons.add(other)
    other.configure(proxied.context.options.keys())
    other.running()
    flow = flow_of(conversation.body())
    other.request(flow)
    other.done()
    assert flow.request.raw_content == one


def test_an_exchange_is_edited_if_other_bytes_were_sent():
    plain = Exchange("i", "s", 1, None, None, None)
    assert not plain.edited
    assert Exchange("i", "s", 1, None, b"", None).edited
