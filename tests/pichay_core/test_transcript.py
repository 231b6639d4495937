"""From messages to pages and frames: names that depend on the history alone."""

import pytest

from pichay_core.model import Kind
from pichay_core.session import Frame
from pichay_core.transcript import before_thinking, frames_before, newest, place
from pichay_core.wire import anthropic
from tests.builders import Talk, prose, reply, result, use, user


def read(talk):
    messages = talk.messages if isinstance(talk, Talk) else talk
    import json

    return tuple(anthropic.read(json.dumps(message).encode()) for message in messages)


def placed(talk, start=0, frames=None, turn=0):
    return place(read(talk), start, frames or {}, turn, lambda size: size // 4)


def names(talk) -> list[str]:
    return list(placed(talk).frames)


def test_every_result_is_a_page_in_its_frame_with_the_turn_it_came_in():
    found = placed(Talk().read("a.py").ask("next").run("make"))
    assert list(found.frames.values()) == [Frame(2, 0), Frame(6, 0)]
    assert [(a.page.call.label, a.turn) for a in found.pages] == [("a.py", 2), ("make", 4)]
    assert found.turn == 4


def test_the_clock_counts_user_messages_only():
    system = {"role": "system", "content": "be quick"}
    assert placed([user("a"), system, reply("b"), user("c")]).turn == 2


def test_a_name_does_not_depend_on_how_far_the_conversation_has_come():
    talk = Talk().read("a.py").read("b.py").read("c.py")
    whole = names(talk)
    assert names(talk.copy().to(5)) == whole[:2]
    first = placed(talk.copy().to(5))
    rest = place(read(talk), 5, first.frames, first.turn, lambda size: size // 4)
    assert list(rest.frames) == whole
    assert [a.page.call.label for a in rest.pages] == ["c.py"]
    assert (rest.turn, placed(talk).turn) == (4, 4)


def test_a_name_does_not_depend_on_where_it_stands():
    a = Talk().read("a.py", id="x")
    b = Talk("Another.").ask("more").read("a.py", id="x")
    assert names(a) == names(b)


@pytest.mark.parametrize(
    "other",
    [
        Talk().read("a.py", id="y"),
        Talk().read("b.py", prose("a.py"), id="x"),
        Talk().read("a.py", "other", id="x"),
        Talk().call("View", prose("a.py"), id="x", file_path="a.py"),
    ],
    ids=["call id", "arguments", "content", "tool"],
)
def test_another_call_or_another_content_is_another_page(other):
    assert names(other) != names(Talk().read("a.py", id="x"))


def test_markers_shape_of_content_and_order_of_arguments_do_not_change_a_name():
    plain = [use("x", "Read", file_path="a", limit=5), result("x", "text")]
    other = [
        use("x", "Read", limit=5, file_path="a"),
        result("x", [{"type": "text", "text": "text"}], cache_control={"type": "ephemeral"}),
    ]
    one, two = (
        names([user("q"), {"role": "assistant", "content": [u]}, user([r])])
        for u, r in (plain, other)
    )
    assert one == two


def test_equal_results_are_told_apart_by_their_order():
    talk = Talk().read("a.py", id="x").read("a.py", id="x").read("a.py", id="x")
    assert len({*names(talk)}) == 3
    assert names(talk)[:2] == names(talk.copy().to(5))


def test_parallel_results_stand_in_their_blocks():
    asked = [use("1", "Read", file_path="a"), use("2", "Read", file_path="b")]
    given = [result("2", "B"), result("1", "A"), {"type": "text", "text": "go on"}]
    found = placed([user("q"), {"role": "assistant", "content": asked}, user(given)])
    labels = [a.page.call.label for a in found.pages]
    assert list(zip(labels, found.frames.values(), strict=True)) == [
        ("b", Frame(2, 0)),
        ("a", Frame(2, 1)),
    ]


def test_parallel_calls_that_share_an_id_are_answered_in_their_order():
    asked = [use("", "Read", file_path=name) for name in "abc"]
    given = [result("", name) for name in "abcd"]
    found = placed([user("q"), {"role": "assistant", "content": asked}, user(given)])
    assert [a.page.call.label for a in found.pages] == ["a", "b", "c", "c"]


def test_an_id_that_is_used_again_means_the_newest_call():
    found = placed(Talk().read("a.py", id="x").read("b.py", id="x"))
    assert [a.page.call.label for a in found.pages] == ["a.py", "b.py"]


def test_a_result_without_a_call_is_ephemeral_output_of_nobody():
    (arrival,) = placed([user([result("x", "text")])]).pages
    assert (arrival.page.call.tool, arrival.page.call.kind) == ("unknown", Kind.RUN)
    assert arrival.page.call.key is None


def test_a_page_says_what_kind_of_result_it_is():
    image = [{"type": "image", "source": {"type": "base64", "data": "xx"}}]
    talk = Talk().read("a", "no such file", more={"is_error": True}).read("b.png", image)
    talk.read("c", "[Old tool result content cleared]").read("d", "one\ntwo\nthree")
    pages = [a.page for a in placed(talk).pages]
    assert [(p.error, p.opaque, p.cleared) for p in pages] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, False),
    ]
    assert (pages[3].bytes, pages[3].lines, pages[3].tokens) == (13, 3, 3)


def test_the_newest_pages_are_those_after_the_last_reply():
    messages = read(Talk().read("a.py").read("b.py"))
    frames = placed(Talk().read("a.py").read("b.py")).frames
    assert [frames[page].message for page in newest(messages, frames)] == [4]
    assert newest(messages[:4], frames_before(frames, 4)) == frozenset()


def test_before_thinking_is_all_that_stands_before_the_last_thought():
    talk = Talk().read("a.py").read("b.py", think=True).read("c.py")
    frames = placed(talk).frames
    bound = before_thinking(read(talk), frames)
    assert sorted(frames[page].message for page in bound) == [2]
    assert before_thinking(read(Talk().read("a.py")), frames) == frozenset()


def test_redacted_thinking_binds_as_well():
    talk = Talk().read("a.py")
    talk.messages += [
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
        user("go on"),
    ]
    assert before_thinking(read(talk), placed(talk).frames)


def test_what_stands_before_a_message_is_kept_when_it_is_cut_there():
    frames = placed(Talk().read("a.py").read("b.py")).frames
    assert [f.message for f in frames_before(frames, 4).values()] == [2]
