"""OpenAI's Chat and Responses, and Gemini: over TLS, through a real mitmdump, to the recording."""

import gzip
import json
import os
import signal

import pytest
import zstandard

from pichay_core.cooperate.tools import NAMES
from tests.builders import SONNET
from tests.e2e.answers import JSON, SSE, Answer
from tests.e2e.conftest import EAGER, eventually
from tests.e2e.conversations import Conversation, is_stub, results, text_of
from tests.e2e.test_restart import HANDLE
from tests.tongues import CHAT, GEMINI, RESPONSES, TONGUES

pytestmark = pytest.mark.e2e

on_every_wire = pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)

SECRET = "AIzaSyNobodyMayReadThisAnywhere"
MODELS = {CHAT: "gpt-5.4", RESPONSES: "gpt-5.4", GEMINI: "gemini-2.5-pro"}
BEARER = {"authorization": "Bearer sk-proj-test", "content-type": "application/json"}
HEADERS = {CHAT: BEARER, RESPONSES: BEARER, GEMINI: {"content-type": "application/json"}}
REFUSALS = {
    CHAT: {"message": "An assistant message with 'tool_calls' must be followed by tool messages "
           "responding to each 'tool_call_id'.", "type": "invalid_request_error",
           "param": "messages.[3].role", "code": None},
    RESPONSES: {"message": "No tool output found for function call toolu_0001.",
                "type": "invalid_request_error", "param": "input", "code": None},
    GEMINI: {"code": 400, "message": "Please ensure that the number of function response parts is "
             "equal to the number of function call parts of the function call turn.",
             "status": "INVALID_ARGUMENT"},
}  # fmt: skip
"""As each provider says that a call has no result."""


def text(said):
    return {"type": "text", "text": said}


def call(id, name, **arguments):
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


FAULT = call("toolu_m1", "memory_fault", pages=["0.py"])
STATUS = call("toolu_m2", "memory_status")
READ = call("toolu_r1", "Read", file_path="z.py")
DONE = [text("Done, with a word for each of the results.")]


class Model:
    """Answers with these contents, one for each request, each in pieces where one is streamed."""

    def __init__(self, tongue, *contents):
        self.tongue, self.contents = tongue, list(contents)
        self.given = []

    def __call__(self, seen):
        content = self.contents.pop(0) if self.contents else DONE
        if b'"stream": true' in seen.body or "streamGenerateContent" in seen.path:
            answer = Answer(headers=SSE, pieces=tuple(self.tongue.frames(content, "")))
        else:
            answer = Answer(headers=JSON, pieces=(self.tongue.whole(content, ""),))
        self.given.append(answer)
        return answer


class Agent:
    """A client of one wire, with a conversation in Anthropic's words."""

    def __init__(self, tongue, proxy, upstream, http2=False, streamed=True, name=None):
        self.tongue, self.proxy, self.upstream = tongue, proxy, upstream
        self.http2, self.streamed, self.talk = http2, streamed, Conversation(name, system="S")
        upstream.choose = Model(tongue)

    def body(self):
        streams = self.streamed and self.tongue is not GEMINI
        more = {"stream": True} if streams else {}
        more |= {} if self.tongue is GEMINI else {"model": MODELS[self.tongue]}
        return self.tongue.said(self.talk.body(), **more)

    @property
    def url(self):
        where = self.tongue.path if self.streamed else self.tongue.whole_path or self.tongue.path
        path = where.replace(SONNET, MODELS[self.tongue])
        key = f"{'&' if '?' in path else '?'}key={SECRET}" if self.tongue is GEMINI else ""
        return f"{self.upstream.url}{path}{key}"

    def client(self):
        return self.proxy.client(self.http2, headers=HEADERS[self.tongue])

    def send(self, pack=None, **headers):
        body = self.body()
        with self.client() as client:
            return client.post(self.url, content=pack(body) if pack else body, headers=headers)

    def read(self, *files):
        """Let the model have read these, one in each turn."""
        with self.client() as client:
            answer = client.post(self.url, content=self.body())
            for file in files:
                self.talk.read(file)
                answer = client.post(self.url, content=self.body())
        return answer

    def shown(self, answer):
        assert answer.status_code == 200
        assert b"memory_" not in answer.content
        return self.tongue.shown(answer.content, self.streamed)

    def takes(self, content, *messages):
        self.talk.messages += [{"role": "assistant", "content": content}, *messages]

    @property
    def sent(self):
        """What arrived last, in Anthropic's words."""
        return heard(self.tongue, self.upstream.last)


def heard(tongue, seen):
    return json.loads(tongue.heard(seen.body))


def said(content):
    return "".join(block["text"] for block in content if block["type"] == "text")


def calls(content):
    return [block["name"] for block in content if block["type"] == "tool_use"]


def stubs(body):
    return [name for name, text in results(body).items() if is_stub(text)]


SPACED = "I look.\n\nIt says that."
"""Where a client takes the texts of two replies for one."""
FILES = ("0.py", "1.py", "2.py", "3.py")


@on_every_wire
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_pages_leave_and_the_reply_streams_byte_for_byte(tongue, eager, upstream, http2):
    agent, journal = Agent(tongue, eager, upstream, http2), eager.journal()
    answer = agent.read(*FILES)
    assert answer.content == upstream.choose.given[-1].body
    assert stubs(agent.sent) == ["toolu_0001", "toolu_0002", "toolu_0003"]
    assert [tool["name"] for tool in agent.sent["tools"]] == ["Read", "Bash", *NAMES]
    assert {seen.version for seen in upstream.seen} == {"2" if http2 else "1.1"}
    turn = journal.turns(5)[-1]
    assert (turn["outcome"], turn["status"]) == ("edited", 200)
    assert turn["bytes_after"] == len(upstream.last.body) < turn["bytes_before"]
    assert turn["cache_read_tokens"] > 0 and turn["input_tokens"] > 0
    assert turn["dollars"] > 0


@on_every_wire
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_call_of_ours_alone_is_answered_within_the_reply(tongue, eager, upstream, streamed):
    agent = Agent(tongue, eager, upstream, http2=streamed, streamed=streamed)
    agent.read(*FILES)
    upstream.seen.clear()
    upstream.choose = Model(tongue, [text("I look."), FAULT, STATUS], [text("It says that.")])
    content = agent.shown(agent.send())
    assert calls(content) == []
    assert said(content) == {RESPONSES: "I look.It says that."}.get(tongue, SPACED)
    first, second = (heard(tongue, seen)["messages"] for seen in upstream.seen)
    assert second[: len(first)] == first
    asked, *told = second[len(first) :]
    assert calls(asked["content"]) == ["memory_fault", "memory_status"]
    assert text_of("0.py") in results({"messages": told})["toolu_m1"]
    agent.takes(content, {"role": "user", "content": "Thanks."})
    agent.send()
    *again, wrote, _ = agent.sent["messages"][len(first) :]
    assert again == [asked, *told]
    assert said(wrote["content"]) == "It says that."


@on_every_wire
def test_a_call_of_ours_beside_one_of_the_clients_is_answered_with_it(tongue, eager, upstream):
    agent = Agent(tongue, eager, upstream)
    agent.read(*FILES)
    before = agent.sent["messages"]
    upstream.choose = Model(tongue, [FAULT, READ, STATUS])
    content = agent.shown(agent.send())
    assert calls(content) == ["Read"]
    result = {"type": "tool_result", "tool_use_id": "toolu_r1", "content": "z"}
    agent.takes(content, {"role": "user", "content": [result]})
    agent.send()
    asked, told = agent.sent["messages"][len(before) :]
    assert calls(asked["content"]) == ["memory_fault", "Read", "memory_status"]
    found = results({"messages": [told]})
    assert found.keys() == {"toolu_m1", "toolu_r1", "toolu_m2"}
    assert (found["toolu_r1"], text_of("0.py") in found["toolu_m1"]) == ("z", True)


@on_every_wire
def test_a_structural_refusal_is_tried_again_with_the_clients_bytes(tongue, eager, upstream):
    agent, journal = Agent(tongue, eager, upstream), eager.journal()
    willing = Model(tongue)
    refused = Answer(400, JSON, (json.dumps({"error": REFUSALS[tongue]}).encode(),))
    upstream.choose = lambda seen: refused if b"[Older result" in seen.body else willing(seen)
    answer = agent.read(*FILES[:2])
    assert said(tongue.shown(answer.content, True)) == said(DONE)
    assert upstream.last.body == agent.body()
    turn = journal.turns(3)[-1]
    assert (turn["outcome"], turn["status"]) == ("retried", 200)
    assert turn["input_tokens"] > 0
    assert REFUSALS[tongue]["message"] in journal.session(turn["session"])["frozen"]


@on_every_wire
@pytest.mark.parametrize(
    ("pack", "unpack", "encoding"),
    [
        (gzip.compress, gzip.decompress, "gzip"),
        (zstandard.ZstdCompressor().compress, zstandard.ZstdDecompressor().decompress, "zstd"),
    ],
    ids=["gzip", "zstd"],
)
def test_a_packed_request_is_paged_and_an_untouched_one_stays_packed(
    tongue, eager, calm, upstream, pack, unpack, encoding
):
    agent = Agent(tongue, eager, upstream, http2=True)
    agent.read(*FILES[:2])
    agent.talk.read("3.py")
    agent.send(pack, **{"content-encoding": encoding})
    assert "content-encoding" not in upstream.last.headers
    assert stubs(agent.sent) == ["toolu_0001", "toolu_0002"]
    joined = Agent(tongue, calm, upstream, http2=True)
    joined.talk.read("0.py")
    joined.send(pack, **{"content-encoding": encoding})
    assert upstream.last.headers["content-encoding"] == encoding
    assert unpack(upstream.last.body) == joined.body()


def test_after_a_kill_the_same_bytes_go_upstream(mitmdump, eager, upstream):
    for agent in [begun(tongue, eager, upstream) for tongue in TONGUES]:
        agent.read(*LATER)
    seen, upstream.seen = bodies(upstream), []
    with mitmdump("killed wires", **EAGER) as proxy:
        agents = [begun(tongue, proxy, upstream) for tongue in TONGUES]
        settled = "select count(*) from turns where status is not null"
        assert eventually(lambda: proxy.count(settled) == len(upstream.seen))
        proxy.kill()
    with mitmdump("killed wires", **EAGER) as proxy:
        for agent in agents:
            agent.proxy = proxy
            agent.read(*LATER)
        os.kill(proxy.pid, signal.SIGINT)
    assert bodies(upstream) == seen


LATER = ("4.py", "5.py")


def begun(tongue, proxy, upstream):
    """An agent whose model has asked for a page, and has called a tool of the client's after it."""
    agent = Agent(tongue, proxy, upstream, name=f"Killed while it spoke {tongue.name}.")
    agent.read(*FILES)
    upstream.choose = Model(tongue, [FAULT], [READ])
    content = agent.shown(agent.send())
    result = {"type": "tool_result", "tool_use_id": "toolu_r1", "content": "z"}
    agent.takes(content, {"role": "user", "content": [result]})
    return agent


def bodies(upstream):
    """What arrived. Handles come from a secret of the session, so each becomes a number."""
    numbers = {}
    return [
        HANDLE.sub(lambda found: b"#%d" % numbers.setdefault(found[0], len(numbers)), seen.body)
        for seen in upstream.seen
    ]


@on_every_wire
def test_a_key_in_the_query_is_nowhere_in_what_is_kept(tongue, eager, upstream):
    agent, journal = Agent(tongue, eager, upstream), eager.journal()
    agent.read(*FILES[:2])
    with agent.client() as client:
        client.post(agent.url, content=b"no JSON")
    journal.turns(3)
    assert journal.events("passed")
    assert (SECRET in upstream.last.path) is (tongue is GEMINI)
    for kept in (*eager.database.parent.glob(f"{eager.database.name}*"), eager.log):
        assert SECRET.encode() not in kept.read_bytes()
