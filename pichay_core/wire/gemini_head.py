"""Gemini generateContent: what stands beside the contents.

Rule of this file: the model and the way of the reply stand in the path, so the body's head has
neither. Cached content is history that the provider has, with a prompt and tools of its own.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.gemini_parts import named, parts_in
from pichay_core.wire.shapes import Json, items, mapping, string

_PARTIAL = ("cachedContent", "cached_content")


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the contents; system and tools only where their text is new."""
    system, tools = outline.field("system"), outline.field("tools")
    if previous and (previous.raw_system, previous.raw_tools) == (system, tools):
        said = previous.first_system, previous.front, previous.tool_names
    else:
        said = _front(system, tools)
    return Head(
        model="",
        raw_system=system,
        raw_tools=tools,
        first_system=said[0],
        front=said[1],
        tool_names=said[2],
        ttls=(),
        automatic=None,
        stream=False,
        user="",
        untouchable=None,
        size=len(system or b"") + len(tools or b""),
        forced=_forced(outline),
        partial=next((name for name in _PARTIAL if _says(outline, name)), ""),
    )


def _front(system: bytes | None, tools: bytes | None) -> tuple[str, str, tuple[str, ...]]:
    prompt = jsontext.value(system) if system else None
    offered = jsontext.value(tools) if tools else None
    said = msgspec.json.encode([offered, prompt])
    return (
        next((text for text in _texts(prompt) if text), ""),
        hashlib.blake2b(said, digest_size=16).hexdigest(),
        tuple(_names(items(offered))),
    )


def _texts(prompt: object) -> Iterator[str]:
    """Yield the texts of a system prompt, whichever of its shapes it came in."""
    match prompt:
        case str():
            yield prompt
        case list():
            for part in items(prompt):  # pyright: ignore[reportUnknownArgumentType]
                yield from _texts(part)
        case {"text": str(text)}:
            yield text
        case _:
            yield from (string(part.get("text")) for part in parts_in(prompt))


def _names(tools: list[object]) -> Iterator[str]:
    """Yield the names of the client's functions, and of the provider's own tools."""
    for tool in map(mapping, tools):
        declared = named(tool, "functionDeclarations")
        yield from (string(mapping(one).get("name")) for one in items(declared))
        yield from (name for name in tool if named({name: True}, "functionDeclarations") is None)


def _forced(outline: Outline) -> str:
    config = mapping(named(_value(outline, "toolConfig", "tool_config"), "functionCallingConfig"))
    allowed = items(named(config, "allowedFunctionNames"))
    return string(allowed[0]) if config.get("mode") == "ANY" and len(allowed) == 1 else ""


def _value(outline: Outline, *names: str) -> Json:
    found = (outline.field(name) for name in names)
    raw = next((raw for raw in found if raw is not None), None)
    return {} if raw is None else mapping(jsontext.value(raw))


def _says(outline: Outline, name: str) -> bool:
    return outline.field(name) not in (None, b"null", b'""')
