"""Anthropic Messages: requests read, rules kept, replies written.

Rule of this file: rules, places and frames are those of the demo's upstream; here they are only
put together for clients that send more than the demo's agent does.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from acceptance_parts.asked import Asked, By, Prompt, Spoken, progress, texts
from acceptance_parts.said import Said, signature
from acceptance_parts.tools import Json, Tool
from pichay_cli.demo import reply as replies
from pichay_cli.demo import rules
from pichay_cli.demo.cache import Place
from pichay_cli.demo.places import blocks, places, ttl_of
from pichay_core.model import Usage
from pichay_core.prefix import Chain, Mark, Part, Ttl, Unit, identity

_PARTS = {"tool": Part.TOOL, "system": Part.SYSTEM, "tool_use": Part.CALL,
          "tool_result": Part.RESULT}  # fmt: skip
_BILLING = "x-anthropic-billing-header"
"""Begins a system block that differs in every request and is taken to be outside the cache."""


def read(body: Json, _path: str) -> Asked:
    """Return what a request asks."""
    task, step = progress(_spoken(body["messages"]))
    tools = [tool for tool in body.get("tools") or () if "input_schema" in tool]
    thinking = body.get("thinking") or {}
    return Asked(
        model=body["model"],
        tools={tool["name"]: Tool(tool["name"], tool["input_schema"]) for tool in tools},
        task=task,
        step=step,
        prompt=_prompt(body),
        stream=bool(body.get("stream")),
        thinks=thinking.get("type") in ("enabled", "adaptive"),
        schema=_schema(body),
        writes_edits=any("SEARCH/REPLACE" in text for text in texts(body.get("system"))),
    )


def _schema(body: Json) -> Any:
    match body:
        case {"output_config": {"format": {"schema": schema}}}:
            return schema
        case {"output_format": {"schema": schema}}:
            return schema
        case _:
            return None


def _spoken(messages: Sequence[Json]) -> Iterator[Spoken]:
    for message in messages:
        match message["role"]:
            case "assistant":
                yield Spoken(By.MODEL)
            case "user":
                yield from _of_user(message)
            case _:
                pass


def _of_user(message: Json) -> Iterator[Spoken]:
    for block in blocks(message["content"]):
        is_text = block.get("type") == "text"
        yield Spoken(By.USER, block["text"]) if is_text else Spoken(By.TOOL)


def _prompt(body: Json) -> Prompt:
    """Deferred tools are outside of the prefix until they are looked up."""
    tools = [tool for tool in body.get("tools") or () if not tool.get("defer_loading")]
    system = [block for block in blocks(body.get("system"))
              if not str(block.get("text")).startswith(_BILLING)]  # fmt: skip
    whole = {name: value for name, value in body.items() if name != "cache_control"}
    messages = [message | {"content": [_as_blocks(block) for block in blocks(message["content"])]}
                for message in body["messages"]]  # fmt: skip
    row = places(whole | {"tools": tools, "system": system, "messages": messages})
    marks = tuple(Mark(at, Ttl(place.ttl)) for at, place in enumerate(row) if place.ttl)
    automatic = ttl_of(body)
    return Prompt(Chain().then(map(_unit, row)), marks, Ttl(automatic) if automatic else None)


def _as_blocks(block: Json) -> Json:
    """A result that is a string means the same as one block of text; some clients send both."""
    if block.get("type") != "tool_result":
        return block
    return block | {"content": blocks(block.get("content"))}


def _unit(place: Place) -> Unit:
    return Unit(identity(place.content), place.tokens, _PARTS.get(place.kind, Part.USER))


def complaint(body: Json) -> str | None:
    """Return why the provider would answer 400, or None."""
    return rules.complaint(body) or _tampered(body["messages"])


def _tampered(messages: Sequence[Json]) -> str | None:
    for number, message in enumerate(messages):
        for index, block in enumerate(blocks(message["content"])):
            match block:
                case {"type": "thinking", "thinking": str(text), "signature": signed}:
                    if signed != signature(text):
                        where = f"messages.{number}.content.{index}"
                        return f"{where}: Invalid `signature` in `thinking` block"
                case _:
                    pass
    return None


def counted(tokens: int) -> bytes:
    """Return the answer to a request to count tokens."""
    return json.dumps({"input_tokens": tokens}).encode()


def refused(status: int, text: str) -> bytes:
    """Return the body of an error."""
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
    return replies.error(kind, text)


def answered(said: Said, asked: Asked, usage: Usage, name: str) -> Iterable[bytes]:
    """Return the reply: the events of a stream, or one message."""
    reply = replies.Reply(tuple(_blocks(said)))
    if asked.stream:
        return replies.frames(reply, f"msg_01{name}", asked.model, usage)
    return [json.dumps(replies.message(reply, f"msg_01{name}", asked.model, usage)).encode()]


def _blocks(said: Said) -> Iterator[replies.Block]:
    if said.thinking:
        yield replies.Thinking(said.thinking, signature(said.thinking))
    if said.text:
        yield replies.Text(said.text)
    for number, call in enumerate(said.calls):
        yield replies.ToolUse(said.call_id(number, "toolu_01"), call.tool.name, call.arguments)
