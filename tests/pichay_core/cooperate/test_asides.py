"""A request told again as the model knows it: what was not shown to the client stands there."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from pichay_core.cooperate.asides import aside_after, extended, told
from pichay_core.events import Unsaid
from pichay_core.request import Request, read_messages
from pichay_core.session import Match, Session, match
from pichay_core.wire import anthropic
from pichay_core.wire.anthropic_blocks import known_by
from pichay_core.wire.format import Format
from pichay_core.wire.reply import Leg, Part
from tests.builders import START, Talk, body, known, marked, result, thought, use, user

ASKED = use("toolu_m1", "memory_fault", pages=["K7Q2M9XA"])
ANSWER = result("toolu_m1", "[What was recalled.]")
LOOK = {"type": "text", "text": "I look it up."}
SAID = {"type": "text", "text": "There it is."}


def raw(block: Any) -> bytes:
    return json.dumps(block).encode()


def part(block: Any, shown: bool = True) -> Part:
    return Part(raw(block), known_by(block) if shown else None)


def leg(*blocks: Any, answers: tuple[Any, ...] = (ANSWER,), goes_on: bool = True) -> Leg:
    """A reply of which everything but the calls to our tools was shown."""
    ours = [b.get("name", "").startswith("memory_") for b in blocks]
    parts = [part(block, not hidden) for block, hidden in zip(blocks, ours, strict=True)]
    return Leg(tuple(parts), tuple(map(raw, answers)), goes_on)


def request(messages: list[Any], spaced: bool = False) -> Request:
    format = cast("Format", anthropic)
    sent = json.dumps(json.loads(body(messages)), indent=2).encode() if spaced else body(messages)
    outline = format.outline(sent)
    return Request(
        format, outline, format.head(outline, None), read_messages(format, outline), START
    )


def after(first: Request, *legs: Leg) -> Session:
    """The session after a request whose reply had these legs."""
    session = replace(known(), messages=first.messages, requests=1)
    for one in legs:
        session = aside_after(session, len(first.messages), one)
    return session


def next_one(session: Session, then: Request) -> Any:
    found = match([session], then.messages, session.shape, True)
    assert found is not None
    return told(found, then)


def contents(request: Request) -> list[Any]:
    return json.loads(request.outline.body)["messages"]


TALK = Talk().read("a.py").messages
"""A prompt, a call, its result: the reply to this is what the tests are about."""


@pytest.mark.parametrize("spaced", [False, True])
def test_a_continued_reply_is_told_as_the_two_replies_that_it_was(spaced):
    session = after(request(TALK), leg(LOOK, ASKED))
    seen = next_one(session, request([*TALK, {"role": "assistant", "content": [LOOK, SAID]},
                                      user("thanks")], spaced))  # fmt: skip
    assert contents(seen.request)[3:] == [
        {"role": "assistant", "content": [LOOK, ASKED]},
        user([ANSWER]),
        {"role": "assistant", "content": [SAID]},
        user("thanks"),
    ]
    assert seen.matched.how == "extends" and not seen.events


def test_the_places_of_a_told_request_are_those_of_its_body():
    session = after(request(TALK), leg(LOOK, ASKED))
    came = request([*TALK, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks")])
    model = next_one(session, came).request
    again = anthropic.outline(model.outline.body)
    assert list(again.messages) == list(model.outline.messages)
    assert dict(again.fields) == dict(model.outline.fields)
    assert [m.raw for m in model.messages] == [again.raw(at) for at in range(len(model.messages))]
    assert model.client_body is came.outline.body and model.own == came.messages


def test_a_mixed_reply_gets_its_call_back_in_its_place_and_the_answer_behind_the_results():
    read = use("toolu_9", "Read", file_path="b.py")
    session = after(request(TALK), leg(ASKED, read, goes_on=False))
    seen = next_one(
        session,
        request([*TALK, {"role": "assistant", "content": [read]},
                 user([result("toolu_9", "b"), {"type": "text", "text": "go on"}])]),
    )  # fmt: skip
    assert contents(seen.request)[3:] == [
        {"role": "assistant", "content": [ASKED, read]},
        user([result("toolu_9", "b"), ANSWER, {"type": "text", "text": "go on"}]),
    ]


def test_without_a_message_behind_it_a_mixed_reply_is_told_without_the_call():
    read = use("toolu_9", "Read", file_path="b.py")
    session = after(request(TALK), leg(ASKED, read, goes_on=False))
    seen = next_one(session, request([*TALK, {"role": "assistant", "content": [read]}]))
    assert contents(seen.request)[3:] == [{"role": "assistant", "content": [read]}]


def test_an_answer_stands_before_what_the_user_wrote_in_one_string():
    session = after(request(TALK), leg(SAID, ASKED, goes_on=False))
    came = request([*TALK, {"role": "assistant", "content": "There it is."}, user("thanks")])
    assert contents(next_one(session, came).request)[3:] == [
        {"role": "assistant", "content": [SAID, ASKED]},
        user([ANSWER, {"type": "text", "text": "thanks"}]),
    ]


def test_two_legs_and_a_mixed_end_are_told_in_their_order():
    second = use("toolu_m2", "memory_release", pages=["a.py"])
    third = use("toolu_m3", "memory_status")
    read = use("toolu_9", "Read", file_path="b.py")
    legs = (
        leg(thought(1), LOOK, ASKED),
        leg(second, answers=(result("toolu_m2", "ok"),)),
        leg(thought(2), third, read, answers=(result("toolu_m3", "full"),), goes_on=False),
    )
    came = [thought(1), LOOK, thought(2), read]
    seen = next_one(
        after(request(TALK), *legs),
        request([*TALK, {"role": "assistant", "content": came}, user([result("toolu_9", "b")])]),
    )
    assert contents(seen.request)[3:] == [
        {"role": "assistant", "content": [thought(1), LOOK, ASKED]},
        user([ANSWER]),
        {"role": "assistant", "content": [second]},
        user([result("toolu_m2", "ok")]),
        {"role": "assistant", "content": [thought(2), third, read]},
        user([result("toolu_9", "b"), result("toolu_m3", "full")]),
    ]


def test_altered_text_is_told_as_the_model_wrote_it():
    wrote = {"type": "text", "text": "Done. <tag>"}
    shown = Part(raw(wrote), known_by({"type": "text", "text": "Done. "}), True)
    session = after(request(TALK), Leg((shown,), (), False))
    came = request([*TALK, {"role": "assistant", "content": "Done."}, user("thanks")])
    assert contents(next_one(session, came).request)[3]["content"] == [wrote]


def test_a_marker_that_the_client_sets_on_a_told_block_stays_on_it():
    session = after(request(TALK), leg(LOOK, ASKED))
    came = [*TALK, {"role": "assistant", "content": [marked(LOOK), SAID]}, user("thanks")]
    assert contents(next_one(session, request(came)).request)[3]["content"] == [marked(LOOK), ASKED]


def test_thinking_that_the_client_leaves_out_is_not_told():
    session = after(request(TALK), leg(thought(1), LOOK, ASKED))
    came = [*TALK, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks")]
    assert contents(next_one(session, request(came)).request)[3]["content"] == [LOOK, ASKED]


@pytest.mark.parametrize(
    ("later", "why"),
    [
        ([{"role": "assistant", "content": "Other words."}, user("x")],
         "the client changed the reply"),
        ([user("again")], "the reply was never kept"),
        ([], "the reply was never kept"),
    ],
)  # fmt: skip
def test_a_reply_that_is_not_what_was_shown_is_sent_as_the_client_has_it(later, why):
    session = after(request(TALK), leg(LOOK, ASKED))
    came = request([*TALK, *later])
    seen = next_one(session, came)
    assert seen.request is came
    assert seen.events == (Unsaid(len(TALK), why),)
    assert seen.matched.session.asides == ()


def went_on(*legs: Leg, said: Any) -> Session:
    """The session after its client has sent the reply with these legs, and gone on from it."""
    first = request([*TALK, {"role": "assistant", "content": said}, user("thanks")])
    seen = next_one(after(request(TALK), *legs), first)
    session = replace(seen.matched.session, messages=seen.request.messages, heard=first.messages)
    assert session.asides and session.retold
    return session


def test_another_reply_in_its_place_is_not_told_what_was_never_said_in_it():
    """Where the model spoke to us alone, nothing that the client was shown could tell the two."""
    came = request([*TALK, {"role": "assistant", "content": "From another branch."}, user("x")])
    seen = next_one(went_on(leg(ASKED), said=[SAID]), came)
    assert seen.request is came
    assert seen.events == (Unsaid(len(TALK), "the client changed the reply"),)


def test_a_reply_that_loses_its_thinking_later_is_told_all_the_same():
    session = went_on(leg(thought(1), LOOK, ASKED), said=[thought(1), LOOK, thought(2), SAID])
    came = [*TALK, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks"), user("more")]
    seen = next_one(session, request(came))
    assert contents(seen.request)[3:6] == [
        {"role": "assistant", "content": [LOOK, ASKED]},
        user([ANSWER]),
        {"role": "assistant", "content": [SAID]},
    ]


def test_a_history_that_changed_before_a_reply_forgets_what_was_said_in_it():
    session = after(request(TALK), leg(LOOK, ASKED))
    first = request([*TALK, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks")])
    session = replace(next_one(session, first).matched.session, messages=first.messages)
    other = Talk("Another bug.").read("a.py").messages
    then = request([*other, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks")])
    seen = told(Match(session, 0, "compacted"), then)
    assert seen.request is then and [type(e) for e in seen.events] == [Unsaid]


def test_a_reply_that_broke_off_before_anything_more_was_said_is_told_without_more():
    session = after(request(TALK), leg(LOOK, ASKED))
    came = request([*TALK, {"role": "assistant", "content": [LOOK]}, user("stop")])
    assert contents(next_one(session, came).request)[3:] == [
        {"role": "assistant", "content": [LOOK, ASKED]},
        user([ANSWER]),
        user("stop"),
    ]


def test_what_was_told_once_is_told_in_the_same_bytes_for_ever():
    session = after(request(TALK), leg(LOOK, ASKED))
    talk = [*TALK, {"role": "assistant", "content": [LOOK, SAID]}, user("thanks")]
    first = next_one(session, request(talk))
    session = replace(first.matched.session, messages=first.request.messages,
                      heard=first.request.own)  # fmt: skip
    then = next_one(session, request([*talk, {"role": "assistant", "content": "ok"}, user("more")]))
    count = len(first.request.messages)
    assert [m.raw for m in then.request.messages[:count]] == [m.raw for m in first.request.messages]
    assert then.matched.how == "extends" and then.matched.shared == count


@pytest.mark.parametrize("keeps", [True, False])
def test_a_text_of_white_space_is_left_out_of_what_is_answered_and_of_what_is_told(keeps):
    """A model writes one now and then before its calls; no request may hold it."""
    space = {"type": "text", "text": "\n\n"}
    spoke = leg(thought(1), space, ASKED)
    assert contents(extended(request(TALK), spoke))[3]["content"] == [thought(1), ASKED]
    came = [thought(1), *([space] if keeps else []), SAID]
    seen = next_one(
        after(request(TALK), spoke),
        request([*TALK, {"role": "assistant", "content": came}, user("x")]),
    )
    assert contents(seen.request)[3]["content"] == [thought(1), ASKED]


def test_a_request_is_extended_by_a_reply_and_our_answers():
    came = request(TALK)
    model = extended(came, leg(LOOK, ASKED))
    assert contents(model)[3:] == [{"role": "assistant", "content": [LOOK, ASKED]}, user([ANSWER])]
    assert list(anthropic.outline(model.outline.body).messages) == list(model.outline.messages)
    assert model.own == came.messages
