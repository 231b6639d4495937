"""A model of Gemini uses its memory, and its client, gemini-cli, is started again in between.

Client, proxy and provider are played together, as ``pichay_proxy/continuing.py`` puts them
together. The client keeps of a reply what gemini-cli 0.61 keeps of it: no thoughts, texts joined,
ids of its own making; after a resume no signatures either, and each result twice.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pichay_core.events import Evicted, Warned
from pichay_core.request import read_messages
from pichay_core.wire import gemini
from pichay_core.wire.report import Report
from tests.builders import KEY, Proxy, prose, rules
from tests.gemini_replies import call, frames, joined, message_of, ours, text, thought
from tests.strategies import brief_law

type Json = dict[str, Any]

PATH = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
TOOLS = [{"functionDeclarations": [{"name": "read_file", "parametersJsonSchema": {}}]}]
PROMPT = {"parts": [{"text": "You code."}]}
SCENE = (
    "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\n"
    "- **Workspace Directories:**\n  - /p\n- **Directory Structure:**\n{tree}\n</session_context>"
)


def unsigned(part: Json) -> Json:
    return {name: said for name, said in part.items() if name != "thoughtSignature"}


class Played:
    """A conversation, as its client and as its model know it."""

    def __init__(self, **changed: Any) -> None:
        self.proxy = Proxy(rules("every-turn", tau=3), memory_tools=True, **changed)
        scene = text(SCENE.format(tree="a.py"))
        self.contents: list[Json] = [{"role": "user", "parts": [scene, text("Fix.")]}]
        self.model: list[list[Json]] = []
        """Its replies, as it wrote them."""
        self.sent: list[list[Json]] = []
        self.calls = 0

    @property
    def body(self) -> bytes:
        said = {"contents": self.contents, "systemInstruction": PROMPT, "tools": TOOLS}
        return json.dumps(said).encode()

    def ask(self, *replies: list[Json]) -> None:
        """One request of the client's, and as many replies as it takes."""
        upstream, exchange = self.proxy.send(self.body, KEY, path=PATH), None
        exchange = self.proxy.decision.exchange
        assert exchange is not None
        stream, shown = gemini.stream(exchange.offered), b""
        for number, reply in enumerate(replies):
            self.arrives(upstream)
            self.model.append(reply)
            shown += b"".join(
                p for f in frames(reply, responseId=f"r{number}") for p in stream.feed(f)
            )
            answered = self.proxy.paging.answering.answered(exchange, stream.end(), self.proxy.at)
            self.proxy.paging.aftermath.replied(exchange, 200, Report(None), self.proxy.at)
            if answered is None:
                break
            exchange, upstream = answered.exchange, answered.body
            assert exchange is not None
            assert upstream is not None
            stream.go_on()
        self.takes(message_of(shown + b"".join(stream.finish()))["parts"])

    def arrives(self, upstream: bytes) -> None:
        """The provider looks at a request: the model's replies are in it as it wrote them."""
        outline = gemini.outline(upstream)
        assert outline.body is upstream
        messages = read_messages(gemini, outline)
        assert gemini.problems(gemini.head(outline), messages) == frozenset()
        sent = json.loads(upstream)["contents"]
        told = [one["parts"] for one in sent if one["role"] == "model"]
        assert list(map(seen, told)) == list(map(seen, self.model))
        self.sent.append(sent)

    def takes(self, parts: list[Json]) -> None:
        """The client keeps a reply, and answers its calls."""
        kept, results = list[Json](), list[Json]()
        for part in joined([part for part in parts if "thought" not in part]):
            made = part.get("functionCall")
            if made is None:
                kept.append(part)
                continue
            self.calls += 1
            id = made.get("id") or f"read_file_{self.calls}"
            kept.append({**part, "functionCall": {**made, "id": id}})
            said = {"output": prose(id, 3000)}
            results.append({"functionResponse": {"name": made["name"], "response": said, "id": id}})
        self.contents.append({"role": "model", "parts": kept})
        self.contents.append({"role": "user", "parts": results or [text("Go on.")]})

    def resume(self) -> None:
        """The client is started again, before its user says something."""
        self.contents[0]["parts"][0] = text(SCENE.format(tree=f"a.py {self.calls}.py"))
        for one in self.contents[1:]:
            given = [part for part in one["parts"] if "functionResponse" in part]
            one["parts"] = [unsigned(part) for part in one["parts"]] + given

    @property
    def warned(self) -> list[str]:
        return [e.why for turn in self.proxy.turns for e in turn.events if isinstance(e, Warned)]


def seen(parts: list[Json]) -> list[object]:
    """What the model sees of a reply, whoever gave its calls their ids."""
    said = joined([unsigned(part) for part in parts if "thought" not in part])
    return [part.get("text", "").strip() or part.get("functionCall", {}).get("args")
            for part in said if part.get("text", "x").strip()]  # fmt: skip


reads = st.builds(lambda n, sig: call("read_file", "", sig, path=f"/{n}"),
                  st.integers(0, 9), st.sampled_from(["", "sig"]))  # fmt: skip
says = st.sampled_from([text("I look."), text("So:\n"), thought("hm")])
asks = st.builds(lambda sig: call("memory_status", "", sig), st.sampled_from(["", "sig"]))
alone = st.tuples(st.lists(says, max_size=2), asks).map(lambda one: [*one[0], one[1]])
last = st.lists(st.one_of(says, reads, reads, asks), max_size=4).map(
    lambda one: [*one, text("Hm.")]
)
turns = st.lists(
    st.tuples(st.lists(alone, max_size=2), last, st.booleans()), min_size=2, max_size=8
)


@given(turns)
@brief_law
def test_the_history_of_the_model_stays_as_it_wrote_it(turns):
    played = Played()
    for legs, end, again in turns:
        if again:
            played.resume()
        played.ask(*legs, end, *[[text("Done.")]] * 4)
    assert len(list(played.proxy.sessions)) == 1


def results_in(sent: list[Json]) -> list[Json]:
    return [part["functionResponse"] for one in sent for part in one["parts"]
            if "functionResponse" in part]  # fmt: skip


def read(number: int) -> list[Json]:
    return [text("I look."), call("read_file", "", "sig", path=f"/{number}")]


def test_after_a_resume_the_same_results_go_upstream_as_before():
    played = Played()
    for number in range(5):
        played.ask(read(number))
    played.ask([text("Done.")])
    before = results_in(played.sent[-1])
    played.resume()
    came = len(played.body)
    played.ask([text("Done.")])
    out = [one for one in before if "Older result" in one["response"]["output"]]
    assert len(out) == 2
    assert results_in(played.sent[-1])[:2] == out
    assert [one["id"] for one in results_in(played.sent[-1])] == [one["id"] for one in before]
    evicted = [e for turn in played.proxy.turns for e in turn.events if isinstance(e, Evicted)]
    assert evicted
    assert len(json.dumps(played.sent[-1])) < came / 2
    assert played.warned == ["tool results sent twice"]
    played.ask([text("Done.")])
    assert played.warned == ["tool results sent twice"]


def test_where_only_is_observed_both_go_on_as_they_came():
    played = Played(mode="observe")
    played.ask(read(1))
    played.ask([text("Done.")])
    played.resume()
    assert played.proxy.send(played.body, KEY, path=PATH) is not None
    assert played.proxy.decision.body is None
    assert played.warned == []


def test_a_call_of_ours_alone_is_answered_and_never_shown():
    played = Played()
    played.ask([text("I look."), ours("", "sig")], read(1))
    assert played.contents[1]["parts"] == [
        text("I look.\n\nI look."),
        call("read_file", "read_file_1", "sig", path="/1"),
    ]
    played.ask([text("Done.")])
    roles = [one["role"] for one in played.sent[-1]]
    assert roles == ["user", "model", "user", "model", "user"]
