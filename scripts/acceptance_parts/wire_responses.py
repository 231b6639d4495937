"""OpenAI Responses over HTTP with the full input: requests read, rules kept, replies written."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from acceptance_parts.asked import Asked, By, Prompt, Spoken, progress, texts, unit
from acceptance_parts.codemode import combined
from acceptance_parts.said import Said, pieces, signature
from acceptance_parts.tools import Called, Json, Tool, canonical
from pichay_core.model import Usage
from pichay_core.prefix import Chain, Part, Unit

_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")


def read(body: Json, _path: str) -> Asked:
    """Return what a request asks."""
    items = _items(body)
    task, step = progress(_spoken(items))
    return Asked(
        model=body["model"],
        tools={tool.name: tool for tool in _tools([*(body.get("tools") or ()), *_later(items)])},
        task=task,
        step=step,
        prompt=Prompt(Chain().then(_units(body, items))),
        stream=bool(body.get("stream")),
        thinks=body.get("reasoning") is not None,
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
    )


def _items(body: Json) -> list[Json]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return list(given or ())


def _tools(tools: Sequence[Json], namespace: str = "") -> Iterator[Tool]:
    for tool in tools:
        match tool:
            case {"type": "namespace", "name": str(name), "tools": list(inner)}:
                yield from _tools(inner, name)
            case {"type": "custom", "name": str(name)}:
                yield Tool(name, is_free=True, namespace=namespace)
            case {"type": "function", "name": str(name)}:
                yield Tool(name, tool.get("parameters") or {}, namespace=namespace)
            case _:
                pass


def _later(items: Sequence[Json]) -> Iterator[Json]:
    """The tools that stand among the input: Codex sends those of newer models there."""
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            yield from item.get("tools") or ()


def _spoken(items: Sequence[Json]) -> Iterator[Spoken]:
    for item in items:
        match item:
            case {"role": "user"} | {"type": "agent_message"}:
                yield Spoken(By.USER, "\n".join(texts(item.get("content"))))
            case {"role": "assistant"} | {"type": "reasoning" | "function_call"}:
                yield Spoken(By.MODEL)
            case {"type": "custom_tool_call"}:
                yield Spoken(By.MODEL)
            case {"type": str(kind)} if kind in _RESULTS:
                yield Spoken(By.TOOL)
            case _:
                pass


def _units(body: Json, items: Sequence[Json]) -> Iterator[Unit]:
    for tool in body.get("tools") or ():
        yield unit(Part.TOOL, tool)
    if body.get("instructions"):
        yield unit(Part.SYSTEM, body["instructions"])
    for item in items:
        yield unit(_part(item), item)


def _part(item: Json) -> Part:
    kind, role = item.get("type"), item.get("role")
    if kind in _RESULTS:
        return Part.RESULT
    if kind in _CALLS:
        return Part.CALL
    if role in ("system", "developer"):
        return Part.SYSTEM
    return Part.USER if role == "user" else Part.ASSISTANT


def complaint(body: Json) -> str | None:
    """Return why the provider would answer 400, or None."""
    items = _items(body)
    if not items:
        return "Missing required parameter: 'input'."
    if body.get("previous_response_id"):
        return f"Previous response with id '{body['previous_response_id']}' not found."
    asked = [item["call_id"] for item in items if item.get("type") in _CALLS]
    given = [item["call_id"] for item in items if item.get("type") in _RESULTS]
    if missing := [name for name in asked if name not in given]:
        return f"No tool output found for function call {missing[0]}."
    if unasked := [name for name in given if name not in asked]:
        return f"No tool call found for function call output with call_id {unasked[0]}."
    return _tampered(items)


def _tampered(items: Sequence[Json]) -> str | None:
    for item in items:
        match item:
            case {"type": "reasoning", "encrypted_content": str(signed), "summary": list(parts)}:
                if signed != signature("".join(texts(parts))):
                    return f"The encrypted content for item {item.get('id')} could not be verified."
            case _:
                pass
    return None


def refused(status: int, text: str) -> bytes:
    """Return the body of an error."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": text, "type": kind, "param": None, "code": None}
    return json.dumps({"error": error}).encode()


def answered(said: Said, asked: Asked, usage: Usage, name: str) -> Iterable[bytes]:
    """Return the reply: the events of a stream, or one response."""
    items = list(_spoken_items(said, combined(said.calls, asked.tools), name))
    response: Json = {
        "id": f"resp_{name}",
        "object": "response",
        "created_at": 1_780_000_000,
        "status": "completed",
        "model": asked.model,
        "output": items,
        "usage": bill(usage),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "error": None,
        "incomplete_details": None,
        "instructions": None,
    }
    if asked.stream:
        return _numbered(_events(response))
    return [json.dumps(response).encode()]


def _spoken_items(said: Said, calls: Sequence[Called], name: str) -> Iterator[Json]:
    if said.thinking:
        summary = [{"type": "summary_text", "text": said.thinking}]
        signed = signature(said.thinking)
        yield {"type": "reasoning", "id": f"rs_{name}", "summary": summary,
               "encrypted_content": signed}  # fmt: skip
    if said.text:
        part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        yield {"type": "message", "id": f"msg_{name}", "role": "assistant", "content": [part],
               "status": "completed"}  # fmt: skip
    for number, call in enumerate(calls):
        yield _call(call, said.call_id(number, "call_"), f"{name}{number}")


def _call(call: Called, call_id: str, name: str) -> Json:
    item: Json = {"call_id": call_id, "name": call.tool.name, "status": "completed"}
    if call.tool.namespace:
        item["namespace"] = call.tool.namespace
    if call.tool.is_free:
        return {"type": "custom_tool_call", "id": f"ctc_{name}", "input": call.text, **item}
    arguments = canonical(call.arguments)
    return {"type": "function_call", "id": f"fc_{name}", "arguments": arguments, **item}


type Event = tuple[str, Json]


def _events(response: Json) -> Iterator[Event]:
    begun = response | {"status": "in_progress", "output": [], "usage": None}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for index, item in enumerate(response["output"]):
        at = {"item_id": item["id"], "output_index": index}
        yield from _events_of(item, at)
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield "response.completed", {"response": response}


def _events_of(item: Json, at: Json) -> Iterator[Event]:
    match item["type"]:
        case "message":
            yield _added(item | {"content": []}, at)
            yield from _message_events(item["content"][0], at | {"content_index": 0})
        case "reasoning":
            yield _added(item | {"summary": []}, at)
            yield from _reasoning_events(item["summary"][0], at | {"summary_index": 0})
        case "function_call":
            yield _added(item | {"arguments": ""}, at)
            yield from _input_events("response.function_call_arguments", "arguments", item, at)
        case _:
            yield _added(item | {"input": ""}, at)
            yield from _input_events("response.custom_tool_call_input", "input", item, at)


def _added(item: Json, at: Json) -> Event:
    begun = item | ({"status": "in_progress"} if "status" in item else {})
    return "response.output_item.added", {"output_index": at["output_index"], "item": begun}


def _message_events(part: Json, at: Json) -> Iterator[Event]:
    yield "response.content_part.added", at | {"part": part | {"text": ""}}
    for piece in pieces(part["text"]):
        yield "response.output_text.delta", at | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", at | {"text": part["text"], "logprobs": []}
    yield "response.content_part.done", at | {"part": part}


def _reasoning_events(part: Json, at: Json) -> Iterator[Event]:
    yield "response.reasoning_summary_part.added", at | {"part": part | {"text": ""}}
    for piece in pieces(part["text"]):
        yield "response.reasoning_summary_text.delta", at | {"delta": piece}
    yield "response.reasoning_summary_text.done", at | {"text": part["text"]}
    yield "response.reasoning_summary_part.done", at | {"part": part}


def _input_events(event: str, field: str, item: Json, at: Json) -> Iterator[Event]:
    for piece in pieces(item[field]):
        yield f"{event}.delta", at | {"delta": piece}
    yield f"{event}.done", at | {field: item[field]}


def _numbered(events: Iterable[Event]) -> Iterator[bytes]:
    for number, (kind, fields) in enumerate(events):
        data: dict[str, Any] = {"type": kind, "sequence_number": number, **fields}
        yield f"event: {kind}\ndata: {canonical(data)}\n\n".encode()


def bill(usage: Usage) -> Json:
    """Return the usage as the provider reports it."""
    return {
        "input_tokens": usage.window,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.window + usage.output,
    }
