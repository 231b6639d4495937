import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import gemini
from pichay_core.wire.reply import Leg
from tests.gemini_replies import NAMES, Marks, call, frames, joined, ours, play, text, thought
from tests.strategies import json_values, law

type Json = dict[str, Any]


def leg(*said: Json, goes_on: bool = False, filtered: bool = False) -> Leg:
    """What is remembered of a reply, and an answer to each call of ours."""
    stream = gemini.stream(NAMES, Marks if filtered else None)
    [reply] = play(stream, [frames(said)])[1]
    answers = tuple(gemini.answer(ask.id, f"the answer to {n}", False)
                    for n, ask in enumerate(reply.asks))  # fmt: skip
    return Leg(reply.parts, answers, goes_on)


def content(role: str, *parts: object) -> bytes:
    return json.dumps({"role": role, "parts": list(parts)}).encode()


def answered(id: str = "", number: int = 0) -> Json:
    said: Json = {"name": "memory_fault", "response": {"output": f"the answer to {number}"}}
    return {"functionResponse": {**({"id": id} if id else {}), **said}}


def result(id: str = "a") -> Json:
    return {"functionResponse": {"id": id, "name": "read_file", "response": {"output": "t"}}}


def told(reply: bytes, after: bytes | None, *legs: Leg, sure: bool = False):
    """The messages as the model knows them, role and parts; what follows; None for another."""
    found = gemini.retold(reply, after, legs, sure)
    if found is None:
        return None
    said = [json.loads(one) for one in found[0]]
    behind = None if found[1] is None else json.loads(found[1])["parts"]
    return [(one["role"], one["parts"]) for one in said], behind


def test_a_reply_that_went_on_is_told_as_two_with_our_answers_between():
    first = leg(text("I look."), ours("id_1", "sig"), goes_on=True)
    reply = content("model", text("I look."), call("read_file", "a"))
    after = content("user", result())
    assert told(reply, after, first) == (
        [
            ("model", [text("I look."), ours("id_1", "sig")]),
            ("user", [answered("id_1")]),
            ("model", [call("read_file", "a")]),
        ],
        [result()],
    )


def test_texts_that_the_client_joined_are_told_apart_again():
    first = leg(text("I look."), ours(), goes_on=True)
    reply = content("model", text("I look. Found it."), call("read_file", "a"))
    assert told(reply, content("user", result()), first) == (
        [
            ("model", [text("I look."), ours()]),
            ("user", [answered()]),
            ("model", [text(" Found it."), call("read_file", "a")]),
        ],
        [result()],
    )


def test_texts_that_the_client_keeps_in_pieces_are_one():
    first = leg(text("I look at it."), ours(), goes_on=True)
    pieces = [content("model", text(one)) for one in ("I loo", "k at", " it.")]
    found = told(b",".join(pieces), None, first)
    assert found == ([("model", [text("I look at it."), ours()]), ("user", [answered()])], None)


def test_beside_calls_of_the_client_ours_stand_where_they_stood():
    last = leg(text("I look."), call("read_file"), ours("id_1", "sig"), call("glob"))
    reply = content("model", text("I look."), call("read_file", "x"), call("glob", "y"))
    after = content("user", result("x"), result("y"), text("go on"))
    assert told(reply, after, last) == (
        [
            (
                "model",
                [text("I look."), call("read_file", "x"), ours("id_1", "sig"), call("glob", "y")],
            )
        ],
        [result("x"), result("y"), answered("id_1"), text("go on")],
    )


def test_without_a_message_after_it_a_call_is_left_out():
    last = leg(text("I look."), ours())
    reply = content("model", text("I look."))
    assert told(reply, None, last) == ([("model", [text("I look.")])], None)
    assert told(reply, content("user", text("Go.")), last) == (
        [("model", [text("I look."), ours()])], [answered(), text("Go.")],
    )  # fmt: skip


def test_what_a_client_leaves_out_is_no_other_reply():
    """gemini-cli: thoughts and signatures; after a resume, the space around a text."""
    last = leg(thought("hm"), text("I look.\n"), call("read_file", "", "sig"), ours())
    now = content("model", text("I look.\n"), call("read_file", "a", "sig"))
    later = content("model", text("I look."), call("read_file", "a"))
    after = content("user", result())
    assert told(now, after, last) == (
        [("model", [text("I look.\n"), call("read_file", "a", "sig"), ours()])],
        [result(), answered()],
    )
    assert told(later, after, last) == (
        [("model", [text("I look."), call("read_file", "a"), ours()])], [result(), answered()],
    )  # fmt: skip


def test_what_was_taken_out_of_a_text_is_told():
    last = leg(text("a §b§c"), filtered=True)
    assert told(content("model", text("a c")), None, last) == ([("model", [text("a §b§c")])], None)


@pytest.mark.parametrize(
    "parts",
    [
        [text("I looked."), call("read_file", "a", path="/a")],
        [text("I look."), call("read_file", "a", path="/b")],
        [text("I look."), call("glob", "a", path="/a")],
        [text("I look.")],
        [call("read_file", "a", path="/a")],
        [text("I look."), call("read_file", "a", path="/a"), text("More.")],
        [],
    ],
)
def test_a_reply_that_the_client_changed_is_not_told(parts):
    last = leg(text("I look."), call("read_file", path="/a"), ours())
    assert told(content("model", *parts), content("user", result()), last) is None


def test_to_be_sure_something_must_be_there_that_was_shown():
    first, blank = leg(text("I look."), ours(), goes_on=True), leg(ours(), goes_on=True)
    reply = content("model", text("I look. So."))
    assert told(reply, None, first, sure=True) is not None
    assert told(reply, None, blank, sure=True) is None
    assert told(reply, None, blank) is not None


def test_a_leg_is_spoken_as_the_model_wrote_it_but_for_space():
    said = [thought("hm"), text("I look."), ours("id_1", "sig"), text("\n"), ours()]
    reply, ours_said = map(json.loads, gemini.spoken(leg(*said)))
    assert reply == {"role": "model", "parts": [*said[:3], said[4]]}
    assert ours_said == {"role": "user", "parts": [answered("id_1"), answered("", 1)]}


def test_an_answer_says_if_it_is_an_error_and_all_that_can_be_said():
    assert json.loads(gemini.answer("a", "x\ud800y", True)) == {
        "functionResponse": {"id": "a", "response": {"error": "x?y"}}
    }


parts = st.lists(
    st.one_of(
        st.sampled_from(["I look.", "\n", "so "]).map(text),
        st.just(thought("hm")),
        st.builds(lambda n, sig: call("f", "", sig, n=n), st.integers(0, 2), st.just("s")),
        st.sampled_from([ours(), ours("b", "sig")]),
    ),
    max_size=6,
)


def as_kept(said: list[Json], keeps: bool) -> list[Json]:
    """What gemini-cli keeps of a reply."""
    shown = [one for one in said if one.get("functionCall", {}).get("name") not in NAMES]
    shown = joined([one for one in shown if keeps or "thought" not in one])
    calls: list[Json] = [one.get("functionCall", {}) for one in shown]
    named: list[Json] = [
        {"functionCall": {**call, "id": f"f__{at}"}} if call else one
        for at, (one, call) in enumerate(zip(shown, calls, strict=True))
    ]
    return named if keeps else [one for one in map(trimmed, named) if one != {"text": ""}]


def trimmed(part: Json) -> Json:
    return {"text": part["text"].strip()} if "text" in part else part


@given(parts, parts, st.booleans())
@law
def test_what_a_client_keeps_of_a_reply_is_always_told_again(first, last, keeps):
    legs = [leg(*first, ours("z"), goes_on=True), leg(*last, ours("y"))]
    kept = as_kept([*first, *last], keeps)
    after = content("user", *(result() for one in kept if "functionCall" in one), text("go on"))
    found = told(content("model", *kept), after, *legs)
    assert found is not None
    assert found[1] is not None
    assert found[0][0] == ("model", json.loads(gemini.spoken(legs[0])[0])["parts"])
    ids = [one["functionResponse"].get("id", "") for one in found[1] if "functionResponse" in one]
    asked = [one["functionCall"]["id"] for one in found[0][2][1] if "functionCall" in one
             and one["functionCall"]["name"] in NAMES and "id" in one["functionCall"]]  # fmt: skip
    assert [one for one in ids if one in "by" and one] == asked
    calls = sum("functionCall" in one for one in found[0][2][1])
    assert calls == sum("functionResponse" in one for one in found[1]) - sum(
        "functionCall" in one for one in as_kept(first, keeps)
    )


@given(json_values, st.one_of(st.none(), json_values), st.booleans())
@law
def test_whatever_the_client_sends_is_told_or_not_or_unreadable(reply, after, sure):
    legs = [leg(text("I look."), ours(), goes_on=True), leg(text("b"), ours())]
    raw = json.dumps({"role": "model", "parts": reply}).encode()
    behind = None if after is None else json.dumps({"role": "user", "parts": after}).encode()
    gemini.retold(raw, behind, legs, sure)
