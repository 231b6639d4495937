"""Anthropic Messages: the shapes that blocks come in, read the same way everywhere."""

import hashlib
from typing import cast

import msgspec

from pichay_core.wire.shapes import Json, items, mapping, string

_CANONICAL = msgspec.json.Encoder(order="sorted")


def content_blocks(content: object) -> list[Json]:
    """Return content as a list of blocks, whichever of the two shapes it came in."""
    return [mapping(item) for item in listed(content)]


def listed(content: object) -> list[object]:
    """Return content as a list, a string as one text block; nothing of any other shape."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else items(content)


def mappings(content: object) -> list[Json]:
    """Return a list of objects, what is none of them as an empty one."""
    return [mapping(item) for item in items(content)]


def ttl_of(marker: object) -> str | None:
    """Return the time to live a cache marker asks for, None if there is no marker."""
    if not isinstance(marker, dict):
        return None
    return "1h" if mapping(cast("object", marker)).get("ttl") == "1h" else "5m"


def unmarked(item: object) -> object:
    """Return a message or a block without markers. The input of a call holds data, not markers."""
    if not isinstance(item, dict):
        return item
    fields = mapping(cast("object", item)).items()
    return {key: _inside(key, part) for key, part in fields if key != "cache_control"}


def _inside(key: str, part: object) -> object:
    if key == "content" and isinstance(part, str | list):
        return [unmarked(item) for item in listed(cast("object", part))]
    return unmarked(part) if key == "source" else part


def known_by(block: Json) -> str:
    """Return what a block of a reply is known by, in the reply and in the history alike.

    Clients trim text, and add markers; ids and signatures they send back as they came.
    """
    match block:
        case {"type": "text", "text": str(text)}:
            return "text " + _digest(text.strip())
        case {"type": "thinking"}:
            return "thinking " + _digest(string(block.get("signature")))
        case {"type": "redacted_thinking"}:
            return "thinking " + _digest(string(block.get("data")))
        case {"type": str(kind), "id": str(id)}:
            return f"{kind} {id}"
        case _:
            return "other " + _digest(_CANONICAL.encode(unmarked(block)).decode())


def _digest(text: str) -> str:
    said = text.encode(errors="surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()
