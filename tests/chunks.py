"""Replies of Chat Completions as hosts stream them, and what a client makes of them.

A message is a dictionary as it stands in a conversation. ``chunks`` streams it, ``whole`` says the
same in one piece, ``message_of`` is what the official client library understands.
"""

import json
from collections.abc import Iterable
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from pichay_core.wire import jsontext, sse

type Json = dict[str, Any]

DONE = b"data: [DONE]\n\n"
PIECE = 7
"""Letters in one delta."""
WRITTEN = ("content", "reasoning_content", "refusal")
"""Members that are streamed in pieces."""


def said(content: str | None = None, *calls: Json, **more: Any) -> Json:
    made = {"tool_calls": list(calls)} if calls else {}
    return {"role": "assistant", "content": content, **more, **made}


def call(name: str, id: str, **arguments: object) -> Json:
    written = json.dumps(arguments)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": written}}


def ours(id: str, **arguments: object) -> Json:
    return call("memory_fault", id, **(arguments or {"pages": ["qj3k7w2m"]}))


def frame(said: object) -> bytes:
    return b"data: " + jsontext.encode(said) + b"\n\n"


def head(id: str = "chatcmpl-1") -> Json:
    return {"id": id, "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.4"}


def chunk(delta: Json, finish: str | None = None, id: str = "chatcmpl-1", **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return frame({**head(id), "choices": [choice], "usage": None, **more})


def usage(out: int = 10, read: int = 60) -> Json:
    return {
        "prompt_tokens": 100, "completion_tokens": out, "total_tokens": 100 + out,
        "prompt_tokens_details": {"cached_tokens": read},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip


def stop_of(message: Json) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def pieces(text: str, size: int = PIECE) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def deltas(message: Json, size: int = PIECE) -> list[Json]:
    """The deltas of one message, its first with who speaks."""
    found: list[Json] = [{"role": "assistant", "content": None}]
    for name, value in message.items():
        if name in WRITTEN and value is not None:
            found += [{name: part} for part in pieces(value, size) or [value]]
        elif name not in ("role", "content", "tool_calls"):
            found.append({name: value})
    for index, made in enumerate(message.get("tool_calls") or ()):
        function = made["function"]
        found.append({"tool_calls": [
            {"index": index, **made, "function": {**function, "arguments": ""}}]})  # fmt: skip
        found += [{"tool_calls": [{"index": index, "function": {"arguments": part}}]}
                  for part in pieces(function["arguments"], size)]  # fmt: skip
    return found


def chunks(
    message: Json, stop: str = "", out: int = 10, read: int = 60, id: str = "chatcmpl-1"
) -> list[bytes]:
    """The chunks of one reply."""
    return [
        *(chunk(delta, id=id) for delta in deltas(message)),
        chunk({}, stop or stop_of(message), id),
        frame({**head(id), "choices": [], "usage": usage(out, read)}),
        DONE,
    ]


def whole(
    message: Json, stop: str = "", out: int = 10, read: int = 60, id: str = "chatcmpl-1"
) -> bytes:
    """The same reply in one piece."""
    choice = {"index": 0, "message": message, "finish_reason": stop or stop_of(message)}
    body = {**head(id), "object": "chat.completion", "choices": [choice], "usage": usage(out, read)}
    return jsontext.encode(body)


def objects_of(data: bytes) -> list[Json]:
    """The chunks of a stream, which ends as it should."""
    splitter = sse.Splitter()
    frames = [found for found in splitter.feed(data) if sse.data_of(found)]
    assert splitter.flush() == b""
    assert frames[-1] == DONE
    return [json.loads(sse.data_of(found)) for found in frames[:-1]]


def completion_of(data: bytes) -> Json:
    """The completion that the official client library makes of a stream, which must be in order."""
    found = objects_of(data)
    in_order(found)
    state = ChatCompletionStreamState()
    for one in found:
        for _ in state.handle_chunk(ChatCompletionChunk.model_validate(one)):
            pass
    return state.current_completion_snapshot.to_dict()


def message_of(data: bytes) -> Json:
    """Its message."""
    return completion_of(data)["choices"][0]["message"]


def in_order(found: Iterable[Json]) -> None:
    """One reply: one name, one beginning, calls counted without a gap, one end, then counts."""
    found = list(found)
    assert len({(one["id"], one["created"]) for one in found}) == 1
    choices = [one["choices"][0] for one in found if one["choices"]]
    assert sum("role" in choice["delta"] for choice in choices) == 1
    assert [bool(choice["finish_reason"]) for choice in choices] == [
        *[False] * (len(choices) - 1), True,
    ]  # fmt: skip
    calls = [made for choice in choices for made in choice["delta"].get("tool_calls") or ()]
    begun = list(dict.fromkeys(made["index"] for made in calls))
    assert begun == list(range(len(begun)))
    assert all(made["id"] for made in calls if "id" in made)
