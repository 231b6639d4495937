"""Anthropic Messages: what stands beside the messages.

Rule of this file: what the provider keeps out of the prefix, or strips, is no part of the front's
hash: cache markers, the client's billing line, deferred tools.
"""

import hashlib
from typing import NamedTuple

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import content_blocks, mappings, ttl_of, unmarked
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.shapes import Json, mapping, string

BILLING_PREFIX = "x-anthropic-billing-header"
"""The client's attribution line. It changes with every request: never part of an identity."""
_UNTOUCHABLE = ("thread", "fallback_credit_token")


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the messages; system and tools only where their text is new."""
    system, tools = outline.field("system"), outline.field("tools")
    if previous and (previous.raw_system, previous.raw_tools) == (system, tools):
        front = _Front(previous.first_system, previous.front, previous.tool_names, previous.ttls)
    else:
        front = _front(system, tools)
    return Head(
        model=string(_field(outline, "model")),
        raw_system=system,
        raw_tools=tools,
        first_system=front.first_system,
        front=front.digest,
        tool_names=front.tool_names,
        ttls=front.ttls,
        automatic=ttl_of(_field(outline, "cache_control")),
        stream=_field(outline, "stream") is True,
        user=string(mapping(_field(outline, "metadata")).get("user_id")),
        untouchable=next((f for f in _UNTOUCHABLE if _field(outline, f) is not None), None),
        size=len(system or b"") + len(tools or b""),
        forced=string(mapping(_field(outline, "tool_choice")).get("name")),
    )


class _Front(NamedTuple):
    """What is read of system and tools."""

    first_system: str
    digest: str
    tool_names: tuple[str, ...]
    ttls: tuple[str, ...]


def _front(system: bytes | None, tools: bytes | None) -> _Front:
    tool_list = mappings(jsontext.value(tools)) if tools else []
    blocks = content_blocks(jsontext.value(system)) if system else []
    said = [block for block in blocks if not _is_billing(block)]
    texts = (string(block.get("text")) for block in said)
    marked = (ttl_of(item.get("cache_control")) for item in (*tool_list, *blocks))
    cached = [tool for tool in tool_list if tool.get("defer_loading") is not True]
    return _Front(
        first_system=next((text for text in texts if text), ""),
        digest=_digest([[unmarked(tool) for tool in cached], [unmarked(b) for b in said]]),
        tool_names=tuple(string(tool.get("name")) for tool in tool_list),
        ttls=tuple(ttl for ttl in marked if ttl),
    )


def _is_billing(block: Json) -> bool:
    return string(block.get("text")).startswith(BILLING_PREFIX)


def _digest(said: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


def _field(outline: Outline, field: str) -> object:
    raw = outline.field(field)
    return None if raw is None else jsontext.value(raw)
