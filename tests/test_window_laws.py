"""Laws of what is said of a window: its kinds come to what was sent, whatever left it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.store.records import Turned
from pichay_core.store.shape import shape_row
from pichay_core.store.turns import counted_page
from pichay_core.tokens import bytes_per_token
from tests import test_laws as laws
from tests.builders import BINDING, SONNET, Proxy, rules, unmarked, worked
from tests.cooperating import MODELS, RETURNING
from tests.cooperating import plays as memory_plays
from tests.cooperating_rig import Rig
from tests.histories import Client, plays

KINDS = [f"{kind}_tokens" for kind in
         ("front", "talk", "thought", "read", "query", "run", "write", "stub")]  # fmt: skip
law = settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
NEARLY = 0.15
"""Of the window: names of fields and what else a provider does not bill, quotation marks."""
FEW = 60
"""Tokens likewise, where a window holds next to nothing."""


def kinds_of(record: Turned) -> dict[str, int]:
    """What the recording says of the window of a request."""
    session, each = record.after, 1 / bytes_per_token(record.model)
    entries = (session.table.entries.get(page) for page in session.frames)
    counted = [counted_page(entry, entry.page.tokens) for entry in entries if entry]
    row = shape_row(record, counted, each)
    return {kind: row[kind] for kind in KINDS}


def sent(upstream: bytes, model: str) -> float:
    """The tokens of a body, as far as it is billed; lists of blocks without their signatures."""
    whole = json.dumps(unmarked(json.loads(upstream)), default=str)
    return len(whole) / bytes_per_token(model)


def turned(proxy: Proxy) -> list[Turned]:
    return [record for record in proxy.records if isinstance(record, Turned)]


@pytest.mark.parametrize("wire", laws.SPOKEN, ids=lambda wire: wire.name)
@law
@given(plays, laws.rulings, st.booleans(), st.sampled_from(["page", "full", "observe"]))
def test_the_kinds_together_are_what_was_sent(wire, play, ruling, notes, mode):
    proxy = wire.proxy(ruling, mode=mode)
    moves = [move for move in play if move.kind != "image"]
    for _, up, _ in laws.played(proxy, list(wire.requests(moves, Client(notes=notes)))):
        record = turned(proxy)[-1]
        found, whole = sum(kinds_of(record).values()), sent(up, record.model)
        assert found == pytest.approx(whole, rel=NEARLY, abs=FEW)


def test_thinking_that_was_given_up_is_no_talk():
    proxy, talk, long = Proxy(rules("every-turn", tau=1)), worked(8), "What if? " * 400
    talk.read("more.py", think=True)
    talk.messages[-2]["content"][0]["thinking"] = long
    for said in (talk, talk.copy().ask("Go on.")):
        proxy.send(said, after=4_000.0, model=BINDING)
    record = turned(proxy)[-1]
    assert record.after.stripped
    assert kinds_of(record)["talk_tokens"] < len(long) / bytes_per_token(BINDING)


@law
@given(memory_plays(RETURNING), st.sampled_from(MODELS))
def test_so_they_are_where_the_model_collapses_turns_and_asks_for_pages(play, model):
    proxy = Proxy(rules("every-turn", tau=1), memory_tools=True, cleanup_tags=True)
    for step in Rig(proxy, model).play(play):
        for leg, record in zip(step.legs, turned(proxy)[-len(step.legs) :], strict=True):
            whole = sent(leg.upstream, model)
            assert sum(kinds_of(record).values()) == pytest.approx(whole, rel=0.2, abs=4 * FEW)


def test_a_request_that_is_only_observed_is_shown_with_all_that_it_holds():
    proxy = Proxy(rules("every-turn", tau=1), mode="observe")
    for length in range(3, 17, 2):
        proxy.send(worked(8).to(length), model=SONNET)
    record = turned(proxy)[-1]
    assert any(entry.out for entry in record.after.table.entries.values())
    assert kinds_of(record)["stub_tokens"] == 0
    pages = sum(entry.page.tokens for entry in record.after.table.entries.values())
    assert sum(kinds_of(record)[kind] for kind in KINDS[3:]) == pages
