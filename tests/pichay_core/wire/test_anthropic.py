import json
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.format import Edits, Head
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Message
from tests.strategies import (
    IMAGE,
    bodies,
    brief_law,
    conversations,
    json_values,
    law,
    odd_messages,
    seeds,
    texts,
    written,
)

type Json = dict[str, Any]

FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
NOTHING = Edits({}, {})
ODD_NUMBERS = b'{"a":1.0e+5,"b":12345678901234567890,"c":-0.0,"d":1E4,"e":0.10,"f":12e00}'


def raw(message: object, seed: int = 0) -> bytes:
    return written(message, seed).strip(b" \t\r\n")


def read(message: object, seed: int = 0) -> Message:
    return anthropic.read(raw(message, seed))


def user(*blocks: object) -> Json:
    return {"role": "user", "content": list(blocks)}


def result(content: object = "text", **more: object) -> Json:
    return {"type": "tool_result", "tool_use_id": "a", "content": content, **more}


def text(words: str, **more: object) -> Json:
    return {"type": "text", "text": words, **more}


def blocks_of(message: bytes) -> list[bytes]:
    content = jsontext.members(message)["content"]
    return [message[at.start : at.end] for at in jsontext.elements(message, content)]


def fields_of(block: bytes) -> dict[str, bytes]:
    return {name: block[at.start : at.end] for name, at in jsontext.members(block).items()}


# -- writing ------------------------------------------------------------------------------


@given(odd_messages, seeds)
@law
def test_without_edits_a_message_is_the_very_same_object(message, seed):
    text = raw(message, seed) if isinstance(message, dict) else raw({"content": message}, seed)
    assert anthropic.write(text, NOTHING) is text


@given(conversations(), seeds, texts, st.data())
@brief_law
def test_a_new_text_changes_that_result_and_not_a_byte_beside_it(messages, seed, new, data):
    for message in messages:
        before = raw(message, seed)
        addressable = [found.block for found in anthropic.read(before).results]
        chosen = data.draw(st.sets(st.sampled_from(addressable))) if addressable else set()
        after = anthropic.write(before, Edits(dict.fromkeys(chosen, new), {}))
        assert_only_contents_differ(before, after, chosen)
        for position in chosen:
            if "content" in fields_of(blocks_of(before)[position]):
                assert anthropic.text(after, position) == new


def assert_only_contents_differ(before: bytes, after: bytes, chosen: set[int]) -> None:
    if not chosen:
        assert after is before
        return
    old, new = jsontext.members(before)["content"], jsontext.members(after)["content"]
    assert after[: new.start] == before[: old.start]
    assert after[new.end :] == before[old.end :]
    for position, (was, now) in enumerate(zip(blocks_of(before), blocks_of(after), strict=True)):
        if position not in chosen:
            assert now == was
            continue
        then, since = fields_of(was), fields_of(now)
        assert list(since) == list(then)
        for name in then.keys() - {"content"}:
            assert since[name] == then[name]


THOUGHT, HIDDEN = (
    {"type": "thinking", "thinking": "hm, [", "signature": "s=="},
    {"type": "redacted_thinking", "data": "x"},
)
others = st.sampled_from([text("said"), {"type": "tool_use", "id": "a", "name": "R", "input": {}}])


@given(st.lists(st.one_of(st.sampled_from([THOUGHT, HIDDEN]), others), max_size=6), seeds)
@law
def test_thinking_is_taken_out_whole_and_nothing_else_changes(blocks, seed):
    before = raw(user(*blocks), seed)
    after = anthropic.write(before, Edits({}, {}, unthought=True))
    kept = [part for part, block in zip(blocks_of(before), blocks, strict=True)
            if block not in (THOUGHT, HIDDEN)]  # fmt: skip
    if len(kept) in (0, len(blocks)):
        assert after is before
        return
    assert blocks_of(after) == kept
    assert not anthropic.read(after).thinks
    opened = jsontext.members(before)["content"].start
    assert after[:opened] == before[:opened]


def test_without_thinking_blocks_are_counted_as_the_client_sends_them():
    before = raw(user(THOUGHT, result("long"), HIDDEN, result("more")))
    after = anthropic.write(before, Edits({1: "a", 3: "b"}, {3: "1h"}, unthought=True))
    assert json.loads(after)["content"] == [
        result("a"),
        result("b", cache_control=FIVE | {"ttl": "1h"}),
    ]


@given(conversations(), seeds, st.sampled_from(["5m", "1h"]), st.data())
@brief_law
def test_a_marker_is_added_at_the_end_of_its_block_and_nothing_else_changes(
    messages, seed, ttl, data
):
    for message in messages:
        before = raw(message, seed)
        free = [found.block for found in anthropic.read(before).results]
        if not free:
            continue
        position = data.draw(st.sampled_from(free))
        after = anthropic.write(before, Edits({}, {position: ttl}))
        was, now = blocks_of(before), blocks_of(after)
        if "cache_control" in fields_of(was[position]):
            assert after is before
            continue
        marker = {"type": "ephemeral"} | ({"ttl": "1h"} if ttl == "1h" else {})
        added = b',"cache_control":' + json.dumps(marker, separators=(",", ":")).encode()
        assert now[position] == was[position][:-1] + added + b"}"
        assert now[:position] == was[:position] and now[position + 1 :] == was[position + 1 :]
        assert (position, ttl) in anthropic.read(after).marks


@given(conversations(), seeds, st.data())
@brief_law
def test_a_rewritten_message_keeps_its_structure_and_its_calls(messages, seed, data):
    for message in messages:
        before = read(message, seed)
        positions = [found.block for found in before.results]
        edits = Edits(dict.fromkeys(positions, "[stub]"), dict.fromkeys(positions[-1:], "5m"))
        after = anthropic.read(anthropic.write(before.raw, edits))
        assert after.same_structure(before)
        assert after.calls == before.calls
        assert [found.call_id for found in after.results] == [r.call_id for r in before.results]
        assert [found.error for found in after.results] == [r.error for r in before.results]


ODDLY_WRITTEN = (
    b'{ "role" :"user",\n  "content":[ '
    b'{"type":"text","text":"caf\\u00e9 \\/ \\ud83d\\ude00 \xc3\xa9"} ,\n'
    b'{"toolset_name":"files" , "is_error":false,"type":"tool_result","tool_use_id":"a",'
    b'\t"content": "a\\u00e9\\/" , "of_tomorrow": ' + ODD_NUMBERS + b"} ,"
    b'{"type":"of_tomorrow","n":1.0e+5 } ]  ,"n": 12345678901234567890 }'
)


def test_escapes_numbers_order_and_white_space_stay_as_they_came():
    after = anthropic.write(ODDLY_WRITTEN, Edits({1: "new"}, {}))
    assert after == ODDLY_WRITTEN.replace(b'"a\\u00e9\\/"', b'"new"')


def test_text_and_marker_may_go_to_one_block():
    before = b'{"content":[{"type":"tool_result","tool_use_id":"a","content":"old" }]}'
    after = anthropic.write(before, Edits({0: "new"}, {0: "1h"}))
    assert after == (
        b'{"content":[{"type":"tool_result","tool_use_id":"a","content":"new" '
        b',"cache_control":{"type":"ephemeral","ttl":"1h"}}]}'
    )


def test_a_marker_inside_a_result_survives_its_text():
    inner = b'[{"type":"text","text":"a"},{"cache_control": {"ttl":"1h","x":1.0},"type":"text"}]'
    before = b'{"content":[{"type":"tool_result","tool_use_id":"a","content":' + inner + b"}]}"
    after = anthropic.write(before, Edits({0: "new"}, {}))
    kept = b'[{"type":"text","text":"new","cache_control":{"ttl":"1h","x":1.0}}]'
    assert after == before.replace(inner, kept)
    assert anthropic.read(after).marks == anthropic.read(before).marks == ((0, "1h"),)


def test_the_text_of_a_user_is_replaced_and_nothing_else():
    after = anthropic.write(ODDLY_WRITTEN, Edits({}, {}, said={0: "new"}))
    assert after == ODDLY_WRITTEN.replace(b'"caf\\u00e9 \\/ \\ud83d\\ude00 \xc3\xa9"', b'"new"')


def test_a_marker_on_a_text_survives_the_text():
    before = b'{"content":[{"cache_control":{"ttl":"1h"},"type":"text","text":"old"}]}'
    after = anthropic.write(before, Edits({}, {}, said={0: "new"}))
    assert after == before.replace(b"old", b"new")


def test_a_message_of_one_string_is_one_text():
    before = b'{"role":"user", "content": "old"}'
    assert anthropic.write(before, Edits({}, {}, said={0: "new"})) == before.replace(b"old", b"new")
    assert anthropic.said(before, 0) == "old"
    assert anthropic.said(before, 1) is None


def test_only_the_text_of_a_text_is_said():
    assert anthropic.said(ODDLY_WRITTEN, 0) == "café / 😀 é"
    assert [anthropic.said(ODDLY_WRITTEN, block) for block in (1, 2, 3)] == [None] * 3
    after = anthropic.write(ODDLY_WRITTEN, Edits({}, {}, said={2: "new"}))
    assert after == ODDLY_WRITTEN


def test_only_a_users_lists_of_skills_are_looked_for():
    said = "<system-reminder>\nThe following skills are available:\n- a: b\n</system-reminder>"
    blocks = [text("Hi."), text(said), result(said)]
    assert anthropic.read(raw(user(*blocks))).lists == (1,)
    assert anthropic.read(raw({"role": "user", "content": said})).lists == (0,)
    assert anthropic.read(raw({"role": "assistant", "content": said})).lists == ()


def test_a_marker_that_is_null_is_none():
    inner = [text("a", cache_control=None), text("b", cache_control=HOUR)]
    before = raw(user(result(inner, cache_control=None)))
    assert anthropic.read(before).marks == ((0, "1h"),)
    after = anthropic.read(anthropic.write(before, Edits({0: "new"}, {})))
    assert after.marks == ((0, "1h"),)


@pytest.mark.parametrize(
    "message",
    [
        b'{"role":"user"}',
        b'{"role":"user","content":null}',
        b'{"role":"user","content":7}',
        b'{"role":"user","content":"text"}',
        b'{"role":"user","content":{"type":"tool_result"}}',
    ],
)
def test_a_message_without_a_list_of_blocks_is_left_alone(message):
    assert anthropic.write(message, Edits({0: "new"}, {0: "5m"})) is message


def test_a_result_without_content_is_left_alone():
    message = b'{"content":[{"type":"tool_result","tool_use_id":"a"}]}'
    assert anthropic.write(message, Edits({0: "new"}, {})) is message


def test_no_marker_is_put_into_an_empty_block():
    assert anthropic.write(b'{"content":[{}]}', Edits({}, {0: "5m"})) == b'{"content":[{}]}'


def test_a_name_that_occurs_twice_is_never_written_to():
    for message in (
        b'{"content":[],"content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}',
        b'{"content":[{"type":"tool_result","tool_use_id":"a","content":"x","content":"y"}]}',
    ):
        with pytest.raises(Unreadable):
            anthropic.write(message, Edits({0: "new"}, {}))


# -- what two messages have in common -----------------------------------------------------


def normal(item: Any) -> Any:
    """The message as the provider's cache sees it; written apart from the product."""
    if not isinstance(item, dict):
        return item
    plain = {key: part for key, part in item.items() if key != "cache_control"}
    content = plain.get("content")
    if isinstance(content, str):
        content = [text(content)]
    if isinstance(content, list):
        plain["content"] = [normal(part) for part in content]
    if isinstance(plain.get("source"), dict):
        plain["source"] = normal(plain["source"])
    return plain


def canonical(message: object) -> str:
    return json.dumps(normal(message), sort_keys=True)


def remarked(item: Any, chance: random.Random) -> Any:
    """The same message with other markers, and strings and lists of one text exchanged."""
    if not isinstance(item, dict):
        return item
    other = {key: part for key, part in item.items() if key != "cache_control"}
    match other.get("content"):
        case str() as words if chance.random() < 0.5:
            other["content"] = [text(words)]
        case [{"type": "text", "text": str() as words, **rest}] if not rest:
            other["content"] = chance.choice([words, [text(words)]])
        case _:
            pass
    if isinstance(other.get("content"), list):
        other["content"] = [remarked(part, chance) for part in other["content"]]
    if chance.random() < 0.5:
        other["cache_control"] = chance.choice([FIVE, HOUR, None])
    return other


@given(conversations(), seeds, seeds)
@brief_law
def test_markers_shape_and_spelling_do_not_count_for_what_a_message_says(messages, seed, other):
    chance = random.Random(other)
    for message in messages:
        again = remarked(deepcopy(message), chance)
        shuffled = dict(random.Random(seed).sample(list(again.items()), len(again)))
        assert read(shuffled, other).digest == read(message, seed).digest


def changed(item: Any, chance: random.Random) -> Any:
    """The item with one thing in it changed, somewhere."""
    match item:
        case dict() if item and chance.random() < 0.9:
            key = chance.choice(list(item))
            if chance.random() < 0.2:
                return {name: part for name, part in item.items() if name != key}
            return {**item, key: changed(item[key], chance)}
        case list() if item and chance.random() < 0.9:
            at = chance.randrange(len(item))
            if chance.random() < 0.3:
                return item[:at] + item[at + 1 :]
            return [*item[:at], changed(item[at], chance), *item[at + 1 :]]
        case str():
            return item + chance.choice(["x", " ", "\x00", "\u00e9"])
        case _:
            return chance.choice([None, 0, 1, "", [], {}, "0", False, 0.5, [""], {"a": 1}])


@given(st.one_of(conversations(1).map(lambda all: all[-1]), odd_messages), seeds, seeds)
@brief_law
def test_nothing_but_markers_shape_and_spelling_is_ignored(message, seed, other):
    chance = random.Random(other)
    for _ in range(10):
        variant = changed(message, chance)
        same = canonical(variant) == canonical(message)
        assert (read(variant, seed).digest == read(message, seed).digest) is same


A_CALL = {"type": "tool_use", "id": "a", "name": "Read", "input": {}}

DIFFERENT: dict[str, tuple[object, object]] = {
    "content of another number": ({"content": 5}, {"content": 6}),
    "no content, null and none": ({"role": "user"}, {"role": "user", "content": None}),
    "null and an empty list": ({"content": None}, {"content": []}),
    "no text and an empty text": ({"content": []}, {"content": ""}),
    "messages that are no objects": ("a", "b"),
    "no object and an empty one": ("a", {}),
    "blocks that are no objects": ({"content": ["a"]}, {"content": [7]}),
    "a string and a block of it": ({"content": ["a"]}, {"content": "a"}),
    "the role": (user(), {"role": "assistant", "content": []}),
    "an unknown key": (user(), {**user(), "clear_at": "next_user_message"}),
    "a failed result": (user(result(is_error=True)), user(result())),
    "order": (user(text("a"), text("b")), user(text("b"), text("a"))),
    "one text and two": (user(text("ab")), user(text("a"), text("b"))),
    "an argument named like a marker": (
        user({**A_CALL, "input": {"cache_control": FIVE}}),
        user({**A_CALL, "input": {"cache_control": HOUR}}),
    ),
    "an argument named content": (
        user({**A_CALL, "input": {"content": "x"}}),
        user({**A_CALL, "input": {"content": [text("x")]}}),
    ),
    "a signature": (
        user({"type": "thinking", "thinking": "", "signature": "a"}),
        user({"type": "thinking", "thinking": "", "signature": "b"}),
    ),
    "one and 1": (user({"type": "x", "n": 1}), user({"type": "x", "n": "1"})),
    "integers beyond 64 bits": (
        user({"type": "x", "n": 2**70}),
        user({"type": "x", "n": 2**70 + 1}),
    ),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_messages_that_differ_have_different_digests(one, other):
    assert read(one).digest != read(other).digest


SAME: dict[str, tuple[object, object]] = {
    "a string and a list of one text": ({"content": "a"}, {"content": [text("a")]}),
    "a marker on the message": (user(), {**user(), "cache_control": FIVE}),
    "a marker on a call": (user(A_CALL), user({**A_CALL, "cache_control": HOUR})),
    "a marker inside a result": (
        user(result("a")),
        user(result([text("a", cache_control=FIVE)], cache_control=FIVE)),
    ),
    "a marker inside a document": (
        user({"type": "document", "source": {"type": "content", "content": [text("a")]}}),
        user({"type": "document", "source": {"type": "content", "content": [
            text("a", cache_control=FIVE)]}}),
    ),
    "a marker inside a search result": (
        user({"type": "search_result", "content": [text("a", cache_control=FIVE)]}),
        user({"type": "search_result", "content": [text("a")]}),
    ),
    "a marker on a block without a type": (user({"x": 1, "cache_control": FIVE}), user({"x": 1})),
    "a number in two spellings": (user({"type": "x", "n": 1e5}), user({"type": "x", "n": 1e5})),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_messages_that_say_the_same_have_one_digest(one, other):
    assert read(one, seed=1).digest == read(other, seed=2).digest


# -- reading ------------------------------------------------------------------------------


@given(st.one_of(conversations(1).map(lambda all: all[-1]), odd_messages), seeds)
@brief_law
def test_any_message_can_be_read_and_every_result_is_found_where_it_stands(message, seed):
    found = read(message, seed)
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    expected = [
        (at, block["tool_use_id"])
        for at, block in enumerate(blocks)
        if isinstance(block, dict) and block.get("type") == "tool_result"
        and isinstance(block.get("tool_use_id"), str)
    ]  # fmt: skip
    assert [(part.block, part.call_id) for part in found.results] == expected
    assert len(found.blocks) == (1 if isinstance(content, str) else len(blocks))
    for part in found.results:
        said = anthropic.text(found.raw, part.block)
        assert part.opaque is (said is None)
        assert part.bytes == len((said or "").encode())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ""),
        ("a\nb", "a\nb"),
        (None, ""),
        ([], ""),
        ([text("a")], "a"),
        ([text("a"), text("b")], "a\nb"),
        ([text("a"), IMAGE], None),
        ([IMAGE], None),
        ([{"type": "tool_reference", "tool_name": "X"}], None),
        ([text("a"), "b"], None),
        ([text("a"), None], None),
        ([{"text": "a"}], None),
        (7, None),
        ({"type": "text", "text": "a"}, None),
        (True, None),
    ],
)
def test_a_result_is_text_if_all_of_it_is_text(content, expected):
    message = raw(user(text("before"), result(content)))
    assert anthropic.text(message, 1) == expected
    assert anthropic.read(message).results[0].opaque is (expected is None)


@pytest.mark.parametrize(
    ("said", "size", "lines"),
    [("", 0, 0), ("a", 1, 1), ("a\n", 2, 1), ("a\nb", 3, 2), ("\n", 1, 1), ("\u00e9\n\n", 4, 2)],
)
def test_a_result_is_measured_in_bytes_and_lines(said, size, lines):
    found = read(user(result(said))).results[0]
    assert (found.bytes, found.lines) == (size, lines)


@pytest.mark.parametrize(
    ("given_error", "expected"), [(True, True), (False, False), (None, False), ("true", False)]
)
def test_a_result_is_an_error_only_if_it_says_so(given_error, expected):
    assert read(user(result(is_error=given_error))).results[0].error is expected


def test_there_is_no_text_beyond_the_last_block():
    assert anthropic.text(raw(user()), 0) is None
    assert anthropic.text(b'{"content":"a"}', 1) is None
    assert anthropic.text(b"7", 0) is None


def test_thinking_is_noticed_wherever_it_stands():
    for kind in ("thinking", "redacted_thinking"):
        assert read(user(text("a"), {"type": kind})).thinks
    assert not read(user(text("thinking"))).thinks


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (user(text("a", cache_control=FIVE)), ((0, "5m"),)),
        (user(text("a"), text("b", cache_control=HOUR)), ((1, "1h"),)),
        (user(text("a", cache_control=None), text("b", cache_control="x")), ()),
        (user(result([text("a", cache_control=HOUR)], cache_control=FIVE)), ((0, "1h"), (0, "5m"))),
        (
            user(result([text("a", cache_control=FIVE), text("b", cache_control=FIVE)])),
            ((0, "5m"), (0, "5m")),
        ),
        (user({**A_CALL, "input": {"cache_control": FIVE}}), ()),
        ({"role": "user", "content": "text"}, ()),
    ],
)
def test_every_marker_of_a_message_is_counted(message, expected):
    assert read(message).marks == expected


def test_only_calls_with_an_id_and_a_name_are_calls():
    message = user(A_CALL, {**A_CALL, "id": 7}, {**A_CALL, "name": None}, {**A_CALL, "input": None})
    assert [(call.id, call.arguments) for call in read(message).calls] == [
        ("a", "{}"),
        ("a", "null"),
    ]


def test_the_text_of_a_message_has_its_first_and_its_last_words():
    prompt = "Your task is to create a detailed summary of the conversation so far"
    message = user(result("x" * 9000), text("r" * 9000), text("s" * 9000), text(prompt))
    found = read(message).text
    assert found.startswith("rrr") and found.endswith(prompt)
    assert len(found) < 9000
    assert read({"content": "one"}).text == read(user(text("one"))).text == "one"
    assert read(user()).text == ""


@pytest.mark.parametrize(
    "message",
    [
        rb'{"role":"user","content":"\ud800"}',
        b'{"role":"user","content":"\xff"}',
        b'{"role":"user","content":[1e999]}',
        b'{"role":"user","content":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"role":"user"',
        b"",
    ],
)
def test_a_message_that_is_not_json_is_unreadable_and_nothing_else(message):
    with pytest.raises(Unreadable):
        anthropic.read(message)


# -- the whole body -----------------------------------------------------------------------


@given(conversations(), st.data())
@brief_law
def test_an_outline_says_where_every_message_stands(messages, data):
    body = data.draw(bodies(messages))
    outline = anthropic.outline(body)
    assert outline.body is body
    assert [json.loads(outline.raw(at)) for at in range(len(messages))] == messages
    assert json.loads(outline.field("model") or b"") == "claude-sonnet-4-5"
    assert outline.field("thread") is None


@given(conversations(), conversations(1), json_values, seeds)
@brief_law
def test_a_known_conversation_is_recognised_byte_for_byte_as_far_as_it_goes(
    messages, appended, odd, seed
):
    raws = [raw(message, seed) for message in [*messages, *appended]]
    known = [anthropic.read(text) for text in raws[: len(messages)]]
    other = [anthropic.read(raw({"role": "user", "content": "another"})), *known[1:]]
    body = b'{"odd":' + raw(odd, seed) + b',"messages":[ ' + b" ,\n".join(raws) + b"\n]}"
    outline = anthropic.outline(body, [other, known])
    assert outline.known is known and outline.same == len(known)
    assert outline.messages == anthropic.outline(body).messages
    changed_body = body.replace(raws[0], b'{"role":"user","content":"another one"}', 1)
    assert anthropic.outline(changed_body, [known]).same == 0


UNREADABLE = {
    "no messages": b"{}",
    "messages null": b'{"messages":null}',
    "messages a string": b'{"messages":"[{},"}',
    "messages an object": b'{"messages":{"role":"user"}}',
    "messages twice": b'{"messages":[],"messages":[]}',
    "messages twice, one escaped": rb'{"messages":[],"mess\u0061ges":[]}',
    "a list": b"[]",
    "a string": b'"messages"',
    "a number": b"7",
    "null": b"null",
    "empty": b"",
    "a form": b"a=b&messages=c",
    "a byte order mark": b'\xef\xbb\xbf{"messages":[]}',
    "UTF-16": '{"messages":[]}'.encode("utf-16"),
    "NaN": b'{"messages":[],"temperature":NaN}',
    "cut": b'{"messages":[{"role":"user"',
    "trailing text": b'{"messages":[]}x',
    "two objects": b'{"messages":[]}\n{"messages":[]}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_of_another_shape_is_unreadable(body):
    with pytest.raises(Unreadable):
        anthropic.outline(body)


@given(st.lists(odd_messages, max_size=4), st.dictionaries(texts, json_values, max_size=4), seeds)
@law
def test_whatever_stands_beside_the_messages_is_read_or_unreadable(messages, fields, seed):
    names = ["system", "tools", "metadata", "cache_control", "model", "stream", "thread"]
    odd = dict(zip(names, fields.values(), strict=False))
    outline = anthropic.outline(written({**fields, **odd, "messages": messages}, seed))
    head = anthropic.head(outline)
    read = [anthropic.read(outline.raw(at)) for at in range(len(messages))]
    assert anthropic.marker_problems(head, read) <= anthropic.problems(head, read)


def head_of(**fields: object) -> Head:
    return anthropic.head(anthropic.outline(written({"messages": [], **fields})))


def test_the_head_says_what_stands_beside_the_messages():
    head = head_of(
        model="m",
        system=[text("x-anthropic-billing-header: cch=1"), text("You are", cache_control=HOUR)],
        tools=[{"name": "A", "cache_control": FIVE}, {"type": "web_search_2025", "name": "B"}],
        cache_control=FIVE,
        stream=True,
        metadata={"user_id": "u"},
    )
    assert (head.model, head.first_system, head.tool_names) == ("m", "You are", ("A", "B"))
    assert (head.ttls, head.automatic) == (("5m", "1h"), "5m")
    assert (head.stream, head.user, head.untouchable) == (True, "u", None)


def test_an_absent_head_is_an_empty_one():
    head = head_of()
    assert (head.model, head.first_system, head.tool_names, head.ttls) == ("", "", (), ())
    assert (head.automatic, head.stream, head.user, head.untouchable) == (None, False, "", None)
    assert head_of(system=None, tools=None).front == head.front


@pytest.mark.parametrize("field", ["thread", "fallback_credit_token"])
@pytest.mark.parametrize("value", [{}, {"type": "continue"}, "", "token", False, 0, []])
def test_a_field_that_forbids_editing_does_so_whatever_it_holds(field, value):
    assert head_of(**{field: value}).untouchable == field
    assert head_of(**{field: None}).untouchable is None


def test_the_front_ignores_markers_shape_and_the_billing_line_and_nothing_else():
    tool = {"name": "A", "input_schema": {"type": "object"}}
    plain = head_of(system="You are", tools=[tool]).front
    billing = text("x-anthropic-billing-header: cch=2")
    marked = {**tool, "cache_control": FIVE}
    same = head_of(system=[billing, text("You are", cache_control=FIVE)], tools=[marked])
    assert same.front == plain
    for other in (
        head_of(system="You were", tools=[tool]),
        head_of(system="You are", tools=[]),
        head_of(system="You are", tools=[tool, tool]),
        head_of(system="You are", tools=[{**tool, "input_schema": {}}]),
        head_of(system=[text("You"), text("are")], tools=[tool]),
    ):
        assert other.front != plain


def test_tools_that_the_provider_keeps_out_of_the_prefix_are_no_part_of_the_front():
    tool, other = ({"name": name, "input_schema": {"type": "object"}} for name in "AB")
    plain = head_of(tools=[tool])
    later = head_of(tools=[tool, {**other, "defer_loading": True}])
    assert later.front == plain.front
    assert later.tool_names == ("A", "B")
    assert head_of(tools=[tool, {**other, "defer_loading": False}]).front != plain.front


def test_a_head_is_read_anew_only_where_its_text_is_new():
    body = written({"messages": [], "system": "S", "tools": [{"name": "A"}]})
    first = anthropic.head(anthropic.outline(body))
    again = anthropic.head(anthropic.outline(body), first)
    assert again == first and again.tool_names is first.tool_names
    other = body.replace(b'"S"', b'"T"')
    assert anthropic.head(anthropic.outline(other), first).first_system == "T"
