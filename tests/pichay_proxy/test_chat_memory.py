"""A model on Chat Completions uses its memory: its history stays as it wrote it.

Client, proxy and host are played together, as ``pichay_proxy/continuing.py`` puts them together.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pichay_core.request import read_messages
from pichay_core.wire import openai_chat
from pichay_core.wire.report import Report
from tests.builders import KEY, Proxy, rules
from tests.chunks import call, chunks, message_of, ours, said, whole
from tests.strategies import brief_law

type Json = dict[str, Any]

PATH = "/v1/chat/completions"
TOOL = {"type": "function", "function": {"name": "Read", "parameters": {"type": "object"}}}
THINKING = ("reasoning_content",)


class Played:
    """A conversation, as its client and as its model know it."""

    def __init__(self, streamed: bool, drops: bool) -> None:
        self.proxy = Proxy(rules("every-turn", tau=5), memory_tools=True)
        self.streamed, self.drops = streamed, drops
        self.messages = [
            {"role": "system", "content": "You code."},
            {"role": "user", "content": "Fix."},
        ]
        self.model: list[Json] = []
        self.sent: list[list[Json]] = []

    def ask(self, replies: list[Json]) -> None:
        """One request of the client's, and as many replies as it takes."""
        body = {"model": "gpt-5.4", "messages": self.messages, "tools": [TOOL]}
        upstream = self.proxy.send(json.dumps(body).encode(), KEY, path=PATH)
        exchange = self.proxy.decision.exchange
        stream = openai_chat.stream(exchange.offered, None, self.streamed)
        shown = b""
        for number, reply in enumerate(replies):
            self.arrives(upstream)
            self.model.append(reply)
            for piece in self.pieces(reply, number):
                shown += b"".join(stream.feed(piece))
            answering = self.proxy.paging.answering
            answered = answering.answered(exchange, stream.end(), self.proxy.at)
            self.proxy.paging.aftermath.replied(exchange, 200, Report(None), self.proxy.at)
            if answered is None:
                break
            exchange, upstream = answered.exchange, answered.body
            stream.go_on()
        shown += b"".join(stream.finish())
        self.takes(
            message_of(shown) if self.streamed else json.loads(shown)["choices"][0]["message"]
        )

    def pieces(self, reply: Json, number: int) -> list[bytes]:
        name = f"chatcmpl-{len(self.model)}-{number}"
        return chunks(reply, id=name) if self.streamed else [whole(reply, id=name)]

    def arrives(self, upstream: bytes) -> None:
        """The host looks at a request."""
        outline = openai_chat.outline(upstream)
        messages = read_messages(openai_chat, outline)
        assert openai_chat.problems(openai_chat.head(outline, None), messages) == frozenset()
        sent = json.loads(upstream)
        assert [tool["function"]["name"] for tool in sent["tools"]][:2] == ["Read", "memory_fault"]
        told = [one for one in sent["messages"] if one["role"] == "assistant"]
        assert [self.seen(one) for one in told] == [self.seen(one) for one in self.model]
        if self.sent and not self.drops:
            assert self.compared(sent["messages"][: len(self.sent[-1])]) == self.compared(
                self.sent[-1]
            )
        self.sent.append(sent["messages"])

    def seen(self, message: Json) -> object:
        thought = None if self.drops else message.get("reasoning_content")
        calls = [(one["id"], one["function"]) for one in message.get("tool_calls") or ()]
        return message.get("content") or None, calls, thought

    def compared(self, messages: list[Json]) -> list[object]:
        return [self.seen(one) if one["role"] == "assistant" else one for one in messages]

    def takes(self, message: Json) -> None:
        assert "memory_" not in json.dumps(message.get("tool_calls"))
        kept = {name: message.get(name) for name in ("content", "tool_calls", *THINKING)}
        kept = {name: value for name, value in kept.items() if value or name == "content"}
        if self.drops:
            kept.pop("reasoning_content", None)
        made = [
            {"id": one["id"], "type": "function", "function": {
                name: one["function"][name] for name in ("name", "arguments")}}
            for one in kept.get("tool_calls", ())
        ]  # fmt: skip
        self.messages.append(
            {"role": "assistant", **kept, **({"tool_calls": made} if made else {})}
        )
        for one in made:
            self.messages.append({"role": "tool", "tool_call_id": one["id"], "content": "ok"})
        if not made:
            self.messages.append({"role": "user", "content": f"Prompt {len(self.messages)}."})


texts = st.sampled_from([None, "I look.", "Now this. ", "So."])
thoughts = st.sampled_from([{}, {"reasoning_content": "hm"}, {"reasoning_content": "well "}])
made = st.lists(st.sampled_from(["theirs", "ours"]), max_size=3)
only_ours = st.tuples(texts, st.just(["ours"]), thoughts)
last = st.tuples(texts.filter(bool), made, thoughts)
turns = st.lists(st.tuples(st.lists(only_ours, max_size=3), last), min_size=1, max_size=5)


def replies_of(number: int, first: list[Any], end: Any) -> list[Json]:
    return [
        said(
            text,
            *(
                (ours if whose == "ours" else _read)(f"call_{number}_{leg}_{at}")
                for at, whose in enumerate(calls)
            ),
            **thought,
        )
        for leg, (text, calls, thought) in enumerate([*first, end])
    ]


def _read(id: str) -> Json:
    return call("Read", id, file_path=id)


@given(turns, st.booleans(), st.booleans())
@brief_law
def test_the_model_s_history_is_what_it_wrote_whatever_the_client_was_shown(turns, streamed, drops):
    played = Played(streamed, drops)
    for number, (first, end) in enumerate(turns):
        final = [*replies_of(number, first, end), said("There.")]
        played.ask(final)
    played.ask([said("Done.")])
