"""OpenAI Chat Completions: requests read, rules kept, replies written."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from acceptance_parts.asked import Asked, By, Prompt, Spoken, progress, texts, unit
from acceptance_parts.said import Said, pieces
from acceptance_parts.tools import Json, Tool, canonical
from pichay_core.model import Usage
from pichay_core.prefix import Chain, Part, Unit

_PARTS = {"system": Part.SYSTEM, "developer": Part.SYSTEM, "user": Part.USER,
          "assistant": Part.ASSISTANT, "tool": Part.RESULT}  # fmt: skip
_SPEAKERS = {"user": By.USER, "assistant": By.MODEL, "tool": By.TOOL}


def read(body: Json, _path: str) -> Asked:
    """Return what a request asks."""
    messages = body["messages"]
    task, step = progress(_spoken(messages))
    tools = [tool["function"] for tool in body.get("tools") or ()]
    systems = [message for message in messages if message["role"] in ("system", "developer")]
    return Asked(
        model=body["model"],
        tools={tool["name"]: Tool(tool["name"], tool.get("parameters") or {}) for tool in tools},
        task=task,
        step=step,
        prompt=Prompt(Chain().then(_units(body))),
        stream=bool(body.get("stream")),
        schema=_schema(body.get("response_format")),
        writes_edits=any("SEARCH/REPLACE" in text for message in systems
                         for text in texts(message["content"])),
    )  # fmt: skip


def _schema(wanted: Any) -> Any:
    match wanted:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return schema
        case {"type": "json_object"}:
            return {"type": "object"}
        case _:
            return None


def _spoken(messages: Sequence[Json]) -> Iterator[Spoken]:
    for message in messages:
        if by := _SPEAKERS.get(message["role"]):
            yield Spoken(by, "\n".join(texts(message.get("content"))))


def _units(body: Json) -> Iterator[Unit]:
    for tool in body.get("tools") or ():
        yield unit(Part.TOOL, tool)
    for message in body["messages"]:
        yield unit(_PARTS.get(message["role"], Part.USER), _bare(message))


def _bare(value: Any) -> Any:
    """The value without cache markers, which some clients send along."""
    match value:
        case dict():
            return {name: _bare(part) for name, part in value.items() if name != "cache_control"}
        case list():
            return [_bare(part) for part in value]
        case _:
            return value


def complaint(body: Json) -> str | None:
    """Return why the provider would answer 400, or None."""
    if not body.get("messages"):
        return "Missing required parameter: 'messages'."
    waiting: list[str] = []
    for number, message in enumerate(body["messages"]):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                return (
                    f"Invalid parameter: messages.[{number}] with role 'tool' must be a response "
                    "to a preceeding message with 'tool_calls'."
                )
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            return _unanswered(waiting)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    return _unanswered(waiting) if waiting else None


def _unanswered(waiting: Sequence[str]) -> str:
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(waiting)
    )


def refused(status: int, text: str) -> bytes:
    """Return the body of an error."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": text, "type": kind, "param": None, "code": None}
    return json.dumps({"error": error}).encode()


def answered(said: Said, asked: Asked, usage: Usage, name: str) -> Iterable[bytes]:
    """Return the reply: the chunks of a stream, or one completion."""
    head = {"id": f"chatcmpl-{name}", "created": 1_780_000_000, "model": asked.model}
    if asked.stream:
        return _stream(said, usage, head | {"object": "chat.completion.chunk"})
    calls = [_call(said, number) for number in range(len(said.calls))]
    message: Json = {"role": "assistant", "content": said.text or None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": _ending(said), "logprobs": None}
    whole = head | {"object": "chat.completion", "choices": [choice], "usage": bill(usage)}
    return [json.dumps(whole).encode()]


def _stream(said: Said, usage: Usage, head: Json) -> Iterator[bytes]:
    yield _chunk(head, {"role": "assistant", "content": ""})
    for piece in pieces(said.text):
        yield _chunk(head, {"content": piece})
    for number in range(len(said.calls)):
        whole = _call(said, number)
        function = whole["function"]
        start = whole | {"function": {"name": function["name"], "arguments": ""}, "index": number}
        yield _chunk(head, {"tool_calls": [start]})
        for piece in pieces(function["arguments"]):
            more = {"index": number, "function": {"arguments": piece}}
            yield _chunk(head, {"tool_calls": [more]})
    yield _chunk(head, {}, _ending(said))
    yield frame(head | {"choices": [], "usage": bill(usage)})
    yield b"data: [DONE]\n\n"


def _chunk(head: Json, delta: Json, ending: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": ending, "logprobs": None}
    return frame(head | {"choices": [choice]})


def frame(value: Mapping[str, Any]) -> bytes:
    """Return one event without a name."""
    return f"data: {canonical(value)}\n\n".encode()


def _call(said: Said, number: int) -> Json:
    call = said.calls[number]
    function = {"name": call.tool.name, "arguments": canonical(call.arguments)}
    return {"id": said.call_id(number, "call_"), "type": "function", "function": function}


def _ending(said: Said) -> str:
    return "tool_calls" if said.calls else "stop"


def bill(usage: Usage) -> Json:
    """Return the usage as the provider reports it."""
    return {
        "prompt_tokens": usage.window,
        "completion_tokens": usage.output,
        "total_tokens": usage.window + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
