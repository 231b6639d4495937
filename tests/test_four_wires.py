"""One conversation gives the same pages and the same events, whatever wire it comes over."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from pichay_core import traces
from pichay_core.events import Flushed
from pichay_core.wire.formats import FORMATS
from pichay_proxy.sessions import LiveSessions
from tests.builders import HEADER_SESSION, KEY, SYSTEM, TOOLS, body, rules
from tests.corpus import ABSENT, CORPUS
from tests.histories import Sent, clients, plays
from tests.translated import WIRES

CHAT = next(wire for wire in WIRES if wire.name == "openai_chat")
NAMED = {**KEY, HEADER_SESSION: "one"}


class OneSecret(LiveSessions):
    """So that handles are equal; ids of sessions are drawn all the same."""

    def begin(self, identity, shape, tools):
        return replace(super().begin(identity, shape, tools), secret=bytes(16))


def turns(wire, play, ruling, **changed):
    """Pages with their places, and events, after every request.

    What a flush is expected to cost is left out: a wire's own punctuation is a part of that.
    """
    proxy = wire.proxy(ruling, OneSecret(), **changed)
    for sent in play:
        up = proxy.send(sent.body, NAMED, sent.after)
        turn = proxy.last
        events = [replace(e, rewrite=0) if isinstance(e, Flushed) else e for e in turn.events]
        yield turn.after.table.entries, turn.after.frames, events, up is sent.body


def test_there_is_a_way_to_say_a_conversation_on_every_wire():
    assert {wire.name for wire in WIRES} == FORMATS.keys()


@pytest.mark.parametrize("schedule", ["every-turn", "auto"])
def test_one_conversation_gives_the_same_pages_and_events_on_every_wire(schedule):
    """Said as Chat can say it, which says least."""

    @settings(max_examples=12, deadline=None, derandomize=True,
              suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
    @given(plays, clients)
    def same(play, client):
        told = list(CHAT.requests(play, client))
        ruling = rules(schedule, tau=2)
        expected, *others = (list(turns(wire, told, ruling, mode="full")) for wire in WIRES)
        for other in others:
            assert other == expected

    same()


RECORDED = sorted((CORPUS / "dev").glob("cc-*"), key=lambda path: path.stat().st_size)[20:80:20]


def recorded(path):
    """The requests of a recording, ten seconds apart, as Chat can say them."""
    (conversation, *_) = traces.read(path.name, path.read_bytes()).conversations
    window = []
    for step in conversation.steps:
        window = [*window[: step.keeps], *(json.loads(new.raw) for new in step.new)]
        said = [one for one in map(sayable, window) if one["content"]]
        sent = body(said, tools=TOOLS, system=SYSTEM)
        yield Sent(CHAT.heard(CHAT.said(sent)), 10.0, "append")


def sayable(message):
    """What all four can say: no thinking, pictures as they are in results, no provider's tools."""
    kinds = ("text", "tool_use", "tool_result")
    content = message["content"]
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {**message, "content": [block for block in listed if block["type"] in kinds]}


@pytest.mark.skipif(not RECORDED, reason=ABSENT)
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_a_recorded_conversation_gives_the_same_pages_and_events_on_every_wire(path):
    told = list(recorded(path))
    ruling = rules("every-turn", tau=2)
    expected, *others = (list(turns(wire, told, ruling, mode="full")) for wire in WIRES)
    assert any(event for _, _, events, _ in expected for event in events)
    for other in others:
        assert other == expected
