"""A streamed reply passes as it came, but for what is only between the model and its memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic import stream
from pichay_core.wire.anthropic_blocks import known_by
from pichay_core.wire.reply import Ask, Part, Reply
from tests.replies import (
    CITATION,
    NAMES,
    PING,
    Marks,
    block_frames,
    call,
    event,
    events_of,
    frames,
    head,
    message_of,
    ours,
    play,
    split,
    text,
    thinking,
    whole,
)
from tests.strategies import cuts, law, streams

SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": "a"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgB"}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
ids = st.uuids().map(lambda number: f"toolu_{number.hex[:8]}")
blocks = st.one_of(
    st.builds(text, texts),
    st.builds(lambda said: text(said, citations=[CITATION, CITATION]), texts),
    st.builds(thinking, texts, st.just("EqQBCgIYAhIM+/=")),
    st.builds(lambda id, said: call("Read", id, file_path=said), ids, texts),
    st.builds(lambda id: call("Bash", id), ids),
    st.builds(lambda id, said: ours(id, pages=[said]), ids, texts),
    st.builds(lambda id: call("memory_release", id), ids),
    st.sampled_from([SEARCH, FOUND, REDACTED]),
)
FAULT = ours("toolu_last")
legs = st.lists(st.lists(blocks, max_size=5), min_size=1, max_size=3).map(
    lambda said: [*([*leg, FAULT] for leg in said[:-1]), said[-1]]
)
"""Each leg but the last ends with a call of ours."""
HALF = (
    b'data: {"type":"content_block_delta","index":1,"delta":'
    b'{"type":"text_delta","text":"\\ud83d"}}\n\n'
)
"""A piece of text that ends in the middle of a letter."""


def is_ours(block):
    return block.get("name") in NAMES


def new(text_filter=None):
    return stream(NAMES, text_filter)


def parts_of(said):
    """What the reply is known for, found from its blocks."""
    return tuple(
        Part(jsontext.encode(block), None if is_ours(block) else known_by(block)) for block in said
    )


# -- the laws -----------------------------------------------------------------------------


@given(streams(), st.data())
@law
def test_whatever_is_no_reply_passes_byte_for_byte(said, data):
    assert play(new(), [data.draw(cuts(said))])[0] == said


@given(st.lists(blocks.filter(lambda block: not is_ours(block)), max_size=5))
@law
def test_without_a_call_of_ours_every_frame_passes_at_once_as_it_came(said):
    reply = new()
    for frame in frames(said):
        assert reply.feed(frame) == [frame]
    assert reply.end().whole
    assert reply.finish() == []


@given(legs, st.data())
@law
def test_any_cut_gives_the_client_the_same_and_says_the_same_of_the_reply(said, data):
    replies = [b"".join(frames(leg)) for leg in said]
    cut = play(new(), [data.draw(cuts(leg)) for leg in replies])
    assert cut == play(new(), [[leg] for leg in replies])


@given(legs)
@law
def test_the_client_gets_one_message_of_all_that_is_not_ours(said):
    data, _ = play(new(), [frames(leg, out=10 + at, read=at) for at, leg in enumerate(said)])
    message = message_of(data)
    shown = [block for leg in said for block in leg if not is_ours(block)]
    assert [known_by(block) for block in message["content"]] == [known_by(b) for b in shown]
    assert [block.get("input") for block in message["content"]] == [b.get("input") for b in shown]
    calls = any(b["type"] == "tool_use" and not is_ours(b) for b in said[-1])
    assert message["stop_reason"] == ("tool_use" if calls else "end_turn")
    assert message["usage"]["output_tokens"] == sum(10 + at for at in range(len(said)))
    assert message["usage"]["cache_read_input_tokens"] == len(said) - 1


@given(st.lists(blocks, max_size=6))
@law
def test_a_reply_is_said_to_be_what_the_model_wrote(said):
    _, (reply,) = play(new(), [frames(said)])
    assert reply.parts == parts_of(said)
    assert [ask.id for ask in reply.asks] == [block["id"] for block in said if is_ours(block)]
    assert reply.calls == sum(b["type"] == "tool_use" and not is_ours(b) for b in said)
    assert reply.whole


@given(legs)
@law
def test_a_stream_and_its_twin_in_one_piece_say_the_same(said):
    streamed, replies = play(new(), [frames(leg) for leg in said])
    body, others = play(stream(NAMES, None, False), [[whole(leg)] for leg in said])
    assert others == replies
    one, other = message_of(streamed), jsontext.value(body)
    assert isinstance(other, dict)
    assert [known_by(b) for b in one["content"]] == [known_by(b) for b in other["content"]]
    assert one["stop_reason"] == other["stop_reason"]
    assert one["usage"] == other["usage"]


@given(legs, st.data())
@law
def test_pings_and_comments_pass_whatever_is_held_back(said, data):
    odd = st.sampled_from(
        [PING, b": still there\n\n", b"event: of_tomorrow\ndata: {}\n\n", b"\n\n"]
    )
    played = []
    for leg in said:
        mixed = [part for frame in frames(leg)[:-1] for part in (frame, data.draw(odd))]
        played.append([*mixed, frames(leg)[-1]])
    shown, _ = play(new(), played)
    expected = [f for leg in played for f in leg if f in (PING, b": still there\n\n", b"\n\n")]
    assert [f for f in split(shown) if f in (PING, b": still there\n\n", b"\n\n")] == expected


@given(st.data(), st.booleans(), st.sampled_from([100, 500, sse.LONGEST_FRAME]))
@law
def test_nothing_that_comes_makes_it_raise(data, filtered, longest):
    reply = new(Marks if filtered else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sse, "LONGEST_FRAME", longest)
        for number, said in enumerate(data.draw(legs)):
            if number:
                reply.go_on()
            for piece in data.draw(broken(frames(said))):
                assert all(reply.feed(piece))
            reply.end()
        assert all(reply.finish() if data.draw(st.booleans()) else reply.fail("why"))
        assert reply.finish() == []


@st.composite
def broken(draw, whole_frames):
    """Frames in disorder, some of them spoilt, cut anywhere."""
    spoilt = [
        b"data: [DONE]\n\n",
        b'data: {"type":"content_block_delta","index":0,"index":1}\n\n',
        event("content_block_start", index=0),
        event("content_block_start", index=True, content_block={}),
        event("content_block_start", index=10**30, content_block=text("a")),
        event("content_block_start", index=-1, content_block=ours("a")),
        b'data: {"type":"content_block_start","index":1,"content_block":{"a":1,"a":2}}\n\n',
        event("content_block_delta", index=0, delta={"type": "of_tomorrow"}),
        event("content_block_delta", index=0, delta=None),
        event(
            "content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{"}
        ),
        HALF,
        b'data: {"type":"content_block_delta",\ndata: "index":1,\ndata: "delta":{}}\n\n',
        event("message_delta", delta=3, usage=[1]),
        event("message_delta", delta={}, usage={"output_tokens": -1}),
        event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        event("content_block_start", index=2, content_block=json_deep(300)),
        b"\xff\xfe\x00",
    ]
    some = st.lists(st.sampled_from([*whole_frames, *whole_frames, *spoilt]), max_size=12)
    data = b"".join(draw(st.one_of(some, st.just(whole_frames))))
    at = draw(st.integers(0, len(data)))
    return draw(cuts(data[:at] + draw(st.binary(max_size=2)) + data[at:]))


def json_deep(depth):
    inner = []
    for _ in range(depth):
        inner = [inner]
    return {"type": "of_tomorrow", "content": inner}


# -- blocks -------------------------------------------------------------------------------


def test_a_call_of_ours_is_answered_by_nobody_else():
    said = [text("Let me look."), ours("toolu_1", pages=["a.py"])]
    reply = new()
    shown = [piece for frame in frames(said) for piece in reply.feed(frame)]
    assert shown == frames(said)[: 2 + len(block_frames(0, said[0]))]
    found = reply.end()
    assert found == Reply(
        parts=parts_of(said),
        asks=(Ask("toolu_1", "memory_fault", b'{"pages":["a.py"]}'),),
        stop="tool_use",
        whole=True,
    )
    assert found.waits


def test_calls_of_the_client_beside_ours_pass_at_once_with_numbers_without_a_gap():
    said = [ours("toolu_1"), call("Read", "toolu_2", file_path="a.py"), ours("toolu_3")]
    reply = new()
    shown = [piece for frame in frames(said) for piece in reply.feed(frame)]
    assert shown == [*frames([said[1]])[:-2]]
    assert not reply.end().waits
    assert reply.finish() == frames(said)[-2:]


def test_only_a_number_is_edited_and_the_spelling_stays():
    frame = (
        b'id: 7\r\nevent: content_block_delta\r\ndata:{ "index" : 1 , "delta":{"text":'
        b'"\\u00e9/\\/","type":"text_delta"},"type":"content_block_delta", "new": 1.50 }\r\n\r\n'
    )
    reply = new()
    for part in (*frames([ours("toolu_1"), text("a")])[:-3],):
        reply.feed(part)
    assert reply.feed(frame) == [frame.replace(b'"index" : 1', b'"index" : 0')]


def test_an_event_on_several_lines_keeps_them():
    frame = b'data: {"type":"content_block_delta",\ndata: "index":1,\ndata:"delta":{}}\n\n'
    reply = new()
    for part in frames([ours("toolu_1"), text("a")])[:-3]:
        reply.feed(part)
    assert reply.feed(frame) == [frame.replace(b'"index":1', b'"index":0')]


def test_an_empty_input_and_an_input_that_came_with_the_start_stay_as_they_are():
    given_ = event("content_block_start", index=1, content_block=ours("toolu_2", a=1))
    leg = [*frames([call("memory_fault", "toolu_1")])[:-2], given_]
    _, (reply,) = play(new(), [[*leg, event("content_block_stop", index=1), *frames([])[-2:]]])
    assert [ask.arguments for ask in reply.asks] == [b"{}", b'{"a":1}']


@pytest.mark.parametrize("written", ['{"a":', "{}{}", "[" * 500 + "]" * 500, "nothing"])
def test_an_input_that_cannot_be_read_is_no_whole_reply_but_is_told(written):
    delta = {"type": "input_json_delta", "partial_json": written}
    start, _, end = block_frames(0, call("memory_fault", "toolu_1"))
    body = [start, event("content_block_delta", index=0, delta=delta), end]
    _, (reply,) = play(new(), [[*frames([])[:2], *body, *frames([ours("x")])[-2:]]])
    assert (reply.whole, reply.waits) == (False, False)
    assert reply.asks == (Ask("toolu_1", "memory_fault", written.encode()),)


@pytest.mark.parametrize(
    "odd",
    [
        event("content_block_delta", index=0, delta={"type": "of_tomorrow", "x": 1}),
        event("content_block_of_tomorrow", index=0),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "a"}),
        event("content_block_delta", index=9, delta={"type": "text_delta", "text": "a"}),
        b"data: [DONE]\n\n",
        b"data: []\n\n",
        HALF,
        HALF.replace(b'"index":1', b'"index":0'),
    ],
)
def test_what_is_not_understood_passes_and_the_reply_is_not_whole(odd):
    leg = frames([text("a")])
    leg.insert(4, odd)
    shown, (reply,) = play(new(), [leg])
    assert shown == b"".join(leg)
    assert not reply.whole


def test_what_cannot_be_read_of_a_block_still_gets_its_number():
    leg = frames([ours("toolu_1"), text("a")])
    leg.insert(-3, HALF)
    shown, _ = play(new(), [leg])
    assert HALF.replace(b'"index":1', b'"index":0') in shown


def test_an_event_of_tomorrow_that_is_of_no_block_passes_and_changes_nothing():
    leg = frames([ours("toolu_1")])
    leg.insert(3, event("of_tomorrow", what={"index": 1}))
    shown, (reply,) = play(new(), [leg])
    assert leg[3] in shown
    assert reply.whole


def test_compaction_is_put_together_too():
    start = {"type": "compaction", "content": None, "encrypted_content": None}
    delta = {"type": "compaction_delta", "content": "what was", "encrypted_content": "x"}
    body = [
        event("content_block_start", index=0, content_block=start),
        event("content_block_delta", index=0, delta=delta),
        event("content_block_stop", index=0),
    ]
    _, (reply,) = play(new(), [[*frames([])[:2], *body, *frames([])[-2:]]])
    assert jsontext.value(reply.parts[0].raw) == {**start, **delta, "type": "compaction"}
    assert reply.whole


def test_a_tool_with_our_name_and_no_id_is_the_client_s():
    leg = frames([{"type": "tool_use", "name": "memory_fault", "input": {}}])
    assert play(new(), [leg])[0] == b"".join(leg)


# -- legs ---------------------------------------------------------------------------------


def test_the_second_leg_goes_on_where_the_first_left_off():
    first, second = [text("a"), ours("toolu_1")], [thinking("b", "s"), text("c")]
    shown, replies = play(new(), [frames(first, out=7), frames(second, out=5, read=900)])
    message = message_of(shown)
    assert [block["type"] for block in message["content"]] == ["text", "thinking", "text"]
    assert message["usage"]["output_tokens"] == 12
    assert message["usage"]["cache_read_input_tokens"] == 900
    assert [reply.parts for reply in replies] == [parts_of(first), parts_of(second)]


def test_the_second_leg_passes_as_it_comes():
    reply = new()
    play_on(reply, frames([ours("toolu_1")]))
    passed = [reply.feed(frame) for frame in frames([text("a b c d e f g h")])]
    assert [len(pieces) for pieces in passed] == [0] + [1] * (len(passed) - 1)


def play_on(reply, leg):
    for frame in leg:
        reply.feed(frame)
    reply.end()
    reply.go_on()


def test_counts_of_the_output_side_are_added_up_and_those_of_the_input_are_the_last():
    details = {"output_tokens_details": {"thinking_tokens": 2}, "server_tool_use": None}
    legs = []
    for number, leg in enumerate((frames([ours("toolu_1")]), frames([text("a")]))):
        usage = {"input_tokens": number, "output_tokens": 4 + number, **details}
        delta = {"stop_reason": "tool_use" if not number else "end_turn"}
        legs.append([*leg[:-2], event("message_delta", delta=delta, usage=usage), leg[-1]])
    shown, _ = play(new(), legs)
    assert events_of(shown)[-2]["usage"] == {
        "input_tokens": 1,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": None,
    }


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn"])
def test_another_reason_to_stop_stays(stop):
    shown, (reply,) = play(new(), [frames([ours("toolu_1")], stop)])
    assert message_of(shown)["stop_reason"] == stop
    assert not reply.waits


def test_a_message_that_is_all_ours_is_empty_and_ends():
    shown, _ = play(new(), [frames([ours("toolu_1")])])
    message = message_of(shown)
    assert (message["content"], message["stop_reason"]) == ([], "end_turn")


def test_what_follows_the_end_that_is_held_back_waits_with_it():
    leg = [*frames([ours("toolu_1")]), b"data: [DONE]\n\n"]
    reply = new()
    shown = [piece for frame in leg for piece in reply.feed(frame)]
    reply.end()
    assert shown == leg[:2]
    assert reply.finish()[1:] == leg[-2:]


# -- ends ---------------------------------------------------------------------------------


@given(st.lists(blocks, max_size=4), st.data())
@law
def test_a_first_leg_that_breaks_off_gets_no_end_of_our_making(said, data):
    leg = frames(said)
    cut = leg[: data.draw(st.integers(0, len(leg) - 1))]
    shown, (reply,) = play(new(), [cut])
    assert b"message_stop" not in shown
    assert not reply.whole
    if not any(map(is_ours, said)):
        assert shown == b"".join(cut)


def test_half_a_frame_at_the_end_of_the_first_leg_passes():
    leg = b"".join(frames([text("abc")]))[:-5]
    shown, (reply,) = play(new(), [[leg]])
    assert shown == leg
    assert not reply.whole


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
def test_a_stream_with_other_line_ends_is_whole(end):
    leg = b"".join(frames([text("abc")])).replace(b"\n", end)
    shown, (reply,) = play(new(), [[leg]])
    assert shown == leg
    assert reply.whole


def test_a_call_of_ours_that_breaks_off_is_not_shown():
    leg = b"".join(frames([text("abc"), ours("toolu_1")]))
    at = leg.index(b"memory_fault")
    for cut in (leg[:at], leg[: at + 100]):
        assert b"memory" not in play(new(), [[cut]])[0]


def test_when_the_next_leg_cannot_be_had_the_message_ends():
    for legs in ([frames([text("a"), ours("toolu_1")])], [frames([text("a"), ours("x")]), []]):
        message = message_of(play(new(), legs, "refused")[0])
        assert [block["type"] for block in message["content"]] == ["text"]
        assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("end_turn", 10)


@given(st.integers(0, 6))
@law
def test_a_text_that_breaks_off_in_a_later_leg_is_closed(kept):
    second = frames([text("a b c d e f g h i j k l")])[: 2 + kept]
    legs = [frames([text("I look."), ours("toolu_1")], out=7), second]
    for why in ("it died", None):
        message = message_of(play(new(), legs, why)[0])
        assert message["stop_reason"] == "end_turn"
        assert message["usage"]["output_tokens"] == 8


def test_a_call_that_breaks_off_in_a_later_leg_is_never_a_call():
    second = frames([text("a"), call("Write", "toolu_2", content="half of a file")])[:-4]
    events = events_of(play(new(), [frames([ours("toolu_1")]), second], "it died")[0])
    assert events[-1] == {"type": "error", "error": {"type": "api_error", "message": "it died"}}
    assert "message_stop" not in {said["type"] for said in events}


def test_calls_that_were_complete_when_a_later_leg_broke_off_are_calls():
    second = frames([call("Read", "toolu_2", file_path="a.py")])[:-2]
    message = message_of(play(new(), [frames([ours("toolu_1")]), second], "it died")[0])
    assert message["stop_reason"] == "tool_use"


ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


@pytest.mark.parametrize("earlier", [[], [frames([text("a"), ours("toolu_1")])]])
@pytest.mark.parametrize("kept", [0, 2, 4])
def test_an_error_inside_a_stream_is_its_end(earlier, kept):
    last = [*frames([text("abc")])[:kept], ERROR]
    for why in (None, "it died"):
        shown, replies = play(new(), [*earlier, last], why)
        assert shown.endswith(ERROR)
        assert not replies[-1].whole


def test_there_is_a_ping_to_wait_with_while_the_stream_can_be_read():
    reply = new()
    assert reply.waiting() == PING
    assert stream(NAMES, None, False).waiting() == b""
    reply.end()
    reply.finish()
    assert reply.waiting() == b""


# -- bounds -------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST_FRAME", 2_000)


@pytest.mark.usefixtures("small")
@given(st.data())
@law
def test_an_endless_frame_passes_as_it_came(data):
    leg = b"".join(frames([text("abc")])[:3]) + b"data: " + b"x" * 5_000 + b"\n\ndata: {}\n\n"
    for pieces in ([leg], data.draw(cuts(leg))):
        shown, (reply,) = play(new(), [pieces])
        assert shown == leg
        assert not reply.whole


@pytest.mark.usefixtures("small")
def test_a_call_of_ours_that_is_too_long_to_be_held_back_is_the_client_s():
    said = [text("a"), ours("toolu_1", pages=["x" * 3_000]), call("Read", "toolu_2")]
    shown, (reply,) = play(new(), [frames(said)])
    assert shown == b"".join(frames(said))
    assert (reply.asks, reply.calls, reply.whole) == ((), 2, False)


@pytest.mark.usefixtures("small")
def test_an_endless_frame_behind_a_call_of_ours_ends_in_an_error():
    leg = [*frames([ours("toolu_1"), text("a")])[:-3], b"data: " + b"x" * 5_000]
    reply = new()
    shown = b"".join(piece for frame in leg for piece in reply.feed(frame))
    assert events_of(shown)[-1]["type"] == "error"
    assert reply.feed(b"more") == []
    assert (reply.end().whole, reply.finish(), reply.waiting()) == (False, [], b"")


# -- texts --------------------------------------------------------------------------------


marked = st.lists(st.sampled_from(["a", " ", "\n", "§", "§drop§", "word "]), min_size=1).map(
    "".join
)
mixed = st.lists(st.one_of(st.builds(text, marked), blocks), max_size=5)


def filtered(said):
    """The text of a block without marks, and what stood in them."""
    marks = Marks()
    return marks.feed(said) + marks.end(), marks.taken


def as_shown(said):
    for block in said:
        shown, taken = filtered(block["text"]) if block["type"] == "text" else ("", ())
        if block["type"] != "text":
            yield from () if is_ours(block) else (block,)
        elif shown.strip() or not taken:
            yield {**block, "text": shown}


@given(st.lists(mixed.map(lambda leg: [*leg, FAULT]), min_size=1, max_size=3), st.data())
@law
def test_what_is_taken_out_of_a_text_is_never_shown_however_it_is_cut(said, data):
    size = data.draw(st.integers(1, 9))
    replies = [b"".join(frames(leg, size=size)) for leg in said]
    shown, found = play(new(Marks), [[leg] for leg in replies])
    message = message_of(shown)
    expected = [block for leg in said for block in as_shown(leg)]
    assert [b.get("text") for b in message["content"]] == [b.get("text") for b in expected]
    assert [known_by(b) for b in message["content"]] == [known_by(b) for b in expected]
    assert [p.shown for reply in found for p in reply.parts if p.shown is not None] == [
        known_by(block) for block in expected
    ]
    assert play(new(Marks), [data.draw(cuts(leg)) for leg in replies]) == (shown, found)


@given(mixed, st.integers(1, 9))
@law
def test_the_twin_of_a_filtered_stream_says_the_same(said, size):
    streamed, replies = play(new(Marks), [frames(said, size=size)])
    body, others = play(stream(NAMES, Marks, False), [[whole(said)]])
    assert others == replies
    other = jsontext.value(body)
    assert isinstance(other, dict)
    ours_, theirs = message_of(streamed)["content"], other["content"]
    assert [known_by(block) for block in ours_] == [known_by(block) for block in theirs]


@given(st.lists(st.builds(text, texts.filter(lambda said: "§" not in said)), max_size=3))
@law
def test_a_filter_with_nothing_to_hold_back_changes_no_byte(said):
    leg = frames(said)
    shown, (reply,) = play(new(Marks), [leg])
    assert shown == b"".join(leg)
    assert not reply.differs


def test_a_text_that_is_empty_by_itself_stays():
    for said in ("", " ", " \n \n \n \n"):
        leg = frames([text(said), text("a")])
        assert play(new(Marks), [leg])[0] == b"".join(leg)


def test_a_text_that_is_all_marks_is_hidden_and_the_next_has_its_number():
    said = [text("§drop 1§\n"), text("a")]
    shown, (reply,) = play(new(Marks), [frames(said)])
    assert [block["text"] for block in message_of(shown)["content"]] == ["a"]
    assert [part.shown for part in reply.parts] == [None, known_by(said[1])]
    assert reply.tags == ("drop 1",)


def test_a_text_with_marks_is_altered_and_known_by_what_was_shown():
    _, (reply,) = play(new(Marks), [frames([text("Done.\n§drop 1§")])])
    (part,) = reply.parts
    assert part == Part(jsontext.encode(text("Done.\n§drop 1§")), known_by(text("Done.")), True)


def test_only_the_piece_with_a_mark_is_edited():
    leg = frames([text("abcdefghijklmn§x§opqrstuvw")])
    shown = split(play(new(Marks), [leg])[0])
    assert [frame for frame in leg if frame not in shown] == leg[5:6]
    assert [said["delta"]["text"] for said in events_of(b"".join(shown))[2:-3]] == [
        "abcdefg", "hijklmn", "opqr", "stuvw",
    ]  # fmt: skip


def test_what_was_held_back_goes_out_before_the_end_of_its_block():
    leg = frames([text("abc §de")])
    shown = [said for said in events_of(play(new(Marks), [leg])[0]) if "delta" in said]
    assert [said["delta"].get("text") for said in shown] == ["abc ", "§de", None]
    cut = [said for said in events_of(play(new(Marks), [leg[:4]])[0]) if "delta" in said]
    assert [said["delta"].get("text") for said in cut] == ["abc ", "§de"]


def test_a_start_that_has_text_already_is_filtered_too():
    start = event("content_block_start", index=0, content_block=text("§x§a"))
    leg = [frames([])[0], start, event("content_block_stop", index=0), *frames([])[-2:]]
    shown, (reply,) = play(new(Marks), [leg])
    assert message_of(shown)["content"] == [text("a")]
    assert reply.tags == ("x",)


def test_a_citation_waits_for_the_start_of_its_text():
    said = text("§x§", citations=[CITATION])
    assert message_of(play(new(Marks), [frames([said, text("a")])])[0])["content"] == [text("a")]


def test_without_a_filter_marks_are_text():
    leg = frames([text("§drop§")])
    shown, (reply,) = play(new(), [leg])
    assert shown == b"".join(leg)
    assert reply.tags == ()


def test_only_the_start_of_a_message_is_swallowed_between_legs():
    second = [PING, event("message_start", message=head()), b": there\n\n", ERROR]
    first = frames([ours("x")])
    assert play(new(), [first, second])[0] == b"".join([*first[:2], PING, b": there\n\n", ERROR])


@pytest.mark.parametrize(("first", "ends"), [((), b"error"), ((text("I look."),), b"message_stop")])
def test_a_lost_leg_is_an_error_only_for_a_client_that_was_shown_nothing(first, ends):
    reply = stream(NAMES)
    for frame in frames([*first, ours("toolu_1")]):
        reply.feed(frame)
    assert reply.end().waits
    reply.go_on()
    assert b"event: " + ends in b"".join(reply.fail("status 529")).splitlines()
