"""Pages leave, come back and are pinned, on the wire and in the database."""

import gzip
import json

import httpx
import pytest

from pichay_cli.demo.reply import Reply, Text, ToolUse
from pichay_cli.demo.upstream import Upstream
from tests.e2e.answers import EVENTS, WHOLE, Answer, refusal
from tests.e2e.conftest import EAGER, KEY
from tests.e2e.conversations import Conversation, calls, is_stub, results, text_of

pytestmark = pytest.mark.e2e


def say(client, upstream, conversation, **fields):
    """Send the conversation as it stands; return what arrived."""
    assert client.post(upstream.messages, content=conversation.body(**fields)).status_code == 200
    return upstream.last


def out(seen):
    return [name for name, text in results(seen.json).items() if is_stub(text)]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_old_results_become_stubs_and_nothing_else_changes(eager, upstream, http2, stream):
    conversation, fields = Conversation(), {"stream": True} if stream else {}
    with eager.client(http2) as client:
        for number in range(5):
            conversation.read(f"{number}.py")
            body = conversation.body(**fields)
            answer = client.post(upstream.messages, content=body)
            assert answer.content == (b"".join(EVENTS) if stream else WHOLE)
            seen = upstream.last
            assert calls(seen.json) == list(results(seen.json)) == calls(json.loads(body))
            assert int(seen.headers["content-length"]) == len(seen.body)
            _differs_in_stubs_alone(seen.body, body)
    assert out(seen) == calls(seen.json)[:-1]


def _differs_in_stubs_alone(sent, own):
    """Put the client's own texts back, byte for byte, and compare."""
    theirs = results(json.loads(own))
    for name, text in results(json.loads(sent)).items():
        if is_stub(text):
            plain = json.dumps(text).encode()
            assert sent.count(plain) == 1
            sent = sent.replace(plain, json.dumps(theirs[name]).encode())
    assert sent == own


def test_an_encoded_request_that_was_edited_goes_on_without_its_encoding(eager, upstream):
    conversation = Conversation()
    for number in range(4):
        conversation.read(f"{number}.py")
    headers = {"content-encoding": "gzip"}
    with eager.client() as client:
        client.post(upstream.messages, content=gzip.compress(conversation.body()), headers=headers)
    assert "content-encoding" not in upstream.last.headers
    assert out(upstream.last) == calls(upstream.last.json)[:-1]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_chunked_upload_that_was_edited_arrives_whole(eager, upstream, http2):
    conversation = Conversation()
    for number in range(4):
        conversation.read(f"{number}.py")
    body = conversation.body()
    with eager.client(http2) as client:
        client.post(upstream.messages, content=iter([body[:50], body[50:]]))
    assert len(out(upstream.last)) == 3
    _differs_in_stubs_alone(upstream.last.body, body)


def test_a_stub_stays_as_it_is(eager, upstream):
    conversation, first = Conversation(), []
    with eager.client() as client:
        for number in range(6):
            seen = say(client, upstream, conversation.read(f"{number}.py"))
            first.append(results(seen.json).get("toolu_0001"))
    assert len(set(first[1:])) == 1
    assert is_stub(first[-1])


def test_a_retry_of_the_client_gets_the_same_bytes(eager, upstream):
    conversation = Conversation()
    for number in range(4):
        conversation.read(f"{number}.py")
    with eager.client() as client:
        one = say(client, upstream, conversation)
        two = say(client, upstream, conversation)
    assert one.body == two.body


def test_the_database_has_the_eviction_the_fault_and_the_pin(eager, upstream):
    conversation, journal = Conversation(), eager.journal()
    with eager.client() as client:
        for name in ("a.py", "b.py", "c.py", "a.py", "d.py", "e.py", "f.py"):
            seen = say(client, upstream, conversation.read(name))
    turns = journal.turns(7)
    assert [turn["outcome"] for turn in turns] == ["as_is"] + ["edited"] * 6
    assert {turn["status"] for turn in turns} == {200}
    assert turns[-1]["bytes_after"] == len(seen.body) < turns[-1]["bytes_before"]
    (fault,) = journal.events("faulted")
    evicted = {event["page"] for event in journal.events("evicted")}
    (pin,) = journal.events("pinned")
    assert fault["why"] == "refetch"
    assert fault["page"] in evicted
    assert pin["page"] == json.loads(fault["detail"])["by"]
    assert out(seen) == [f"toolu_000{number}" for number in (1, 2, 3, 5, 6)]


def test_what_was_counted_is_what_would_be_sent(eager, upstream):
    conversation = Conversation()
    with eager.client() as client:
        for number in range(4):
            sent = say(client, upstream, conversation.read(f"{number}.py"))
        client.post(f"{upstream.messages}/count_tokens", content=conversation.body())
    assert upstream.last.body == sent.body


def test_two_conversations_interleaved_are_two_sessions(eager, upstream):
    one, two, journal = Conversation(), Conversation(), eager.journal()
    with eager.client() as first, eager.client(http2=True) as second:
        for number in range(5):
            seen_one = say(first, upstream, one.read(f"{number}.py"))
            seen_two = say(second, upstream, two.read(f"{number}.py"))
    assert len(out(seen_one)) == len(out(seen_two)) == 4
    assert not set(results(seen_one.json).values()) & {
        text for text in results(seen_two.json).values() if is_stub(text)
    }
    turns = journal.turns(10)
    assert len({turn["session"] for turn in turns}) == 2
    assert [turn["messages"] for turn in turns] == [3, 3, 5, 5, 7, 7, 9, 9, 11, 11]


def _model(request):
    """Calls Read for five files, then says that it is done."""
    asked = sum(message["role"] == "assistant" for message in request["messages"])
    if asked == 5:
        return Reply((Text("done"),))
    return Reply((ToolUse(f"toolu_{asked}", "Read", {"file_path": f"{asked % 4}.py"}),))


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_the_client_librarys_agent_loop_is_paged(eager, perform, http2, streams):
    app, journal = Upstream(_model), eager.journal()
    tools = [{"name": "Read", "description": "Reads.", "input_schema": {"type": "object"}}]
    prompt = f"Read it all. {http2} {streams}"
    messages = [{"role": "user", "content": prompt}]
    with eager.sdk(perform(app), http2) as client:
        while True:
            request = {"model": "claude-sonnet-4-6", "max_tokens": 100, "tools": tools}
            request["messages"] = messages
            if streams:
                with client.messages.stream(**request) as stream:
                    reply = stream.get_final_message()
            else:
                reply = client.messages.create(**request)
            messages.append({"role": "assistant", "content": reply.content})
            if reply.stop_reason == "end_turn":
                break
            messages.append({"role": "user", "content": [_result(call) for call in reply.content]})
    assert [turn.status for turn in app.turns] == [200] * 6
    seen = json.loads(app.turns[-1].body)
    assert out_of(seen) == ["toolu_0", "toolu_1", "toolu_2", "toolu_3"]
    turns = journal.turns(6)
    assert [turn["outcome"] for turn in turns[-3:]] == ["edited"] * 3
    assert all(turn["output_tokens"] for turn in turns)
    assert [event["why"] for event in journal.events("faulted")] == ["refetch"]


def out_of(body):
    return [name for name, text in results(body).items() if is_stub(text)]


def _result(call):
    content = text_of(call.input["file_path"])
    return {"type": "tool_result", "tool_use_id": call.id, "content": content}


BILLED = {"system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]}


def test_a_flush_leaves_one_marker_on_the_boundary_when_a_slot_is_free(eager, upstream):
    conversation = Conversation(**BILLED)
    with eager.client() as client:
        for number in range(4):
            seen = say(client, upstream, conversation.read(f"{number}.py"))
    marked = [
        block["tool_use_id"]
        for message in seen.json["messages"]
        for block in message["content"]
        if isinstance(block, dict) and "cache_control" in block
    ]
    assert marked[-1] == out(seen)[-1]


def test_a_reverse_proxy_pages_too(mitmdump, upstream):
    environment = {"ANTHROPIC_BASE_URL": upstream.url}
    with (
        mitmdump("reverse", environment=environment, reverse=True, **EAGER) as proxy,
        httpx.Client(headers=KEY, trust_env=False) as client,
    ):
        journal, conversation = proxy.journal(), Conversation()
        for number in range(4):
            conversation.read(f"{number}.py")
        url = f"http://127.0.0.1:{proxy.port}/v1/messages"
        client.post(url, content=conversation.body())
        assert len(out(upstream.last)) == 3
        upstream.choose = lambda seen: (
            refusal(400, "invalid_request_error", "messages.3: tool_use ids without tool_result")
            if len(upstream.seen) == 2
            else Answer()
        )
        assert client.post(url, content=conversation.body()).content == WHOLE
        assert upstream.last.body == conversation.body()
        assert journal.turns(2)[-1]["outcome"] == "retried"
