"""Laws of whole conversations in which the model uses its memory, whatever the client does.

The plays are those of ``tests/cooperating.py``: the model calls tools of ours alone, beside calls
of the client's and several replies in a row, and writes tags; the client retries, leaves in the
middle, goes back, returns, and its proxy is killed.
"""

import json
from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_cli.demo.cache import bill
from pichay_cli.demo.places import places
from pichay_core.events import Asked as WasAsked
from pichay_core.events import Flushed
from pichay_core.folding import standing
from pichay_core.ledger import Ledger
from pichay_core.model import Usage
from pichay_core.pager import may_leave
from pichay_core.store import figures
from pichay_core.tariff import price
from pichay_core.tools import FAULT
from pichay_core.wire.message import Message
from pichay_proxy import sessions
from tests.builders import Proxy, RecordedProxy, rules, unmarked
from tests.builders import settings as settings_of
from tests.cooperating import (
    CHANGING,
    FAILING,
    KINDS,
    LEAVING,
    MODELS,
    RETURNING,
    Asked,
    Move,
    Said,
    plays,
)
from tests.cooperating_rig import Rig, Step, blank, key_of

law = settings(
    max_examples=7, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
rulings = st.sampled_from(
    [
        rules("every-turn", tau=1),
        rules("every-turn", tau=1),
        rules("batch", tau=2, flush_tokens=1500),
        rules("auto", tau=1, flush_tokens=3000),
    ]
)
models = st.sampled_from(MODELS)
GOING_ON = ("first", "go", "pause", "restart", "markers", "spelling", "count")
KILLED = (*LEAVING, *("restart",) * 6)


@pytest.fixture(autouse=True, scope="module")
def one_secret():
    """Every session draws the same secret, so that two plays can be compared byte by byte."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions.secrets, "token_bytes", lambda size: b"0" * size)
        yield


@pytest.fixture(autouse=True)
def window(request, monkeypatch):
    """A window that these conversations fill, so that the model is told of it."""
    if "whole_window" not in request.fixturenames:
        monkeypatch.setattr("pichay_core.window.context_window", lambda *_: 8_000)


@pytest.fixture
def whole_window():
    """The model's own."""


def played(play, model, ruling, **changed):
    proxy = Proxy(ruling, **{"memory_tools": True, "cleanup_tags": True, **changed})
    return Rig(proxy, model).play(play)


def blocks(message) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def messages_in(upstream: bytes) -> list[dict[str, Any]]:
    return unmarked(json.loads(upstream)["messages"])


def said(upstream: bytes) -> list[tuple[str, Any]]:
    """All blocks of all messages, with who says them, without markers."""
    return [(m["role"], block) for m in messages_in(upstream) for block in blocks(m)]


# -- the provider -------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@law
@given(plays(RETURNING), rulings)
def test_the_provider_neither_refuses_nor_drops_anything(model, play, ruling):
    for step in played(play, model, ruling):
        for leg in step.legs:
            assert leg.verdict.refusal is None
            assert leg.verdict.dropped == ()


@law
@given(plays(KINDS), st.booleans())
def test_nor_does_it_with_the_options_that_nobody_changes(play, tags):
    usual = replace(settings_of(), rules=None)
    for step in played(play, MODELS[0], usual.rules, cleanup_tags=tags):
        for leg in step.legs:
            assert leg.verdict.refusal is None
            assert leg.verdict.dropped == ()


@law
@given(plays(CHANGING), models, rulings)
def test_every_call_has_one_result_directly_behind_and_nothing_is_empty(play, model, ruling):
    for step in played(play, model, ruling):
        for leg in step.legs:
            well_formed(messages_in(leg.upstream))


def well_formed(messages) -> None:
    ids = Counter[str]()
    assert messages[0]["role"] == "user"
    for at, message in enumerate(messages):
        assert blocks(message)
        assert all(b["text"].strip() for b in blocks(message) if b["type"] == "text")
        kinds = [block["type"] == "tool_result" for block in blocks(message)]
        assert kinds == sorted(kinds, reverse=True)
        calls = [block["id"] for block in blocks(message) if block["type"] == "tool_use"]
        ids.update(calls)
        assert not any(kinds) or messages[at - 1]["role"] == "assistant"
        if message["role"] == "assistant":
            behind = blocks(messages[at + 1]) if at + 1 < len(messages) else []
            given = [b["tool_use_id"] for b in behind if b["type"] == "tool_result"]
            assert sorted(given) == sorted(calls)
    assert all(count == 1 for count in ids.values())


@law
@given(plays(KINDS), models, rulings)
def test_between_flushes_upstream_is_only_appended_to(play, model, ruling):
    before: list[Any] = []
    for step in played(play, model, ruling):
        for leg in step.legs:
            now = said(leg.upstream)
            goes_on = step.how in GOING_ON or leg is not step.legs[0]
            if goes_on and leg.turn.flushed is None:
                assert now[: len(before)] == before
            before = now


@law
@given(plays(RETURNING), models, rulings)
def test_what_the_model_wrote_is_what_stands_upstream(play, model, ruling):
    """In its order; the oldest thinking may be missing, and what a summary stands for."""
    rig = Rig(Proxy(ruling, memory_tools=True, cleanup_tags=True), model)
    for step in rig.play(play):
        wrote = [block for reply in replies_in(step) for block in rig_wrote(rig, step, reply)]
        for leg in step.legs:
            if not standing(leg.turn.after):
                theirs = [block for who, block in said(leg.upstream) if who == "assistant"]
                assert spoken(theirs) == spoken(wrote)
                kept = thoughts(theirs)
                assert kept == thoughts(wrote)[len(thoughts(wrote)) - len(kept) :]
            wrote += [block for block in leg.wrote if not blank(block)]


def replies_in(step: Step) -> list[list[dict[str, Any]]]:
    return [m["content"] for m in step.messages if m["role"] == "assistant"]


def rig_wrote(rig: Rig, step: Step, reply: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rig.wrote.get(key_of(reply), reply)


def spoken(content) -> list[str]:
    return [_trimmed(block) for block in content if "thinking" not in block["type"]]


def thoughts(content) -> list[str]:
    return [_trimmed(block) for block in content if "thinking" in block["type"]]


def _trimmed(block) -> str:
    block = {name: part for name, part in block.items() if name != "cache_control"}
    text = {"text": block["text"].strip()} if block["type"] == "text" else {}
    return json.dumps({**block, **text}, sort_keys=True)


# -- the client ---------------------------------------------------------------------------


@law
@given(plays(CHANGING), models, rulings)
def test_the_client_is_never_shown_what_is_between_the_model_and_us(play, model, ruling):
    rig = Rig(Proxy(ruling, memory_tools=True, cleanup_tags=True), model)
    for step in rig.play(play):
        shown = json.dumps([step.content, rig.client.messages])
        assert "memory_" not in shown
        assert rig.session.birth.nonce not in shown
        for entry in rig.session.table.entries.values():
            assert not entry.handle or entry.handle not in shown


@law
@given(plays(FAILING), models, rulings)
def test_whatever_fails_inside_the_client_gets_a_reply_and_the_next_request_is_right(
    play, model, ruling
):
    for step in played(play, model, ruling):
        assert "memory_" not in json.dumps(step.content)
        for leg in step.legs:
            well_formed(messages_in(leg.upstream))


@law
@given(plays((*KINDS, *("count",) * 5)), models, rulings)
def test_what_is_counted_is_what_was_sent(play, model, ruling):
    for step in played(play, model, ruling):
        if step.counted is not None:
            counted, sent = json.loads(step.counted), json.loads(step.legs[0].upstream)
            for name in ("messages", "tools", "system"):
                assert unmarked(counted[name]) == unmarked(sent[name])


# -- pages --------------------------------------------------------------------------------


@law
@given(plays(RETURNING), models, rulings)
def test_what_was_recalled_stays_within_its_pin_and_what_was_released_leaves(play, model, ruling):
    for step in played(play, model, ruling):
        before, turn = step.before, step.legs[0].turn
        after, half_life = turn.after, ruling.limits.pin_half_life
        if before is None or before.id != after.id:
            continue
        hidden = {at for fold in standing(after) for at in range(fold.first, fold.until)}
        flushed = [event for event in turn.events if isinstance(event, Flushed)]
        for page, frame in after.frames.items():
            entry = before.table.entries.get(page)
            if entry is None or frame.message in hidden:
                continue
            if entry.page.call.tool == FAULT and entry.pin and not entry.out:
                holds = entry.pin.holds(after.turn, half_life)
                assert not (holds and after.table[page].out)
            if entry.released and flushed and not turn.held.pages and step.how in GOING_ON:
                gone = after.table[page]
                assert gone.out or not (gone.released and may_leave(gone, ruling.limits))


# -- restarts -----------------------------------------------------------------------------


@settings(law, max_examples=5)
@given(plays(KILLED), models, rulings)
def test_a_restart_at_any_point_changes_no_byte_and_no_session(play, model, ruling):
    with TemporaryDirectory() as folder:
        proxy = RecordedProxy(Path(folder) / "db", ruling, memory_tools=True, cleanup_tags=True)
        rig = Rig(proxy, model)
        for one, other in zip(played(play, model, ruling), rig.play(play), strict=True):
            assert [leg.upstream for leg in other.legs] == [leg.upstream for leg in one.legs]
            assert other.content == one.content
        rig.proxy.settle()
        for session in rig.proxy.sessions:
            (kept,) = (
                found
                for found in rig.proxy.library.sessions(session.identity)
                if found.id == session.id
            )
            assert _bare(kept) == _bare(session)
        rig.proxy.stop()


def _bare(session):
    """The session without what its client sends again, and what is reckoned later."""
    messages, heard = (
        tuple(Message(b"", message.digest, "") for message in found or ())
        for found in (session.messages, session.heard)
    )
    bare = replace(
        session, messages=messages, heard=heard, frames={}, sent={}, retold={}, texts=None,
        head=None, bytes=0, placed=False, ledger=Ledger(), warned=frozenset(),
    )  # fmt: skip
    return {field.name: getattr(bare, field.name) for field in fields(bare)}


@law
@given(plays(RETURNING), models, rulings)
def test_the_same_play_gives_the_same_bytes(play, model, ruling):
    once, again = (list(played(play, model, ruling)) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert [leg.upstream for leg in other.legs] == [leg.upstream for leg in one.legs]
        assert [leg.turn.events for leg in other.legs] == [leg.turn.events for leg in one.legs]


def test_the_plays_reach_what_the_laws_are_about():
    """Else they would hold of nothing."""
    seen = Counter[str]()

    @settings(law, max_examples=20)
    @given(plays(RETURNING), models, rulings)
    def count(play, model, ruling):
        for step in played(play, model, ruling):
            seen.update(["left"] * step.left + ["leg"] * (len(step.legs) - 1))
            seen.update([step.how, f"{len(step.legs)} in a row"])
            for leg in step.legs:
                events = leg.turn.events
                seen.update(type(event).__name__ for event in events)
                seen.update(e.tool for e in events if isinstance(e, WasAsked))
                seen["mixed"] += bool(leg.reply and leg.reply.asks and leg.reply.calls)

    count()
    wanted = (
        *("left", "leg", "rewind", "retry", "mixed", "4 in a row", "Flushed", "Collapsed"),
        *("Faulted", "Released", "Advised", "Unsaid", "Stripped", "tag drop", "memory_status"),
    )
    assert {name: seen[name] for name in wanted if seen[name] < 3} == {}


# -- who does without ---------------------------------------------------------------------


@law
@given(plays(RETURNING), models, rulings)
def test_where_the_model_never_asks_only_the_definitions_are_upstream(
    whole_window, play, model, ruling
):
    quiet = [silent(move) for move in play]
    with_tools, without = (
        played(quiet, model, ruling, memory_tools=offered, cleanup_tags=False)
        for offered in (True, False)
    )
    for one, other in zip(with_tools, without, strict=True):
        for mine, theirs in zip(one.legs, other.legs, strict=True):
            mine, theirs = json.loads(mine.upstream), json.loads(theirs.upstream)
            assert {**mine, "tools": 0} == {**theirs, "tools": 0}
            assert mine["tools"][: len(theirs["tools"])] == theirs["tools"]


def silent(move: Move) -> Move:
    """The same move of a model that speaks to the client only."""
    return replace(move, said=(replace(move.said[-1], asks=(), tag=0),))


class Bill:
    """The provider's prefix cache and its list prices."""

    def __init__(self) -> None:
        self.entries: Any = {}
        self.dollars = 0.0

    def __call__(self, upstream: bytes, at: float, wrote) -> Usage:
        billed = bill(self.entries, places(json.loads(upstream)), scope="", minimum=1024, now=at)
        self.entries = billed.entries
        usage = replace(billed.usage, output=len(json.dumps(wrote)) // 4)
        found = price(usage, MODELS[1], datetime.fromtimestamp(at, UTC))
        self.dollars += found.total if found else 0.0
        return usage


ASKS = [
    Said(asks=(Asked(tool, which),))
    for tool, which in (("memory_release", 5), ("memory_status", 0), ("memory_pin", 8))
]
READS = [Said(calls=2, fresh=True), Said(calls=1, text=True, fresh=True)]


def test_what_untouched_would_have_cost_is_not_what_the_model_asked_of_us(tmp_path, whole_window):
    """Nothing leaves, so that all that differs is what passed between the model and us."""
    quiet = money(tmp_path / "a", rules("batch", flush_tokens=10**9), False)
    asking = money(tmp_path / "b", rules("batch", flush_tokens=10**9), True)
    assert asking.legs == 10
    assert asking.real > 1.1 * quiet.real
    assert asking.said == pytest.approx(asking.untouched, rel=0.01)
    assert quiet.said == pytest.approx(quiet.untouched, rel=0.01)


def test_where_pages_leave_it_is_what_is_said_of_a_model_that_never_asks(tmp_path, whole_window):
    quiet = money(tmp_path / "a", rules("auto", tau=1), False)
    asking = money(tmp_path / "b", rules("auto", tau=1), True)
    assert asking.real < asking.untouched
    assert asking.said == pytest.approx(quiet.said, rel=0.02)


@dataclass(frozen=True)
class Money:
    """Dollars."""

    real: float
    said: float
    """Of the same conversation untouched, by the recording."""
    untouched: float
    legs: int


def money(path: Path, ruling, asks: bool) -> Money:
    """What a conversation without faults comes to, with Pichay and without."""
    play = [Move("go", 1, (ASKS[n % 3], READS[n % 2]) if n % 4 == 1 else (READS[n % 2],), n % 2 > 0)
            for n in range(40)]  # fmt: skip
    quiet = [silent(move) for move in play]
    untouched, mine = Bill(), Bill()
    apart = Rig(Proxy(mode="observe"), MODELS[1], bill=untouched)
    apart.client.markers = 1
    list(apart.play(quiet))
    proxy = RecordedProxy(path, ruling, memory_tools=True)
    rig = Rig(proxy, MODELS[1], bill=mine)
    rig.client.markers = 1
    legs = sum(len(step.legs) - 1 for step in rig.play(play if asks else quiet))
    proxy.settle()
    net = figures.net(proxy.library._db)
    proxy.stop()
    assert net.dollars == pytest.approx(mine.dollars)
    return Money(mine.dollars, net.untouched_dollars, untouched.dollars, legs)
