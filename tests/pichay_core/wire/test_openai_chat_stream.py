"""A streamed Chat passes as it came, but for what is between the model and its memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import openai_chat, sse
from pichay_core.wire.reply import Ask, Leg, Part, Reply
from tests.chunks import (
    DONE,
    call,
    chunk,
    chunks,
    completion_of,
    frame,
    head,
    message_of,
    objects_of,
    ours,
    said,
    usage,
    whole,
)
from tests.replies import NAMES, Marks, play, split
from tests.strategies import cuts, json_values, law, seeds, streams, written

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.uuids().map(lambda number: f"call_{number.hex[:8]}")
theirs = st.builds(lambda id, path: call("Read", id, file_path=path), ids, texts)
our_calls = st.builds(lambda id, page: ours(id, pages=[page]), ids, texts)
thoughts = st.sampled_from(
    [
        {},
        {},
        {"reasoning_content": "hm hm hm hm"},
        {"reasoning_details": [{"type": "x", "text": "a", "index": 0}]},
    ]
)
messages = st.builds(
    lambda text, calls, more: said(text, *calls, **more),
    st.one_of(st.none(), texts),
    st.lists(st.one_of(theirs, our_calls), max_size=4),
    thoughts,
)
first_legs = st.builds(
    lambda text, made, more: said(text, made, **more),
    st.one_of(st.none(), texts),
    our_calls,
    thoughts,
)
legs = st.builds(lambda first, last: [*first, last], st.lists(first_legs, max_size=2), messages)
"""Each leg but the last calls nothing but tools of ours."""


def is_ours(made):
    return made["function"]["name"] in NAMES


def calls_of(message):
    return message.get("tool_calls") or []


def new(text_filter=None, streamed=True):
    return openai_chat.stream(NAMES, text_filter, streamed)


def shown_calls(message):
    return [made for made in calls_of(message) if not is_ours(made)]


def joined(said):
    return "\n\n".join(m["content"].strip() for m in said if (m["content"] or "").strip())


def squeezed(text):
    return "".join((text or "").split())


# -- the laws -----------------------------------------------------------------------------


@given(streams(), st.data())
@law
def test_whatever_is_no_reply_passes_byte_for_byte(said, data):
    assert play(new(), [data.draw(cuts(said))])[0] == said


@given(messages)
@law
def test_without_a_call_of_ours_every_chunk_passes_at_once_as_it_came(message):
    message = {**message, "tool_calls": shown_calls(message)}
    reply = new()
    for one in chunks(message):
        assert reply.feed(one) == [one]
    assert reply.end().whole
    assert reply.finish() == []


@given(legs, st.data())
@law
def test_any_cut_gives_the_client_the_same_and_says_the_same_of_the_reply(said, data):
    replies = [b"".join(chunks(leg)) for leg in said]
    cut = play(new(), [data.draw(cuts(leg)) for leg in replies])
    assert cut == play(new(), [[leg] for leg in replies])


@given(legs)
@law
def test_the_client_gets_one_message_of_all_that_is_not_ours(said):
    played = [chunks(leg, out=10 + at, read=at, id=f"c{at}") for at, leg in enumerate(said)]
    data, replies = play(new(), played)
    completion = completion_of(data)
    message = completion["choices"][0]["message"]
    assert squeezed(message.get("content")) == squeezed(joined(said))
    assert [(m["id"], m["function"]["arguments"]) for m in calls_of(message)] == [
        (m["id"], m["function"]["arguments"]) for m in shown_calls(said[-1])
    ]
    expected = "tool_calls" if shown_calls(said[-1]) else "stop"
    assert completion["choices"][0]["finish_reason"] == expected
    assert completion["id"] == "c0"
    counted = objects_of(data)[-1]["usage"]
    assert counted["completion_tokens"] == sum(10 + at for at in range(len(said)))
    assert counted["total_tokens"] == 100 + counted["completion_tokens"]
    assert counted["completion_tokens_details"] == {"reasoning_tokens": 2 * len(said)}
    assert counted["prompt_tokens_details"] == {"cached_tokens": len(said) - 1}
    assert all(reply.waits for reply in replies[:-1])


@given(messages)
@law
def test_a_reply_is_said_to_be_what_the_model_wrote(message):
    _, (reply,) = play(new(), [chunks(message)])
    assert [ask.id for ask in reply.asks] == [m["id"] for m in calls_of(message) if is_ours(m)]
    assert reply.calls == len(shown_calls(message))
    assert reply.whole
    leg = Leg(reply.parts, (b'{"role":"tool"}',))
    told = json.loads(openai_chat.spoken(leg)[0])
    content = message["content"]
    expected = {**message, "content": content if (content or "").strip() else content and ""}
    assert {k: v for k, v in told.items() if v} == {k: v for k, v in expected.items() if v}


@given(legs)
@law
def test_a_stream_and_its_twin_in_one_piece_say_the_same(said):
    streamed, replies = play(new(), [chunks(leg) for leg in said])
    body, others = play(new(streamed=False), [[whole(leg)] for leg in said])
    assert others == replies
    one, other = message_of(streamed), json.loads(body)["choices"][0]["message"]
    assert (one.get("content") or "") == (other.get("content") or "")
    assert [m["id"] for m in calls_of(one)] == [m["id"] for m in calls_of(other)]
    assert one.get("reasoning_content") == other.get("reasoning_content")
    assert json.loads(body)["usage"] == objects_of(streamed)[-1]["usage"]
    stop = completion_of(streamed)["choices"][0]["finish_reason"]
    assert json.loads(body)["choices"][0]["finish_reason"] == stop


@given(legs, st.sampled_from([None, "", "list", "without"]))
@law
def test_what_the_client_sends_back_is_told_again_as_the_model_wrote_it(said, how):
    """The whole way: streamed, put together by the client, sent back, and told as legs."""
    data, replies = play(new(), [chunks(leg, id=f"c{at}") for at, leg in enumerate(said)])
    message = sent_back(message_of(data), how)
    kept = [Leg(reply.parts, answers(reply), goes_on=True) for reply in replies[:-1]]
    last = replies[-1]
    kept += [Leg(last.parts, answers(last), goes_on=False)] if last.differs else []
    if not kept:
        return
    raw = json.dumps(message).encode()
    after = b'{"role":"tool","tool_call_id":"x","content":"done"}'
    found = openai_chat.retold(raw, after, kept)
    assert found is not None
    told = [item for one in found[0] for item in json.loads(b"[" + one + b"]")]
    model = [one for one in told if one["role"] == "assistant"]
    says = [m for m in said if (m["content"] or "").strip() or calls_of(m)]
    assert [[m["id"] for m in calls_of(one)] for one in model] == [
        [m["id"] for m in calls_of(one)] for one in says
    ]
    assert [squeezed(one.get("content")) if isinstance(one.get("content"), str | None) else
            squeezed(one["content"][0]["text"]) for one in model] == [
        squeezed(one["content"]) for one in says
    ]  # fmt: skip
    if how != "without" and len({bool(m.get("reasoning_content")) for m in says}) == 1:
        assert [one.get("reasoning_content") for one in model] == [
            one.get("reasoning_content") for one in says
        ]
    results = [item["tool_call_id"] for item in told if item["role"] == "tool"]
    results += [item["tool_call_id"] for item in json.loads(b"[" + found[1] + b"]")]
    assert sorted(results) == sorted(["x", *(ask.id for reply in replies for ask in reply.asks)])


def answers(reply):
    return tuple(openai_chat.answer(ask.id, "text", False) for ask in reply.asks)


def sent_back(message, how):
    """A reply as clients send it back."""
    content = message.get("content")
    names = ("role", "tool_calls") if how == "without" else message.keys()
    told = {name: message[name] for name in names if name in message and name != "parsed"}
    content = content.strip() if content else None
    content = [{"type": "text", "text": content}] if how == "list" and content else content
    return {**told, "content": content or how if how != "list" and how != "without" else content}


@given(legs, st.data())
@law
def test_comments_pass_at_once_whatever_is_held_back(said, data):
    odd = st.sampled_from([b": OPENROUTER PROCESSING\n\n", b"\n\n", b": \r\n\r\n"])
    played = [[part for one in chunks(leg) for part in (data.draw(odd), one)] for leg in said]
    shown, _ = play(new(), played)
    expected = [f for leg in played for f in leg if not sse.data_of(f)]
    assert [f for f in split(shown) if not sse.data_of(f)] == expected


@given(st.data(), st.booleans(), st.booleans(), st.sampled_from([100, 500, sse.LONGEST_FRAME]))
@law
def test_nothing_that_comes_makes_it_raise(data, filtered, streamed, longest):
    reply = new(Marks if filtered else None, streamed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sse, "LONGEST_FRAME", longest)
        for number, message in enumerate(data.draw(legs)):
            if number:
                reply.go_on()
            came = chunks(message) if streamed else [whole(message)]
            for piece in data.draw(broken(came)):
                assert all(reply.feed(piece))
            reply.end()
        assert all(reply.finish() if data.draw(st.booleans()) else reply.fail("why"))
        assert reply.finish() == []


@st.composite
def broken(draw, frames):
    """Chunks in disorder, some of them spoilt, cut anywhere."""
    deep = []
    for _ in range(300):
        deep = [deep]
    spoilt = [
        b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[\ndata: {"index":0,"delta":{"tool_calls":\ndata: []}}]}\n\n',
        frame({"choices": [1, 2]}),
        frame({"choices": [{"index": 0, "delta": []}]}),
        frame({"choices": {}, "usage": [1]}),
        frame({"choices": [], "usage": {"completion_tokens": -1, "total_tokens": "x"}}),
        frame({"choices": [{"index": 1, "delta": {"content": "a"}}]}),
        frame({"error": {"message": "Overloaded"}}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]}),
        chunk({"content": {"a": 1}, "role": 3, "reasoning_details": [3, None, {"index": 0}]}),
        chunk({"tool_calls": [None, 3, {}, {"index": True}, {"index": -1, "function": 3}]}),
        chunk({"tool_calls": [{"index": 10**30, "id": 3, "function": {"name": 3}}]}),
        chunk({"tool_calls": [{"id": "a", "function": {"name": "memory_fault"}}], "content": "a"}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{" * 500}}]}),
        chunk({"tool_calls": [ours("a")], "x": deep}, "tool_calls"),
        b"data: []\n\n",
        b"\xff\xfe\x00",
    ]
    some = st.lists(st.sampled_from([*frames, *frames, *spoilt]), max_size=12)
    data = b"".join(draw(st.one_of(some, st.just(frames))))
    at = draw(st.integers(0, len(data)))
    return draw(cuts(data[:at] + draw(st.binary(max_size=2)) + data[at:]))


# -- calls --------------------------------------------------------------------------------

FIRST = said("I look.", ours("a"), reasoning_content="hm")


def test_a_call_of_ours_is_answered_by_nobody_else():
    reply = new()
    shown = [piece for one in chunks(FIRST) for piece in reply.feed(one)]
    assert shown == chunks(said("I look.", reasoning_content="hm"))[:-3]
    found = reply.end()
    assert found == Reply(
        parts=(
            Part(b'{"role":"assistant","content":null,"reasoning_content":"hm"}', "rest"),
            Part(b'"I look."', "text 7 06c14c66f0afe39a7b448eeb"),
            Part(json.dumps(ours("a"), separators=(",", ":")).encode(), None),
        ),
        asks=(Ask("a", "memory_fault", b'{"pages": ["qj3k7w2m"]}'),),
        stop="tool_use",
        whole=True,
    )
    assert found.waits


def test_calls_of_the_client_beside_ours_pass_at_once_with_numbers_without_a_gap():
    both = said(None, ours("a"), call("Read", "b", path="x"), ours("c"))
    reply = new()
    shown = [piece for one in chunks(both) for piece in reply.feed(one)]
    assert shown == chunks(said(None, call("Read", "b", path="x")))[:-3]
    assert not reply.end().waits
    assert reply.finish() == chunks(both)[-3:]


def test_a_chunk_of_several_calls_loses_ours_and_keeps_the_spelling_of_the_others():
    made = (
        b'data:{"choices":[{"delta":{"x" : 1.50,"tool_calls":[ %s , {"index" : 1,"id":"b",'
        b'"function":{"name":"R\\u0065ad","arguments":"{\\/}"}} ]},"index":0}]}\r\n\r\n'
    )
    mine = b'{"index":0,"id":"a","function":{"name":"memory_fault","arguments":"{}"}}'
    reply = new()
    (shown,) = reply.feed(made % mine)
    assert shown == (
        b'data:{"choices":[{"delta":{"x":1.50,"tool_calls":[{"index" : 0,"id":"b",'
        b'"function":{"name":"R\\u0065ad","arguments":"{\\/}"}}]},"index":0}]}\r\n\r\n'
    )


def test_calls_without_numbers_are_told_by_their_ids():
    leg = [chunk({"role": "assistant", "tool_calls": [ours("a"), call("Read", "b")]}, "tool_calls")]
    shown, (reply,) = play(new(), [[*leg, DONE]])
    assert [m["id"] for m in objects_of(shown)[0]["choices"][0]["delta"]["tool_calls"]] == ["b"]
    assert (reply.asks[0].id, reply.calls, reply.whole) == ("a", 1, True)


def test_calls_that_share_a_number_are_told_by_their_ids():
    leg = [chunk({"tool_calls": [{"index": 0, **made}]}) for made in (ours("a"), call("Read", "b"))]
    shown, (reply,) = play(new(), [[*leg, chunk({}, "stop"), DONE]])
    (made,) = objects_of(shown)[0]["choices"][0]["delta"]["tool_calls"]
    assert (made["id"], made["index"]) == ("b", 0)
    assert [json.loads(part.raw).get("id") for part in reply.parts] == [None, "a", "b"]
    assert reply.stop == "tool_use"


@pytest.mark.parametrize(("name", "passes"), [("memory_fault", False), ("memory_x", True)])
def test_a_call_waits_until_its_name_tells_whose_it_is(name, passes):
    reply = new()
    parts = [{"id": "a", "type": "function", "function": {"name": "", "arguments": ""}},
             {"function": {"name": name[:7]}}, {"function": {"name": name[7:]}},
             {"function": {"arguments": "{}"}}]  # fmt: skip
    passed = [reply.feed(chunk({"tool_calls": [{"index": 0, **part}]})) for part in parts]
    shown = [
        made
        for one in objects_of(b"".join(piece for pieces in passed for piece in pieces) + DONE)
        for made in one["choices"][0]["delta"]["tool_calls"]
    ]
    assert [bool(pieces) for pieces in passed] == [False, False, passes, passes]
    assert len(shown) == (4 if passes else 0)
    assert len(reply.end().asks) == (not passes)


def test_a_call_whose_name_never_tells_goes_out_before_the_end():
    leg = [chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "memory"}}]})]
    shown, (reply,) = play(new(), [[*leg, chunk({}, "tool_calls"), DONE]])
    made, end = objects_of(shown)
    assert made["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "memory"
    assert (made["id"], end["choices"][0]["finish_reason"]) == ("chatcmpl-1", "tool_calls")
    assert reply.calls == 1


def test_a_tool_with_our_name_and_no_id_is_the_client_s():
    made = {"index": 0, "function": {"name": "memory_fault", "arguments": "{}"}}
    shown, (reply,) = play(new(), [[chunk({"tool_calls": [made]}), chunk({}, "tool_calls"), DONE]])
    assert objects_of(shown)[0]["choices"][0]["delta"]["tool_calls"] == [made]
    assert reply.asks == ()


@pytest.mark.parametrize("written", ['{"a":', "{}{}", "nothing"])
def test_arguments_that_cannot_be_read_are_no_whole_reply_but_are_told(written):
    made = {**ours("a"), "function": {"name": "memory_fault", "arguments": written}}
    for streamed in (True, False):
        came = chunks(said(None, made)) if streamed else [whole(said(None, made))]
        _, (reply,) = play(new(streamed=streamed), [came])
        assert (reply.whole, reply.asks[0].arguments) == (False, written.encode())
        theirs = call("Read", "a") | {"function": {"name": "Read", "arguments": written}}
        came = chunks(said(None, theirs)) if streamed else [whole(said(None, theirs))]
        assert play(new(streamed=streamed), [came])[1][0].whole


# -- the end ------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["length", "content_filter", "of_tomorrow"])
def test_another_reason_to_stop_stays(stop):
    shown, (reply,) = play(new(), [chunks(FIRST, stop)])
    assert objects_of(shown)[-2]["choices"][0]["finish_reason"] == stop
    assert not reply.waits


def test_a_host_that_says_stop_of_calls_is_understood():
    assert play(new(), [chunks(FIRST, "stop")])[1][0].waits


def test_what_the_last_chunk_says_is_shown_before_its_end_waits():
    leg = [chunk({"role": "assistant", "content": "I look.", "tool_calls": [
        {"index": 0, **ours("a")}]}, "tool_calls", usage=usage()), DONE]  # fmt: skip
    reply = new()
    (shown,) = reply.feed(leg[0])
    (choice,) = json.loads(sse.data_of(shown))["choices"]
    assert choice["delta"] == {"role": "assistant", "content": "I look."}
    assert (choice["finish_reason"], json.loads(sse.data_of(shown))["usage"]) == (None, None)
    assert reply.feed(DONE) == []
    assert reply.end().waits
    end, done = reply.finish()
    (choice,) = json.loads(sse.data_of(end))["choices"]
    assert (choice["delta"], choice["finish_reason"], done) == ({}, "stop", DONE)


def test_counts_in_a_chunk_of_its_own_after_the_end_wait_with_it():
    """OpenRouter's come with a choice that says nothing."""
    extra = chunk({"role": "assistant", "content": ""}, usage=usage())
    leg = [*chunks(FIRST)[:-2], extra, DONE]
    shown, _ = play(new(), [leg, [f.replace(b"chatcmpl-1", b"c2") for f in chunks(said("b"))]])
    assert message_of(shown)["content"] == "I look.\n\nb"


def test_without_counts_none_are_made_up():
    legs = [[*chunks(one)[:-2], DONE] for one in (FIRST, said("b"))]
    assert all(one["usage"] is None for one in objects_of(play(new(), legs)[0]))


def test_a_stream_that_ends_without_a_last_word_is_whole():
    shown, (reply,) = play(new(), [chunks(said("a"))[:-1]])
    assert shown == b"".join(chunks(said("a"))[:-1])
    assert reply.whole
    assert not play(new(), [chunks(said("a"))[:-3]])[1][0].whole


@pytest.mark.parametrize(
    "odd",
    [
        frame({"choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {}}]}),
        frame({"choices": [{"index": 1, "delta": {"content": "b"}}]}),
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
    ],
)
def test_what_is_not_understood_passes_and_the_reply_is_not_whole(odd):
    leg = [chunks(said("a"))[0], odd, *chunks(said("a"))[1:]]
    shown, (reply,) = play(new(), [leg])
    assert shown == b"".join(leg)
    assert not reply.whole


@pytest.mark.parametrize(
    "odd",
    [
        frame({"id": "", "choices": [], "prompt_filter_results": []}),
        frame({"object": "of_tomorrow"}),
        chunk({"content": "", "obfuscation": "x"}, obfuscation="abc"),
    ],
)
def test_what_hosts_say_besides_passes_and_changes_nothing(odd):
    leg = [odd, *chunks(FIRST)]
    reply = new()
    assert reply.feed(odd) == [odd]
    for one in leg[1:]:
        reply.feed(one)
    assert reply.end().waits


# -- legs ---------------------------------------------------------------------------------


def test_the_second_leg_goes_on_where_the_first_left_off_and_passes_as_it_comes():
    reply, second = new(), chunks(said("b c d e f g", reasoning_content="x"), id="c2")
    for one in chunks(FIRST):
        reply.feed(one)
    assert reply.end().waits
    reply.go_on()
    passed = [reply.feed(one) for one in second]
    assert [len(pieces) for pieces in passed] == [0, *[1] * (len(second) - 1)]
    assert b'"content":"\\n\\nb c d e"' in passed[2][0] or b'"content":"\\n\\nb c d' in b"".join(
        piece for pieces in passed for piece in pieces
    )


def test_between_texts_stands_an_empty_line_and_only_there():
    both = [chunks(FIRST), chunks(said("b"), id="c2")]
    assert message_of(play(new(), both)[0])["content"] == "I look.\n\nb"
    none = [chunks(said(None, ours("a"))), chunks(said("b"), id="c2")]
    assert message_of(play(new(), none)[0])["content"] == "b"


def test_a_later_leg_that_stands_alone_for_the_client_needs_not_be_remembered():
    none = [chunks(said(None, ours("a"))), chunks(said("b"), id="c2")]
    assert [reply.differs for reply in play(new(), none)[1]] == [True, False]
    both = [chunks(said(None, ours("a"), reasoning_content="x")), chunks(said("b"), id="c2")]
    assert [reply.differs for reply in play(new(), both)[1]] == [True, True]


ERROR = frame({"error": {"message": "Overloaded", "code": 502}})


def test_an_error_passes_and_nothing_is_added_behind_it():
    for leg in ([*chunks(said("a"))[:2], ERROR], [ERROR, DONE]):
        shown, (reply,) = play(new(), [leg])
        assert shown == b"".join(leg)
        assert not reply.whole
    shown, _ = play(new(), [chunks(FIRST), [ERROR]])
    assert shown.endswith(ERROR)


def test_a_reply_that_breaks_off_breaks_off_for_the_client_too():
    leg = chunks(said("a b c", call("Read", "b")))
    for until in range(1, len(leg) - 3):
        assert play(new(), [leg[:until]])[0] == b"".join(leg[:until])


@pytest.mark.parametrize(("first", "ends"), [(said(None, ours("a")), b"error"), (FIRST, b"[DONE]")])
def test_a_lost_leg_is_an_error_only_for_a_client_that_was_shown_nothing(first, ends):
    reply = new()
    for one in chunks(first):
        reply.feed(one)
    assert reply.end().waits
    reply.go_on()
    assert ends in b"".join(reply.fail("status 529"))


def test_a_leg_that_breaks_off_in_a_text_is_brought_to_the_end_of_the_one_before():
    second = chunks(said("b c d e f g"), id="c2")[:3]
    completion = completion_of(play(new(), [chunks(FIRST, out=7), second])[0])
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["choices"][0]["message"]["content"] == "I look.\n\nb c d e f g"
    assert completion["usage"]["completion_tokens"] == 7


def test_half_of_a_call_is_not_to_be_carried_out():
    second = chunks(said(None, call("Read", "b")), id="c2")[:2]
    assert b"error" in split(play(new(), [chunks(FIRST), second])[0])[-1]


def test_a_client_that_waits_is_sent_a_comment():
    reply = new()
    assert reply.waiting() == b": waiting\n\n"
    reply.finish()
    assert (reply.waiting(), new(streamed=False).waiting()) == (b"", b"")


# -- what is streamed is put together -----------------------------------------------------


def rest_of(*given):
    leg = [*(chunk(delta) for delta in given), chunk({}, "stop"), DONE]
    _, (reply,) = play(new(), [leg])
    return {k: v for k, v in json.loads(reply.parts[0].raw).items() if k not in ("role", "content")}


def test_what_a_host_streams_of_its_own_is_remembered_whole():
    details = [
        {"type": "reasoning.text", "text": "a", "format": "x-v1", "index": 0},
        {"type": "reasoning.text", "text": "b", "format": "x-v1", "index": 0},
        {"type": "reasoning.text", "signature": "EqQB", "index": 0},
        {"type": "reasoning.encrypted", "data": "zz", "id": "r", "index": 1},
    ]
    found = rest_of(*({"reasoning_details": [one], "reasoning": "y"} for one in details))
    assert found == {
        "reasoning": "yyyy",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "ab", "format": "x-v1", "index": 0,
             "signature": "EqQB"},
            details[3],
        ],
    }  # fmt: skip


def test_lists_without_numbers_grow_in_their_last_element_or_at_the_end():
    blocks = [{"type": "thinking", "thinking": "a"}, {"type": "thinking", "thinking": "b",
              "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]  # fmt: skip
    assert rest_of(*({"thinking_blocks": [one]} for one in blocks)) == {
        "thinking_blocks": [{"type": "thinking", "thinking": "ab", "signature": "s"}, blocks[2]]
    }


def test_what_says_nothing_is_not_remembered():
    assert rest_of({"refusal": None, "annotations": [], "audio": None}, {"refusal": None}) == {}


def test_what_a_call_carries_besides_is_remembered_with_it():
    extra = {"extra_content": {"google": {"thought_signature": "EqQB"}}}
    _, (reply,) = play(new(), [chunks(said(None, {**ours("a"), **extra}))])
    assert json.loads(reply.parts[-1].raw) == {**ours("a"), **extra}


def test_thinking_in_the_content_stays_there():
    """Mistral's: parts first, then the text."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    leg = [chunk({"content": [thought]}), *chunks(said("I look.", ours("a")))]
    shown, (reply,) = play(new(), [leg])
    told = json.loads(openai_chat.spoken(Leg(reply.parts, (b"{}",)))[0])
    assert told["content"] == [thought, {"type": "text", "text": "I look."}]
    assert reply.waits
    assert b"hm" in shown


# -- tags ---------------------------------------------------------------------------------


def test_tags_are_taken_out_of_the_text_as_it_comes():
    leg = chunks(said("abc §drop§ d"))
    shown, (reply,) = play(new(Marks), [leg])
    assert message_of(shown)["content"] == "abc  d"
    assert reply.tags == ("drop",)
    assert (reply.parts[1].raw, reply.parts[1].altered) == ("abc §drop§ d".encode() and
            json.dumps("abc §drop§ d", ensure_ascii=False).encode(), True)  # fmt: skip


def test_what_was_held_back_goes_out_before_the_end():
    shown, _ = play(new(Marks), [chunks(said("abc §de"))])
    assert message_of(shown)["content"] == "abc §de"
    cut, _ = play(new(Marks), [chunks(said("abc §de"))[:2]])
    assert json.loads(sse.data_of(split(cut)[-1]))["choices"][0]["delta"] == {"content": "§de"}


def test_a_text_that_is_all_tags_is_never_shown():
    for streamed in (True, False):
        came = chunks(said("§x§")) if streamed else [whole(said("§x§"))]
        shown, (reply,) = play(new(Marks, streamed), [came])
        assert "§" not in shown.decode()
        assert (reply.tags, reply.parts[1].shown, reply.differs) == (("x",), None, True)


def test_what_the_last_chunk_says_comes_before_what_was_held_back():
    leg = [
        chunk({"role": "assistant", "content": "a §b"}),
        chunk({"content": "§ c §d"}, "stop"),
        DONE,
    ]
    assert message_of(play(new(Marks), [leg])[0])["content"] == "a  c §d"


# -- in one piece -------------------------------------------------------------------------


@given(st.one_of(st.binary(max_size=50), st.builds(written, json_values, seeds)), st.data())
@law
def test_what_is_no_completion_passes_as_it_came(body, data):
    assert play(new(Marks, False), [data.draw(cuts(body))]) == (body, [Reply()])


@given(messages, seeds)
@law
def test_a_completion_without_a_call_of_ours_passes_byte_for_byte(message, seed):
    message = {**message, "tool_calls": shown_calls(message)}
    body = written(json.loads(whole(message)), seed)
    assert play(new(Marks, False), [[body]])[0] == body


def test_two_completions_are_one_by_the_name_of_the_first():
    first = whole(FIRST, out=7)
    second = whole(said("b", call("Read", "c"), reasoning_content="x"), out=5, read=90, id="c2")
    shown, replies = play(new(streamed=False), [[first], [second]])
    completion = json.loads(shown)
    (choice,) = completion["choices"]
    assert choice["message"] == said("I look.\n\nb", call("Read", "c"), reasoning_content="hmx")
    assert (completion["id"], choice["finish_reason"]) == ("chatcmpl-1", "tool_calls")
    assert completion["usage"]["completion_tokens"] == 12
    assert completion["usage"]["prompt_tokens_details"]["cached_tokens"] == 90
    assert replies[1].differs


def test_several_choices_pass_as_they_came():
    body = json.dumps({**head(), "choices": [{"message": said("a")}, {"message": said("b")}]})
    assert play(new(Marks, False), [[body.encode()]]) == (body.encode(), [Reply()])
