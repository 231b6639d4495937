"""Thinking is given up on purpose or not at all: whole conversations before the oracle.

They are flushed all the time. On purpose: at a flush that is recorded, where no tool loop is open,
all of it up to there.
"""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core import rewrite
from pichay_core.events import Failed, Flushed, Returned, Stripped
from pichay_core.wire import anthropic
from tests.builders import (
    HEADER_SESSION,
    KEY,
    Proxy,
    RecordedProxy,
    Talk,
    body,
    content_of,
    is_stub,
    prose,
    results_in,
    rules,
    stubbed,
)  # fmt: skip
from tests.builders import settings as settings_of
from tests.histories import Client, moves, requests
from tests.oracle.provider import BINDING, UNBOUND
from tests.oracle.witness import Witness, clean, step_by_step

BOUND_MODEL, FREE_MODEL = "claude-opus-5-5", "claude-sonnet-4-5"
NAMED = {**KEY, HEADER_SESSION: "one"}
law = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
plays = st.lists(moves, min_size=12, max_size=30)
faithful = st.lists(
    moves.filter(lambda move: move.kind not in ("compact", "clear")), min_size=12, max_size=30
)
"""Of a client that rewinds and forks, but never sends what it did not send before."""
thinkers = st.builds(
    Client,
    notes=st.booleans(),
    thinks=st.just(True),
    markers=st.sampled_from(["none", "tail", "hour", "four", "automatic"]),
    lists=st.booleans(),
)
eager = st.builds(rules, schedule=st.just("every-turn"), tau=st.just(1), min_bytes=st.just(200))
others = st.builds(
    rules,
    schedule=st.sampled_from(["batch", "every-turn"]),
    tau=st.integers(1, 4),
    flush_tokens=st.sampled_from([1, 2500]),
)
rulings = st.one_of(eager, eager, others)
binding, unbound = st.sampled_from(BINDING), st.sampled_from(UNBOUND)


def watched(witness, play, models, headers=NAMED):
    """Play it; yields after every request. The model may change from request to request."""
    for number, (sent, replies) in enumerate(step_by_step(play)):
        model = models[number // 4 % len(models)]
        witness.send(sent.body, headers, sent.after, model=model)
        yield sent
        for reply in replies:
            witness.replied(reply)


@law
@given(faithful, thinkers, rulings, binding, st.booleans())
def test_on_a_binding_model_nothing_is_ever_refused(play, client, ruling, model, named):
    witness = Witness(Proxy(ruling))
    for _ in watched(witness, requests(play, client), [model], NAMED if named else KEY):
        assert witness.theirs.refusal is None, "the play itself breaks a binding"
        assert witness.ours.refusal is None


@law
@given(plays, thinkers, rulings, binding)
def test_on_a_binding_model_no_thought_is_dropped_but_what_the_client_itself_breaks(
    play, client, ruling, model
):
    witness = Witness(Proxy(ruling), drops=True)
    for _ in watched(witness, requests(play, client), [model]):
        assert not witness.harmed, (witness.ours, witness.theirs)


@law
@given(plays, thinkers, rulings, binding, st.booleans())
def test_thinking_is_given_up_at_a_recorded_flush_at_a_clean_moment_or_never(
    play, client, ruling, model, drops
):
    witness = Witness(Proxy(ruling), drops=drops)
    for sent in watched(witness, requests(play, client), [model]):
        new, back = witness.newly_given_up()
        cold = sent.after > (3600 if client.markers == "hour" else 300)
        assert not new or (strips(witness) and clean(sent.body, cold))
        assert not back or sent.how not in ("first", "append", "retry")
        if drops:
            assert not witness.harmed, (witness.ours, witness.theirs)
        elif witness.theirs.refusal is None:
            assert witness.ours.refusal is None


def strips(witness):
    """True if the last request is recorded as a flush that gave thinking up."""
    events = [type(event) for event in witness.proxy.last.events]
    return events.count(Stripped) == events.count(Flushed) == 1


@law
@given(plays, thinkers, rulings, binding)
def test_where_thinking_is_kept_all_of_it_goes_upstream(play, client, ruling, model):
    witness = Witness(Proxy(replace(ruling, keep_thinking=True)), drops=True)
    for _ in watched(witness, requests(play, client), [model]):
        assert witness.newly_given_up() == (set(), set())
        assert not witness.harmed, (witness.ours, witness.theirs)


@law
@given(plays, thinkers, rulings, unbound)
def test_on_other_models_thinking_goes_upstream_byte_for_byte(play, client, ruling, model):
    witness = Witness(Proxy(ruling))
    for sent in watched(witness, requests(play, client), [model]):
        assert witness.ours.refusal is None
        assert witness.newly_given_up() == (set(), set())
        assert latest_reply(witness.upstream) == latest_reply(
            json.dumps({**json.loads(sent.body), "model": model}).encode()
        )


def latest_reply(body):
    """The latest assistant message as it is written."""
    outline = anthropic.outline(body)
    raws = (outline.raw(at) for at in reversed(range(len(outline.messages))))
    return next((raw for raw in raws if json.loads(raw)["role"] == "assistant"), None)


@law
@given(plays, thinkers, rulings, st.lists(st.one_of(binding, unbound), min_size=2, max_size=5))
def test_a_change_of_models_costs_no_thought_either(play, client, ruling, models):
    witness = Witness(Proxy(ruling), drops=True)
    for _ in watched(witness, requests(play, client), models):
        assert not witness.harmed, (witness.ours, witness.theirs)


def switched(witness, models):
    """Three requests with each model, all of them with thinking and a page to evict."""
    talk = Talk()
    for number, model in enumerate(model for model in models for _ in range(3)):
        witness.send(body(talk), model=model)
        assert not witness.harmed, (number, witness.ours)
        witness.replied(talk.read(f"{number}.py", think=True).messages[-2]["content"])
        yield


def test_what_a_binding_model_thought_stays_bound_while_another_is_asked():
    proxy = Proxy(rules("every-turn", tau=1))
    witness = Witness(proxy, drops=True)
    list(switched(witness, [BOUND_MODEL, FREE_MODEL, BOUND_MODEL]))
    assert witness.ours.checked == 5


def test_back_in_a_tool_loop_the_thinking_that_was_given_up_is_taken_again():
    """The client goes back behind a flush: to where the pages stood in full."""
    witness = Witness(Proxy(rules("every-turn", tau=1)))
    talk = Talk()
    for number in range(4):
        witness.send(body(talk), model=BOUND_MODEL)
        witness.replied(talk.read(f"{number}.py", think=True).messages[-2]["content"])
    for said in (talk, talk.copy().ask("next"), talk, talk.copy().read("more.py")):
        witness.send(body(said), model=BOUND_MODEL)
        assert witness.ours.refusal is None
    assert [type(e) for e in witness.proxy.events() if isinstance(e, Stripped | Returned)] == [
        Stripped,
        Returned,
    ]


def test_what_was_given_up_stays_away_over_a_restart(tmp_path):
    witness = Witness(RecordedProxy(tmp_path / "db", rules("every-turn", tau=1)))
    talk = Talk()
    for number in range(12):
        witness.send(body(talk), model=BOUND_MODEL)
        assert witness.ours.refusal is None
        new, back = witness.newly_given_up()
        assert (bool(new), bool(back)) == (number in (6, 10), False)
        witness.proxy = witness.proxy.restart()
        talk = talk.ask("next") if number in (5, 9) else talk
        if number not in (5, 9):
            witness.replied(talk.read(f"{number}.py", think=True).messages[-2]["content"])
    witness.proxy.stop()


def test_it_stays_bound_over_a_restart(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn", tau=1))
    witness = Witness(proxy, drops=True)
    for _ in switched(witness, [BOUND_MODEL, FREE_MODEL, FREE_MODEL, BOUND_MODEL]):
        witness.proxy = witness.proxy.restart()
    witness.proxy.stop()


@law
@given(plays, thinkers, st.integers(1, 20))
def test_what_was_only_observed_is_not_made_up_for_once_thinking_is_bound_to_it(play, client, at):
    proxy = Proxy(rules("every-turn", tau=1, edit=False))
    witness = Witness(proxy, drops=True)
    for number, _ in enumerate(watched(witness, requests(play, client), [BOUND_MODEL])):
        if number == at:
            proxy.paging.settings = settings_of(rules("every-turn", tau=1))
        assert not witness.harmed, (witness.ours, witness.theirs)


def test_it_is_not_made_up_for_after_a_restart_either(tmp_path):
    witness = Witness(RecordedProxy(tmp_path / "db", rules("every-turn", tau=1, edit=False)))
    talk = Talk()
    for number in range(12):
        if number == 6:
            witness.proxy = witness.proxy.restart(rules("every-turn", tau=1))
        witness.send(body(talk), model=BOUND_MODEL)
        assert witness.ours.refusal is None
        witness.replied(talk.read(f"{number}.py", think=number in (2, 4)).messages[-2]["content"])
    assert stubbed(witness.upstream) == [f"toolu_{number:04}" for number in range(5, 11)]
    witness.proxy.stop()


def test_who_has_observed_for_a_while_does_not_come_back_to_what_was_given_up():
    """Thinking is bound to the client's own text since, and that is what is cached."""
    proxy, talk = Proxy(rules(), mode="full"), Talk()
    witness, dropped, given_up = Witness(proxy, drops=True), [], []
    for number, mode in enumerate(["full"] * 2 + ["observe"] * 3 + ["full"] * 3):
        proxy.paging.settings = replace(proxy.settings, mode=mode)
        witness.send(body(talk), model=BOUND_MODEL)
        dropped.append(len(witness.ours.dropped))
        given_up.append(proxy.decision.exchange.facts.flushed)
        talk.read(f"{number}.py", think=True)
        talk.messages[-2]["content"] = witness.replied(talk.messages[-2]["content"])
    assert dropped == [0, 0, 2, 2, 2, 2, 2, 2]
    assert given_up == [False, False, True, *[False] * 5]


@law
@given(faithful, thinkers, st.sampled_from(["server", "full"]), binding, st.booleans())
def test_asking_the_provider_to_clear_costs_no_thought(play, client, mode, model, drops):
    witness, asked = Witness(Proxy(mode=mode), drops=drops), 0
    for _ in watched(witness, requests(play, client), [model]):
        assert witness.ours.refusal is None
        assert not witness.harmed, (witness.ours, witness.theirs)
        asked += b'"context_management"' in witness.upstream
    assert asked or mode == "full"


def test_the_plays_reach_what_the_laws_are_about():
    """Else they would hold of nothing."""
    names = ["checked", "evicted", "redacted", "several", "client broke", "given up", "kept after"]
    seen = dict.fromkeys(names, 0)

    @settings(law, max_examples=20)
    @given(plays, thinkers, eager, binding)
    def count(play, client, ruling, model):
        witness = Witness(Proxy(ruling), drops=True)
        for _ in watched(witness, requests(play, client), [model]):
            whole = witness.upstream.decode()
            stubs = [b for b in results_in(witness.upstream) if is_stub(b["content"])]
            seen["checked"] += witness.ours.checked
            seen["evicted"] += bool(stubs) and witness.ours.checked > 0
            seen["redacted"] += "redacted_thinking" in whole
            seen["several"] += "b==" in whole or '"signature": "' in whole
            seen["client broke"] += bool(witness.theirs.dropped)
            seen["given up"] += bool(witness.newly_given_up()[0])
            seen["kept after"] += bool(witness.given_up) and witness.ours.checked > 0

    count()
    assert all(number > 3 for number in seen.values()), seen


def test_a_failure_inside_costs_no_thought(monkeypatch):
    """The client's own bytes would be refused: its thinking is bound to what was sent before."""
    witness, talk = Witness(Proxy(rules())), Talk()
    for number in range(3):
        witness.send(body(talk), model=BOUND_MODEL)
        talk.read(f"{number}.py", think=True)
        talk.messages[-2]["content"] = witness.replied(talk.messages[-2]["content"])
    whole = json.dumps({**json.loads(body(talk)), "model": BOUND_MODEL}).encode()
    arrived = witness.proxy.arrived(whole, KEY)
    kept = witness.proxy.paging.kept(arrived)
    assert witness.behind.receive(kept.body, ",".join(kept.betas)).refusal is None
    assert witness.behind.receive(whole).refusal is not None


def test_what_was_not_carried_out_once_goes_on_as_it_went(monkeypatch):
    """A body would break a rule: thinking is bound to what was sent in its place."""
    proxy = Proxy(rules(), mode="full", oversize=20_000)
    witness, talk = Witness(proxy), Talk()
    found = rewrite._new_problems  # of which there are none: the first is made up
    for number in range(6):
        made_up = iter([frozenset({"a rule"})] if number == 2 else [])
        monkeypatch.setattr(rewrite, "_new_problems", lambda *of, up=made_up: next(up, found(*of)))
        witness.send(body(talk), model=BOUND_MODEL)
        assert witness.ours.refusal is None
        talk.run("make", prose("make", 30_000) if number == 1 else None, think=True)
        talk.messages[-2]["content"] = witness.replied(talk.messages[-2]["content"])
    assert [type(e) for e in proxy.events() if isinstance(e, Failed)] == [Failed]
    assert content_of(witness.upstream, "toolu_0002") == prose("make", 30_000)
