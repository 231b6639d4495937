"""Requests of Chat Completions: what they say, and how little of them is ever changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.request import read_messages
from pichay_core.wire import jsontext, openai_chat
from pichay_core.wire.format import Edits, Format
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Block
from tests.chats import PICTURE, SIGNED, bodies, chats, odd_items
from tests.strategies import json_values, law, seeds, written

CHAT: Format = openai_chat


def body_of(*messages, **fields):
    return json.dumps({"model": "m", "messages": messages, **fields}).encode()


def read(*items):
    return openai_chat.read(b",".join(json.dumps(item).encode() for item in items))


def tool(id, content):
    return {"role": "tool", "tool_call_id": id, "content": content}


def assistant(content=None, *made, **more):
    calls = [{"id": id, "type": "function", "function": {"name": name, "arguments": given}}
             for id, name, given in made]  # fmt: skip
    return {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {}),
            **more}  # fmt: skip


def wrote(item, **edits):
    raw = item if isinstance(item, bytes) else json.dumps(item, separators=(",", ":")).encode()
    filled = Edits(edits.get("texts", {}), edits.get("markers", {}), False,
                   edits.get("said", {}), edits.get("note", ""))  # fmt: skip
    return json.loads(b"[" + openai_chat.write(raw, filled) + b"]")


# -- the laws -----------------------------------------------------------------------------


@given(st.one_of(bodies(), bodies(st.lists(odd_items, max_size=5))), st.data())
@law
def test_where_the_messages_stand_depends_on_the_body_alone(body, data):
    plain = openai_chat.outline(body)
    items = [body[at.start : at.end] for at in jsontext.elements(body, plain.fields["messages"])]
    runs = [b",".join(items[a:b]) for a in range(len(items)) for b in range(a + 1, len(items) + 1)]
    own = [plain.raw(at) for at in range(len(plain.messages))]
    some = st.one_of(st.sampled_from(own), st.sampled_from(runs)) if own else st.sampled_from(runs)
    drawn = data.draw(st.lists(st.lists(some, max_size=5), max_size=3)) if runs else []
    until = data.draw(st.integers(0, len(own)))
    odd = data.draw(st.sampled_from(runs)) if runs else b"1"
    likely = [[openai_chat.read(raw) for raw in known] for known in [*drawn, [*own[:until], odd]]]
    found = openai_chat.outline(body, likely)
    assert found.messages == plain.messages
    assert [found.raw(at) for at in range(found.same)] == [m.raw for m in found.known[: found.same]]
    assert found.same >= until - 1


@given(st.one_of(bodies(), bodies(st.lists(odd_items, max_size=5))))
@law
def test_any_list_of_messages_is_read_and_its_items_are_all_in_a_message_or_the_head(body):
    outline = openai_chat.outline(body)
    messages = read_messages(openai_chat, outline)
    head = openai_chat.head(outline, None)
    assert isinstance(head.front, str)
    places = jsontext.elements(body, outline.fields["messages"])
    inside = [at for at in places if any(m.start <= at.start < m.end for m in outline.messages)]
    assert places[len(places) - len(inside) :] == inside
    for message in messages:
        assert openai_chat.problems(head, [message]) is not None
        assert isinstance(openai_chat.plain(message.raw), str)
        assert isinstance(openai_chat.mentions(message.raw), frozenset)
        for block in range(len(message.blocks) + 1):
            openai_chat.text(message.raw, block)
            openai_chat.said(message.raw, block)


@given(st.one_of(st.binary(max_size=60), st.builds(written, json_values, seeds)))
@law
def test_what_is_no_request_of_this_wire_is_unreadable(body):
    try:
        openai_chat.outline(body)
    except Unreadable:
        return
    assert isinstance(json.loads(body)["messages"], list)


@given(chats(), seeds, st.data())
@law
def test_a_new_text_changes_the_content_of_its_result_and_nothing_else(said, seed, data):
    outline = openai_chat.outline(written({"messages": said}, seed))
    for message in read_messages(openai_chat, outline):
        if not message.results:
            continue
        block = data.draw(st.integers(0, len(message.results) - 1))
        new = openai_chat.write(message.raw, Edits({block: "stub \u00e9"}, {}))
        before, after = (jsontext.value(b"[" + raw + b"]") for raw in (message.raw, new))
        assert openai_chat.text(new, block) == "stub \u00e9"
        before[block].pop("content"), after[block].pop("content")
        assert before == after
        again = openai_chat.read(new)
        assert again.same_structure(message)
        assert again.marks == tuple(mark for mark in message.marks if mark[0] != block) or any(
            mark[0] == block for mark in message.marks
        )


@given(chats(), seeds)
@law
def test_without_an_edit_a_message_is_the_same_bytes(said, seed):
    outline = openai_chat.outline(written({"messages": said}, seed))
    for message in read_messages(openai_chat, outline):
        assert openai_chat.write(message.raw, Edits({}, {})) == message.raw


# -- the head -----------------------------------------------------------------------------

SYSTEM = {"role": "system", "content": "Be careful."}


def test_the_leading_messages_of_the_system_are_the_head_and_no_messages():
    dated = {"role": "developer", "content": [{"type": "text", "text": "June."}]}
    outline = openai_chat.outline(body_of(SYSTEM, dated, tool("a", "x"), SYSTEM, stream=True))
    head = openai_chat.head(outline, None)
    assert head.raw_system == json.dumps(dated["content"]).encode()
    assert (head.first_system, head.stream, head.user) == ("Be careful.", True, "")
    assert [openai_chat.read(outline.raw(at)).role for at in range(2)] == ["user", "system"]


def test_a_list_that_is_all_head_has_no_messages():
    outline = openai_chat.outline(body_of(SYSTEM))
    assert (len(outline.messages), openai_chat.head(outline, None).first_system) == (
        0, "Be careful.",
    )  # fmt: skip


def test_without_a_message_of_the_system_there_is_none_whatever_the_body_names_so():
    outline = openai_chat.outline(body_of({"role": "user", "content": "Hi"}, system="x"))
    assert outline.field("system") is None
    assert openai_chat.head(outline, None).raw_system is None


def test_the_front_is_the_same_wherever_markers_stand():
    def front(content, **tool):
        tools = [{"type": "function", "function": {"name": "Read"}, **tool}]
        return openai_chat.head(openai_chat.outline(body_of(
            {"role": "system", "content": content}, tools=tools)), None)  # fmt: skip

    marker = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    marked = front([{"type": "text", "text": "a", **marker}], **marker)
    assert marked.ttls == ("1h", "1h")
    assert front("a").front == marked.front != front("b").front
    assert (front("a").tool_names, front("a").ttls) == (("Read",), ())


@pytest.mark.parametrize(
    ("said", "raw"),
    [
        ('"a\\u00e9"', '"a\\u00e9\\n\\nMore."'),
        ('""', '"More."'),
        ('[{"text":"a"} ]', '[{"text":"a"},{"type":"text","text":"More."}]'),
        ("[]", '[{"type":"text","text":"More."}]'),
        ("null", "null"),
    ],
)  # fmt: skip
def test_a_text_stands_at_the_end_of_the_system_prompt_whose_type_stays(said, raw):
    assert openai_chat.told(said.encode(), "More.") == raw.encode()


def test_a_request_for_several_replies_goes_as_it_came():
    assert openai_chat.head(openai_chat.outline(body_of(n=2)), None).untouchable == "n"
    assert openai_chat.head(openai_chat.outline(body_of(n=1)), None).untouchable is None


def test_a_tool_that_must_be_called_is_named():
    choice = {"type": "function", "function": {"name": "Read"}}
    for given_, name in ((choice, "Read"), ("auto", ""), ({"type": "allowed_tools"}, "")):
        head = openai_chat.head(openai_chat.outline(body_of(tool_choice=given_)), None)
        assert head.forced == name


def test_a_definition_of_ours_stands_where_the_client_s_stand():
    tools = openai_chat.offered(b"[]", [openai_chat.definition("f", "Does.", b'{"type":"object"}')])
    assert json.loads(tools) == [
        {"type": "function",
         "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}}}
    ]  # fmt: skip
    (place,) = openai_chat.definitions(tools).values()
    assert json.loads(tools[place.start : place.end])["name"] == "f"


def test_of_two_tools_with_one_name_nobody_knows_which_is_meant():
    assert openai_chat.definitions(b'[{"function":{"name":"a"}},{"custom":{"name":"a"}}]') == {}
    assert openai_chat.definitions(b'[1,{"type":"web_search"},{"custom":{"name":"a"}}]').keys() == {
        "a"
    }


# -- messages -----------------------------------------------------------------------------


def test_results_side_by_side_are_one_message_with_a_block_each():
    found = read(
        tool("a", "x"), tool("b", [{"type": "text", "text": "y"}, PICTURE]), tool("c", None)
    )
    assert found.role == "user"
    assert [block.id for block in found.blocks] == ["a", "b", "c"]
    assert [(r.block, r.call_id, r.opaque, r.bytes) for r in found.results] == [
        (0, "a", False, 1), (1, "b", True, 0), (2, "c", False, 0),
    ]  # fmt: skip


def test_a_message_of_the_model_is_its_parts_its_calls_and_what_else_it_says():
    said = assistant("I look.", ("a", "Read", '{"file_path": "x"}'), ("b", "Bash", ""),
                     ("c", "Bash", "{"), refusal="no", reasoning_details=[SIGNED])  # fmt: skip
    found = read(said)
    assert [block.type for block in found.blocks] == [
        "text", "tool_use", "tool_use", "tool_use", "refusal", "thinking",
    ]  # fmt: skip
    assert [call.arguments for call in found.calls] == ['{"file_path":"x"}', "{}", '"{"']
    assert (found.thinks, found.text) == (True, "I look.")


def test_a_custom_call_is_a_call():
    made = {"id": "a", "type": "custom", "custom": {"name": "Bash", "input": "ls"}}
    (call,) = read({"role": "assistant", "tool_calls": [made]}).calls
    assert (call.id, call.tool, call.arguments) == ("a", "Bash", '"ls"')


@pytest.mark.parametrize(
    "field",
    [
        {"reasoning_content": "hm"},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "format": "openai"}]},
        {"content": [{"type": "thinking", "thinking": []}]},
    ],
)
def test_thinking_without_a_signature_of_claude_binds_nothing(field):
    assert not read(assistant(**field)).thinks


@pytest.mark.parametrize(
    "field",
    [
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "x"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "format": "anthropic-claude-v1"}]},
    ],
)
def test_thinking_with_one_does(field):
    assert read(assistant("a", **field)).thinks


def test_what_clients_vary_says_the_same():
    marked = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    one = assistant("a", ("i", "f", '{"a":1, "b":2}'), reasoning_content="hm", refusal=None)
    other = assistant([marked], ("i", "f", '{"b":2,"a":1}'), of_tomorrow=1)
    assert read(one).digest == read(other).digest != read(assistant("b")).digest
    assert read(assistant("")).digest == read(assistant(None)).digest == read(assistant([])).digest
    assert read(tool("a", "x")).digest != read({"role": "user", "content": "x"}).digest
    assert read(tool("a", "x")).digest != read(tool("b", "x")).digest


def test_markers_are_counted_where_they_stand():
    marker = {"cache_control": {"type": "ephemeral"}}
    found = read(tool("a", "x"), {**tool("b", [{"type": "text", "text": "y", **marker}]), **marker})
    assert found.marks == ((1, "5m"), (1, "5m"))
    long = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    user = {"role": "user", "content": [{"type": "text", "text": "a", **long}, PICTURE], **marker}
    assert read(user).marks == ((0, "1h"), (1, "5m"))
    assert read(user).blocks == (Block("text", ttl="1h"), Block("image", ttl="5m"))


def test_a_picture_counts_for_its_area():
    big = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    assert read({"role": "user", "content": [big]}).size < 20_000


# -- writing ------------------------------------------------------------------------------

MARKED = {"type": "text", "text": "y", "cache_control": {"type": "ephemeral"}}
BROKEN = {"type": "text", "text": "y", "prompt_cache_breakpoint": {"mode": "explicit"}}


def test_a_stub_is_a_string_and_a_list_only_where_a_marker_stood():
    plain = [{"type": "text", "text": "y"}]
    assert [wrote(tool("a", said), texts={0: "s"})[0]["content"] for said in ("x", plain)] == [
        "s", "s",
    ]  # fmt: skip
    for part in (MARKED, BROKEN):
        (new,) = wrote(tool("a", [part]), texts={0: "s"})
        assert new["content"] == [part | {"text": "s"}]


def test_a_marker_stands_on_a_part_and_only_one():
    added = {"type": "ephemeral", "ttl": "1h"}
    (new,) = wrote(tool("a", "x"), markers={0: "1h"})
    assert new["content"] == [{"type": "text", "text": "x", "cache_control": added}]
    assert wrote(tool("a", [MARKED]), markers={0: "1h"}) == [tool("a", [MARKED])]
    (new,) = wrote({"role": "user", "content": [PICTURE, PICTURE]}, markers={1: "5m"})
    assert "cache_control" in new["content"][1]


def test_a_note_stands_at_the_end_of_the_last_result():
    raw = b",".join(json.dumps(tool(id, id)).encode() for id in "ab")
    assert [item["content"] for item in wrote(raw, note="N", texts={1: "s"})] == ["a", "s\n\nN"]
    (new,) = wrote(tool("a", [PICTURE]), note="N")
    assert new["content"] == [PICTURE, {"type": "text", "text": "N"}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [("a", "a\n\nN"), ([PICTURE], [PICTURE, {"type": "text", "text": "N"}])],
)
def test_a_note_stands_at_the_end_of_what_the_user_says(content, expected):
    (new,) = wrote({"role": "user", "content": content}, note="N")
    assert new["content"] == expected


def test_what_the_user_says_is_replaced_in_its_part():
    assert (
        wrote({"role": "user", "content": "a"}, said={0: "b"}, note="N")[0]["content"] == "b\n\nN"
    )
    parts = [PICTURE, {"type": "text", "text": "a", "x": 1}]
    (new,) = wrote({"role": "user", "content": parts}, said={1: "b"})
    assert new["content"] == [PICTURE, {"type": "text", "text": "b", "x": 1}]


def test_what_the_user_says_for_us_is_a_message():
    assert json.loads(openai_chat.user_says("a\n")) == {"role": "user", "content": "a\n"}


def test_a_message_as_plain_text():
    said = assistant("I look.", ("a", "Read", '{"p": 1}'), reasoning_content="hm", refusal="no")
    assert openai_chat.plain(json.dumps(said).encode()) == (
        'I look.\n[call of Read] {"p":1}\n[refusal, not kept]'
    )
    answers = b",".join(json.dumps(t).encode() for t in (tool("a", "x"), tool("b", [PICTURE])))
    assert openai_chat.plain(answers) == "[result]\nx\n[result]\n[image, not kept]"


def test_a_message_mentions_the_tools_that_it_calls():
    said = assistant(None, ("a", "Read", "{}"), ("b", "Bash", "{}"))
    assert openai_chat.mentions(json.dumps(said).encode()) == {"Read", "Bash"}
    assert openai_chat.mentions(b'{"role":"user","content":"Read"}') == frozenset()


# -- the rules ----------------------------------------------------------------------------

HEAD = openai_chat.head(openai_chat.outline(body_of()), None)


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([[assistant(None, ("a", "f", "{}"))], [{"role": "user", "content": "x"}]],
         "tool_call_ids did not have response messages: a"),
        ([[{"role": "user", "content": "x"}], [tool("a", "x")]],
         "role 'tool' must be a response to a preceeding message with 'tool_calls': a"),
        ([[assistant(None, ("a", "f", "{}"))], [tool("a", "x"), tool("a", "y")]],
         "messages.1: each tool_use must have a single result"),
        ([[assistant("")]], "messages.0: content or tool_calls must be set"),
    ],
)  # fmt: skip
def test_each_rule_is_told(items, problem):
    messages = [read(*group) for group in items]
    assert openai_chat.problems(HEAD, messages) == {problem}


def test_a_paired_conversation_breaks_none():
    said = [assistant("", ("a", "f", "{}"), ("b", "f", "{}"))], [tool("b", ""), tool("a", "")]
    assert openai_chat.problems(HEAD, [read(*group) for group in said]) == frozenset()


@pytest.mark.parametrize(
    ("item", "takes"),
    [
        (tool("a", "x"), True),
        ({"role": "user", "content": "x"}, True),
        ({"role": "user", "content": ""}, False),
        ({"role": "user", "content": [PICTURE]}, False),
        ({"role": "function", "name": "f", "content": "x"}, False),
        (assistant("x"), False),
    ],
)
def test_a_note_may_stand_behind_what_says_something(item, takes):
    assert openai_chat.takes_note([read(item)]) is takes


# -- what a reply costs -------------------------------------------------------------------


def reported(*objects, type="text/event-stream"):
    reader = openai_chat.reader(type, "")
    for said in objects:
        data = json.dumps(said).encode()
        reader.feed(b"data: " + data + b"\n\n" if "event" in type else data)
    reader.feed(b"data: [DONE]\n\n" if "event" in type else b"")
    return reader.report()


COUNTS = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (100, 0, 0, 7)),
        ({"prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}},
         (10, 60, 30, 7)),
        ({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, (36, 64, 0, 7)),
        ({"cached_tokens": 99, "cost": 0.1}, (1, 99, 0, 7)),
        ({"total_tokens": 112, "completion_tokens_details": {"reasoning_tokens": 5}},
         (100, 0, 0, 12)),
        ({"completion_tokens_details": {"reasoning_tokens": 5}}, (100, 0, 0, 7)),
        ({"prompt_tokens_details": None, "cached_tokens": -1}, (100, 0, 0, 7)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("type", ["text/event-stream", "application/json"])
def test_the_counts_do_not_overlap(more, expected, type):
    usage = reported({"choices": [], "usage": COUNTS | more}, type=type).usage
    assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == expected


def test_moonshot_s_streams_count_in_the_choice():
    assert reported({"choices": [{"delta": {}, "usage": COUNTS}]}).usage.input == 100


def test_a_stream_that_does_not_count_says_nothing_of_what_it_cost():
    assert reported({"choices": [{"delta": {"content": "usage"}}], "usage": None}).usage is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "server_error", "message": "x"}, "server_error"),
        ({"code": 502, "message": "x"}, "502"),
        ({"code": "content_filter"}, "content_filter"),
        ({"message": "x"}, "error"),
    ],
)
def test_an_error_in_a_reply_is_told_by_its_type(error, kind):
    assert reported({"error": error}).error == kind
    assert reported({"error": error}, type="application/json").error == kind
