"""claude-trace: requests as they were made, of which the longest tells a conversation."""

from pichay_core.model import Usage
from tests.pichay_core.traces.samples import ANTHROPIC_MESSAGES, RESULT, exchange
from tests.pichay_core.traces.shown import only, read, shown

DONE = [{"type": "text", "text": "done"}]


def test_a_request_without_tools_is_a_side_call():
    side = exchange([{"role": "user", "content": "a title?"}], tools=[])
    trace = read(side, exchange(ANTHROPIC_MESSAGES[:3], DONE))
    assert len(only(trace).steps) == 2


def test_requests_that_begin_differently_are_conversations_the_longest_first():
    other = exchange([{"role": "user", "content": "look"}], DONE)
    trace = read(other, exchange(ANTHROPIC_MESSAGES[:3], DONE))
    assert [(told.id, told.kind) for told in trace.conversations] == [
        ("it", "main"),
        ("it#2", "subagent"),
    ]
    assert shown(trace.conversations[1]) == [(0, ["u: look"], "a: done")]


def test_a_last_reply_that_is_only_in_the_stream_is_not_told():
    trace = read(exchange(ANTHROPIC_MESSAGES[:1]), exchange(ANTHROPIC_MESSAGES[:3]))
    assert shown(only(trace)) == [
        (0, ["u: fix it"], "a: read[t1]"),
        (1, ["a: read[t1]", f"u: t1={RESULT}"], None),
    ]


def test_each_reply_has_the_time_and_the_usage_of_the_request_it_answered():
    first, second = exchange(ANTHROPIC_MESSAGES[:1]), exchange(ANTHROPIC_MESSAGES[:3], DONE)
    first["response"]["body_raw"] = (
        'event: message_start\ndata: {"type":"message_start","message":{"usage":'
        '{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1}}}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":9}}\n\n'
    )
    second["response"]["body"]["usage"] = {"input_tokens": 2, "output_tokens": 3}
    steps = only(read(first, second)).steps
    assert [step.usage for step in steps] == [Usage(5, 7, output=9), Usage(2, output=3)]
    assert [step.at for step in steps] == [1767225601.0, 1767225603.0]
    assert {step.model for step in steps} == {"claude-x"}


def test_a_request_of_the_same_length_but_another_end_is_not_taken_for_it():
    edited = [{**ANTHROPIC_MESSAGES[0], "content": [{"type": "text", "text": "x" * 5000}]}]
    told = [{**edited[0]}, *ANTHROPIC_MESSAGES[1:3]]
    elsewhere = [{"role": "user", "content": [{"type": "text", "text": "x" * 5000 + "!"}]}]
    steps = only(read(exchange(elsewhere), exchange(told, DONE))).steps
    assert [step.at for step in steps] == [None, 1767225603.0]


def test_a_conversation_knows_the_definitions_that_its_first_request_offered():
    offered = [{"name": "read", "input_schema": {"type": "object"}}]
    first = exchange(ANTHROPIC_MESSAGES[:1], tools=offered)
    told = only(read(first, exchange(ANTHROPIC_MESSAGES[:3], DONE)))
    assert told.tools == b'[{"name":"read","input_schema":{"type":"object"}}]'
    assert (told.used, told.model, told.at) == ({"read"}, "claude-x", 1767225601.0)
