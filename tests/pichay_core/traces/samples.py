"""The same little session as each tool records it: a prompt, a read, its result, an answer."""

import json

from tests.pichay_core.traces.shown import Json, lines, time

RESULT = "one\ntwo"


def claude_code() -> bytes:
    link = {"sessionId": "s", "isSidechain": False}
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "a.py"}}
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": RESULT}
    said = {"type": "text", "text": "done"}
    return lines(
        {"type": "summary", "summary": "A fix"},
        link | {"type": "user", "uuid": "1", "parentUuid": None, "timestamp": time(0),
                "message": {"role": "user", "content": "fix it"}},
        link | {"type": "assistant", "uuid": "2", "parentUuid": "1", "timestamp": time(1),
                "requestId": "r1", "message": {"id": "m1", "content": [call]}},
        link | {"type": "user", "uuid": "3", "parentUuid": "2", "timestamp": time(2),
                "message": {"role": "user", "content": [answer]}},
        link | {"type": "assistant", "uuid": "4", "parentUuid": "3", "timestamp": time(3),
                "requestId": "r2", "message": {"id": "m2", "content": [said]}},
    )  # fmt: skip


def codex_item(second: int, kind: str, **payload: object) -> Json:
    return {
        "type": "response_item",
        "timestamp": time(second),
        "payload": {"type": kind, **payload},
    }


def codex_rollout() -> bytes:
    prompt = [{"type": "input_text", "text": "fix it"}]
    said = [{"type": "output_text", "text": "done"}]
    return lines(
        {"type": "session_meta", "payload": {"id": "s", "source": "cli"}},
        codex_item(0, "message", role="user", content=prompt),
        codex_item(1, "function_call", call_id="t1", name="read", arguments='{"path": "a.py"}'),
        codex_item(2, "function_call_output", call_id="t1", output=RESULT),
        codex_item(3, "message", role="assistant", content=said),
    )


def opencode() -> bytes:
    state = {"status": "completed", "input": {"filePath": "a.py"}, "output": RESULT}
    call = {"type": "tool", "callID": "t1", "tool": "read", "state": state}
    messages = [
        {"info": {"role": "user"}, "parts": [{"type": "text", "text": "fix it"}]},
        {"info": {"role": "assistant"}, "parts": [{"type": "step-start"}, call]},
        {
            "info": {"role": "assistant"},
            "parts": [{"type": "step-start"}, {"type": "text", "text": "done"}],
        },
    ]
    return json.dumps({"info": {"id": "s"}, "messages": messages}).encode()


def openai_chat() -> bytes:
    function = {"name": "read", "arguments": '{"path": "a.py"}'}
    return json.dumps(
        [
            {"role": "user", "content": "fix it"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "t1", "function": function}],
            },
            {"role": "tool", "tool_call_id": "t1", "content": RESULT},
            {"role": "assistant", "content": "done"},
        ]
    ).encode()


ANTHROPIC_MESSAGES: list[Json] = [
    {"role": "user", "content": "fix it"},
    {
        "role": "assistant",
        "content": [
            {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a.py"}},
        ],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": RESULT}],
    },
    {"role": "assistant", "content": [{"type": "text", "text": "done"}]},
]


def anthropic_chat() -> bytes:
    return json.dumps({"messages": ANTHROPIC_MESSAGES}).encode()


def exchange(messages: list[Json], content: object = None, **more: object) -> Json:
    body = {"model": "claude-x", "tools": [{"name": "read"}], "messages": messages, **more}
    url = "https://api.anthropic.com/v1/messages"
    return {
        "request": {"url": url, "body": body, "timestamp": 1767225600 + len(messages)},
        "response": {"body": {"content": content} if content else None},
    }


def claude_trace() -> bytes:
    final = ANTHROPIC_MESSAGES[3]["content"]
    return lines(exchange(ANTHROPIC_MESSAGES[:1]), exchange(ANTHROPIC_MESSAGES[:3], final))


def managed_event(kind: str, **event: object) -> Json:
    return {"raw": {"type": kind, **event}}


def managed_agents() -> bytes:
    said = [{"type": "text", "text": "done"}]
    read = {"id": "t1", "name": "read", "input": {"path": "a.py"}}
    return lines(
        managed_event("session.status_running"),
        managed_event("user.message", content=[{"type": "text", "text": "fix it"}]),
        managed_event("span.model_request_start"),
        managed_event("agent.tool_use", **read),
        managed_event("agent.tool_result", tool_use_id="t1", content=RESULT),
        managed_event("agent.message", content=said),
    )


def swe_agent() -> bytes:
    steps = [
        {"thought": "", "action": "read a.py", "observation": RESULT},
        {"thought": "done", "action": "submit", "observation": ""},
    ]
    history = [{"role": "user", "content": "fix it"}, {"role": "assistant", "content": "..."}]
    return json.dumps({"trajectory": steps, "history": history}).encode()


def moatless() -> bytes:
    read = {"action_args_class": "moatless.actions.read.readArgs", "path": "a.py"}
    finish = {"action_args_class": "moatless.actions.finish.FinishArgs", "thoughts": "done"}
    nodes = [
        {"node_id": 0, "message": "fix it", "parent_id": None},
        {"node_id": 1, "parent_id": 0, "action": read, "observation": {"message": RESULT}},
        {"node_id": 2, "parent_id": 1, "action": finish, "observation": {"message": ""}},
    ]
    return json.dumps({"nodes": nodes}).encode()


def gemini_call(result: str = RESULT) -> Json:
    response = {"functionResponse": {"id": "t1", "response": {"output": result}}}
    return {"id": "t1", "name": "read", "args": {"path": "a.py"}, "result": [response]}


def gemini_cli() -> bytes:
    messages = [
        {"id": "1", "type": "user", "content": [{"text": "fix it"}]},
        {"id": "2", "type": "gemini", "content": "", "toolCalls": [gemini_call()]},
        {"id": "3", "type": "gemini", "content": "done"},
    ]
    head = {"sessionId": "s", "projectHash": "f00"}
    return json.dumps({**head, "messages": messages}).encode()


def gemini_stream() -> bytes:
    call = {"tool_id": "t1", "tool_name": "read", "parameters": {"path": "a.py"}}
    return lines(
        {"type": "init", "session_id": "s", "model": "gemini-x"},
        {"type": "message", "role": "user", "content": "fix it"},
        {"type": "tool_use", **call},
        {"type": "tool_result", "tool_id": "t1", "status": "success", "output": RESULT},
        {"type": "message", "role": "assistant", "content": "done", "delta": True},
    )


def copilot() -> bytes:
    call = {"toolCallId": "t1", "name": "read", "arguments": {"path": "a.py"}}
    done = {"toolCallId": "t1", "success": True, "result": {"content": RESULT}}
    first = {"messageId": "m1", "content": "", "toolRequests": [call]}
    return lines(
        {"type": "session.start", "data": {"sessionId": "s"}},
        {"type": "user.message", "data": {"content": "fix it"}},
        {"type": "assistant.message", "data": first},
        {"type": "tool.execution_complete", "data": done},
        {"type": "assistant.message", "data": {"messageId": "m2", "content": "done"}},
    )


def pi_entry(role: str, content: object, **more: object) -> Json:
    return {"type": "message", "message": {"role": role, "content": content, **more}}


def pi() -> bytes:
    call = {"type": "toolCall", "id": "t1", "name": "read", "arguments": {"path": "a.py"}}
    answer = [{"type": "text", "text": RESULT}]
    return lines(
        {"type": "session", "id": "s"},
        pi_entry("user", "fix it"),
        pi_entry("assistant", [call]),
        pi_entry("toolResult", answer, toolCallId="t1"),
        pi_entry("assistant", [{"type": "text", "text": "done"}]),
    )


def openhands() -> bytes:
    prompt = {"content": "fix it"}
    read = {"id": 1, "source": "agent", "action": "read", "args": {"path": "a.py"}}
    return json.dumps(
        [
            {"id": 0, "source": "user", "action": "message", "args": prompt},
            read,
            {"id": 2, "source": "agent", "observation": "read", "cause": 1, "content": RESULT},
            {"id": 3, "source": "agent", "action": "message", "args": {"content": "done"}},
        ]
    ).encode()


SAMPLES = {
    "claude-code": claude_code(),
    "codex-rollout": codex_rollout(),
    "opencode": opencode(),
    "openai-chat": openai_chat(),
    "anthropic-chat": anthropic_chat(),
    "claude-trace": claude_trace(),
    "managed-agents": managed_agents(),
    "swe-agent": swe_agent(),
    "moatless": moatless(),
    "gemini-cli": gemini_cli(),
    "gemini-stream": gemini_stream(),
    "copilot": copilot(),
    "pi": pi(),
    "openhands": openhands(),
}
