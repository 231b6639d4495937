"""A reply in one piece passes as it came, but for what is only between the model and its memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import sse
from pichay_core.wire.anthropic import stream
from pichay_core.wire.anthropic_blocks import known_by
from pichay_core.wire.reply import Ask, Part, Reply
from tests.replies import NAMES, Marks, call, ours, play, text, thinking, whole
from tests.strategies import cuts, json_values, law, seeds, written

TWO = [text("a"), ours("toolu_1")]
BODY = written(json.loads(whole([text("a"), call("Read", "toolu_1", file_path="a.py")])), 3)


def new(text_filter=None):
    return stream(NAMES, text_filter, streamed=False)


@given(st.one_of(st.binary(max_size=50), st.builds(written, json_values, seeds)), st.data())
@law
def test_what_is_no_message_passes_as_it_came(body, data):
    shown, (reply,) = play(new(Marks), [data.draw(cuts(body))])
    assert shown == body
    assert reply == Reply()


@given(seeds, st.data())
@law
def test_a_message_without_a_call_of_ours_passes_byte_for_byte(seed, data):
    said = [thinking("b", "s"), text("a"), call("Read", "toolu_1", file_path="a.py")]
    body = written(json.loads(whole(said)), seed)
    shown, (reply,) = play(new(Marks), [data.draw(cuts(body))])
    assert shown == body
    assert (reply.calls, reply.whole, reply.stop) == (1, True, "tool_use")


def test_nothing_goes_out_before_the_end():
    reply = new()
    assert reply.feed(BODY) == []
    reply.end()
    assert reply.finish() == [BODY]
    assert reply.finish() == []


def test_an_error_passes_as_it_came():
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"} }\n'
    assert play(new(), [[body]]) == (body, [Reply()])


@given(seeds)
@law
def test_what_stays_of_a_message_stays_as_it_was_spelled(seed):
    parts = [written(block, seed).strip() for block in TWO]
    body = b'{ "id" : "msg_1","type":"message","new":1.50, "content": [ %s , %s ],' % tuple(parts)
    body += b'"stop_reason":"tool_use","usage":{"output_tokens": 7 }}\n'
    shown, (reply,) = play(new(), [[body]])
    content = b"[%s]" % parts[0]
    expected = body.replace(b"[ %s , %s ]" % tuple(parts), content)
    assert shown == expected.replace(b'"tool_use","usage"', b'"end_turn","usage"')
    assert [part.raw for part in reply.parts] == parts


def test_a_call_of_ours_is_told_and_not_shown():
    shown, (reply,) = play(new(), [[whole(TWO)]])
    assert json.loads(shown)["content"] == [text("a")]
    assert reply.asks == (Ask("toolu_1", "memory_fault", b'{"pages":["qj3k7w2m"]}'),)
    assert reply.waits


def test_two_legs_are_one_message_with_the_end_of_the_last():
    last = [thinking("b", "s"), call("Read", "toolu_2", file_path="a.py")]
    legs = [[whole(TWO, out=7)], [whole(last, out=5, read=900)]]
    said = json.loads(play(new(), legs)[0])
    assert said["content"] == [text("a"), *last]
    assert said["stop_reason"] == "tool_use"
    assert (said["usage"]["output_tokens"], said["usage"]["cache_read_input_tokens"]) == (12, 900)


def test_what_only_the_last_leg_says_of_its_end_is_added():
    last = json.loads(whole([text("b")])) | {"stop_details": {"type": "x"}, "container": None}
    said = json.loads(play(new(), [[whole(TWO)], [json.dumps(last).encode()]])[0])
    assert (said["stop_details"], said["container"]) == ({"type": "x"}, None)


@pytest.mark.parametrize("lost", [b"", b"{", b'{"type":"error","error":{"type":"api_error"}}'])
def test_a_leg_that_was_lost_leaves_the_message_as_it_was(lost):
    reply = new()
    reply.feed(whole(TWO))
    reply.end()
    reply.go_on()
    reply.feed(lost)
    assert not reply.end().whole
    (shown,) = reply.fail("it died")
    assert json.loads(shown)["content"] == [text("a")]
    assert json.loads(shown)["stop_reason"] == "end_turn"


def test_without_being_told_that_the_leg_ended_it_is_all_the_same():
    reply = new()
    reply.feed(whole(TWO))
    assert reply.finish() == [play(new(), [[whole(TWO)]])[0]]


def test_marks_are_taken_out_and_a_text_of_marks_alone_is_hidden():
    said = [text("§drop a§\n"), text("b §drop b§c", citations=None), ours("toolu_1")]
    shown, (reply,) = play(new(Marks), [[whole(said)]])
    assert json.loads(shown)["content"] == [text("b c", citations=None)]
    assert reply.tags == ("drop a", "drop b")
    assert reply.parts[1].shown == known_by(text("b c"))
    assert [(part.shown is None, part.altered) for part in reply.parts] == [
        (True, False), (False, True), (True, False),
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["a", None, {}, [1, "a", None, [[]]]])
def test_content_of_another_shape_passes_as_it_came(content):
    body = json.dumps(json.loads(whole([])) | {"content": content}).encode()
    assert play(new(Marks), [[body]])[0] == body


def test_a_call_that_is_nested_too_deeply_to_be_read_is_hidden_all_the_same():
    deep = b"[" * 300 + b"]" * 300
    for block in (ours("toolu_1", pages=1), call("Read", "toolu_1", pages=1)):
        body = whole([block]).replace(b":1}", b":" + deep + b"}")
        shown, (reply,) = play(new(), [[body]])
        assert (b"memory_fault" not in shown, reply.whole, reply.waits) == (True, False, False)
    assert shown == body
    assert reply.parts[0].shown == "tool_use toolu_1"


@given(st.data())
@law
def test_a_body_that_is_too_long_passes_and_a_later_one_is_lost(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sse, "LONGEST_FRAME", 1_000)
        long = whole([text("x" * 2_000)])
        assert play(new(), [data.draw(cuts(long))]) == (long, [Reply()])
        shown, replies = play(new(), [[whole(TWO)], data.draw(cuts(long))])
    assert json.loads(shown)["content"] == [text("a")]
    assert replies[1] == Reply()


def test_parts_are_raw_as_they_came():
    raw = b'{"text" : "caf\\u00e9","type":"text"}'
    body = whole([]).replace(b'"content":[]', b'"content":[ ' + raw + b" ]")
    _, (reply,) = play(new(), [[body]])
    assert reply.parts == (Part(raw, known_by(text("caf\u00e9"))),)
