"""Requests of OpenAI Responses: where everything stands, what is read, what is written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Kind
from pichay_core.request import read_messages
from pichay_core.wire import jsontext, openai_responses
from pichay_core.wire.clientstubs import asks_for_summary
from pichay_core.wire.format import Edits, Format
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Block
from pichay_core.wire.openai_responses import (
    head,
    mentions,
    outline,
    plain,
    problems,
    read,
    said,
    takes_note,
    text,
    user_says,
    write,
)
from tests.responses_items import (
    EXEC,
    body,
    call,
    conversations,
    custom,
    developer,
    odd,
    output,
    reasoning,
    says,
    user,
)
from tests.strategies import json_values, law, seeds, texts, written

_: Format = openai_responses  # pyright: ignore[reportAssignmentType]

NOTHING = Edits({}, {})
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 90_000}
MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def raws(sent: bytes, likely=()) -> list[bytes]:
    found = outline(sent, likely)
    return [found.raw(at) for at in range(len(found.messages))]


def messages(*items):
    sent = outline(body(list(items)))
    return read_messages(openai_responses, sent)


def one(*items):
    (found,) = messages(*items)
    return found


def items_in(raw: bytes):
    return json.loads(b"[" + raw + b"]")


# -- what is a message ---------------------------------------------------------------------


def test_what_one_side_says_at_once_is_one_message():
    found = messages(
        developer("Rules."),
        user("Hi."),
        reasoning("c1"),
        says("I look."),
        call("a"),
        custom("b", "exec", "1"),
        output("a", "x"),
        output("b", "y", "custom_tool_call_output"),
        user("More."),
        user("And more."),
        {"type": "web_search_call", "id": "ws"},
        says("Done."),
    )
    assert [message.role for message in found] == [
        *("system", "user", "assistant", "user", "user", "user", "assistant"),
    ]
    assert [[block.type for block in message.blocks] for message in found] == [
        ["text"],
        ["text"],
        ["reasoning", "text", "tool_use", "tool_use"],
        ["tool_result", "tool_result"],
        ["text"],
        ["text"],
        ["web_search_call", "text"],
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "rs_1"},
        {"type": "compaction_trigger"},
        {"type": "additional_tools", "role": "developer", "tools": []},
        {"type": "configuration_update"},
        {"type": "invented_tomorrow"},
    ],
)
def test_what_is_nobodys_stands_alone_and_cannot_be_folded(item):
    found = messages(call("a"), item, call("b"))
    assert [message.role for message in found] == ["assistant", "system", "assistant"]
    assert found[1].blocks == (Block(item["type"]),)


@law
@given(conversations, seeds)
def test_the_messages_hold_every_item_and_nothing_but_space_and_commas_between(items, seed):
    sent = odd(items, seed)
    found = outline(sent)
    assert [one for raw in raws(sent) for one in items_in(raw)] == items
    place = found.fields["input"]
    between = [sent[a.end : b.start] for a, b in zip(found.messages, found.messages[1:])]  # noqa: B905
    assert all(gap.strip(b" \t\r\n") == b"," for gap in between)
    if items:
        assert sent[place.start : found.messages[0].start].strip() == b"["
        assert sent[found.messages[-1].end : place.end].strip() == b"]"


@law
@given(conversations, st.integers(0, 12), conversations, seeds, seeds)
def test_the_messages_do_not_depend_on_what_is_known(items, keep, more, seed, other):
    sent = odd(items, seed)
    earlier = [odd(items[:keep], seed), odd(items[:keep], other), odd(items[:keep] + more, seed)]
    likely = [read_messages(openai_responses, outline(before)) for before in earlier]
    found = outline(sent, likely)
    assert found.messages == outline(sent).messages
    assert found.fields == outline(sent).fields
    assert [message.raw for message in found.known[: found.same]] == raws(sent)[: found.same]
    assert read_messages(openai_responses, found) == read_messages(openai_responses, outline(sent))


@law
@given(conversations, st.integers(1, 12), seeds)
def test_a_conversation_that_goes_on_is_known_but_for_what_was_not_over(items, keep, seed):
    """Written alike, all is known that was said, but a last message that has been added to."""
    sent = json.dumps({"input": items}).encode()
    before = json.dumps({"input": items[:keep]}).encode()
    known = read_messages(openai_responses, outline(before))
    found = outline(sent, [known])
    assert found.same >= len(known) - 1
    assert all(message.raw in sent for message in known[: found.same])


def test_a_last_message_that_has_grown_is_read_anew():
    before, after = [user("a"), call("1")], [user("a"), call("1"), call("2"), output("1", "x")]
    known = read_messages(openai_responses, outline(body(before)))
    found = outline(body(after), [known])
    assert found.same == 1
    assert len(found.messages) == 3


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"{}",
        b'{"input":null}',
        b'{"input":{}}',
        b'{"input":7}',
        b'{"input":[}',
        b'{"messages":[]}',
    ],
)
def test_what_is_no_request_is_unreadable(sent):
    with pytest.raises(Unreadable):
        outline(sent)


@law
@given(st.binary(max_size=60) | json_values.map(written) | json_values.map(lambda v: body(v)))
def test_anything_is_read_or_unreadable(sent):
    try:
        found = outline(sent)
        head(outline(sent), None)
        for at in range(len(found.messages)):
            message = read(found.raw(at))
            plain(found.raw(at))
            mentions(found.raw(at))
            write(found.raw(at), Edits({}, {}, note="n"))
            for block in range(len(message.blocks) + 1):
                text(found.raw(at), block)
                said(found.raw(at), block)
    except Unreadable:
        pass


# -- a string for an input -----------------------------------------------------------------


def test_an_input_that_is_a_string_is_what_the_user_says_and_passes():
    sent = body("Hi.")
    (message,) = read_messages(openai_responses, outline(sent))
    assert (message.role, message.text) == ("user", "Hi.")
    assert message.digest == one(user("Hi.")).digest
    assert head(outline(sent), None).untouchable == "input"
    assert write(message.raw, Edits({}, {}, note="n")) is message.raw
    assert head(outline(body([user("Hi.")])), None).untouchable is None


# -- what is beside the messages -------------------------------------------------------------


TOOLS = [
    {"type": "function", "name": "Read", "parameters": {}},
    {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
    {"type": "web_search"},
    {"type": "namespace", "name": "mcp__x", "tools": [{"type": "function", "name": "get"}]},
]


def test_the_head_is_instructions_and_tools():
    sent = body([user("a")], instructions="You help.", tools=TOOLS, stream=True, store=False)
    found = head(outline(sent), None)
    assert (found.first_system, found.stream, found.partial) == ("You help.", True, "")
    assert found.tool_names == ("Read", "apply_patch", "web_search", "mcp__x", "get")
    assert found.size == len(found.raw_system or b"") + len(found.raw_tools or b"")
    assert head(outline(sent), found) == found


def test_a_head_that_says_another_thing_has_another_front():
    heads = [
        head(outline(body([], instructions=said, tools=tools)), None)
        for said, tools in (("a", TOOLS), ("b", TOOLS), ("a", TOOLS[:1]))
    ]
    assert len({found.front for found in heads}) == 3


def test_without_instructions_and_tools_the_first_items_say_them():
    tools = {"type": "additional_tools", "role": "developer", "tools": TOOLS}
    sent = body([tools, developer("You are it."), developer("Skills."), user("Hi."), tools])
    found = outline(sent)
    told = head(found, None)
    assert json.loads(found.field("tools") or b"") == TOOLS
    assert json.loads(found.field("system") or b"") == developer("You are it.")["content"]
    assert (told.first_system, told.size) == ("You are it.", 0)
    assert len(found.messages) == 5
    assert "system" not in outline(body([user("Hi."), developer("late")])).fields
    both = outline(body([tools, developer("no")], instructions="yes", tools=[]))
    assert (both.field("system"), both.field("tools")) == (b'"yes"', b"[]")


@pytest.mark.parametrize("absent", [{}, {"instructions": None, "tools": None}])
def test_what_is_null_is_absent(absent):
    found = head(outline(body([user("a")], **absent)), None)
    assert (found.raw_system, found.raw_tools, found.first_system) == (None, None, "")


@pytest.mark.parametrize(
    ("field", "value", "partial"),
    [
        ("previous_response_id", "resp_1", "resp_1"),
        ("conversation", {"id": "conv_1"}, "conv_1"),
        ("conversation", "conv_1", "conv_1"),
        ("previous_response_id", None, ""),
        ("store", True, ""),
    ],
)
def test_a_request_that_names_what_the_provider_has_is_a_part(field, value, partial):
    assert head(outline(body([user("a")], **{field: value})), None).partial == partial


@pytest.mark.parametrize(("more", "stored"), [({}, True), ({"store": False}, False)])
def test_the_provider_keeps_a_reply_unless_it_is_told_not_to(more, stored):
    assert head(outline(body([user("a")], **more)), None).unanswerable is stored


def test_a_forced_tool_is_named():
    choice = {"type": "function", "name": "Read"}
    assert head(outline(body([], tool_choice=choice)), None).forced == "Read"
    assert head(outline(body([], tool_choice="required")), None).forced == ""


# -- what a message says -----------------------------------------------------------------------


def test_calls_are_described_by_tool_and_arguments():
    action = {"type": "exec", "command": ["ls"]}
    found = one(
        call("a", "Read", file_path="/a.py"),
        custom("b", "apply_patch", "*** Begin Patch"),
        {"type": "local_shell_call", "id": "ls_1", "call_id": "c", "action": action},
        {"type": "shell_call", "call_id": "d", "action": {"commands": ["ls"]}},
        {**call("e", "get_issue"), "namespace": "mcp__github__"},
        {**call("f", "exec"), "namespace": "functions"},
        {**call("g", "Odd"), "arguments": "{not json"},
    ).calls
    assert [(made.id, made.tool) for made in found] == [
        ("a", "Read"),
        ("b", "apply_patch"),
        ("c", "local_shell"),
        ("d", "shell"),
        ("e", "mcp__github__get_issue"),
        ("f", "functions.exec"),
        ("g", "Odd"),
    ]
    assert found[0].kind is Kind.READ
    assert found[0].arguments == '{"file_path":"/a.py"}'
    assert found[6].arguments == '"{not json"'


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("x\ny", "x\ny"),
        (EXEC + "x", "x"),
        ([{"type": "input_text", "text": "x"}, {"type": "input_text", "text": "y"}], "x\ny"),
        ([{"type": "input_text", "text": EXEC}, {"type": "input_text", "text": "y"}], "y"),
        ([{"type": "input_text", "text": EXEC + "x"}], "x"),
        ([{"type": "output_text", "text": "x"}], "x"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_text_of_an_answer_is_what_stands_behind_its_head(given, means):
    found = one(output("a", given))
    assert text(found.raw, 0) == means
    assert found.results[0] == one(output("a", means)).results[0]


@pytest.mark.parametrize(
    "given",
    [[IMAGE], [{"type": "input_text", "text": "a"}, IMAGE], {"content": "a"}, 7],
)
def test_an_answer_that_holds_anything_but_text_is_opaque(given):
    found = one(output("a", given))
    assert text(found.raw, 0) is None
    assert found.results[0].opaque
    assert write(found.raw, Edits({0: "new"}, {})) == found.raw


def test_an_answer_failed_if_its_head_says_so():
    failed = "Exit code: 1\nWall time: 0.1 seconds\nOutput:\nno"
    shell = {"type": "exit", "exit_code": 2}
    outs = [{"stdout": "a", "stderr": "b", "outcome": shell}]
    found = one(
        output("a", failed),
        output("b", EXEC + "x"),
        output("c", outs, "shell_call_output"),
        {"type": "apply_patch_call_output", "call_id": "d", "status": "failed"},
    )
    assert [result.error for result in found.results] == [True, False, True, True]
    assert text(found.raw, 2) == "a\nb"
    assert found.results[3].opaque


def test_a_picture_counts_for_a_few_bytes_and_what_codex_notes_for_none():
    noted = {"internal_chat_message_metadata_passthrough": {"turn_id": "x" * 400}}
    assert one(output("a", [IMAGE])).size < 10_000
    plain_size, noted_size = one(user("a")).size, one(user("a", **noted)).size
    assert abs(noted_size - plain_size) < 10


@pytest.mark.parametrize(
    ("one_way", "other"),
    [
        (user("a"), {"role": "user", "content": "a"}),
        (user("a"), user("a", id="msg_9", status="completed")),
        (says("a", "msg_1"), {"role": "assistant", "content": "a"}),
        (call("a"), {**call("a"), "id": "fc_other", "status": "in_progress"}),
        (output("a", "x"), {**output("a", "x"), "id": None}),
        (user("a"), user("a", internal_chat_message_metadata_passthrough={"turn_id": "t"})),
        (user("a"), {**user("a"), "content": [{"type": "input_text", "text": "a", **MARK}]}),
    ],
)
def test_what_clients_vary_is_no_difference(one_way, other):
    assert one(one_way).digest == one(other).digest


@pytest.mark.parametrize(
    ("one_way", "other"),
    [
        (user("a"), user("b")),
        (user("a"), developer("a")),
        (call("a", path="x"), call("a", path="y")),
        (call("a"), call("b")),
        (output("a", "x"), output("a", "y")),
        (output("a", "x"), output("a", EXEC + "x")),
        (reasoning("a"), reasoning("b")),
        ({"type": "item_reference", "id": "a"}, {"type": "item_reference", "id": "b"}),
    ],
)
def test_what_says_another_thing_is_another_message(one_way, other):
    assert one(one_way).digest != one(other).digest


def test_only_enciphered_reasoning_is_bound_to_what_stands_before_it():
    assert one(reasoning("gAAA"), says("a")).thinks
    assert not one({"type": "reasoning", "id": "rs_1", "summary": []}, says("a")).thinks


def test_a_request_to_compact_is_recognised():
    assert asks_for_summary(messages(user("a"), {"type": "compaction_trigger"})[-1].text)
    assert not asks_for_summary(messages(user("a"))[-1].text)


def test_a_message_as_plain_text_holds_no_reasoning():
    found = one(reasoning("gAAA"), says("I look."), call("a", path="x"))
    assert plain(found.raw) == 'I look.\n[call of Read] {"path": "x"}'
    assert plain(one(output("a", EXEC + "x")).raw) == "[result]\nx"


# -- what is written -----------------------------------------------------------------------------


@law
@given(conversations, seeds, texts)
def test_only_what_was_named_is_written(items, seed, new):
    sent = odd(items, seed)
    for message in read_messages(openai_responses, outline(sent)):
        movable = [one for one in message.results if not one.opaque]
        edits = Edits({one.block: new for one in movable}, {})
        after = read(write(message.raw, edits))
        assert (after.role, after.blocks, after.calls) == (
            message.role,
            message.blocks,
            message.calls,
        )
        if not movable:
            assert after.raw == message.raw
        for found in movable:
            assert (text(after.raw, found.block) or "").endswith(new[-1:])


def test_the_rest_of_an_answer_stays_as_it_came():
    raw = b'{ "output" : "\\u0061" ,"type":"function_call_output","id":null, "call_id":"a","x":1e0}'
    new = write(raw, Edits({0: "stub"}, {}))
    assert new == raw.replace(b'"\\u0061"', b'"stub"')


def test_a_cache_marker_survives_the_text_it_stood_on():
    said_parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b", **MARK}]
    (new,) = items_in(write(one(output("a", said_parts)).raw, Edits({0: "stub"}, {})))
    assert new["output"] == [{"type": "input_text", "text": "stub", **MARK}]


def test_the_head_of_what_still_runs_or_failed_stays():
    running = "Wall time: 1 seconds\nProcess running with session ID 7\nOutput:\n"
    (new,) = items_in(write(one(output("a", running + "x")).raw, Edits({0: "stub"}, {})))
    assert new["output"] == running + "stub"
    (new,) = items_in(write(one(output("a", EXEC + "x")).raw, Edits({0: "stub"}, {})))
    assert new["output"] == "stub"


def test_the_output_of_a_shell_stays_a_list_that_ends_as_it_did():
    end = {"type": "exit", "exit_code": 2}
    outs = [{"stdout": "a", "stderr": "b", "outcome": end}]
    raw = one(output("a", outs, "shell_call_output")).raw
    (new,) = items_in(write(raw, Edits({0: "stub"}, {})))
    assert new["output"] == [{"stdout": "stub", "stderr": "", "outcome": end}]


def test_texts_of_the_user_are_replaced_where_they_stand():
    raw = one({"role": "user", "content": "a"}).raw
    assert items_in(write(raw, Edits({}, {}, said={0: "b"})))[0]["content"] == "b"
    raw = one({**user("a"), "content": [IMAGE, {"type": "input_text", "text": "a"}]}).raw
    new = items_in(write(raw, Edits({}, {}, said={1: "b"})))[0]["content"]
    assert new == [IMAGE, {"type": "input_text", "text": "b"}]
    assert said(raw, 1) == "a"
    assert said(raw, 0) is None


def test_a_note_is_a_message_of_the_user_behind_what_he_says_last():
    raw = one(output("a", "x"), output("b", "y")).raw
    new = write(raw, Edits({0: "stub"}, {}, note="Mind."))
    assert items_in(new) == [output("a", "stub"), output("b", "y"), user("Mind.")]
    assert read(new).role == "user"
    assert user_says("Mind.") == new[-len(user_says("Mind.")) :]


def test_nothing_to_write_is_the_very_same_object():
    raw = one(output("a", "x")).raw
    assert write(raw, NOTHING) is raw


def test_a_note_may_stand_behind_answers_and_prompts_but_no_trigger():
    assert takes_note(messages(call("a"), output("a", "x")))
    assert takes_note(messages(user("a")))
    assert not takes_note(messages(user("a"), {"type": "compaction_trigger"}))
    assert not takes_note(messages(user("a"), says("b")))
    assert not takes_note(())


# -- the rules -------------------------------------------------------------------------------------


HEAD = head(outline(body([])), None)


@pytest.mark.parametrize(
    ("items", "broken"),
    [
        ([user("a"), call("1"), output("1", "x"), says("b")], []),
        ([call("1"), user("a")], ["No tool output found for function call 1"]),
        (
            [output("1", "x")],
            ["No tool call found for function call output with call_id 1"],
        ),
        (
            [call("1"), output("1", "x"), output("1", "x")],
            ["No tool call found for function call output with call_id 1"],
        ),
        (
            [call("1"), call("1"), output("1", "x")],
            ["Duplicate function call 1"],
        ),
        (
            [reasoning("c"), user("a")],
            ["messages.0: Item of type 'reasoning' was provided without its required following "
             "item"],
        ),
        ([user("a"), reasoning("c"), says("b"), user("c")], []),
    ],
)  # fmt: skip
def test_a_conversation_breaks_the_rules_that_it_breaks(items, broken):
    assert problems(HEAD, messages(*items)) == frozenset(broken)


def test_definitions_of_ours_are_found_by_the_name_of_the_tools_they_call():
    raw = one(call("a", "Read"), custom("b", "exec", "1"), says("Bash")).raw
    assert mentions(raw) == {"Read", "exec"}
    assert mentions(one(user("Read")).raw) == frozenset()


def test_every_raw_is_a_slice_of_its_body():
    sent = body([user("a"), call("1"), output("1", "x")])
    assert all(raw in sent for raw in raws(sent))
    assert jsontext.value(sent)
