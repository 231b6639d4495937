"""One conversation gives the same pages and the same events, whatever wire it comes over."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from pichay_core.events import Flushed
from pichay_core.wire.formats import FORMATS
from pichay_proxy.sessions import LiveSessions
from tests.builders import HEADER_SESSION, KEY, rules
from tests.histories import clients, plays
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
