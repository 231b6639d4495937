"""Gemini generateContent: what stands beside the contents.

Rule of this file: the model and the way of the reply stand in the path, so the body's head has
neither. Cached content is history that the provider has, with a prompt and tools of its own. What
gemini-cli says of its project before the user's first words, and anew when it is started again, is
a part of the front: where it is another, nothing behind it is cached.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.gemini_parts import named, parts_in, parts_of, scenes_in
from pichay_core.wire.shapes import Json, items, mapping, string


def head(outline: Outline, previous: Head | None = None) -> Head:
    """Read what stands beside the contents; system and tools only where their text is new."""
    system, tools = outline.field("system"), outline.field("tools")
    if previous and (previous.raw_system, previous.raw_tools) == (system, tools):
        said = previous.first_system, previous.front.partition(".")[0], previous.tool_names
    else:
        said = _front(system, tools)
    return Head(
        model="",
        raw_system=system,
        raw_tools=tools,
        first_system=said[0],
        front=f"{said[1]}.{_scene(outline)}",
        tool_names=said[2],
        ttls=(),
        automatic=None,
        stream=False,
        user="",
        untouchable=None,
        size=len(system or b"") + len(tools or b""),
        forced=_forced(outline),
    )


def _scene(outline: Outline) -> str:
    """Return a hash of what a client says of its project in the first message; often empty."""
    if not outline.messages:
        return ""
    texts = scenes_in(parts_of(outline.raw(0)))
    return _digest(texts) if texts else ""


def _digest(said: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


def _front(system: bytes | None, tools: bytes | None) -> tuple[str, str, tuple[str, ...]]:
    prompt = jsontext.value(system) if system else None
    offered = jsontext.value(tools) if tools else None
    return (
        next((text for text in _texts(prompt) if text), ""),
        _digest([offered, prompt]),
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
