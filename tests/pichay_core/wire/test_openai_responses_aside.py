"""OpenAI Responses: what the client was not shown stands in the history that the model is sent."""

import json
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire.openai_responses import answer, problems, read, retold, spoken
from pichay_core.wire.openai_responses_identity import known_by
from pichay_core.wire.reply import Leg, Part
from tests.pichay_core.wire.test_openai_responses import HEAD
from tests.responses_items import call, output, reasoning, says, user
from tests.strategies import law

ANSWER = answer("m1", "the page", False)
HIDDEN = [reasoning("c1", "rs_1"), call("m1", "memory_fault")]


def raw(item):
    return json.dumps(item).encode()


def joined(*items):
    return b", ".join(map(raw, items))


def part(item, shown=True, altered=None):
    said = altered if altered is not None else item
    return Part(raw(item), known_by(said) if shown else None, altered is not None)


def items_in(message):
    return json.loads(b"[" + message + b"]")


def went(items, answers=(ANSWER,)):
    return Leg(tuple(items), tuple(answers), goes_on=True)


def ended(items, answers=(ANSWER,)):
    return Leg(tuple(items), tuple(answers), goes_on=False)


ALONE = went([part(item, shown=False) for item in HIDDEN])


def test_an_answer_is_one_item_and_says_that_it_failed():
    assert json.loads(answer("m\ud800", "no", True)) == output("m?", "Error: no")


def test_a_leg_that_went_on_is_what_was_sent_upstream():
    told = retold(joined(reasoning("c2"), says("Done.")), None, [ALONE])
    assert told is not None
    messages, after = told
    assert list(map(items_in, messages)) == [
        HIDDEN,
        [json.loads(ANSWER)],
        [reasoning("c2"), says("Done.")],
    ]
    assert messages[:2] == spoken(ALONE)
    assert after is None


def test_what_the_client_was_shown_before_the_call_stands_before_it():
    shown = [reasoning("c0"), says("I look.")]
    leg = went([*map(part, shown), *ALONE.parts])
    told = retold(joined(*shown, says("Done.")), b"x", [leg])
    assert told is not None
    assert [items_in(message) for message in told[0]] == [
        [*shown, *HIDDEN],
        [json.loads(ANSWER)],
        [says("Done.")],
    ]


def test_beside_calls_of_the_clients_ours_stand_where_the_model_made_them():
    theirs = call("a", path="x")
    leg = ended([part(HIDDEN[0], False), part(HIDDEN[1], False), part(theirs)])
    told = retold(raw(theirs), raw(output("a", "x")), [leg])
    assert told is not None
    (reply,), after = told
    assert items_in(reply) == [*HIDDEN, theirs]
    assert items_in(after or b"") == [output("a", "x"), json.loads(ANSWER)]
    assert problems(HEAD, [read(reply), read(after or b"")]) == frozenset()


def test_where_nobody_could_answer_ours_it_is_left_out_with_its_reasoning():
    shown = says("I look.")
    leg = ended([part(shown), *ALONE.parts])
    assert retold(raw(shown), None, [leg]) == ([raw(shown)], None)


def test_our_answers_stand_before_what_the_user_says_next():
    shown = says("I look.")
    leg = ended([part(shown), *ALONE.parts])
    told = retold(raw(shown), raw(user("Stop.")), [leg])
    assert told is not None
    assert items_in(told[1] or b"") == [json.loads(ANSWER), user("Stop.")]


def test_a_text_with_tags_goes_upstream_as_the_model_wrote_it():
    item = says("See §tag§ it.")
    leg = ended([part(item, altered=says("See  it."))], answers=())
    told = retold(raw(says("See  it.")), raw(user("Go on.")), [leg])
    assert told == ([raw(item)], raw(user("Go on.")))


@pytest.mark.parametrize(
    "reply",
    [
        [says("Something else.")],
        [says("I look."), says("and more")],
        [],
    ],
)
def test_a_reply_that_the_client_changed_is_not_told(reply):
    leg = ended([part(says("I look.")), *ALONE.parts])
    assert retold(joined(*reply), None, [leg]) is None


def test_a_client_may_leave_out_reasoning_and_change_ids():
    leg = went([part(reasoning("c0")), part(says("I look.")), *ALONE.parts])
    told = retold(joined(says("I look. ", "other"), says("Done.")), None, [leg])
    assert told is not None
    assert items_in(told[0][0]) == [says("I look."), *HIDDEN]


def test_to_be_sure_something_must_be_known():
    assert retold(raw(says("Done.")), None, [ALONE], sure=True) is None
    leg = went([part(says("I look.")), *ALONE.parts])
    assert retold(joined(says("I look."), says("Done.")), None, [leg], sure=True) is not None


def test_what_the_provider_did_not_keep_is_not_sent():
    leg = went([Part(b"", None), part(HIDDEN[1], False)])
    assert items_in(spoken(leg)[0]) == [HIDDEN[1]]


shown_items = st.lists(
    st.one_of(
        st.text(min_size=1).filter(str.strip).map(says),
        st.integers().map(lambda n: reasoning(f"c{n}")),
        st.integers().map(lambda n: call(f"call_{n}")),
    ),
    max_size=4,
    unique_by=known_by,
)


@law
@given(st.lists(st.tuples(shown_items, st.booleans()), min_size=1, max_size=3))
def test_what_was_shown_and_what_was_not_is_all_told_in_its_order(drawn):
    legs, shown, every = list[Leg](), [], []
    for number, (items, _) in enumerate(drawn):
        ours = call(f"m{number}", "memory_fault")
        legs.append(
            went([*map(part, items), part(ours, False)], [answer(f"m{number}", "x", False)])
        )
        shown += items
        every += [*items, ours, output(f"m{number}", "x")]
    last = says("Done.")
    told = retold(joined(*shown, last), None, legs)
    assert told is not None
    assert [item for message in told[0] for item in items_in(message)] == [*every, last]
    roles = [read(message).role for message in told[0]]
    assert all(len(list(same)) == 1 for _, same in groupby(roles))
