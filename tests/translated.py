"""A conversation in Anthropic's words, said in those of another provider, and said back.

What a wire cannot say (cache markers, that a result is an error) is lost on the way there; what
comes back is the same for the same bytes. So a law that is written for one wire holds its own on
all of them: it is told the conversation as its wire can say it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pichay_core.birth.protocol import PROTOCOL
from pichay_core.turn import Rules
from tests.builders import KEY, SONNET, Proxy
from tests.histories import Client, Move, Sent, requests

type Json = dict[str, Any]


@dataclass(frozen=True)
class Wire:
    """How one provider says it; Anthropic's own says it as it is."""

    name: str = "anthropic"
    path: str = "/v1/messages"
    say: Callable[[Json], Json] | None = None
    """From a body of Anthropic's."""
    hear: Callable[[Json], Json] | None = None
    """The other way round."""

    def proxy(self, given: Rules | None = None, *more: Any, **changed: Any) -> Proxy:
        """Return what drives paging on this wire, with bodies of Anthropic's."""
        if self.say is None:
            return Proxy(given, *more, **changed)
        proxy = TranslatedProxy(given, *more, **changed)
        proxy.wire = self
        return proxy

    def requests(self, play: list[Move], client: Client) -> Iterator[Sent]:
        """Yield the requests that a client sends, without what this wire cannot say."""
        for sent in requests(play, client):
            yield sent if self.say is None else replace(sent, body=self.heard(self.said(sent.body)))

    def said(self, request: bytes) -> bytes:
        """Return a body of Anthropic's as this wire says it."""
        assert self.say is not None
        return json.dumps(self.say(json.loads(request)), ensure_ascii=False).encode()

    def heard(self, request: bytes) -> bytes:
        """Return a body of this wire's in Anthropic's words."""
        assert self.hear is not None
        return json.dumps(self.hear(json.loads(request))).encode()


class TranslatedProxy(Proxy):
    wire: Wire

    def send(self, request, headers=KEY, after=10.0, path="", **fields):
        """Send a request; returns what went upstream, the request itself if that is as it came."""
        there = self.wire.said(request)
        up = super().send(there, headers, after, self.wire.path)
        return request if up is there else self.wire.heard(up)


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block for block in listed if block["type"] not in ("thinking", "redacted_thinking")]


def _of(blocks: list[Json], kind: str) -> list[Json]:
    return [block for block in blocks if block["type"] == kind]


def _text(blocks: list[Json]) -> str:
    return "\n".join(block["text"] for block in _of(blocks, "text"))


def _system(whole: Json) -> str:
    return _text(_blocks({"content": whole["system"]}))


def _system_heard(text: str) -> list[Json]:
    own, found, _ = text.partition(f"\n\n{PROTOCOL}")
    return [{"type": "text", "text": part} for part in (own, *([PROTOCOL] if found else []))]


def _assistant(text: str, calls: list[Json]) -> Json:
    return {"role": "assistant", "content": [*_texts(text), *calls]}


def _texts(text: str) -> list[Json]:
    return [{"type": "text", "text": text}] if text else []


def _use(id: str, name: str, arguments: Json) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def _result(id: str, content: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": id, "content": content}


def _whole(system: str, tools: list[Json], messages: list[Json], model: str) -> Json:
    return {"model": model, "max_tokens": 1000, "messages": messages,
            "system": _system_heard(system), "tools": tools}  # fmt: skip


def _grouped(items: list[Json], side: Callable[[Json], str]) -> list[tuple[str, list[Json]]]:
    """Return items with those side by side that are said at once; ``one`` is never grouped."""
    groups: list[tuple[str, list[Json]]] = []
    for item in items:
        whose = side(item)
        if groups and groups[-1][0] == whose != "one":
            groups[-1][1].append(item)
        else:
            groups.append((whose, [item]))
    return groups


# -- OpenAI Chat ----------------------------------------------------------------------------


def _say_chat(whole: Json) -> Json:
    messages: list[Json] = [{"role": "system", "content": _system(whole)}]
    for message in whole["messages"]:
        blocks = _blocks(message)
        if message["role"] == "assistant":
            calls = [{"id": b["id"], "type": "function", "function": {
                      "name": b["name"], "arguments": json.dumps(b["input"])}}
                     for b in _of(blocks, "tool_use")]  # fmt: skip
            more = {"tool_calls": calls} if calls else {}
            messages.append({"role": "assistant", "content": _text(blocks) or None, **more})
            continue
        messages += [{"role": "tool", "tool_call_id": b["tool_use_id"],
                      "content": _parts(b["content"], "text", "image_url")}
                     for b in _of(blocks, "tool_result")]  # fmt: skip
        if _of(blocks, "text"):
            messages.append({"role": "user", "content": _text(blocks)})
    tools = [{"type": "function", "function": {"name": t["name"], "parameters": t["input_schema"]}}
             for t in whole["tools"]]  # fmt: skip
    return {"model": whole["model"], "messages": messages, "tools": tools, "max_tokens": 1000}


def _parts(content: Any, text: str, image: str) -> Any:
    if isinstance(content, str):
        return content
    return [
        {"type": text, "text": part["text"]}
        if part["type"] == "text"
        else {"type": image, "image_url": f"data:image/png;base64,{part['source']['data']}"}
        for part in content
    ]


def _parts_heard(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part["text"]}
        if "text" in part
        else {"type": "image", "source": {"data": part["image_url"].rpartition(",")[2]}}
        for part in content
    ]


def _hear_chat(whole: Json) -> Json:
    system, *rest = whole["messages"]
    groups = _grouped(rest, lambda m: "tool" if m["role"] == "tool" else "one")
    messages = [
        {"role": "user", "content": [_result(m["tool_call_id"], _parts_heard(m["content"]))
                                     for m in group]}
        if side == "tool"
        else _heard_in_chat(group[0])
        for side, group in groups
    ]  # fmt: skip
    tools = [{"name": t["function"]["name"], "input_schema": t["function"]["parameters"]}
             for t in whole["tools"]]  # fmt: skip
    return _whole(system["content"], tools, messages, whole["model"])


def _heard_in_chat(message: Json) -> Json:
    if message["role"] == "user":
        return {"role": "user", "content": message["content"]}
    calls = [_use(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
             for c in message.get("tool_calls", [])]  # fmt: skip
    return _assistant(message["content"] or "", calls)


# -- OpenAI Responses -----------------------------------------------------------------------


def _say_responses(whole: Json) -> Json:
    items: list[Json] = []
    for message in whole["messages"]:
        blocks = _blocks(message)
        items += [{"type": "function_call_output", "call_id": b["tool_use_id"],
                   "output": _parts(b["content"], "input_text", "input_image")}
                  for b in _of(blocks, "tool_result")]  # fmt: skip
        if _of(blocks, "text"):
            kind = "output_text" if message["role"] == "assistant" else "input_text"
            content = [{"type": kind, "text": _text(blocks)}]
            items.append({"type": "message", "role": message["role"], "content": content})
        items += [{"type": "function_call", "call_id": b["id"], "name": b["name"],
                   "arguments": json.dumps(b["input"])}
                  for b in _of(blocks, "tool_use")]  # fmt: skip
    tools = [{"type": "function", "name": t["name"], "parameters": t["input_schema"],
              "strict": False} for t in whole["tools"]]  # fmt: skip
    return {"model": whole["model"], "instructions": _system(whole), "input": items,
            "tools": tools, "store": False}  # fmt: skip


def _hear_responses(whole: Json) -> Json:
    groups = _grouped(whole["input"], _side)
    tools = [{"name": t["name"], "input_schema": t["parameters"]} for t in whole["tools"]]
    messages = [_heard_in_responses(*group) for group in groups]
    return _whole(whole["instructions"], tools, messages, whole["model"])


def _side(item: Json) -> str:
    if item["type"] == "function_call_output":
        return "tool"
    return "one" if item.get("role") == "user" else "assistant"


def _heard_in_responses(side: str, items: list[Json]) -> Json:
    if side == "tool":
        return {"role": "user", "content": [
            _result(item["call_id"], _parts_heard(item["output"])) for item in items]}  # fmt: skip
    if side == "one":
        return {"role": "user", "content": "".join(p["text"] for p in items[0]["content"])}
    text = "".join(part["text"] for item in items for part in item.get("content", []))
    calls = [_use(item["call_id"], item["name"], json.loads(item["arguments"]))
             for item in items if item["type"] == "function_call"]  # fmt: skip
    return _assistant(text, calls)


# -- Gemini ---------------------------------------------------------------------------------


def _say_gemini(whole: Json) -> Json:
    names = {b["id"]: b["name"] for m in whole["messages"] for b in _of(_blocks(m), "tool_use")}
    contents = [_content(message, names) for message in whole["messages"]]
    tools = [{"name": t["name"], "parametersJsonSchema": t["input_schema"]} for t in whole["tools"]]
    return {"contents": contents, "systemInstruction": {"parts": [{"text": _system(whole)}]},
            "tools": [{"functionDeclarations": tools}]}  # fmt: skip


def _content(message: Json, names: dict[str, str]) -> Json:
    parts: list[Json] = []
    for block in _blocks(message):
        match block:
            case {"type": "text"}:
                parts.append({"text": block["text"]})
            case {"type": "tool_use"}:
                call = {"id": block["id"], "name": block["name"], "args": block["input"]}
                parts.append({"functionCall": call})
            case _:
                name = names.get(block["tool_use_id"], "gone")
                parts.append({"functionResponse": _response(block, name)})
    return {"role": "model" if message["role"] == "assistant" else "user", "parts": parts}


def _response(block: Json, name: str) -> Json:
    content, failed = block["content"], block.get("is_error")
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
    media = [{"inlineData": {"data": part["source"]["data"]}} for part in _of(listed, "image")]
    response = {"error" if failed else "output": _text(listed)}
    return {"id": block["tool_use_id"], "name": name, "response": response,
            **({"parts": media} if media else {})}  # fmt: skip


def _hear_gemini(whole: Json) -> Json:
    (offered,) = whole["tools"]
    tools = [{"name": t["name"], "input_schema": t["parametersJsonSchema"]}
             for t in offered["functionDeclarations"]]  # fmt: skip
    messages = [
        {"role": "assistant" if content["role"] == "model" else "user",
         "content": [_part(part) for part in content["parts"]]}
        for content in whole["contents"]
    ]  # fmt: skip
    system = "\n\n".join(part["text"] for part in whole["systemInstruction"]["parts"])
    return _whole(system, tools, messages, SONNET)


def _part(part: Json) -> Json:
    match part:
        case {"text": text}:
            return {"type": "text", "text": text}
        case {"functionCall": call}:
            return _use(call["id"], call["name"], call["args"])
        case {"functionResponse": {"id": id, "response": response, **more}}:
            failed, text = "error" in response, next(iter(response.values()))
            images = [{"type": "image", "source": {"data": p["inlineData"]["data"]}}
                      for p in more.get("parts", [])]  # fmt: skip
            result = _result(id, [*_texts(text), *images] if images else text)
            return {**result, "is_error": True} if failed else result
    raise AssertionError(part)


_GEMINI = f"/v1beta/models/{SONNET}:streamGenerateContent?alt=sse"
ANTHROPIC = Wire()
WIRES = (
    ANTHROPIC,
    Wire("openai_chat", "/v1/chat/completions", _say_chat, _hear_chat),
    Wire("openai_responses", "/v1/responses", _say_responses, _hear_responses),
    Wire(
        "gemini",
        f"/v1beta/models/{SONNET}:streamGenerateContent?alt=sse",
        _say_gemini,
        _hear_gemini,
    ),
)
