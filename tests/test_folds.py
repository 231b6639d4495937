"""Laws of collapsed turns: whole conversations in which the model collapses what it likes."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.cooperate.commands import Collapse
from pichay_core.cooperate.folds import asked
from pichay_core.events import (
    Collapsed,
    Differed,
    Duplicated,
    Expanded,
    Flushed,
    Returned,
    Stripped,
    Trimmed,
)
from pichay_core.flushes import Weights
from pichay_core.folding import beyond, folded, standing
from pichay_core.model import State
from pichay_core.store.pagerows import page_row
from pichay_core.store.rows import Recorded, session_of, session_row
from pichay_core.tokens import tokens_of_bytes
from pichay_core.wire import anthropic
from pichay_proxy.sessions import LiveSessions
from tests.builders import (
    HEADER_SESSION,
    KEY,
    Proxy,
    Talk,
    body,
    is_stub,
    markers_in,
    result,
    rules,
    stubbed,
    unmarked,
    user,
)
from tests.histories import Client, clients, moves, requests, straight
from tests.oracle.provider import BINDING, UNBOUND
from tests.oracle.witness import Witness, step_by_step
from tests.pichay_core.store.test_flushes import Cached, adds_up

NAMED = {**KEY, HEADER_SESSION: "one"}
BROKEN = ("rewind", "compact", "clear")
HEAD = "[Turns "

law = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
rulings = st.builds(
    rules,
    schedule=st.sampled_from(["batch", "every-turn", "every-turn"]),
    tau=st.integers(1, 4),
    flush_tokens=st.sampled_from([1, 2500]),
    pin_half_life=st.sampled_from([0, 16]),
)
asks = st.lists(
    st.tuples(st.integers(2, 26), st.integers(0, 9), st.integers(1, 7)), min_size=6, max_size=18
)
"""After which request, how far back, and how many turns."""
plays = st.lists(moves, min_size=14, max_size=30)
faithful = st.lists(
    moves.filter(lambda move: move.kind not in ("compact", "clear")), min_size=12, max_size=30
)
thinkers = st.builds(
    Client, thinks=st.just(True), notes=st.booleans(), lists=st.booleans(),
    markers=st.sampled_from(["none", "tail", "four"]),
)  # fmt: skip


def collapse(proxy: Proxy, number: int, wanted: list[tuple[int, int, int]]) -> None:
    """Ask for what is wanted after this request; what is refused changes nothing."""
    for at, back, turns in wanted:
        if at == number:
            session = proxy.session
            last = session.turn - back
            after = asked(session, Collapse(last - turns, last, f"Summary of {number}.\nDone."))
            if not isinstance(after, str):
                proxy.sessions.replace(after)


def played(proxy: Proxy, play, wanted, headers=NAMED):
    """(request, upstream, turn) of every request, in order."""
    for number, sent in enumerate(play):
        upstream = proxy.send(sent.body, headers, sent.after)
        yield sent, upstream, proxy.last
        collapse(proxy, number, wanted)


def summaries(upstream: bytes) -> list[str]:
    """The texts that stand for turns, in order."""
    found = []
    for message in json.loads(upstream)["messages"]:
        content = message["content"]
        if message["role"] == "user" and isinstance(content, list):
            texts = (block.get("text", "") for block in content)
            found += [text for text in texts if text.startswith(HEAD)]
    return found


def said(body: bytes) -> list[str]:
    """Messages without markers; a string and a list of one text are the same."""
    messages = unmarked(json.loads(body)["messages"])
    for message in messages:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
    return [json.dumps(message) for message in messages]


@law
@given(plays, clients, rulings, asks)
def test_only_the_messages_of_folds_are_missing_and_the_rest_is_in_its_order(
    play, client, ruling, wanted
):
    proxy = Proxy(ruling)
    for sent, up, turn in played(proxy, list(requests(play, client)), wanted):
        folds, before = standing(turn.after), json.loads(sent.body)["messages"]
        after = json.loads(up)["messages"]
        hidden = {at for f in folds for at in range(f.first + 1, f.until)}
        kept = [at for at in range(len(before)) if at not in hidden]
        assert len(after) == len(kept)
        assert after[0]["role"] == "user"
        assert said(up)[0] == said(sent.body)[0]
        starts = {fold.first for fold in folds}
        for at, message in zip(kept, after, strict=True):
            assert message["role"] == ("user" if at in starts else before[at]["role"])


@law
@given(plays, clients, rulings, asks)
def test_a_summary_stays_byte_for_byte_while_its_turns_are_sent(play, client, ruling, wanted):
    proxy, known = Proxy(ruling), {}
    for _sent, up, turn in played(proxy, list(requests(play, client)), wanted):
        texts = summaries(up)
        folds = standing(turn.after)
        assert len(texts) == len(folds)
        for fold, text in zip(folds, texts, strict=True):
            assert known.setdefault((turn.after.id, fold.handle), text) == text


@law
@given(plays, clients, rulings, asks)
def test_between_flushes_upstream_is_only_appended_to(play, client, ruling, wanted):
    proxy, before = Proxy(ruling), []
    for sent, up, turn in played(proxy, list(requests(play, client)), wanted):
        now = said(up)
        if sent.how not in BROKEN and turn.flushed is None:
            assert now[: len(before)] == before
        before = now


@law
@given(plays, clients, rulings, asks)
def test_every_call_is_answered_and_every_answer_asked_for(play, client, ruling, wanted):
    proxy = Proxy(ruling)
    for sent, up, turn in played(proxy, list(requests(play, client)), wanted):
        ours, theirs = (
            {problem for problem in problems_of(body) if "messages." not in problem}
            for body in (up, sent.body)
        )
        assert ours <= theirs
        assert turn.outcome != "failed"


def problems_of(body: bytes) -> frozenset[str]:
    outline = anthropic.outline(body)
    read = [anthropic.read(outline.raw(at)) for at in range(len(outline.messages))]
    return anthropic.problems(anthropic.head(outline), read)


@law
@given(plays, clients, rulings, asks)
def test_markers_are_never_more_than_four_nor_out_of_order(play, client, ruling, wanted):
    for sent, up, _ in played(Proxy(ruling), list(requests(play, client)), wanted):
        own, theirs = markers_in(sent.body), markers_in(up)
        assert len(theirs) <= 4
        assert theirs == sorted(theirs, key=("1h", "5m").index)
        assert own or not theirs


@law
@given(plays, clients, rulings, asks)
def test_a_retry_is_sent_as_the_first_try_was(play, client, ruling, wanted):
    proxy = Proxy(ruling)
    for sent, up, _ in played(proxy, list(requests(play, client)), wanted):
        assert proxy.send(sent.body, NAMED, 1.0) == up


@law
@given(straight, clients, rulings, asks, st.integers(1, 27))
def test_a_restart_changes_no_byte(play, client, ruling, wanted, at):
    play = list(requests(play, client))
    steady = Proxy(ruling)
    first = [up for _, up, _ in played(steady, play, wanted)]
    proxy, again = Proxy(ruling, with_secrets_of(steady)), []
    for number, sent in enumerate(play):
        if number == at:
            proxy = restarted(proxy, ruling)
        again.append(proxy.send(sent.body, NAMED, sent.after))
        collapse(proxy, number, wanted)
    assert again == first


def with_secrets_of(proxy: Proxy) -> LiveSessions:
    class Same(LiveSessions):
        def begin(self, identity, shape, tools):
            secret = next(iter(proxy.sessions)).secret
            return replace(super().begin(identity, shape, tools), secret=secret)

    return Same()


def restarted(proxy: Proxy, ruling) -> Proxy:
    kept = [
        session_of(
            session_row(s, "api key", "header", 0.0),
            Recorded(
                [page_row(s.id, n, e) for n, e in enumerate(s.table.entries.values())],
                [m.digest for m in s.messages],
            ),
        )
        for s in proxy.sessions
    ]
    new = Proxy(ruling, LiveSessions(lambda name: [s for s in kept if s.identity == name]))
    new.at, new.contents = proxy.at, proxy.contents
    return new


@law
@given(plays, clients, rulings, asks)
def test_what_is_in_a_fold_is_out_and_what_failed_is_never_a_stub(play, client, ruling, wanted):
    proxy = Proxy(ruling)
    for _sent, up, turn in played(proxy, list(requests(play, client)), wanted):
        after, hidden = turn.after, folded(turn.after)
        for page, frame in after.frames.items():
            entry = after.table[page]
            if frame.message in hidden:
                assert entry.out or entry.page.cleared
            elif entry.page.error or entry.page.opaque:
                assert entry.state is State.RESIDENT
        for message in json.loads(up)["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else ():
                failed = block.get("is_error") or "image" in str(block.get("content"))
                assert not (failed and is_stub(block["content"]))


@law
@given(plays, clients, rulings, asks)
def test_a_fold_is_told_once_with_a_flush_and_takes_what_it_says(play, client, ruling, wanted):
    proxy = Proxy(ruling)
    before = 0
    for sent, _up, turn in played(proxy, list(requests(play, client)), wanted):
        told = [event for event in turn.events if isinstance(event, Collapsed)]
        out = turn.after.table.absent + beyond(turn.after)
        if told:
            (flush,) = [event for event in turn.events if isinstance(event, Flushed)]
            assert all(event.tokens > 0 for event in told)
        if told and sent.how not in BROKEN and not client.notes:
            new = (e.tokens for e in turn.events if isinstance(e, Duplicated | Differed | Trimmed))
            back = (e.tokens for e in turn.events if isinstance(e, Expanded))
            assert out - before == flush.tokens + sum(new) - sum(back)
        before = out


@law
@given(straight, clients, rulings, asks)
def test_what_is_counted_as_removed_is_nearly_what_is_missing(play, client, ruling, wanted):
    proxy = Proxy(ruling)
    for sent, up, turn in played(proxy, list(requests(play, replace(client, notes=False))), wanted):
        if not standing(turn.after):
            continue
        gone = tokens_of_bytes(size_of(sent.body) - size_of(up), turn.after.model)
        counted = turn.after.table.absent + beyond(turn.after)
        assert counted == pytest.approx(gone, rel=0.05, abs=200)


def size_of(body: bytes) -> int:
    """Bytes of the messages, without markers."""
    return sum(len(json.dumps(message)) for message in unmarked(json.loads(body)["messages"]))


# -- before the oracle --------------------------------------------------------------------


def watched(witness, play, wanted, models, headers=NAMED):
    """Play it; yields after every request. The model may change from request to request."""
    for number, (sent, replies) in enumerate(step_by_step(play)):
        witness.send(sent.body, headers, sent.after, model=models[number // 4 % len(models)])
        yield sent
        for reply in replies:
            witness.replied(reply)
        collapse(witness.proxy, number, wanted)


@law
@given(faithful, thinkers, rulings, asks, st.sampled_from(BINDING))
def test_on_a_binding_model_nothing_is_ever_refused(play, client, ruling, wanted, model):
    witness = Witness(Proxy(ruling))
    for _ in watched(witness, requests(play, client), wanted, [model]):
        assert witness.theirs.refusal is None, "the play itself breaks a binding"
        assert witness.ours.refusal is None


@law
@given(faithful, thinkers, rulings, asks, st.sampled_from(BINDING))
def test_on_a_binding_model_no_thought_is_dropped(play, client, ruling, wanted, model):
    witness = Witness(Proxy(ruling), drops=True)
    for _ in watched(witness, requests(play, client), wanted, [model]):
        assert witness.theirs.dropped == ()
        assert witness.ours.dropped == ()
        assert witness.ours.refusal is None


@law
@given(faithful, thinkers, rulings, asks, st.sampled_from(BINDING))
def test_where_thinking_is_kept_that_outside_of_folds_goes_upstream(
    play, client, ruling, wanted, model
):
    witness = Witness(Proxy(replace(ruling, keep_thinking=True)), drops=True)
    for _sent in watched(witness, requests(play, client), wanted, [model]):
        assert witness.ours.dropped == ()
        hidden = folded(witness.proxy.last.after)
        messages = json.loads(witness._asked[1])["messages"]
        kept = [m for at, m in enumerate(messages) if at not in hidden]
        assert thoughts_in(kept) == thoughts_in(json.loads(witness.upstream)["messages"])


def thoughts_in(messages) -> list[str]:
    contents = (m["content"] for m in messages if isinstance(m["content"], list))
    return [json.dumps(b) for c in contents for b in c if "thinking" in b["type"]]


@law
@given(
    faithful, thinkers, rulings, asks,
    st.lists(st.sampled_from([*BINDING, *UNBOUND]), min_size=1, max_size=5),
)  # fmt: skip
def test_a_change_of_models_costs_no_thought_either(play, client, ruling, wanted, models):
    witness = Witness(Proxy(ruling), drops=True)
    for _ in watched(witness, requests(play, client), wanted, models):
        assert witness.ours.refusal is None
        ours = [drop.reason for drop in witness.ours.dropped]
        assert "prefix_binding_mismatch" not in ours


def test_thinking_that_a_fold_had_hidden_finds_all_before_it_as_it_was():
    """The client goes back into the fold: the thinking there is sent again, and is bound."""
    witness, talk = Witness(Proxy(rules("every-turn", tau=1)), drops=True), Talk()
    for number in range(3):
        witness.send(body(talk, model="claude-opus-5-5"))
        content = talk.read(f"{number}.py", think=True).messages[-2]["content"]
        witness.replied(content)
    back = talk.copy().to(6)
    talk.ask("And now?").read("more.py")
    witness.send(body(talk, model="claude-opus-5-5"))
    collapse(witness.proxy, 0, [(0, 2, 9)])
    witness.send(body(talk.read("last.py"), model="claude-opus-5-5"))
    assert any(isinstance(event, Collapsed) for event in witness.proxy.last.events)
    assert not strips(witness)
    assert len(thoughts_in(json.loads(witness.upstream)["messages"])) == 0
    again = body([*back.messages, user([result("toolu_0003", "other")])], model="claude-opus-5-5")
    witness.send(again)
    assert witness.theirs.dropped == witness.ours.dropped == ()
    assert witness.ours.refusal is None
    assert len(thoughts_in(json.loads(witness.upstream)["messages"])) == 3
    assert not stubbed(witness.upstream)


def strips(witness) -> bool:
    return any(isinstance(event, Stripped) for event in witness.proxy.last.events)


# -- money --------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(plays, clients.filter(lambda client: client.markers != "hour"), asks)
def test_the_flushes_of_a_session_add_up_to_its_net(play, client, wanted):
    with TemporaryDirectory() as folder:
        proxy = Cached(Path(folder) / "db", rules("every-turn", tau=2))
        for number, sent in enumerate(requests(play, client)):
            proxy.ask(sent.body, after=sent.after)
            collapse(proxy, number, wanted)
        adds_up(proxy, Weights())
        proxy.stop()


def test_the_generator_reaches_what_the_laws_are_about():
    """Else they would hold of nothing."""
    seen = dict.fromkeys(("done", "gone", "nested", "two", "restored", "bound"), 0)

    @settings(law, max_examples=30)
    @given(plays, clients, rulings, asks)
    def count(play, client, ruling, wanted):
        proxy = Proxy(ruling)
        for _sent, _up, turn in played(proxy, list(requests(play, client)), wanted):
            folds = turn.after.folds
            seen["done"] += any(isinstance(e, Collapsed) for e in turn.events)
            seen["gone"] += any(f.gone for f in folds)
            seen["nested"] += sum(f.out for f in folds) > len(standing(turn.after))
            seen["two"] += len(standing(turn.after)) > 1
            seen["restored"] += any(isinstance(e, Returned) for e in turn.events)
            seen["bound"] += any(f.done is None for f in folds)

    count()
    print(seen)
    assert all(number > 3 for number in seen.values()), seen
