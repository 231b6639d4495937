"""One conversation, expressed as each provider's client would send it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

type Json = dict[str, Any]

SYSTEM = "You are a coding agent."
TOOLS = ("Read", "Bash", "Edit")
SCHEMA: Json = {"type": "object", "properties": {"file_path": {"type": "string"}}}


@dataclass(frozen=True)
class Said:
    """What one side says at once: the user's text or results, or the model's text and calls."""

    text: str = ""
    calls: tuple[tuple[str, str, Json], ...] = ()
    """Id, tool and arguments."""
    results: tuple[tuple[str, str, bool], ...] = ()
    """Id of the call, text, and whether it failed."""
    model: bool = False
    """It is the model that says it."""


def user(text: str) -> Said:
    return Said(text)


def calls(*made: tuple[str, str, Json], text: str = "") -> Said:
    return Said(text, calls=made, model=True)


def says(text: str) -> Said:
    return Said(text, model=True)


def results(*given: tuple[str, str] | tuple[str, str, bool]) -> Said:
    return Said(results=tuple((one[0], one[1], len(one) > 2 and one[2]) for one in given))


def anthropic(said: Sequence[Said], model: str = "claude-sonnet-4-5") -> bytes:
    tools = [{"name": name, "description": name, "input_schema": SCHEMA} for name in TOOLS]
    return _body({"model": model, "max_tokens": 100, "system": SYSTEM, "tools": tools,
                  "messages": [_anthropic(one) for one in said]})  # fmt: skip


def _anthropic(said: Said) -> Json:
    content: list[Json] = [
        {"type": "tool_result", "tool_use_id": id, "content": text, **_if(failed, is_error=True)}
        for id, text, failed in said.results
    ]
    content += [{"type": "text", "text": said.text}] if said.text else []
    content += [
        {"type": "tool_use", "id": id, "name": name, "input": arguments}
        for id, name, arguments in said.calls
    ]
    return {"role": "assistant" if said.model else "user", "content": content}


def openai_chat(said: Sequence[Said], model: str = "gpt-5.4") -> bytes:
    tools = [{"type": "function", "function": {"name": name, "description": name,
              "parameters": SCHEMA}} for name in TOOLS]  # fmt: skip
    messages = [{"role": "system", "content": SYSTEM}]
    messages += [message for one in said for message in _chat(one)]
    return _body({"model": model, "messages": messages, "tools": tools})


def _chat(said: Said) -> list[Json]:
    if said.results:
        return [{"role": "tool", "tool_call_id": id, "content": text}
                for id, text, _ in said.results]  # fmt: skip
    if not said.model:
        return [{"role": "user", "content": said.text}]
    made = [{"id": id, "type": "function", "function": {"name": name, "arguments": _text(given)}}
            for id, name, given in said.calls]  # fmt: skip
    return [{"role": "assistant", "content": said.text or None, **_if(made, tool_calls=made)}]


def openai_responses(said: Sequence[Said], model: str = "gpt-5.4") -> bytes:
    tools = [{"type": "function", "name": name, "description": name, "parameters": SCHEMA,
              "strict": False} for name in TOOLS]  # fmt: skip
    items = [item for one in said for item in _responses(one)]
    return _body({"model": model, "instructions": SYSTEM, "input": items, "tools": tools,
                  "store": False})  # fmt: skip


def _responses(said: Said) -> list[Json]:
    items: list[Json] = [{"type": "function_call_output", "call_id": id, "output": text}
                         for id, text, _ in said.results]  # fmt: skip
    if said.text:
        role, kind = ("assistant", "output_text") if said.model else ("user", "input_text")
        text = {"type": kind, "text": said.text}
        items.append({"type": "message", "role": role, "content": [text]})
    return items + [
        {"type": "function_call", "call_id": id, "name": name, "arguments": _text(arguments)}
        for id, name, arguments in said.calls
    ]


def gemini(said: Sequence[Said], model: str = "gemini-2.5-pro") -> bytes:
    tools = [{"functionDeclarations": [{"name": name, "description": name,
              "parametersJsonSchema": SCHEMA} for name in TOOLS]}]  # fmt: skip
    names = {id: name for one in said for id, name, _ in one.calls}
    return _body({"contents": [_gemini(one, names) for one in said],
                  "systemInstruction": {"parts": [{"text": SYSTEM}]}, "tools": tools})  # fmt: skip


def _gemini(said: Said, names: dict[str, str]) -> Json:
    parts: list[Json] = [
        {"functionResponse": {"id": id, "name": names[id],
                              "response": {"error" if failed else "output": text}}}
        for id, text, failed in said.results
    ]  # fmt: skip
    parts += [{"text": said.text}] if said.text else []
    parts += [{"functionCall": {"id": id, "name": name, "args": arguments}}
              for id, name, arguments in said.calls]  # fmt: skip
    return {"role": "model" if said.model else "user", "parts": parts}


WIRES: dict[str, Callable[[Sequence[Said]], bytes]] = {
    "anthropic": anthropic,
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "gemini": gemini,
}
"""By the name of the format."""


def _body(said: Json) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _text(arguments: Json) -> str:
    return json.dumps(arguments)


def _if(condition: object, **fields: Any) -> Json:
    return fields if condition else {}
