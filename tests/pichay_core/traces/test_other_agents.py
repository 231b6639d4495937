"""Formats with little of their own: what each of them does differently."""

import json

import pytest

from pichay_core import traces
from pichay_core.model import Usage
from pichay_core.traces.tally import counts
from tests.pichay_core.traces.samples import gemini_call, managed_event
from tests.pichay_core.traces.shown import Json, lines, only, read, shown


def test_managed_agents_threads_are_conversations_and_idle_ones_are_none():
    def event(kind: str, **rest: object) -> Json:
        return managed_event(kind, **rest)

    trace = read(
        event("session.thread_status_running", session_thread_id="idle"),
        event("user.message", content="go"),
        event("agent.message", content="yes", processed_at="2026-01-01T00:00:02Z"),
        event("user.message", content="look", session_thread_id="t2"),
        event("agent.message", content="found", session_thread_id="t2"),
    )
    assert [(told.id, shown(told)) for told in trace.conversations] == [
        ("it", [(0, ["u: go"], "a: yes")]),
        ("t2", [(0, ["u: look"], "a: found")]),
    ]
    assert trace.conversations[0].steps[0].at == 1767225602.0


def test_managed_agents_usage_and_compaction_are_read():
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 2, "output_tokens": 3}
    trace = read(
        managed_event("user.define_outcome", description="go"),
        managed_event("agent.thinking"),
        managed_event("agent.custom_tool_use", id="A", name="read", input={}),
        managed_event("span.model_request_end", model_usage=usage),
        managed_event("user.custom_tool_result", custom_tool_use_id="A", content="1"),
        managed_event("agent.thread_context_compacted"),
        managed_event("user.message", content="on"),
        managed_event("agent.message", content="ok"),
    )
    told = only(trace)
    assert shown(told) == [
        (0, ["u: go"], "a: () read[A]"),
        (1, ["a: () read[A]", "u: A=1"], None),
        (0, ["u: on"], "a: ok"),
    ]
    assert told.steps[0].usage == Usage(1, cache_write_5m=2, output=3)


def test_a_document_in_a_result_is_opaque():
    document = [{"type": "document", "source": {"type": "text", "data": "x"}}]
    trace = read(
        managed_event("user.message", content="go"),
        managed_event("agent.tool_use", id="A", name="web_fetch", input={}),
        managed_event("agent.tool_result", tool_use_id="A", content=document),
    )
    assert only(trace).steps[1].new[1].results[0].opaque


def test_a_trajectory_begins_after_its_demonstrations():
    history = [
        {"role": "system", "content": "rules"},
        {"role": "assistant", "content": "as in", "is_demo": True},
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "looking"},
        {"role": "user", "content": "x"},
    ]
    step = {"thought": "look", "action": "open a.py\n", "observation": "x"}
    info = {"model_stats": {"model": "m"}}
    told = only(read({"trajectory": [step], "history": history, "info": info}))
    assert shown(told) == [
        (0, ["u: rules as in go"], "a: look open[step-0]"),
        (1, ["a: look open[step-0]", "u: step-0=x"], None),
    ]
    assert told.steps[0].model == "m"


def moatless(*nodes: Json):
    return read({"nodes": list(nodes)})


def node(id: int, parent: int, tool: str, **more: object) -> Json:
    action = {"action_args_class": f"moatless.actions.{tool}Args", "thoughts": f"try {id}"}
    return {"node_id": id, "parent_id": parent, "action": action,
            "observation": {"message": f"seen {id}"}, **more}  # fmt: skip


def test_a_second_child_of_a_node_is_a_rewind():
    root = {"node_id": 0, "message": "go"}
    told = only(moatless(root, node(1, 0, "View"), node(2, 1, "Find"), node(3, 1, "Run")))
    assert shown(told)[2:] == [
        (3, ["a: try 2 Find[action-2]", "u: action-2=seen 2"], None),
        (3, [], "a: try 3 Run[action-3]"),
        (3, ["a: try 3 Run[action-3]", "u: action-3=seen 3"], None),
    ]


def test_each_action_of_a_node_is_a_turn():
    steps = [node(1, 0, "View"), node(2, 0, "Find")]
    told = only(moatless({"node_id": 0, "user_message": "go", "action_steps": steps}))
    assert [reply for _, _, reply in shown(told)] == [
        "a: try 1 View[action-1]",
        "a: try 2 Find[action-2]",
        None,
    ]


@pytest.mark.parametrize(
    ("completion", "usage"),
    [
        (
            {"usage": {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 2}},
            Usage(6, 4, output=2),
        ),
        (
            {"usage": {"prompt_tokens": 1}, "response": {"usage": {"input_tokens": 7}}},
            Usage(7),
        ),
        ({}, None),
    ],
)
def test_moatless_usage_is_the_providers_where_that_is_kept(completion, usage):
    told = only(moatless(node(0, 0, "View", completions={"build_action": completion})))
    assert told.steps[0].usage == usage


GEMINI = {"sessionId": "s", "projectHash": "p"}


def test_gemini_cli_reads_the_last_version_of_a_message_in_its_first_place():
    trace = read(
        GEMINI,
        {"id": "1", "type": "user", "content": "go"},
        {"id": "2", "type": "gemini", "content": "look", "toolCalls": []},
        {"id": "3", "type": "info", "content": "compressed"},
        {"id": "2", "type": "gemini", "content": "look", "toolCalls": [gemini_call("x")]},
        {"$set": {"messages": [{"id": "4", "type": "gemini", "content": "done"}]}},
    )
    assert shown(only(trace)) == [
        (0, ["u: go"], "a: look read[t1]"),
        (1, ["a: look read[t1]", "u: t1=x"], "a: done"),
    ]


def test_gemini_cli_takes_back_a_message_and_all_after_it():
    trace = read(
        GEMINI,
        {"id": "1", "type": "user", "content": "go"},
        {"id": "2", "type": "gemini", "content": "ready"},
        {"id": "3", "type": "user", "content": "wrong"},
        {"id": "4", "type": "gemini", "content": "hm"},
        {"$rewindTo": "3"},
        {"id": "5", "type": "user", "content": "right"},
        {"id": "6", "type": "gemini", "content": "ah"},
        {"$rewindTo": "gone"},
    )
    assert shown(only(trace))[1:] == [
        (1, ["a: ready", "u: wrong"], "a: hm"),
        (2, ["u: right"], "a: ah"),
    ]


def test_gemini_cli_results_thoughts_images_and_usage():
    tokens = {"input": 10, "cached": 4, "output": 2}
    failed = gemini_call() | {"id": "t2", "status": "error", "result": [
        {"functionResponse": {"response": {"error": "no"}}},
        {"functionResponse": {"response": {"other": 1}}}]}  # fmt: skip
    picture = {"inlineData": {"data": "xxxx"}}
    messages = [
        {"type": "user", "content": [{"text": "go"}, picture]},
        {"type": "gemini", "thoughts": [{"subject": "a", "description": "b"}], "tokens": tokens,
         "toolCalls": [failed], "model": "gemini-x"},
        {"type": "user", "content": [{"functionResponse": {}}]},
    ]  # fmt: skip
    told = only(read({**GEMINI, "messages": messages}))
    assert shown(told) == [
        (0, ["u: go <image>"], "a: (a: b) read[t2]"),
        (1, ["a: (a: b) read[t2]", 'u: t2!=no+{"other": 1}'], None),
    ]
    assert (told.steps[0].usage, told.steps[0].model) == (Usage(6, 4, output=2), "gemini-x")


def test_a_second_process_in_a_stream_knows_nothing_of_the_first():
    def init(session: str) -> Json:
        return {"type": "init", "session_id": session, "model": f"m-{session}"}

    def say(role: str, content: str) -> Json:
        return {"type": "message", "role": role, "content": content}

    told = only(
        read(init("1"), say("user", "go"), say("assistant", "o"), say("assistant", "k"),
             init("2"), say("user", "on"), say("assistant", "yes"))
    )  # fmt: skip
    assert shown(told) == [(0, ["u: go"], "a: o k"), (0, ["u: on"], "a: yes")]
    assert [step.model for step in told.steps] == ["m-1", "m-2"]


def test_a_failed_call_of_a_stream_is_an_error_without_output():
    call = {"type": "tool_use", "tool_id": "A", "tool_name": "read", "parameters": {}}
    result = {"type": "tool_result", "tool_id": "A", "status": "error"}
    assert shown(only(read(call, result))) == [
        (0, [], "a: read[A]"),
        (0, ["a: read[A]", "u: A!="], None),
    ]


def copilot(*events: tuple[str, Json]):
    records = [{"type": kind, "data": data, "id": f"e{n}"} for n, (kind, data) in enumerate(events)]
    return read({"type": "session.start", "data": {"sessionId": "s"}}, *records)


def test_copilot_says_what_it_added_to_a_prompt_and_what_the_model_thought():
    request = {"toolCallId": "A", "name": "view", "arguments": '{"path": "a"}'}
    message = {"messageId": "1", "reasoningText": "hm", "toolRequests": [request]}
    error = {"message": "no", "code": "failure"}
    trace = copilot(
        ("session.model_change", {"newModel": "m"}),
        ("user.message", {"content": "go", "transformedContent": "now: go"}),
        ("assistant.message", message),
        ("tool.execution_complete", {"toolCallId": "A", "success": False, "error": error}),
    )
    assert shown(only(trace)) == [
        (0, ["u: now: go"], "a: (hm) view[A]"),
        (1, ["a: (hm) view[A]", f"u: A!={json.dumps(error)}"], None),
    ]
    assert only(trace).steps[0].model == "m"


def test_copilot_goes_on_with_the_summary_of_a_compaction():
    ready = ("assistant.message", {"messageId": "1", "content": "ready"})
    done = ("assistant.message", {"messageId": "2", "content": "done"})
    failed = ("session.compaction_complete", {"success": False})
    kept = ("session.truncation", {"messagesRemovedDuringTruncation": 0})
    summary = ("session.compaction_complete", {"success": True, "summaryContent": "so far"})
    prompt = ("user.message", {"content": "go"})
    assert shown(only(copilot(prompt, ready, failed, kept, summary, done))) == [
        (0, ["u: go"], "a: ready"),
        (0, ["u: so far"], "a: done"),
    ]
    assert shown(only(copilot(prompt, ready, failed, kept, done)))[1] == (
        1,
        ["a: ready"],
        "a: done",
    )


def test_copilot_subagents_are_conversations_of_their_own():
    inner = {"messageId": "2", "content": "found", "parentToolCallId": "T"}
    task = {"toolCallId": "T", "name": "task"}
    trace = copilot(
        ("user.message", {"content": "go"}),
        ("assistant.message", {"messageId": "1", "toolRequests": [task]}),
        ("assistant.message", inner),
        ("tool.execution_complete", {"toolCallId": "T", "result": {"content": "found"}}),
        ("assistant.message", {"messageId": "3", "content": "done"}),
    )
    main, agent = trace.conversations
    assert (main.kind, agent.id, agent.kind) == ("main", "T", "subagent")
    assert shown(agent) == [(0, [], "a: found")]
    assert shown(main)[1] == (1, ["a: task[T]", "u: T=found"], "a: done")


def event(id: int, source: str = "agent", **rest: object) -> Json:
    return {"id": id, "source": source, **rest}


def openhands(*events: Json) -> bytes:
    return json.dumps(events).encode()


HISTORY = [
    event(0, action="system", args={"content": "rules"}),
    event(1, "user", action="message", args={"content": "go"}),
    event(2, action="run", args={"command": "ls", "thought": "look"}),
    event(3, observation="run", cause=2, content="a.py"),
    event(4, "environment", observation="agent_state_changed", content=""),
    event(5, action="finish", args={"final_thought": "done"}),
]


def test_openhands_pairs_observations_with_the_actions_they_name():
    told = only(traces.read("it", openhands(*HISTORY)))
    assert shown(told) == [
        (0, ["u: go"], "a: look run[event-2]"),
        (1, ["a: look run[event-2]", "u: event-2=a.py"], "a: finish[event-5]"),
    ]


def test_openhands_histories_are_conversations_one_a_line():
    data = lines({"history": HISTORY}, {"history": [HISTORY[1:2], HISTORY[2:4]]})
    trace = traces.read("it", data)
    assert [(told.id, len(told.steps)) for told in trace.conversations] == [("it", 2), ("it#2", 2)]
    assert counts(trace).results == 2


def test_openhands_usage_is_that_of_the_reply_that_chose_the_action():
    spent = {"prompt_tokens": 10, "cache_read_input_tokens": 4, "completion_tokens": 2}
    response = {"tool_call_metadata": {"model_response": {"usage": spent, "model": "m"}}}
    told = only(traces.read("it", openhands(HISTORY[1], HISTORY[2] | response, HISTORY[3])))
    assert (told.steps[0].usage, told.steps[0].model) == (Usage(6, 4, output=2), "m")
