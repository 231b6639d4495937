"""A streamed reply passes as it came, but for what is only between the model and its memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import jsontext, openai_responses_leg, sse
from pichay_core.wire.openai_responses import stream
from pichay_core.wire.openai_responses_identity import known_by
from pichay_core.wire.reply import Ask, Part, Reply
from tests.replies import NAMES, Marks, play, split
from tests.responses_items import call, custom, reasoning, says
from tests.responses_replies import (
    ended,
    event,
    events_of,
    frames,
    head,
    item_events,
    ours,
    response_of,
    whole,
)
from tests.strategies import brief_law, cuts, law, streams

SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}}
THOUGHT = {**reasoning("gAAA"), "summary": [{"type": "summary_text", "text": "I should look."}]}

said_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
texts = said_texts.filter(str.strip)
numbers = st.uuids().map(lambda number: number.hex[:8])
shown_items = st.one_of(
    st.builds(lambda text, n: says(text, f"msg_{n}"), texts, numbers),
    st.builds(lambda n, text: call(f"call_{n}", "Read", file_path=text), numbers, texts),
    st.builds(lambda n, text: custom(f"call_{n}", "exec", text), numbers, texts),
    st.builds(lambda n: {**SEARCH, "id": f"ws_{n}"}, numbers),
)
thoughts = st.builds(lambda n: {**THOUGHT, "id": f"rs_{n}", "encrypted_content": n}, numbers)
our_items = st.one_of(
    st.builds(lambda n, text: ours(f"call_{n}", pages=[text]), numbers, texts),
    st.builds(lambda n: call(f"call_{n}", "memory_release"), numbers),
)
led = st.tuples(st.lists(thoughts, max_size=2), st.one_of(shown_items, our_items)).map(
    lambda drawn: [*drawn[0], drawn[1]]
)
"""Something that the model says, and the reasoning that led to it."""
replies = st.lists(led, max_size=4).map(lambda groups: [item for one in groups for item in one])
legs = st.tuples(st.lists(replies, max_size=2), replies).map(
    lambda drawn: [*([*leg, ours(f"call_last_{n}")] for n, leg in enumerate(drawn[0])), drawn[1]]
)
"""Each leg but the last ends with a call of ours."""


def is_ours(item):
    return item.get("name") in NAMES


def visible(items):
    """What the client is to see: not our calls, nor what led to them."""
    found, led_to_ours = [], False
    for item in reversed(items):
        led_to_ours = is_ours(item) or (led_to_ours and item["type"] == "reasoning")
        if not led_to_ours:
            found.insert(0, item)
    return found


def new(text_filter=None):
    return stream(NAMES, text_filter)


def ids(items):
    return [known_by(item) for item in items]


def streamed(said, **more):
    return [frames(leg, out=10 + at, read=at, id=f"resp_{at}", **more)
            for at, leg in enumerate(said)]  # fmt: skip


# -- the laws -----------------------------------------------------------------------------


@given(streams(), st.data())
@law
def test_whatever_is_no_reply_passes_byte_for_byte(said, data):
    assert play(new(), [data.draw(cuts(said))])[0] == said


@given(replies.filter(lambda items: not any(map(is_ours, items))), st.data())
@brief_law
def test_without_a_call_of_ours_a_reply_passes_byte_for_byte(said, data):
    whole_stream = b"".join(frames(said))
    data, (reply,) = play(new(), [data.draw(cuts(whole_stream))])
    assert data == whole_stream
    assert reply.whole


@given(st.lists(shown_items, max_size=4))
@law
def test_what_is_no_reasoning_passes_at_once(said):
    reply = new()
    for frame in frames(said):
        assert reply.feed(frame) == [frame]
    assert reply.end().whole
    assert reply.finish() == []


@given(legs, st.data())
@brief_law
def test_any_cut_gives_the_client_the_same_and_says_the_same_of_the_reply(said, data):
    each = [b"".join(leg) for leg in streamed(said)]
    cut = play(new(), [data.draw(cuts(leg)) for leg in each])
    assert cut == play(new(), [[leg] for leg in each])


@given(legs)
@brief_law
def test_the_client_gets_one_response_of_all_that_is_not_ours(said):
    data, _ = play(new(), streamed(said))
    response = response_of(data)
    shown = [item for leg in said for item in visible(leg)]
    assert response["id"] == "resp_0"
    assert ids(response["output"]) == ids(shown)
    assert response["usage"]["output_tokens"] == sum(10 + at for at in range(len(said)))
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] == len(said)
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == len(said) - 1
    assert response["usage"]["total_tokens"] == 103 + response["usage"]["output_tokens"]


@given(legs)
@brief_law
def test_a_client_that_reads_only_ends_of_items_gets_the_same(said):
    data, _ = play(new(), streamed(said))
    done = [e["item"] for e in events_of(data) if e["type"] == "response.output_item.done"]
    assert done == [item for leg in said for item in visible(leg)]


@given(replies)
@law
def test_a_reply_is_said_to_be_what_the_model_wrote(said):
    _, (reply,) = play(new(), [frames(said)])
    seen = ids(visible(said))
    assert [json.loads(part.raw) for part in reply.parts] == said
    assert [part.shown for part in reply.parts if part.shown is not None] == seen
    assert [ask.id for ask in reply.asks] == [item["call_id"] for item in said if is_ours(item)]
    kinds = [item["type"] for item in said if not is_ours(item)]
    assert reply.calls == sum(kind in ("function_call", "custom_tool_call") for kind in kinds)
    assert (reply.stop == "tool_use") is bool(reply.calls or reply.asks)
    assert reply.whole


@given(legs)
@brief_law
def test_a_stream_and_its_twin_in_one_piece_say_the_same(said):
    told, asked = play(new(), streamed(said))
    bodies = [[jsontext.encode(ended(leg, out=10 + at, read=at, id=f"resp_{at}"))]
              for at, leg in enumerate(said)]  # fmt: skip
    body, others = play(stream(NAMES, None, False), bodies)
    assert others == asked
    assert json.loads(body) == events_of(told)[-1]["response"]


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.booleans())
@law
def test_no_bytes_make_it_raise(data, filtered):
    play(new(Marks if filtered else None), [[data], [data]])
    play(stream(NAMES, None, False), [[data]])


odd_events = st.dictionaries(
    st.sampled_from(["output_index", "content_index", "item", "part", "delta", "response", "text"]),
    st.one_of(
        st.integers(-1, 2), st.none(), st.just("x"), st.just([]), st.just({"output": [{}, 1]}),
        st.sampled_from([ours("c"), THOUGHT, says("§a§ b"), {"type": "message", "content": [7]}]),
    ),
    max_size=4,
)  # fmt: skip
KINDS = [
    "output_item.added", "output_item.done", "output_text.delta", "output_text.done",
    "content_part.added", "content_part.done", "completed", "created", "failed", "odd",
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(KINDS), odd_events), max_size=8), st.booleans())
@law
def test_no_events_make_it_raise_and_all_it_says_is_whole_events(said, later):
    data = [event(f"response.{kind}", at, **more) for at, (kind, more) in enumerate(said)]
    reply = [[*frames([THOUGHT, ours("c1")])]] if later else []
    shown, _ = play(new(Marks), [*reply, data])
    assert all(sse.is_complete(frame) for frame in split(shown))
    bodies = [jsontext.encode(more | {"object": "response", "output": [more]}) for _, more in said]
    play(stream(NAMES, Marks, False), [[body] for body in bodies] or [[b""]])


# -- one leg --------------------------------------------------------------------------------


def test_a_call_of_ours_is_answered_by_nobody_else():
    data, (reply,) = play(new(), [frames([THOUGHT, says("I look."), ours("call_1")])])
    assert b"memory_fault" not in data
    assert reply == Reply(
        parts=(
            Part(jsontext.encode(THOUGHT), known_by(THOUGHT)),
            Part(jsontext.encode(says("I look.")), known_by(says("I look."))),
            Part(jsontext.encode(ours("call_1")), None),
        ),
        asks=(Ask("call_1", "memory_fault", b'{"pages": ["qj3k7w2m"]}'),),
        stop="tool_use",
        whole=True,
    )
    assert reply.waits


def test_reasoning_that_led_to_a_call_of_ours_is_hidden_with_it():
    other = {**THOUGHT, "id": "rs_2", "encrypted_content": "gBBB"}
    said = [THOUGHT, ours("call_1"), other, call("call_2", "Read")]
    data, (reply,) = play(new(), [frames(said)])
    assert response_of(data)["output"] == [other, call("call_2", "Read")]
    assert [part.shown is None for part in reply.parts] == [True, True, False, False]
    assert not reply.waits


def test_reasoning_goes_out_with_the_first_event_of_what_it_led_to():
    reply, said = new(), frames([THOUGHT, says("I look.")])
    passed = [reply.feed(frame) for frame in said]
    held = [len(one) for one in passed].index(0)
    first = next(at for at, frame in enumerate(said) if b'"msg_1"' in frame)
    assert all(one == [] for one in passed[held:first])
    assert passed[first] == said[held : first + 1]


def test_long_reasoning_is_shown_as_it_comes(monkeypatch):
    monkeypatch.setattr(openai_responses_leg, "MOST_WAITING", 2000)
    thought = {**THOUGHT, "summary": [{"type": "summary_text", "text": "hm " * 100}]}
    reply = new()
    said = frames([thought, ours("call_1")])
    passed = [frame for one in said[: len(said) // 2] for frame in reply.feed(one)]
    assert len(passed) > 5
    data, (told,) = play(new(), [said])
    assert response_of(data)["output"] == [thought]
    assert [part.shown is None for part in told.parts] == [False, True]


def test_a_sign_of_life_does_not_wait_for_reasoning():
    reply, said = new(), frames([THOUGHT, says("I look.")])
    alive = event("keepalive", 4)
    out = [
        frame for one in [*said[:4], alive, b": ping\n\n", *said[4:]] for frame in reply.feed(one)
    ]
    assert b'"type":"keepalive","sequence_number":2}' in out[2]
    assert out[3] == b": ping\n\n"
    counted = [json.loads(sse.data_of(frame)) for frame in out if sse.data_of(frame)]
    assert [said["sequence_number"] for said in counted] == list(range(len(said) + 1))


def test_only_numbers_are_edited_and_the_spelling_stays():
    said = frames([ours("call_1"), call("call_2", "Read", path="x")])
    odd = b'event: response.output_item.done\ndata: { "sequence_number" : 99, "item":' + (
        b'{"type":"function_call","id":"fc_call_2","call_id":"call_2","name":"Read",'
        b'"arguments":"{\\u0022a\\u0022:1}"} ,"output_index":1, '
        b'"type":"response.output_item.done"}\n\n'
    )
    at = next(n for n, f in enumerate(said) if b"item.done" in f and b'"Read"' in f)
    said[at] = odd
    data, _ = play(new(), [said])
    kept = next(frame for frame in split(data) if b"\\u0022" in frame)
    number = json.loads(sse.data_of(kept))["sequence_number"]
    expected = odd.replace(b": 99,", b": %d," % number).replace(b'index":1', b'index":0')
    assert kept == expected


@pytest.mark.parametrize(
    ("end", "more", "stop"),
    [
        (
            "incomplete",
            {"incomplete_details": {"reason": "max_output_tokens"}},
            "max_output_tokens",
        ),
        ("incomplete", {}, "incomplete"),
        ("failed", {"error": {"code": "server_error", "message": "x"}}, "failed"),
    ],
)
def test_a_reply_that_ended_otherwise_is_not_gone_on_with(end, more, stop):
    data, (reply,) = play(new(), [frames([says("I look."), ours("call_1")], end, **more)])
    assert (reply.stop, reply.waits) == (stop, False)
    last = events_of(data)[-1]
    assert (last["type"], last["response"]["output"]) == (f"response.{end}", [says("I look.")])


def test_a_function_in_a_namespace_or_without_an_id_is_the_clients():
    for item in ({**ours("a"), "namespace": "x"}, {**ours("a"), "call_id": ""}):
        data, (reply,) = play(new(), [frames([item])])
        assert data == b"".join(frames([item]))
        assert (reply.asks, reply.calls) == ((), 1)


def test_items_that_only_the_end_tells_of_are_the_models_too():
    told = ended([THOUGHT, ours("c1"), says("x")])
    quiet = [
        event("response.created", 0, response=head()),
        event("response.completed", 1, response=told),
    ]
    data, (reply,) = play(new(), [quiet])
    assert events_of(data)[-1]["response"]["output"] == [says("x")]
    assert [ask.id for ask in reply.asks] == ["c1"]
    assert reply.whole


def test_an_item_is_one_whatever_its_number_at_the_end():
    said = [
        frame.replace(b'"output_index":1', b'"output_index":5')
        for frame in frames([ours("c1"), says("x")])
    ]
    data, (reply,) = play(new(), [said])
    assert response_of(data)["output"] == [says("x")]
    assert len(reply.parts) == 2


def test_an_item_that_has_only_an_end_is_an_item():
    kept = ("response.created", "response.output_item.done", "response.completed")
    every = frames([ours("c1"), says("x")])
    said = [frame for frame in every if any(kind.encode() in frame for kind in kept)]
    data, (reply,) = play(new(), [said])
    assert [part.shown is None for part in reply.parts] == [True, False]
    assert events_of(data)[-1]["response"]["output"] == [says("x")]


def test_an_item_that_nothing_begins_passes_and_the_reply_is_not_whole():
    said = [frame for frame in frames([ours("c1"), says("x")]) if b"item.added" not in frame]
    data, (reply,) = play(new(), [said])
    assert not reply.whole
    assert events_of(data)[-1]["response"]["output"] == [ours("c1"), says("x")]


def test_a_response_that_tells_nothing_of_its_output_is_told_of_what_was_shown():
    said = frames([says("x"), ours("c1")])
    said[-1] = event("response.completed", len(said), response={**ended([]), "output": []})
    data, _ = play(new(), [said])
    assert response_of(data)["output"] == [says("x")]


def test_reasoning_that_the_provider_did_not_keep_is_not_sent_back():
    bare = {"type": "reasoning", "id": "rs_1", "summary": []}
    for stored, raw in ((False, b""), (True, jsontext.encode(bare))):
        _, (reply,) = play(new(), [frames([bare, ours("c1")], store=stored)])
        assert reply.parts[0].raw == raw


def test_a_reply_that_breaks_off_gets_no_end_of_our_making():
    said = b"".join(frames([THOUGHT, says("I look.")]))
    for length in range(0, len(said), 97):
        data, (reply,) = play(new(), [[said[:length]]])
        assert data == said[:length]
        assert not reply.whole


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_a_stream_with_other_line_ends_is_whole(end):
    said = b"".join(frames([says("x"), ours("c1")])).replace(b"\n", end)
    data, (reply,) = play(new(), [[said]])
    assert reply.whole
    assert response_of(data)["output"] == [says("x")]


def test_what_follows_the_end_that_is_held_back_waits_with_it():
    reply = new()
    for frame in frames([ours("c1")])[:-1]:
        reply.feed(frame)
    assert reply.feed(frames([ours("c1")])[-1] + b"data: [DONE]\n\n") == []
    assert reply.end().waits
    assert reply.finish()[-1] == b"data: [DONE]\n\n"


def test_an_error_inside_a_stream_is_its_end():
    error = event("error", 9, code="server_error", message="x", param=None)
    data, (reply,) = play(new(), [[*frames([THOUGHT, ours("c1")])[:-1], error]])
    assert not reply.whole
    assert events_of(data)[-1]["type"] == "error"


# -- later legs ------------------------------------------------------------------------------


def test_the_second_leg_goes_on_under_the_id_of_the_first():
    said = [[says("I look.", "msg_1"), THOUGHT, ours("c1")], [says("Done.", "msg_2")]]
    data, replies = play(new(), streamed(said))
    response = response_of(data)
    assert response["id"] == "resp_0"
    assert response["output"] == [says("I look.", "msg_1"), says("Done.", "msg_2")]
    assert [reply.waits for reply in replies] == [True, False]


def test_when_the_next_leg_cannot_be_had_the_response_ends():
    first = frames([says("I look."), ours("c1")])
    data, _ = play(new(), [first, []], why="status 500")
    assert response_of(data)["output"] == [says("I look.")]


def test_a_lost_leg_is_an_error_for_a_client_that_was_shown_nothing():
    data, _ = play(new(), [frames([THOUGHT, ours("c1")]), []], why="status 500")
    last = events_of(data)[-1]
    assert (last["type"], last["message"], last["sequence_number"]) == ("error", "status 500", 2)


@pytest.mark.parametrize("kept", [4, 6])
def test_what_breaks_off_in_the_middle_of_an_item_ends_in_an_error(kept):
    later = frames([says("A text that breaks off.")])[:kept]
    data, _ = play(new(), [frames([says("I look.", "msg_0"), ours("c1")]), later])
    assert events_of(data)[-1]["type"] == "error"


def test_what_was_written_before_a_leg_was_lost_is_counted_once():
    said = streamed([[says("a", "m1"), ours("c1")], [says("b", "m2"), ours("c2")]])
    data, _ = play(new(), [*said, []], why="gone")
    assert response_of(data)["usage"]["output_tokens"] == 21


def test_an_event_that_cannot_be_read_in_a_later_leg_is_an_error():
    odd = b'event: x\ndata: {"type":"response.output_text.delta","output_index":0,\n\n'
    data, (_, reply) = play(new(), [frames([ours("c1")]), [*frames([says("x")])[:3], odd]])
    assert events_of(data)[-1]["type"] == "error"
    assert not reply.whole


def test_there_is_a_comment_to_wait_with_while_the_stream_can_be_read():
    reply = new()
    assert reply.waiting().startswith(b":")
    play(reply, [frames([says("x")])])
    assert reply.waiting() == b""


# -- texts with marks ------------------------------------------------------------------------


marked = st.lists(st.sampled_from(["a", " ", "b c", "§x§", "§y z§", "\u00e9"]), max_size=6)


@given(st.lists(marked.map("".join), min_size=1, max_size=3), st.integers(1, 9), st.data())
@brief_law
def test_what_is_taken_out_of_a_text_is_never_shown_however_it_is_cut(said, size, data):
    items = [says(text, f"msg_{at}") for at, text in enumerate(said)]
    every = b"".join(frames([THOUGHT, *items], size=size))
    shown, (reply,) = play(new(Marks), [data.draw(cuts(every))])
    assert "§".encode() not in shown
    output = response_of(shown)["output"]
    clean = ["".join(text.split("§")[::2]) for text in said]
    kept = [text for text, was in zip(clean, said, strict=True) if "§" not in was or text.strip()]
    assert [item["content"][0]["text"] for item in output if item["type"] == "message"] == kept
    assert list(reply.tags) == [tag for text in said for tag in text.split("§")[1::2]]
    assert [json.loads(part.raw) for part in reply.parts] == [THOUGHT, *items]
    assert [part.shown for part in reply.parts if part.shown is not None] == ids(output)
    again = play(stream(NAMES, Marks, False), [[whole([THOUGHT, *items])]])
    assert again[1] == [reply]
    assert json.loads(again[0])["output"] == output


def test_reasoning_that_led_to_nothing_but_marks_is_hidden():
    shown, (reply,) = play(new(Marks), [frames([THOUGHT, says("§x§", "m1"), says("b", "m2")])])
    assert response_of(shown)["output"] == [says("b", "m2")]
    assert [part.shown is None for part in reply.parts] == [True, True, False]


def test_a_filter_with_nothing_to_hold_back_changes_no_byte():
    said = b"".join(frames([THOUGHT, says("plain"), says("", "m2"), call("c", "Read")]))
    assert play(new(Marks), [[said]])[0] == said


def test_only_the_events_with_a_mark_are_edited():
    said = frames([says("before §x§ after", "m1")], size=3)
    shown = split(play(new(Marks), [said])[0])
    assert shown[:6] == said[:6]
    assert response_of(b"".join(shown))["output"] == [says("before  after", "m1")]


def test_a_message_of_two_parts_is_filtered_in_each():
    two = says("a§x§")
    two["content"] = [two["content"][0], {**two["content"][0], "text": "§y§b"}]
    shown, (reply,) = play(new(Marks), [frames([two])])
    (item,) = response_of(shown)["output"]
    assert [part["text"] for part in item["content"]] == ["a", "b"]
    assert reply.tags == ("x", "y")


def test_a_refusal_is_shown_at_once():
    item = {**says(""), "content": [{"type": "refusal", "refusal": "No."}]}
    said = [event("response.created", 0, response=head())]
    added = next(iter(item_events(0, {**item, "content": []})))
    said.append(event(added[0], 1, **added[1]))
    refused = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "No."}
    said.append(event("response.refusal.delta", 2, **refused))
    reply = new(Marks)
    assert reply.feed(b"".join(said)) == said
