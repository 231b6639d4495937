"""Asking the provider to clear, over TLS: the body and its header arrive together, or neither."""

import json

import pytest

from tests.e2e.answers import EVENTS, JSON, SSE, STREAM, WHOLE, Answer, refusal
from tests.e2e.conversations import Conversation

pytestmark = pytest.mark.e2e

BETA = "context-management-2025-06-27"
OWN = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
UNKNOWN = "context_management: Extra inputs are not permitted"
CLEARED = {"applied_edits": [
    {"type": "clear_tool_uses_20250919", "cleared_tool_uses": 9, "cleared_input_tokens": 40_000}
]}  # fmt: skip


@pytest.fixture(scope="module")
def serving(mitmdump):
    with mitmdump("serving", mode="server") as proxy:
        yield proxy


def asks(seen):
    names = seen.headers.get("anthropic-beta", "").split(",")
    return seen.json.get("context_management") not in (None, OWN), BETA in names


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_body_and_header_arrive_together_from_the_first_request_on(serving, upstream, http2):
    conversation = Conversation()
    with serving.client(http2) as client:
        for number in range(3):
            answer = client.post(upstream.messages, content=conversation.body())
            assert (answer.status_code, answer.content) == (200, WHOLE)
            conversation.read(f"{number}.py")
        count = f"{upstream.url}/v1/messages/count_tokens"
        client.post(count, content=conversation.body())
    assert [asks(seen) for seen in upstream.seen] == [(True, True)] * 4
    said = {json.dumps(seen.json["context_management"]) for seen in upstream.seen}
    assert len(said) == 1


def test_what_the_client_asks_for_itself_arrives_as_it_was_sent(serving, upstream):
    body = Conversation().body(context_management=OWN)
    with serving.client() as client:
        client.post(upstream.messages, content=body, headers={"anthropic-beta": f"one-1,{BETA}"})
    assert upstream.last.body == body
    assert upstream.last.headers["anthropic-beta"] == f"one-1,{BETA}"


def test_what_was_cleared_is_recorded_and_the_reply_is_the_providers(serving, upstream):
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
           "usage": {"output_tokens": 5}, "context_management": CLEARED}  # fmt: skip
    pieces = (*EVENTS[:-1], b"event: message_delta\ndata: " + json.dumps(end).encode() + b"\n\n")
    upstream.choose = lambda _: Answer(headers=SSE, pieces=pieces)
    journal = serving.journal()
    with serving.client() as client:
        answer = client.post(upstream.messages, content=Conversation().body(stream=True))
    assert answer.content == b"".join(pieces)
    (turn,) = journal.turns()
    assert turn["cleared_tokens"] == 40_000
    (event,) = journal.events("cleared")
    assert (event["tokens"], event["why"]) == (40_000, "asked by us")


@pytest.mark.parametrize(
    "refused",
    [
        refusal(400, "invalid_request_error", UNKNOWN),
        Answer(400, JSON, (json.dumps({"message": UNKNOWN}).encode(),)),
    ],
    ids=["the provider's", "a platform's"],
)
def test_a_gateway_that_does_not_know_it_gets_the_clients_own_request(mitmdump, upstream, refused):
    upstream.choose = lambda seen: refused if b"context_management" in seen.body else STREAM
    own = {"anthropic-beta": "one-1"}
    with mitmdump("unknowing", mode="server") as proxy, proxy.client() as client:
        journal = proxy.journal()
        body = Conversation().body(stream=True)
        answer = client.post(upstream.messages, content=body, headers=own)
        assert (answer.status_code, answer.content) == (200, b"".join(EVENTS))
        assert [asks(seen)[1] for seen in upstream.seen] == [True, False]
        assert upstream.last.body == body
        assert upstream.last.headers["anthropic-beta"] == "one-1"
        (turn,) = journal.turns()
        assert turn["outcome"] == "retried"
        assert UNKNOWN in journal.session(turn["session"])["frozen"]
        client.post(upstream.messages, content=Conversation().body(stream=True), headers=own)
    assert len(upstream.seen) == 3
    assert asks(upstream.last) == (False, False)
