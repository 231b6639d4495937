"""What the provider refuses: once more with the client's own bytes, or straight to the client."""

import gzip
import threading

import httpx
import pytest

from pichay_cli.demo import reply as replies
from tests.e2e.answers import EVENTS, JSON, STREAM, WHOLE, Answer, refusal
from tests.e2e.conftest import eventually
from tests.e2e.conversations import Conversation

pytestmark = pytest.mark.e2e

OURS = "messages.3.content.0: tool_use ids were found without tool_result blocks"
REFUSED = refusal(400, "invalid_request_error", OURS)


def grown(**fields):
    conversation = Conversation(**fields)
    for number in range(4):
        conversation.read(f"{number}.py")
    return conversation


def refuses_edits(answer=REFUSED, otherwise=None):
    def choose(seen):
        if b"[Older result of " in seen.body:
            return answer
        return otherwise or (STREAM if b'"stream":true' in seen.body else Answer())

    return choose


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_refused_edit_is_tried_again_with_the_clients_own_bytes(eager, upstream, http2, stream):
    conversation, journal = grown(), eager.journal()
    fields = {"stream": True} if stream else {}
    upstream.choose = refuses_edits()
    body = conversation.body(**fields)
    with eager.client(http2) as client:
        answer = client.post(upstream.messages, content=body)
        assert (answer.status_code, answer.content) == (200, b"".join(EVENTS) if stream else WHOLE)
        assert answer.headers["content-type"].startswith("text/event" if stream else "application")
        assert len(upstream.seen) == 2
        assert upstream.last.body == body
        assert {seen.version for seen in upstream.seen} == {"2" if http2 else "1.1"}
        (turn,) = journal.turns()
        assert (turn["outcome"], turn["status"], turn["why"]) == ("retried", 200, OURS)
        assert turn["input_tokens"] == 100
        assert OURS in journal.session(turn["session"])["frozen"]
        assert len(journal.events("frozen")) == 1
        later = conversation.read("later.py").read("more.py").body(**fields)
        client.post(upstream.messages, content=later)
    assert upstream.last.body == later
    assert len(upstream.seen) == 3
    assert journal.turns(2)[-1]["outcome"] == "observed"


def test_headers_of_both_tries_are_the_clients(eager, upstream):
    upstream.choose = refuses_edits()
    with eager.client() as client:
        client.post(f"{upstream.messages}?beta=true", content=grown().body())
    one, two = upstream.seen
    assert one.path == two.path
    assert {**two.headers, "content-length": one.headers["content-length"]} == one.headers


def test_an_encoded_body_is_sent_again_as_it_came(eager, upstream):
    upstream.choose = refuses_edits()
    body = gzip.compress(grown().body())
    with eager.client() as client:
        answer = client.post(upstream.messages, content=body, headers={"content-encoding": "gzip"})
    assert answer.content == WHOLE
    assert upstream.last.body == body
    assert upstream.last.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_chunked_upload_is_sent_again_whole(eager, upstream, http2):
    upstream.choose = refuses_edits()
    body = grown().body()
    with eager.client(http2) as client:
        answer = client.post(upstream.messages, content=iter([body[:100], body[100:]]))
    assert answer.content == WHOLE
    assert upstream.last.body == body
    framing = {"content-length", "transfer-encoding"} & set(upstream.last.headers)
    assert len(framing) == 1 or (http2 and framing <= {"content-length"})


def test_a_compressed_refusal_is_understood(eager, upstream):
    packed = Answer(400, (*JSON, ("content-encoding", "gzip")), (gzip.compress(REFUSED.body),))
    upstream.choose = refuses_edits(packed)
    with eager.client() as client:
        assert client.post(upstream.messages, content=grown().body()).content == WHOLE


def test_a_body_that_is_refused_both_times_is_the_clients_to_hear(eager, upstream):
    other = refusal(400, "invalid_request_error", "messages.3: refused for itself")
    upstream.choose = refuses_edits(otherwise=other)
    with eager.client() as client:
        answer = client.post(upstream.messages, content=grown().body())
    assert (answer.status_code, answer.content) == (400, other.body)
    assert len(upstream.seen) == 2


def test_what_was_not_edited_is_not_tried_again(calm, upstream):
    upstream.choose = lambda _: REFUSED
    with calm.client() as client:
        answer = client.post(upstream.messages, content=grown().body())
    assert (answer.status_code, answer.content) == (400, REFUSED.body)
    assert len(upstream.seen) == 1


TOO_LONG = "prompt is too long: 210000 tokens > 200000 maximum"
LIMITED = (*JSON, ("retry-after", "7"), ("x-should-retry", "true"))
PASSED = {
    "too long": refusal(400, "invalid_request_error", TOO_LONG),
    "no credit": refusal(400, "invalid_request_error", "Your credit balance is too low"),
    "another kind": refusal(400, "billing_error", "messages.1"),
    "no JSON": Answer(400, (("content-type", "text/html"),), (b"<html>tool_use</html>",)),
    "nothing": Answer(400, (), ()),
    "unauthorised": refusal(401, "authentication_error", "invalid x-api-key"),
    "too large": refusal(413, "request_too_large", "messages.1: tool_result"),
    "limited": Answer(429, LIMITED, (replies.error("rate_limit_error", "slow down"),)),
    "broken": refusal(500, "api_error", "messages.0: tool_use"),
    "overloaded": refusal(529, "overloaded_error", "Overloaded"),
}


@pytest.mark.parametrize("what", PASSED)
def test_every_other_error_reaches_the_client_byte_for_byte(eager, upstream, what):
    upstream.choose, journal = refuses_edits(PASSED[what]), eager.journal()
    with eager.client() as client:
        answer = client.post(upstream.messages, content=grown().body())
        assert (answer.status_code, answer.content) == (PASSED[what].status, PASSED[what].body)
        assert PASSED[what].headers == tuple(
            (name, answer.headers[name]) for name, _ in PASSED[what].headers
        )
        assert len(upstream.seen) == 1
        (turn,) = journal.turns()
    assert (turn["outcome"], turn["status"]) == ("edited", PASSED[what].status)
    assert journal.session(turn["session"])["frozen"] is None


def test_an_error_inside_a_stream_reaches_the_client_byte_for_byte(eager, upstream):
    error = b"event: error\ndata: " + replies.error("overloaded_error", "Overloaded") + b"\n\n"
    pieces = (*EVENTS[:2], error)
    upstream.choose = lambda _: Answer(headers=STREAM.headers, pieces=pieces)
    with eager.client() as client:
        answer = client.post(upstream.messages, content=grown().body(stream=True))
    assert answer.content == b"".join(pieces)


def test_a_client_that_leaves_during_the_second_try_does_no_harm(eager, upstream):
    waiting, journal = threading.Event(), eager.journal()
    upstream.choose = refuses_edits(otherwise=Answer(hold=waiting, pieces=(WHOLE[:9], WHOLE[9:])))
    with (
        eager.client(timeout=httpx.Timeout(30, read=0.7)) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.post(upstream.messages, content=grown().body())
    assert eventually(lambda: len(upstream.seen) == 2)
    waiting.set()
    (turn,) = journal.turns()
    assert turn["outcome"] == "retried"
    upstream.choose = refuses_edits(STREAM)
    with eager.client() as client:
        assert client.post(upstream.messages, content=grown().body()).status_code == 200
    assert "Traceback" not in eager.log.read_text()
