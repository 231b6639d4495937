"""The model uses its memory: upstream sees every word of it, the client none."""

import json
import re

import pytest

from pichay_cli.demo import reply as replies
from pichay_cli.demo.reply import Reply, Text, Thinking, ToolUse
from pichay_core.cooperate.tools import NAMES
from pichay_core.model import Usage
from tests.builders import unmarked
from tests.e2e.answers import JSON, SSE, Answer
from tests.e2e.conftest import EAGER
from tests.e2e.conversations import MODEL, Conversation, is_stub, results, text_of

pytestmark = pytest.mark.e2e

HANDLE = re.compile(r"Page ([A-Z2-7]{8})\.")
USAGE = Usage(input=100, output=5)
SYSTEM = [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]


def answer(seen, *blocks):
    reply, name = Reply(blocks), f"msg_{len(seen.body)}"
    if b'"stream":true' in seen.body or b'"stream": true' in seen.body:
        pieces = tuple(replies.frames(reply, name, MODEL, USAGE))
        return Answer(headers=SSE, pieces=pieces)
    whole = json.dumps(replies.message(reply, name, MODEL, USAGE)).encode()
    return Answer(headers=JSON, pieces=(whole,))


class Model:
    """Plays a list of replies, one for each request; each is a function of what arrived."""

    def __init__(self, *plays):
        self.plays = list(plays)

    def __call__(self, seen):
        play = self.plays.pop(0) if self.plays else lambda _: (Text("Done."),)
        return answer(seen, *play(seen.json))


def stubs(body):
    return [text for text in results(body).values() if isinstance(text, str) and is_stub(text)]


def handle(body):
    """The page name in the first note."""
    return HANDLE.search(stubs(body)[0])[1]


def say(*blocks):
    return lambda _: blocks


def fault(name, **given):
    return lambda body: (
        Text("I look it up."),
        ToolUse(name, "memory_fault", {"pages": [handle(body)], **given}),
    )


def messages(seen):
    """What arrived, without markers: they move."""
    return unmarked(seen.json["messages"])


@pytest.fixture
def cooperative(lasting):
    return lasting("cooperative", **EAGER)


@pytest.fixture(scope="session")
def memory(lasting):
    return lasting("memory", **EAGER)


def started(client, upstream, files=4, **fields):
    """A conversation in which the first results have left."""
    conversation = Conversation(system=SYSTEM, **fields)
    client.post(upstream.messages, content=conversation.body())
    for number in range(files):
        conversation.read(f"{number}.py")
        client.post(upstream.messages, content=conversation.body())
    assert stubs(upstream.last.json)
    return conversation


def accumulated(client, url, conversation):
    with client.messages.stream(**conversation.fields, messages=conversation.messages) as stream:
        for _ in stream:
            pass
        return stream.get_final_message()


def kept(message):
    """A reply as the client keeps it."""
    said = message.to_dict()["content"]
    return {"role": "assistant", "content": [{k: v for k, v in b.items() if v} for b in said]}


def test_the_tools_are_offered_last_from_the_first_request_on(memory, upstream):
    with memory.client() as client:
        client.post(upstream.messages, content=Conversation().body())
    names = [tool["name"] for tool in upstream.last.json["tools"]]
    assert names == ["Read", "Bash", *NAMES]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_recall_is_answered_within_the_reply(memory, upstream, http2, streamed):
    with memory.client(http2) as client:
        talk = started(client, upstream)
        upstream.choose = Model(fault("toolu_m1"), say(Text("It says that.")))
        upstream.seen.clear()
        sdk = memory.sdk(upstream.url, http2)
        if streamed:
            reply = accumulated(sdk, upstream.url, talk)
        else:
            reply = sdk.messages.create(**talk.fields, messages=talk.messages)
    assert [block.text for block in reply.content] == ["I look it up.", "It says that."]
    assert reply.stop_reason == "end_turn"
    first, second = upstream.seen
    assert messages(second)[: len(messages(first))] == messages(first)
    asked, told = messages(second)[len(messages(first)) :]
    assert [block["type"] for block in asked["content"]] == ["text", "tool_use"]
    assert text_of("0.py") in told["content"][0]["content"]
    talk.messages += [kept(reply), {"role": "user", "content": "Thanks."}]
    with memory.client(http2) as client:
        client.post(upstream.messages, content=talk.body())
    third = messages(upstream.last)
    assert third[len(messages(first)) :] == [
        asked,
        told,
        {"role": "assistant", "content": [{"type": "text", "text": "It says that."}]},
        {"role": "user", "content": "Thanks."},
    ]


def test_a_recall_beside_a_call_of_the_client_is_answered_with_its_next_request(memory, upstream):
    with memory.client() as client:
        talk = started(client, upstream)
        upstream.choose = Model(
            lambda body: (
                Thinking("hm", "c2ln"),
                ToolUse("toolu_m2", "memory_fault", {"pages": [handle(body)]}),
                ToolUse("toolu_r9", "Read", {"file_path": "z.py"}),
            )
        )
        reply = accumulated(memory.sdk(upstream.url), upstream.url, talk)
        assert [block.type for block in reply.content] == ["thinking", "tool_use"]
        assert reply.stop_reason == "tool_use"
        answered = {"type": "tool_result", "tool_use_id": "toolu_r9", "content": "z"}
        talk.messages += [kept(reply), {"role": "user", "content": [answered]}]
        client.post(upstream.messages, content=talk.body())
    wrote, told = messages(upstream.last)[-2:]
    assert [block.get("name") for block in wrote["content"]] == [None, "memory_fault", "Read"]
    assert [block["tool_use_id"] for block in told["content"]] == ["toolu_r9", "toolu_m2"]
    assert text_of("0.py") in told["content"][1]["content"]


def test_count_tokens_sees_what_the_model_sees(memory, upstream):
    with memory.client() as client:
        talk = started(client, upstream)
        upstream.choose = Model(fault("toolu_m3"), say(Text("It says that.")))
        reply = accumulated(memory.sdk(upstream.url), upstream.url, talk)
        talk.messages += [kept(reply), {"role": "user", "content": "Thanks."}]
        client.post(upstream.messages, content=talk.body())
        paged = upstream.last
        client.post(f"{upstream.messages}/count_tokens", content=talk.body())
    assert upstream.last.json["messages"] == paged.json["messages"]
    assert upstream.last.json["tools"] == paged.json["tools"]


def test_whoever_asks_on_and_on_is_told_to_stop_and_the_reply_ends(memory, upstream):
    with memory.client() as client:
        talk = started(client, upstream)
        status = (ToolUse(f"toolu_s{n}", "memory_status", {}) for n in range(9))
        upstream.choose = Model(*(say(Text(f"{n}"), ask) for n, ask in enumerate(status)))
        upstream.seen.clear()
        reply = accumulated(memory.sdk(upstream.url), upstream.url, talk)
    assert [block.text for block in reply.content] == ["0", "1", "2", "3", "4"]
    assert reply.stop_reason == "end_turn"
    assert len(upstream.seen) == 5
    last = messages(upstream.last)[-1]["content"][0]
    assert last["is_error"] is True and "ordinary tool" in last["content"]


def test_a_tool_of_the_client_with_the_same_name_is_the_clients(memory, upstream):
    own = {"name": "memory_fault", "description": "mine", "input_schema": {"type": "object"}}
    with memory.client() as client:
        talk = Conversation(tools=[own], system=SYSTEM)
        upstream.choose = Model(say(ToolUse("toolu_x", "memory_fault", {"pages": ["x"]})))
        reply = accumulated(memory.sdk(upstream.url), upstream.url, talk)
        client.post(upstream.messages, content=talk.body())
    assert [block.name for block in reply.content] == ["memory_fault"]
    names = [tool["name"] for tool in upstream.last.json["tools"]]
    assert names == ["memory_fault", *NAMES[1:]]
