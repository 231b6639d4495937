"""What nothing is decided about goes upstream byte for byte."""

import gzip
import hashlib
import json
import ssl
import zlib

import brotli
import httpx
import pytest
import zstandard

from pichay_cli.demo.certificate import make_certificate
from pichay_cli.demo.plan import Plan
from pichay_cli.demo.reply import Reply, Text
from pichay_cli.demo.server import serving
from pichay_cli.demo.upstream import Upstream
from tests.e2e.answers import EVENTS, WHOLE, Answers
from tests.e2e.conftest import EAGER, KEY
from tests.e2e.conversations import Conversation, text_of

pytestmark = pytest.mark.e2e

ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda plain: brotli.compress(plain, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
}


def sha256(body):
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("http2", "version"), [(False, "1.1"), (True, "2")])
def test_what_the_client_library_sends_arrives_byte_for_byte(
    calm, perform, http2, version, streams
):
    app = Upstream(lambda _: Reply((Text("hello"),)), Plan())
    url, sent, journal = perform(app), [], calm.journal()
    request = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 10,
        "system": "Be brief, s'il vous plaît.",
        "messages": [{"role": "user", "content": f"hi {version} {streams}"}],
    }
    with calm.sdk(url, http2, sent) as client:
        if streams:
            with client.messages.stream(**request) as stream:
                said = stream.get_final_text()
        else:
            said = client.messages.create(**request).content[0].text
    assert said == "hello"
    assert [turn.http_version for turn in app.turns] == [version]
    assert [turn.sha256 for turn in app.turns] == [sha256(body) for body in sent]
    (turn,) = journal.turns()
    assert (turn["outcome"], turn["status"]) == ("as_is", 200)
    assert turn["input_tokens"] + turn["cache_read_tokens"] + turn["cache_write_5m_tokens"] > 0


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_odd_body_arrives_and_its_answer_returns_byte_for_byte(calm, upstream, http2, stream):
    body = Conversation().read("a.py").body(**({"stream": True} if stream else {}))
    with calm.client(http2) as client:
        answer = client.post(upstream.messages, content=body)
    assert upstream.last.sha256 == sha256(body)
    assert upstream.last.version == ("2" if http2 else "1.1")
    assert answer.content == (b"".join(EVENTS) if stream else WHOLE)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_encoded_body_arrives_byte_for_byte_and_is_read(calm, upstream, encoding):
    body, journal = ENCODERS[encoding](Conversation().read("a.py").body()), calm.journal()
    with calm.client() as client:
        client.post(upstream.messages, content=body, headers={"content-encoding": encoding})
    assert upstream.last.body == body
    assert upstream.last.headers["content-encoding"] == encoding
    assert journal.turns()[0]["messages"] == 3


def test_a_chunked_upload_arrives_byte_for_byte(calm, upstream):
    body = Conversation().read("a.py").body()
    with calm.client() as client:
        client.post(upstream.messages, content=iter([body[:100], body[100:]]))
    assert upstream.last.body == body
    assert upstream.last.headers["transfer-encoding"] == "chunked"


def test_headers_and_query_arrive_as_they_were(calm, upstream):
    more = {"anthropic-beta": "context-1m-2025-08-07,x", "X-Odd": "caf\u00e9", "user-agent": "me"}
    with calm.client() as client:
        client.post(
            f"{upstream.messages}?beta=true&x=%20",
            content=Conversation().body(),
            headers={name: value.encode("latin-1") for name, value in more.items()},
        )
    assert upstream.last.path == "/v1/messages?beta=true&x=%20"
    got = upstream.last.headers
    assert {name: got[name.lower()] for name in more} == more
    assert got["x-api-key"] == KEY["x-api-key"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("POST", "/v1/messagesx"),
        ("POST", "/v1/complete"),
        ("PUT", "/v1/messages"),
        ("POST", "/"),
        ("POST", "/v1/files?x=1"),
    ],
)
def test_other_paths_are_neither_read_nor_recorded(eager, upstream, method, path):
    body = Conversation().read("a.py").read("b.py").read("c.py").body()
    journal = eager.journal()
    with eager.client() as client:
        answer = client.request(method, f"{upstream.url}{path}", content=body)
        client.post(upstream.messages, content=Conversation("after " + path).body())
    assert answer.content == WHOLE
    first = upstream.seen[0]
    assert (first.method, first.path, first.body) == (method, path, body)
    assert len(journal.turns()) == 1


def test_another_host_is_tunnelled_blind(calm, tmp_path):
    other, app = make_certificate(tmp_path), Answers()
    trusts_only_it = ssl.create_default_context(cafile=other.authority)
    with serving(app, other) as url, calm.client(verify=trusts_only_it) as client:
        url = url.replace("127.0.0.1", "localhost")
        body = Conversation().read("a.py").body()
        with client.stream("POST", f"{url}/v1/messages", content=body) as answer:
            tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
            shown = tls.getpeercert(True)
    assert shown == ssl.PEM_cert_to_DER_cert(other.leaf.read_text())
    assert app.last.body == body


def test_a_client_that_refuses_the_certificate_is_recorded_and_told_what_to_set(eager, upstream):
    journal = eager.journal()
    with eager.client(verify=True) as client, pytest.raises(httpx.ConnectError):
        client.post(upstream.messages, content=b"{}")
    (event,) = journal.events("tls_failed")
    assert json.loads(event["detail"])["host"] == "127.0.0.1"
    assert "SSL_CERT_FILE" in eager.log.read_text()


def _ready(name):
    """A conversation with pages that would leave at once."""
    conversation = Conversation(name)
    for letter in "abcdef":
        conversation.read(f"{letter}.py")
    return conversation


def test_the_yardstick_of_these_tests_would_be_edited(eager, upstream):
    body = _ready("yardstick").body()
    with eager.client() as client:
        client.post(upstream.messages, content=body)
    assert upstream.last.body != body


TOKEN = "sk-ant-oat01-q7MvZ2"
OAUTH = {"authorization": f"Bearer {TOKEN}", "anthropic-beta": "oauth-2025-04-20"}


def test_a_subscription_login_is_observed_with_its_bytes_as_they_were(eager, upstream):
    body, journal = _ready("subscription").body(), eager.journal()
    headers = {"anthropic-version": KEY["anthropic-version"], **OAUTH}
    with eager.client(headers=headers) as client:
        client.post(upstream.messages, content=body)
    assert upstream.last.body == body
    (turn,) = journal.turns()
    assert turn["outcome"] == "observed"
    assert "subscription" in turn["why"]
    assert journal.session(turn["session"])["credential"] == "subscription"
    kept = b"".join(file.read_bytes() for file in eager.database.parent.glob("eager.*"))
    assert TOKEN.encode() not in kept


SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/x, Signature=0"}


@pytest.mark.parametrize(
    ("path", "headers", "fields", "reason"),
    [
        ("", SIGNED, {}, "signed body"),
        ("", {"x-amz-content-sha256": "0"}, {}, "signed body"),
        ("", {}, {"thread": {"id": "thread_1"}}, "body has 'thread'"),
        ("", {}, {"fallback_credit_token": "x"}, "body has 'fallback_credit_token'"),
        ("/batches", {}, {}, "batches"),
    ],
    ids=["SigV4", "amz header", "thread", "fallback credit", "batches"],
)
def test_what_must_not_be_edited_passes_with_a_recorded_reason(
    eager, upstream, path, headers, fields, reason
):
    body, journal = _ready(f"pass {path} {sorted(fields)}").body(**fields), eager.journal()
    with eager.client() as client:
        client.post(f"{upstream.messages}{path}", content=body, headers=headers)
    assert upstream.last.body == body
    assert [event["why"] for event in journal.events("passed")] == [reason]


DEEP = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD = {
    "nothing": b"",
    "not JSON": b"\x00\xffnonsense",
    "half a body": Conversation("half").read("a.py").body()[:-300],
    "no object": b"[1, 2]",
    "no messages": b'{"model":"claude-sonnet-4-6"}',
    "messages twice": b'{"messages":[],"messages":[]}',
    "messages no list": b'{"messages":{"role":"user"}}',
    "messages of numbers": b'{"messages":[1,2,3]}',
    "odd content": b'{"messages":[{"role":7,"content":{"a":[{}]}},{"content":[[1],null]}]}',
    "a lone surrogate": b'{"messages":[{"role":"user","content":"\\ud800"}]}',
    "deep nesting": DEEP,
    "a deep message": b'{"messages":[{"role":"user","content":' + DEEP + b"}]}",
    "not UTF-8": b'{"messages":[{"role":"user","content":"\xff\xfe"}]}',
}


@pytest.mark.parametrize("what", BAD)
def test_a_body_that_cannot_be_read_passes_as_it_came(eager, upstream, what):
    with eager.client() as client:
        if BAD[what]:
            answer = client.post(upstream.messages, content=BAD[what])
        else:
            answer = client.post(upstream.messages)
    assert answer.content == WHOLE
    assert upstream.last.body == BAD[what]
    assert "Traceback" not in eager.log.read_text()


def test_an_unreadable_body_is_recorded_as_passed(eager, upstream):
    journal = eager.journal()
    with eager.client() as client:
        client.post(upstream.messages, content=BAD["not JSON"])
    assert [event["why"] for event in journal.events("passed")] == ["unreadable body"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "x-unheard-of"])
def test_a_body_that_is_not_what_its_encoding_says_passes_as_it_came(eager, upstream, encoding):
    journal = eager.journal()
    with eager.client() as client:
        client.post(
            upstream.messages, content=b"no such thing", headers={"content-encoding": encoding}
        )
    assert upstream.last.body == b"no such thing"
    assert [event["why"] for event in journal.events("passed")] == ["unreadable body"]


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_passes_undetonated(eager, upstream, encoding):
    bomb, journal = ENCODERS[encoding](b'{"messages":["' + b" " * 70_000_000), eager.journal()
    before = eager.resident()
    with eager.client() as client:
        client.post(upstream.messages, content=bomb, headers={"content-encoding": encoding})
    assert upstream.last.body == bomb
    assert "decoding" in json.loads(journal.events("passed")[0]["detail"])["detail"]
    assert eager.resident() - before < 150


def test_a_body_of_32_megabytes_is_read_and_passes(calm, upstream):
    conversation, journal = Conversation("large"), calm.journal()
    conversation.call("Bash", "word " * 6_500_000, command="x")
    body = conversation.body()
    with calm.client() as client:
        client.post(upstream.messages, content=body)
    assert upstream.last.sha256 == sha256(body)
    assert journal.turns(seconds=30)[0]["bytes_before"] == len(body) > 32_000_000


@pytest.fixture(scope="module")
def observing(lasting):
    limit = ("pichay_max_body_mb=1",)
    return lasting("observing", mode="observe", settings=limit, **EAGER)


def test_a_body_over_the_limit_passes_with_the_reason(observing, upstream):
    body = Conversation("over").call("Bash", text_of("x", 1_100_000), command="x").body()
    journal = observing.journal()
    with observing.client() as client:
        client.post(upstream.messages, content=body)
    (event,) = journal.events("passed")
    assert upstream.last.body == body
    assert "1,048,576 bytes" in event["detail"]


def test_in_observe_mode_what_would_have_left_is_recorded_and_nothing_leaves(observing, upstream):
    journal, body = observing.journal(), _ready("observe").body()
    with observing.client() as client:
        client.post(upstream.messages, content=body)
    (turn,) = journal.turns()
    assert journal.events("evicted", number=2)
    assert upstream.last.body == body
    assert (turn["outcome"], turn["removed_tokens"]) == ("observed", 0)
