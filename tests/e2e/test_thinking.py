"""Thinking on the wire: a provider that binds it, and one that says that it was lost."""

import json

import pytest

from tests.e2e.answers import EVENTS, JSON, STREAM, WHOLE, Answer, refusal
from tests.e2e.conversations import Conversation, is_stub, results, text_of
from tests.oracle.provider import Dropped, Oracle

pytestmark = pytest.mark.e2e

LOST = Dropped("messages.3.content.0", "prefix_binding_mismatch").as_json()
WHY = "thinking dropped after an edit of ours"


def stubs(body):
    return [name for name, text in results(body).items() if is_stub(text)]


class Provider:
    """Answers as a binding model would: it thinks, calls a tool, and checks what comes back."""

    def __init__(self):
        self.oracle = Oracle()
        self.thinks = True
        self.calls = 0
        self.checked = 0

    def __call__(self, seen):
        verdict = self.oracle.receive(seen.body, seen.headers.get("anthropic-beta", ""))
        self.checked += verdict.checked
        if verdict.refusal:
            return refusal(400, "invalid_request_error", verdict.refusal)
        said = json.loads(WHOLE) | {"content": self._said(seen.json), "stop_reason": "tool_use"}
        said["input_transformations"] = [drop.as_json() for drop in verdict.dropped]
        return Answer(pieces=(json.dumps(said).encode(),))

    def _said(self, asked):
        self.calls += 1
        name, path = f"toolu_{self.calls:04d}", {"file_path": f"{self.calls}.py"}
        call = {"type": "tool_use", "id": name, "name": "Read", "input": path}
        thoughts = [{"type": "thinking", "thinking": "hm"}] if self.thinks else []
        return self.oracle.reply(asked, [*thoughts, call])


def work(client, upstream, conversation):
    """One request, its reply taken into the conversation, and its calls answered."""
    answer = client.post(upstream.messages, content=conversation.body())
    assert answer.status_code == 200, answer.text
    content = answer.json()["content"]
    conversation.messages.append({"role": "assistant", "content": content})
    blocks = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": text_of(call["id"])}
        for call in content
        if call["type"] == "tool_use"
    ]
    conversation.messages.append({"role": "user", "content": blocks})


def test_a_provider_that_binds_thinking_has_nothing_to_refuse(eager, upstream):
    upstream.choose = provider = Provider()
    conversation = Conversation(model="claude-opus-5-5")
    journal = eager.journal()
    with eager.client() as client:
        for number in range(12):
            provider.thinks = number in (0, 2, 3, 8)
            work(client, upstream, conversation)
    assert provider.checked > 20
    assert stubs(upstream.last.json), "nothing was evicted, so nothing could have been refused"
    assert {turn["status"] for turn in journal.turns(12)} == {200}
    assert journal.events("dropped", number=0) == []


def with_lost(events):
    """The stream, with what its first event says of thinking that was left out."""
    name, data, *rest = events[0].split(b"\n")
    start = json.loads(data.removeprefix(b"data: "))
    start["message"]["input_transformations"] = [LOST]
    first = b"\n".join([name, b"data: " + json.dumps(start).encode(), *rest])
    return (first, *events[1:])


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_after_thinking_that_an_edit_cost_no_more_pages_leave_and_those_that_left_stay_out(
    eager, upstream, stream, http2
):
    whole = json.dumps(json.loads(WHOLE) | {"input_transformations": [LOST]}).encode()
    lossy = Answer(headers=STREAM.headers, pieces=with_lost(EVENTS)) if stream else None
    lossy = lossy or Answer(headers=JSON, pieces=(whole[:40], whole[40:]))
    plain = STREAM if stream else Answer()
    upstream.choose = lambda seen: lossy if stubs(seen.json) else plain
    conversation, fields = Conversation(), {"stream": True} if stream else {}
    journal, before = eager.journal(), eager.log.read_text().count(WHY)
    for number in range(4):
        conversation.read(f"{number}.py")
    with eager.client(http2) as client:
        answer = client.post(upstream.messages, content=conversation.body(**fields))
        assert answer.content == lossy.body
        (event,) = journal.events("dropped")
        assert (event["why"], json.loads(event["detail"])) == (
            "prefix_binding_mismatch",
            {"blocks": 1, "path": "messages.3.content.0", "edited": True},
        )
        session = journal.session(event["session"])
        assert (WHY in session["held"], session["frozen"]) == (True, None)
        out = stubs(upstream.last.json)
        later = conversation.read("later.py").read("last.py").body(**fields)
        client.post(upstream.messages, content=later)
    assert stubs(upstream.last.json) == out
    assert [turn["outcome"] for turn in journal.turns(2)] == ["edited", "edited"]
    assert len(journal.events("stopped", "warned", number=2)) == 2
    assert eager.log.read_text().count(WHY) == before + 1
