"""Lists of messages, as OpenAI's and as Anthropic's API take them."""

import json

from pichay_core import traces
from pichay_core.model import Usage
from pichay_core.traces import chat
from tests.pichay_core.traces.shown import Json, lines, only, read, shown

PROMPT = {"role": "user", "content": "go"}


def openai_call(id: str, arguments: object = "{}") -> Json:
    return {"id": id, "type": "function", "function": {"name": "read", "arguments": arguments}}


def calling(*calls: Json, content: object = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def answer(id: str, content: object) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content}


def told(*messages: Json):
    return shown(only(traces.read("it", json.dumps(messages).encode())))


def test_consecutive_messages_of_the_model_are_one_turn():
    assert told(PROMPT, calling(content="look"), calling(openai_call("A")), answer("A", "1")) == [
        (0, ["u: go"], "a: look read[A]"),
        (1, ["a: look read[A]", "u: A=1"], None),
    ]


def test_call_ids_that_are_used_again_and_again_pair_with_their_own_results():
    steps = told(
        PROMPT, calling(openai_call("c")), answer("c", "1"),
        calling(openai_call("c"), openai_call("c")), answer("c", "2"), answer("c", "3"),
    )  # fmt: skip
    assert steps[1:] == [
        (1, ["a: read[c]", "u: c=1"], "a: read[c#2] read[c#3]"),
        (3, ["a: read[c#2] read[c#3]", "u: c#2=2 c#3=3"], None),
    ]


def test_system_and_developer_speak_for_the_client():
    system = {"role": "system", "content": "rules"}
    developer = {"role": "developer", "content": [{"type": "text", "text": "more"}]}
    assert told(system, developer, PROMPT, calling(content="ok")) == [
        (0, ["u: rules more go"], "a: ok")
    ]


def test_thoughts_are_kept_however_they_are_recorded():
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ok"}]
    reply = {"role": "assistant", "content": parts, "reasoning_content": "so"}
    assert told(PROMPT, reply, answer("A", ""))[0][2] == "a: (hm) ok (so)"


def test_parts_within_parts_are_their_text():
    inner = [{"type": "text", "text": "1"}, {"type": "text", "text": ""}]
    output = [{"type": "tool_output", "text": inner}]
    (result,) = (
        only(read({"messages": [PROMPT, calling(openai_call("A")), answer("A", output)]}))
        .steps[1]
        .new[1]
        .results
    )
    assert (result.bytes, result.opaque) == (2, False)


def test_arguments_are_what_their_text_says():
    def arguments(given: object) -> str:
        (step, *_) = only(read({"messages": [PROMPT, calling(openai_call("A", given))]})).steps
        return step.reply.calls[0].arguments

    assert arguments('{"b": 1, "a": 2}') == '{"a":2,"b":1}'
    assert arguments({"a": 2}) == '{"a":2}'
    assert arguments("[1]") == '{"input":[1]}'
    assert arguments("not json") == '{"input":"not json"}'
    assert arguments("") == arguments(None) == "{}"


def test_a_chat_without_tools_is_a_conversation():
    assert told(PROMPT, {"role": "assistant", "content": "ok"}) == [(0, ["u: go"], "a: ok")]


def test_lists_are_found_wherever_an_export_keeps_them():
    messages = [PROMPT, calling(openai_call("A"))]
    alone = [(0, ["u: go"], "a: read[A]")]
    for whole in (
        {"messages": messages},
        {"traj": messages},
        {"simulation": {"messages": messages}},
    ):
        assert shown(only(read(whole))) == alone
    assert shown(only(traces.read("it", lines(*messages)))) == alone


def test_each_line_that_holds_a_list_is_a_conversation():
    one = {"messages": [PROMPT, calling(openai_call("A"))], "model": "m"}
    trace = read(one, {"other": 1}, one)
    assert [told.id for told in trace.conversations] == ["it", "it#2"]
    assert {step.model for told in trace.conversations for step in told.steps} == {"m"}


def test_times_are_read_where_an_export_keeps_them():
    prompt = {**PROMPT, "_metadata": {"timestamp": "2026-01-01T00:00:09Z"}}
    (step,) = only(read({"messages": [prompt, calling(openai_call("A"))]})).steps
    assert step.at == 1767225609.0


def test_a_list_is_one_only_if_a_model_spoke_and_all_roles_are_known():
    assert chat.is_list([PROMPT, calling()])
    assert not chat.is_list([PROMPT])
    assert not chat.is_list([calling(), {"role": "king"}])
    assert not chat.is_list([])


def test_anthropic_blocks_are_kept_but_for_markers_and_the_data_of_images():
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {
            "type": "tool_use",
            "id": "A",
            "name": "read",
            "input": {},
            "cache_control": {"type": "e"},
        },
    ]
    image = {"type": "image", "source": {"type": "base64", "data": "x" * 4000}}
    result = {"type": "tool_result", "tool_use_id": "A", "content": [image], "is_error": True}
    messages = [
        PROMPT,
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [result]},
    ]
    steps = only(read({"messages": messages})).steps
    assert steps[0].reply.thinks
    assert steps[0].reply.marks == ()
    assert b'"signature":"s"' in steps[0].reply.raw
    assert (steps[1].new[1].results[0].error, steps[1].new[1].results[0].opaque) == (True, True)
    assert len(steps[1].new[1].raw) < 300


def test_anthropic_messages_may_stand_one_on_a_line_with_usage_and_time():
    reply = {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "A", "name": "read", "input": {}}],
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "model": "claude-x",
    }
    (step,) = only(read(PROMPT | {"timestamp": "2026-01-01T00:00:05+00:00"}, reply)).steps
    assert (step.usage, step.model, step.at) == (Usage(1, output=2), "claude-x", 1767225605.0)
