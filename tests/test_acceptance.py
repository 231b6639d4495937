"""``scripts/acceptance``: its script, its upstream and its verdict, without any client."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
ROOT = Path("project")


@pytest.fixture(scope="module")
def parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import acceptance_parts.played
        import acceptance_parts.said
        import acceptance_parts.script
        import acceptance_parts.tools
        import acceptance_parts.upstream

        yield acceptance_parts


def schema(*names):
    return {"type": "object", "properties": {key: {"type": "string"} for key in names},
            "required": list(names)}  # fmt: skip


TOOLS = {
    "claude": {"Read": schema("file_path"), "Bash": schema("command"),
               "Edit": schema("file_path", "old_string", "new_string"),
               "Write": schema("file_path", "content"),
               "Agent": schema("description", "prompt")},
    "gemini": {"read_file": schema("absolute_path"), "run_shell_command": schema("command"),
               "replace": schema("file_path", "old_string", "new_string", "instruction"),
               "write_file": schema("file_path", "content"), "grep_search": schema("pattern")},
    "codex": {"exec_command": schema("cmd"), "apply_patch": schema("input")},
    "shell": {"bash": schema("command")},
}  # fmt: skip
"""Tools as clients name them, with their parameters."""

PATHS = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "gemini": "/v1beta/models/gemini-2.5-pro:generateContent",
}
PROMPT = "(task one) Begin."


def first(wire):
    """The first request of a conversation."""
    bash = {"name": "bash", "description": "a shell"}
    match wire:
        case "anthropic":
            return {"model": "claude-sonnet-4-5", "max_tokens": 100,
                    "tools": [bash | {"input_schema": schema("command")}],
                    "messages": [{"role": "user", "content": PROMPT}]}  # fmt: skip
        case "chat":
            return {"model": "gpt-5.5", "messages": [{"role": "user", "content": PROMPT}],
                    "tools": [{"type": "function",
                               "function": bash | {"parameters": schema("command")}}]}  # fmt: skip
        case "responses":
            return {"model": "gpt-5.5", "input": [{"role": "user", "content": PROMPT}],
                    "tools": [bash | {"type": "function",
                                      "parameters": schema("command")}]}  # fmt: skip
        case _:
            return {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
                    "tools": [{"functionDeclarations": [bash | {
                        "parameters": schema("command")}]}]}  # fmt: skip


def grown(wire, request, reply, answers=True):
    """The next request: with the reply, and an answer to each of its calls."""
    match wire:
        case "anthropic":
            results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
                       for block in reply["content"] if block["type"] == "tool_use"]  # fmt: skip
            said = [{"role": "assistant", "content": reply["content"]}]
            said += [{"role": "user", "content": results}] if answers else []
            return request | {"messages": [*request["messages"], *said]}
        case "chat":
            message = reply["choices"][0]["message"]
            new = [{"role": "tool", "tool_call_id": call["id"], "content": "done"}
                   for call in message.get("tool_calls", ())]  # fmt: skip
            said = [message, *(new if answers else ())]
            return request | {"messages": [*request["messages"], *said]}
        case "responses":
            new = [{"type": "function_call_output", "call_id": item["call_id"], "output": "done"}
                   for item in reply["output"] if item["type"] == "function_call"]  # fmt: skip
            said = [*reply["output"], *(new if answers else ())]
            return request | {"input": [*request["input"], *said]}
        case _:
            content = reply["candidates"][0]["content"]
            new = [{"functionResponse": {"name": part["functionCall"]["name"], "response": {}}}
                   for part in content["parts"] if "functionCall" in part]  # fmt: skip
            after = {"role": "user", "parts": new if answers and new else [{"text": "?"}]}
            return request | {"contents": [*request["contents"], content, after]}


@pytest.fixture
def upstream(parts):
    return parts.upstream.Upstream(ROOT)


async def posted(upstream, wire, request):
    transport = httpx.ASGITransport(app=upstream)
    async with httpx.AsyncClient(transport=transport, base_url="http://upstream") as client:
        return await client.post(PATHS[wire], json=request)


async def played(upstream, wire):
    """All of the first task, from its prompt to its last word."""
    request = first(wire)
    while True:
        answer = await posted(upstream, wire, request)
        assert answer.status_code == 200, answer.text
        if len(upstream.received[-1].move.split()) == 1:
            return
        request = grown(wire, request, answer.json())


@pytest.mark.parametrize("client", TOOLS)
def test_every_act_of_the_script_is_a_call_that_fits_the_clients_tools(parts, client):
    tools = {name: parts.tools.Tool(name, of) for name, of in TOOLS[client].items()}
    acts = [act for moves in parts.script.TASKS.values() for move in moves for act in move.acts]
    for act in acts:
        called = parts.tools.call(act, tools, ROOT)
        assert called.arguments.keys() >= set(called.tool.schema["required"])
        assert called.arguments.keys() <= called.tool.parameters.keys()


@pytest.mark.parametrize("wire", PATHS)
async def test_a_conversation_goes_through_the_whole_task_over_every_wire(parts, upstream, wire):
    await played(upstream, wire)
    moves = [one.move.split()[0] for one in upstream.received]
    assert moves == [f"one.{step:02d}" for step in range(len(parts.script.TASKS["one"]))]
    assert all(one.usage.window for one in upstream.received)


@pytest.mark.parametrize("wire", PATHS)
async def test_the_same_request_gets_the_same_answer(upstream, wire):
    request = grown(wire, first(wire), (await posted(upstream, wire, first(wire))).json())
    one, other = [(await posted(upstream, wire, request)).json() for _ in range(2)]
    for bill in ("usage", "usageMetadata"):
        one.pop(bill, None)
        other.pop(bill, None)
    assert one == other


@pytest.mark.parametrize("wire", PATHS)
async def test_a_call_without_an_answer_is_refused(upstream, wire):
    reply = (await posted(upstream, wire, first(wire))).json()
    answer = await posted(upstream, wire, grown(wire, first(wire), reply, answers=False))
    assert answer.status_code == 400
    assert upstream.received[-1].refusal


@pytest.mark.parametrize("wire", ["anthropic", "chat", "responses"])
async def test_who_asks_for_a_stream_gets_events(upstream, wire):
    answer = await posted(upstream, wire, first(wire) | {"stream": True})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.startswith(("event: ", "data: "))


async def test_thinking_that_was_touched_is_refused(upstream):
    request = first("anthropic") | {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    reply = (await posted(upstream, "anthropic", request)).json()
    thought = next(block for block in reply["content"] if block["type"] == "thinking")
    untouched = await posted(upstream, "anthropic", grown("anthropic", request, reply))
    thought["thinking"] += " And more."
    touched = await posted(upstream, "anthropic", grown("anthropic", request, reply))
    assert (untouched.status_code, touched.status_code) == (200, 400)


async def test_what_is_no_work_is_answered_beside_the_script(upstream):
    title = {"model": "claude-sonnet-4-5", "max_tokens": 9,
             "messages": [{"role": "user", "content": f"A title for: {PROMPT}"}]}  # fmt: skip
    assert (await posted(upstream, "anthropic", title)).status_code == 200
    assert upstream.received[-1].move == "side"


@pytest.fixture
def plain(parts):
    received = parts.upstream.Received(100, "one.00 Read", "", None, 0.5, "a model")
    return parts.played.Played((0,), {"a.py": "hash"}, [received], {}, (), 1.0)


def test_a_client_that_does_the_same_is_unharmed(parts, plain):
    assert parts.played.differences(replace(plain, events={"evicted": 3}), plain) == ()


@pytest.mark.parametrize(
    "harm",
    [
        {"codes": (1,)},
        {"tree": {"a.py": "other"}},
        {"tree": {}},
        {"received": ()},
        {"events": {"failed": 1}},
    ],
    ids=json.dumps,
)
def test_whatever_differs_is_harm(parts, plain, harm):
    assert parts.played.differences(replace(plain, **harm), plain)


def test_a_client_that_fails_by_itself_is_no_proof(parts, plain):
    failing = replace(plain, codes=(1,))
    assert parts.played.differences(failing, failing)


def test_moves_are_counted_in_any_order_and_without_side_requests(parts, plain):
    one = plain.received[0]
    row = [replace(one, move=move) for move in ("two.00", "side", "", "one.00")]
    assert replace(plain, received=row).moves == Counter({"one.00": 1, "two.00": 1})
