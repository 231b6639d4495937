"""A Messages request as a row of places, in the order in which the provider caches them.

Rule of this file: reading only. Tools, then system, then messages; a place is what the model
would see of one block, without its cache marker. Key order inside schemas and call arguments
is part of it, white space of the body is not.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pichay_cli.demo.cache import Place

type Json = dict[str, Any]

BYTES_PER_TOKEN = 3.2
"""Claude up to 4.6: 3.14 for numbered listings, 2.95 for JSON, 3.28 for Python (measured)."""

FRAME_TOKENS = 4
IMAGE_TOKENS = 1500

_PARAMETERS = ("thinking", "output_config", "tool_choice")


def places(request: Mapping[str, Any]) -> tuple[Place, ...]:
    """Return the places of a request; markers that the request carries are on them."""
    tools = [_place("tool", tool, "") for tool in request.get("tools") or ()]
    system = [_place("system", block, "") for block in blocks(request.get("system"))]
    row = [*tools, *system, *_message_places(request)]
    if row and (automatic := ttl_of(request)):
        last = row[-1]
        row[-1] = Place(last.kind, last.content, last.tokens, last.ttl or automatic)
    return tuple(row)


def _message_places(request: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the blocks of all messages; the first also stands for what parameters change."""
    parameters = _canonical({name: request.get(name) for name in _PARAMETERS})
    for role, content in turns(request.get("messages") or ()):
        for block in content:
            yield _place(str(block.get("type")), block, role + parameters)
            parameters = ""


def turns(messages: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """Return (role, blocks) with neighbours of one role merged, as the provider does."""
    merged: list[tuple[str, list[Json]]] = []
    for message in messages:
        role, content = str(message.get("role")), blocks(message.get("content"))
        if merged and merged[-1][0] == role:
            merged[-1][1].extend(content)
        else:
            merged.append((role, content))
    return merged


def blocks(content: Any) -> list[Json]:
    """Return content as blocks; a plain string is one text block."""
    match content:
        case str():
            return [{"type": "text", "text": content}]
        case list():
            return [block for block in content if isinstance(block, dict)]
        case _:
            return []


def ttl_of(holder: Mapping[str, Any]) -> str | None:
    """Return the time to live of the marker on a block or a request; None without one."""
    match holder.get("cache_control"):
        case {"ttl": "1h"}:
            return "1h"
        case {"type": "ephemeral"}:
            return "5m"
        case _:
            return None


def tokens_of(text: str) -> int:
    """Return how many tokens the scripted upstream bills for a text."""
    return math.ceil(len(_bytes(text)) / BYTES_PER_TOKEN)


def count(request: Mapping[str, Any]) -> int:
    """Return the tokens of the whole input side of a request."""
    return sum(place.tokens for place in places(request))


def _place(kind: str, block: Json, seed: str) -> Place:
    bare = {name: block[name] for name in sorted(block) if name != "cache_control"}
    content = _bytes(seed + _canonical(bare))
    return Place(kind, content, FRAME_TOKENS + _tokens(bare), ttl_of(block))


def _tokens(block: Json) -> int:
    match block:
        case {"type": "text", "text": str(text)} | {"type": "thinking", "thinking": str(text)}:
            return tokens_of(text)
        case {"type": "tool_use", "name": str(name), "input": arguments}:
            return tokens_of(name + _canonical(arguments))
        case {"type": "tool_result"}:
            return sum(map(_tokens, blocks(block.get("content"))))
        case {"type": "image"}:
            return IMAGE_TOKENS
        case _:
            return tokens_of(_canonical(block))


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bytes(text: str) -> bytes:
    """Return UTF-8; JSON may hold half of a surrogate pair, which is no reason to fail."""
    return text.encode(errors="surrogatepass")
