import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import sse
from pichay_core.wire.gemini import stream
from pichay_core.wire.gemini_parts import known_by
from pichay_core.wire.reply import TOOL_USE, Reply
from tests.gemini_replies import (
    NAMES,
    RESPONSE,
    Marks,
    call,
    event,
    events_of,
    frames,
    joined,
    message_of,
    ours,
    play,
    response,
    text,
    thought,
    usage,
    whole,
)
from tests.strategies import brief_law, json_values, law, texts

type Json = dict[str, Any]

said_texts = st.sampled_from(["I look.", "ok", "\n", " and so on, and on", "caf\u00e9 \u2028 §"])
parts = st.one_of(
    said_texts.map(text),
    said_texts.map(thought),
    st.builds(lambda signature: call("read_file", "a", signature, path="/a"), texts),
    st.sampled_from([text("", thoughtSignature="s"), text("b", thoughtSignature="s"),
                     {"executableCode": {"code": "1"}}]),
)  # fmt: skip
calls_of_ours = st.sampled_from([ours(), ours("id_1", "sig"), ours(pages="x", lines="1-2")])
replies = st.lists(parts, max_size=5)
mixed = st.lists(st.one_of(parts, parts, calls_of_ours), max_size=6)
apart = st.booleans()


def new(filtered: bool = False, streamed: bool = True):
    return stream(NAMES, Marks if filtered else None, streamed)


def shown(said: list[Json]) -> list[Json]:
    return [part for part in said if part.get("functionCall", {}).get("name") not in NAMES]


def once(legs: list[list[bytes]], why: str | None = None) -> tuple[bytes, list[Reply]]:
    return play(new(), legs, why)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    ends = [0, *sorted(set(at)), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


# -- laws ---------------------------------------------------------------------------------


@given(replies, apart)
@law
def test_without_a_call_of_ours_every_event_passes_at_once_as_it_came(said, apart):
    reply = new()
    for frame in frames(said, apart=apart):
        assert reply.feed(frame) == [frame]
    assert reply.end().whole
    assert reply.finish() == []


@given(st.binary(max_size=300), st.booleans())
@law
def test_whatever_is_no_reply_passes_byte_for_byte(data, streamed):
    shown, _ = play(new(streamed=streamed), [[data]])
    assert shown == data


@given(mixed, apart, st.lists(st.integers(0, 3000)), st.booleans())
@law
def test_any_cut_gives_the_client_the_same_and_says_the_same_of_the_reply(
    said, apart, at, filtered
):
    data = b"".join(frames(said, apart=apart))
    expected = play(new(filtered), [frames(said, apart=apart)])
    assert play(new(filtered), [cut(data, [one % (len(data) + 1) for one in at])]) == expected


@given(mixed, apart)
@brief_law
def test_byte_by_byte_it_is_the_same(said, apart):
    data = b"".join(frames(said, apart=apart))
    assert play(new(), [[bytes([one]) for one in data]]) == play(new(), [[data]])


def speaks(part):
    return "thought" not in part and bool(part.get("text", "").strip())


def spaced(first, more):
    """The parts of two replies, with a blank line between their texts: clients join them."""
    at = next((at for at, part in enumerate(more) if speaks(part)), len(more))
    between = [text("\n\n")] if any(map(speaks, first)) and more[at:] else []
    return [*first, *more[:at], *between, *more[at:]]


@given(mixed, mixed, apart)
@law
def test_the_client_gets_one_message_of_all_that_is_not_ours(said, more, apart):
    first = [*said, ours()]
    data, replies = once([frames(first, apart=apart), frames(more, apart=apart, responseId="r2")])
    message = message_of(data)
    assert message["parts"] == joined(spaced(shown(first), shown(more)))
    assert message["ids"] == {RESPONSE}
    assert message["finish"] == "STOP"
    assert [reply.whole for reply in replies] == [True, True]


@given(mixed, apart)
@law
def test_a_reply_is_said_to_be_what_the_model_wrote(said, apart):
    reply = once([frames(said, apart=apart)])[1][0]
    assert joined([json.loads(part.raw) for part in reply.parts]) == joined(said)
    hidden = [json.loads(part.raw) for part in reply.parts if part.shown is None]
    assert hidden == [part for part in said if part not in shown(said)]
    for part in reply.parts:
        assert part.shown in (None, known_by(json.loads(part.raw)))
    assert reply.calls == sum("functionCall" in part for part in shown(said))
    runs = reply.calls or reply.asks
    assert reply.stop == (TOOL_USE if runs else "STOP")


@given(mixed, st.booleans())
@law
def test_a_stream_and_its_twin_in_one_piece_say_the_same(said, filtered):
    streamed, [reply] = play(new(filtered), [frames(said, size=1000, used=usage(7))])
    data, [twin] = play(new(filtered, streamed=False), [[whole(said, used=usage(7))]])
    said_of = [(json.loads(part.raw), part.shown, part.altered) for part in twin.parts]
    assert [(json.loads(p.raw), p.shown, p.altered) for p in reply.parts] == said_of
    assert (reply.calls, reply.tags, reply.stop) == (twin.calls, twin.tags, twin.stop)
    assert [(a.id, a.tool, json.loads(a.arguments)) for a in reply.asks] == [
        (a.id, a.tool, json.loads(a.arguments)) for a in twin.asks
    ]
    found = json.loads(data)["candidates"][0]["content"]["parts"]
    assert joined(found) == message_of(streamed)["parts"]


odd_events = st.one_of(
    json_values,
    st.builds(lambda one: {"candidates": one}, json_values),
    st.builds(lambda one: response([], used={}) | {"usageMetadata": one}, json_values),
    st.builds(lambda one: {"candidates": [{"content": one, "finishReason": "STOP"}]}, json_values),
    st.builds(lambda many: {"candidates": [{"content": {"parts": many}}]}, st.lists(json_values)),
    st.builds(lambda one: {"candidates": [{"content": {"parts": [{"functionCall": one}, ours()]}}]},
              json_values),
    mixed.map(response),
)  # fmt: skip


@given(st.lists(st.lists(st.one_of(odd_events.map(event), st.binary(max_size=30)), max_size=4),
                min_size=1, max_size=3),
       st.booleans(), st.booleans(), st.sampled_from([None, "lost"]))  # fmt: skip
@law
def test_nothing_that_comes_makes_it_raise(legs, filtered, streamed, why):
    play(new(filtered, streamed), legs, why)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "odd",
    [
        b'{"text":"a","text":"b"}',
        b'{"functionCall":{"name":"memory_fault","args":{},"args":{}}}',
        b'{"functionCall":{"name":"memory_fault"}},{"text":"a","text":"b"}',
    ],
)
def test_what_is_said_twice_in_one_place_is_not_understood(odd, streamed):
    said = b'{"candidates":[{"content":{"parts":[%b,%b]},"finishReason":"STOP"}]}' % (odd, odd)
    came = b"data: " + said + b"\n\n" if streamed else said
    data, [reply] = play(new(streamed=streamed), [[came]])
    assert data == came
    assert not reply.whole


def test_counts_that_stand_there_twice_are_left_as_they_came():
    odd = b'{"usageMetadata":{"candidatesTokenCount":1,"candidatesTokenCount":2}}'
    frame = b"data: " + odd + b"\n\n"
    data, replies = once([frames([ours()]), [frame, *frames([text("b")])]])
    assert frame in data
    assert not replies[1].whole
    twin = odd[:-1] + b',"candidates":[{"content":{"parts":[]}}]}'
    assert play(new(streamed=False), [[whole([text("a"), ours()])], [twin]])[0]


# -- calls of ours ------------------------------------------------------------------------


def test_a_call_of_ours_is_answered_by_nobody_else():
    data, [reply] = once([frames([text("I look."), ours("id_1", "sig", pages=["a"])])])
    assert message_of(data)["parts"] == [text("I look.")]
    [ask] = reply.asks
    assert (ask.id, ask.tool, json.loads(ask.arguments)) == (
        "id_1",
        "memory_fault",
        {"pages": ["a"]},
    )
    assert reply.waits
    assert json.loads(reply.parts[-1].raw)["thoughtSignature"] == "sig"


def test_a_call_without_arguments_has_none():
    [ask] = once([frames([{"functionCall": {"name": "memory_fault"}}])])[1][0].asks
    assert (ask.id, ask.arguments) == ("", b"{}")


def test_what_a_call_of_ours_stands_beside_goes_out_and_the_end_waits():
    reply = new()
    both = event(response([text("I look."), ours()], "STOP"))
    assert events_of(b"".join(reply.feed(both)))[0]["candidates"][0] == {
        "content": {"parts": [text("I look.")], "role": "model"}, "finishReason": None, "index": 0,
    }  # fmt: skip
    assert reply.end().waits
    [end] = reply.finish()
    assert events_of(end)[0]["candidates"][0] == {
        "content": {"parts": [], "role": "model"}, "finishReason": "STOP", "index": 0,
    }  # fmt: skip


def test_an_event_that_would_say_nothing_is_left_out_unless_it_says_something_beside():
    reply = new()
    assert reply.feed(event(response([ours()]))) == []
    [kept] = reply.feed(event(response([ours()], promptFeedback={"blockReason": "X"})))
    assert events_of(kept)[0]["candidates"][0]["content"]["parts"] == []


def test_beside_calls_of_the_client_the_message_ends_and_is_answered_by_him():
    data, [reply] = once([frames([ours(), call("read_file", "a")])])
    assert message_of(data)["parts"] == [call("read_file", "a")]
    assert not reply.waits
    assert (reply.calls, reply.stop) == (1, TOOL_USE)


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "MALFORMED_FUNCTION_CALL"])
def test_another_reason_to_stop_stays(finish):
    data, [reply] = once([frames([text("a"), ours()], finish)])
    assert message_of(data)["finish"] == reply.stop == finish
    assert not reply.waits


def test_a_call_that_comes_in_pieces_is_the_client_s_and_no_whole_reply():
    part = {"functionCall": {"name": "memory_fault", "willContinue": True}}
    data, [reply] = once([frames([part])])
    assert data == b"".join(frames([part]))
    assert not reply.whole


def test_a_call_with_two_candidates_is_not_understood():
    said = response([ours()], "STOP")
    said["candidates"] *= 2
    data, [reply] = once([[event(said)]])
    assert data == event(said)
    assert not reply.whole


def test_what_is_written_is_added_up_and_what_was_read_is_the_last():
    legs = [frames([ours()], used=usage(5, 20, 100)), frames([text("b")], used=usage(7, 0, 130))]
    counts = message_of(once(legs)[0])["usage"]
    assert counts == {
        "promptTokenCount": 130, "cachedContentTokenCount": 60, "candidatesTokenCount": 12,
        "thoughtsTokenCount": 20, "totalTokenCount": 162,
    }  # fmt: skip


def test_only_what_must_be_edited_is():
    frame = b'id: 7\ndata: {"candidates" : [ {"content":{"parts":%b}}], "x":1.0e+5}\n\n'
    text = b'{"text":"\\u0061"}'
    call = b'{"functionCall":{"name":"memory_fault"}}'
    came = frame % (b"[ " + text + b" , " + call + b" ]")
    assert new().feed(came) == [frame % (b"[" + text + b"]")]


def test_an_event_on_several_lines_is_one():
    said = json.dumps(response([text("a"), ours()]), indent=1).splitlines()
    frame = "".join(f"data: {line}\r\n" for line in said).encode() + b"\r\n"
    [passed] = new().feed(frame)
    assert events_of(passed)[0]["candidates"][0]["content"]["parts"] == [text("a")]
    assert passed.endswith(b"\r\n\r\n")


# -- what breaks off ----------------------------------------------------------------------


@given(mixed, st.integers(0, 3000))
@law
def test_a_first_leg_that_breaks_off_gets_no_end_of_our_making(said, at):
    data = b"".join(frames(said, apart=True))
    end = data.rfind(b"data:")
    shown, [reply] = once([[data[: at % (end + 1)]]])
    assert b"finishReason" not in shown
    assert not reply.whole


def test_a_later_leg_that_breaks_off_is_brought_to_an_end():
    legs = [frames([text("a"), ours()], used=usage(5)), frames([text("b"), text("c")])[:1]]
    data, replies = once(legs, "gone")
    message = message_of(data)
    assert message["parts"] == [text("a\n\nb")]
    assert message["usage"]["candidatesTokenCount"] == 6
    assert not replies[1].whole


def test_half_a_call_is_no_call():
    later = b"".join(frames([text("b"), call("read_file", "a")]))
    data, _ = once([frames([text("a"), ours()]), [later[:-80]]], "gone")
    assert message_of(data)["parts"] == [text("a\n\nb")]


def test_a_leg_that_was_lost_is_an_error_only_for_a_client_that_was_shown_nothing():
    reply = new()
    for frame in frames([ours()]):
        assert reply.feed(frame) == []
    reply.end()
    reply.go_on()
    [error] = reply.fail("status 500")
    assert json.loads(error)["error"] == {
        "code": 503, "message": "status 500", "status": "UNAVAILABLE",
    }  # fmt: skip
    assert reply.feed(b"data: {}\n\n") == reply.finish() == []


@pytest.mark.parametrize(
    "error",
    [b'{\n "error": {"code": 500}\n}\n', b'{"error":{"code":500}}\r\n\r\n', event({"error": {}})],
)
def test_an_error_inside_a_stream_is_its_end(error):
    first = [*frames([text("a"), ours()])]
    data, replies = once([first, [*frames([text("b"), text("c")])[:1], error]])
    assert data.endswith(error)
    assert b'"STOP"' not in data
    assert not replies[1].whole


def test_nothing_is_said_while_a_leg_is_awaited():
    assert new().waiting() == b""


def test_an_endless_event_passes_as_it_came(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST_FRAME", 400)
    long = event(response([text("x" * 1000)]))
    data, [reply] = once([[*frames([ours()]), long, b"data: {}\n\n"]])
    assert data.endswith(long + b"data: {}\n\n")
    assert not reply.whole


# -- what is taken out of texts -----------------------------------------------------------

marked = st.lists(st.sampled_from(["ab", "§one§", "c\n", "§two§ d", "§", " "]), max_size=4)


def unmarked(said: str) -> str:
    one = Marks()
    return one.feed(said) + one.end()


@given(marked, st.integers(1, 9), st.booleans(), st.booleans())
@law
def test_what_is_taken_out_of_a_text_is_never_shown_however_it_is_cut(words, size, apart, calls):
    said = [text("".join(words)), *([call("read_file", "a")] if calls else [])]
    data, [reply] = play(new(filtered=True), [frames(said, apart=apart, size=size)])
    expected = [text(unmarked("".join(words))), *said[1:]]
    assert message_of(data)["parts"] == joined(expected)
    assert reply.whole
    assert joined([json.loads(part.raw) for part in reply.parts]) == joined(said)


def test_a_text_with_marks_is_altered_and_known_by_what_was_shown():
    _, [reply] = play(new(filtered=True), [frames([text("a§b§c")], size=2)])
    assert [(part.shown, part.altered) for part in reply.parts] == [("text ac", True)]
    assert reply.tags == ("b",)


def test_a_text_that_is_all_marks_is_hidden():
    data, [reply] = play(new(filtered=True), [frames([text("§b§"), call("f", "a")], size=2)])
    assert message_of(data)["parts"] == [call("f", "a")]
    assert [part.shown is None for part in reply.parts] == [True, False]


def test_what_was_held_back_goes_out_before_what_follows_the_text():
    data, _ = play(new(filtered=True), [[event(response([text("a§b"), call("f", "a")], "STOP"))]])
    assert message_of(data)["parts"] == [text("a§b"), call("f", "a")]


# -- in one piece -------------------------------------------------------------------------


def test_a_list_of_responses_passes_as_it_comes():
    reply = new(streamed=False)
    assert reply.feed(b"\n[{") == [b"\n[{"]
    assert reply.feed(b"}]") == [b"}]"]
    assert not reply.end().whole
    assert reply.finish() == []


def test_two_legs_in_one_piece_are_one_message_with_the_end_of_the_last():
    first, last = whole([text("a"), ours()], used=usage(5)), whole([text("b")], used=usage(7))
    data, replies = play(new(streamed=False), [[first], [last]])
    said = json.loads(data)
    assert said["candidates"][0]["content"]["parts"] == [text("a"), text("\n\n"), text("b")]
    assert said["usageMetadata"]["candidatesTokenCount"] == 12
    assert [reply.waits for reply in replies] == [True, False]


@pytest.mark.parametrize("lost", [b"", b"{}", b"<html>", b'{"error":{"code":500}}'])
def test_a_leg_that_was_lost_leaves_the_message_as_it_was(lost):
    data, _ = play(new(streamed=False), [[whole([text("a"), ours()])], [lost]], "lost")
    assert json.loads(data)["candidates"][0]["content"]["parts"] == [text("a")]


def test_an_error_passes_as_it_came():
    assert play(new(streamed=False), [[b'{"error":{"code":429}}']])[0] == b'{"error":{"code":429}}'
