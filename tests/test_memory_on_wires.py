"""The main laws of ``tests/test_memory_laws.py`` on every other wire, all in one play.

A model on any wire uses its memory as it likes: what stands upstream is what it wrote and what it
was answered, and its client never hears of it.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.events import Unsaid
from pichay_core.folding import standing
from pichay_core.request import read_messages
from pichay_core.wire.formats import FORMATS
from pichay_proxy import sessions
from tests.builders import Proxy, RecordedProxy, rules, unmarked
from tests.cooperating import FAILING, KINDS, plays
from tests.cooperating_rig import Rig, blank, key_of
from tests.tongues import TONGUES

law = settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
GOING_ON = ("first", "go", "pause", "restart", "markers", "spelling", "count")
TURNING = (*KINDS, *("rewind",) * 2, "fork", "fork", "count")
KILLED = (*KINDS, *("rewind",) * 2, *("restart",) * 6)
on_every_wire = pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
rulings = st.sampled_from(
    [rules("every-turn", tau=1), rules("batch", tau=2, flush_tokens=1500), rules("auto", tau=1)]
)


@pytest.fixture(autouse=True, scope="module")
def one_secret():
    """Every session draws the same secret, so that two plays can be compared byte by byte."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions.secrets, "token_bytes", lambda size: b"0" * size)
        yield


@pytest.fixture(autouse=True)
def window(monkeypatch):
    """A window that these conversations fill, so that the model is told of it."""
    monkeypatch.setattr("pichay_core.window.context_window", lambda *_: 8_000)


def rig_on(tongue, ruling):
    return Rig(Proxy(ruling, memory_tools=True, cleanup_tags=True), tongue=tongue)


def said(leg):
    """All blocks of all messages, with who says them."""
    messages = unmarked(json.loads(leg.upstream)["messages"])
    return [(m["role"], block) for m in messages for block in blocks(m)]


def blocks(message):
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def in_order(tongue, leg):
    """Every rule that we know of this provider is kept, and no message is empty."""
    format = FORMATS[tongue.name]
    outline = format.outline(leg.native)
    messages = read_messages(format, outline)
    assert format.problems(format.head(outline, None), messages) == frozenset()
    assert all(message.blocks for message in messages)


def spoken(content, tongue):
    """What was said; thoughts too where a wire takes them back."""
    kept = [block for block in content if block["type"] != "thinking" or tongue.name != "gemini"]
    return [_trimmed(block) for block in kept]


def _trimmed(block):
    return {**block, "text": block["text"].strip()} if block["type"] == "text" else block


@on_every_wire
def test_what_stands_upstream_is_what_the_model_wrote_and_its_client_never_hears_of_us(tongue):
    @law
    @given(plays(TURNING, most=16), rulings)
    def holds(play, ruling):
        rig, before, shown = rig_on(tongue, ruling), [], None
        for step in rig.play(play):
            replies = [m["content"] for m in step.messages if m["role"] == "assistant"]
            wrote = [block for reply in replies for block in rig.wrote.get(key_of(reply), reply)]
            for leg in step.legs:
                in_order(tongue, leg)
                now = said(leg)
                goes_on = step.how in GOING_ON or leg is not step.legs[0]
                if goes_on and leg.turn.flushed is None and shown != []:
                    assert now[: len(before)] == before
                    assert not any(isinstance(event, Unsaid) for event in leg.turn.events)
                if not standing(leg.turn.after):
                    theirs = [block for who, block in now if who == "assistant"]
                    assert spoken(theirs, tongue) == spoken(wrote, tongue)
                before = now
                wrote += [block for block in leg.wrote if not blank(block)]
            if step.counted is not None:
                assert said_in(step.counted) == said_in(step.legs[0].upstream)
            unheard(rig, step)
            shown = step.content

    holds()


def said_in(upstream):
    whole = json.loads(upstream)
    return whole["messages"], whole["tools"], whole["system"]


def unheard(rig, step):
    shown = json.dumps([step.content, rig.client.messages])
    assert "memory_" not in shown
    assert rig.session.birth.nonce not in shown
    for entry in rig.session.table.entries.values():
        assert not entry.handle or entry.handle not in shown


@on_every_wire
def test_whatever_fails_inside_the_next_request_is_in_order(tongue):
    @settings(law, max_examples=3)
    @given(plays(FAILING, most=14), rulings)
    def holds(play, ruling):
        for step in rig_on(tongue, ruling).play(play):
            assert "memory_" not in json.dumps(step.content)
            for leg in step.legs:
                in_order(tongue, leg)

    holds()


@on_every_wire
def test_a_restart_at_any_point_changes_no_byte(tongue):
    @settings(law, max_examples=3)
    @given(plays(KILLED, most=14), rulings)
    def holds(play, ruling):
        with TemporaryDirectory() as folder:
            proxy = RecordedProxy(Path(folder) / "db", ruling, memory_tools=True, cleanup_tags=True)
            rig = Rig(proxy, tongue=tongue)
            for one, other in zip(rig_on(tongue, ruling).play(play), rig.play(play), strict=True):
                assert [leg.native for leg in other.legs] == [leg.native for leg in one.legs]
                assert other.content == one.content
            rig.proxy.stop()

    holds()
