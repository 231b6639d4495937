"""Chat Completions: the shapes that messages come in, read the same way everywhere.

Rule of this file: an *item* is one element of the list ``messages``. Consecutive items of the role
``tool`` are one message of the user, a block each; every other item is a message of its own. The
blocks of an item are its content parts, then its calls, then whatever else it says.
Source: OpenAI's reference of Chat Completions; OpenRouter and LiteLLM for ``cache_control``,
``reasoning_details`` and ``thinking_blocks``.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import ttl_of
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.shapes import Json, items, mapping, string

TOOL = "tool"
LEADING = ("system", "developer")
"""Roles of the messages that are the head where they stand first."""
MARKERS = ("cache_control", "prompt_cache_breakpoint")
"""Members of a content part that mark the prefix for the provider's cache, and say nothing."""

_CANONICAL = msgspec.json.Encoder(order="sorted")
_KINDS = {"image_url": "image", "file": "document", "thinking": "reasoning"}
"""What the core calls a type of content part, where it has another word for it. Thinking in a part
of its own (Mistral) is not signed."""
_OTHERS = ("refusal", "audio", "function_call")
"""What a message of the model may say beside its content and its calls."""


class Called(NamedTuple):
    """What one element of ``tool_calls`` calls."""

    id: str
    tool: str
    arguments: object
    """As JSON says them; a string that is no JSON as it is."""


def items_of(raw: bytes) -> list[Json]:
    """Return the items that the text of one message holds. Raises Unreadable."""
    return [mapping(item) for item in items(jsontext.value(b"[" + raw + b"]"))]


def role_of(item: Json) -> str:
    """Return who says it: results are the user's, a developer is the system."""
    role = string(item.get("role"))
    return {TOOL: "user", "function": "user", "developer": "system"}.get(role, role)


def parts(item: Json) -> list[Json]:
    """Return the content as a list of parts: of a string one, of an empty one none."""
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [mapping(part) for part in items(content)]


def kind_of(part: Json) -> str:
    """Return the type of a content part in the words of the core."""
    kind = string(part.get("type"))
    return _KINDS.get(kind, kind)


def calls(item: Json) -> list[Json]:
    """Return the elements of ``tool_calls``."""
    return [mapping(call) for call in items(item.get("tool_calls"))]


def called(call: Json) -> Called:
    """Return what is called, by a call of either type."""
    custom, function = mapping(call.get("custom")), mapping(call.get("function"))
    if call.get("type") == "custom":
        return Called(string(call.get("id")), string(custom.get("name")), custom.get("input"))
    arguments = _arguments(function.get("arguments"))
    return Called(string(call.get("id")), string(function.get("name")), arguments)


def _arguments(written: object) -> object:
    if not isinstance(written, str):
        return written
    try:
        return jsontext.value(written.encode()) if written.strip() else {}
    except (Unreadable, UnicodeEncodeError):
        return written


def others(item: Json) -> Iterator[str]:
    """Yield what an item says beside content and calls, by a word for each."""
    yield from (name for name in _OTHERS if item.get(name))
    if item.get("role") == "function":
        yield "function"


def is_signed(item: Json) -> bool:
    """True if the item holds thinking with a signature that Anthropic's models check.

    LiteLLM passes it on as ``thinking_blocks``, OpenRouter as ``reasoning_details``.
    """
    blocks = map(mapping, items(item.get("thinking_blocks")))
    if any(block.get("signature") or block.get("type") == "redacted_thinking" for block in blocks):
        return True
    details = map(mapping, items(item.get("reasoning_details")))
    return any(detail.get("signature") or _is_redacted(detail) for detail in details)


def _is_redacted(detail: Json) -> bool:
    is_claude = string(detail.get("format")).startswith("anthropic")
    return detail.get("type") == "reasoning.encrypted" and is_claude


def markers(item: Json) -> list[str]:
    """Return the times to live of an item's cache markers: those of its parts, then its own."""
    found = (ttl_of(one.get("cache_control")) for one in (*parts(item), item))
    return [ttl for ttl in found if ttl]


def identity(said: Iterable[Json]) -> bytes:
    """Hash what items say, however a client sends it.

    A string is a list of one text part, and nothing is an empty list. Left out is what clients
    drop or move: cache markers, what the model thought, and every member that is not known to say
    anything. The arguments of a call are compared as JSON.
    """
    said = [_canonical(item) for item in said]
    return hashlib.blake2b(_CANONICAL.encode(said), digest_size=16).digest()


def _canonical(item: Json) -> Json:
    said = {name: item.get(name) for name in ("name", "tool_call_id", *_OTHERS)}
    return {
        **{name: value for name, value in said.items() if value is not None},
        "role": string(item.get("role")) if item.get("role") == TOOL else role_of(item),
        "content": [unmarked(part) for part in parts(item)],
        "calls": [called(call) for call in calls(item)],
    }


def unmarked(item: Json) -> Json:
    """Return a part, or a tool's definition, without its cache markers."""
    return {name: value for name, value in item.items() if name not in MARKERS}


def members_of(raw: bytes) -> dict[str, bytes]:
    """Return the text of each member of an object. Raises Unreadable."""
    return {name: raw[at.start : at.end] for name, at in jsontext.members(raw).items()}


def object_of(members: Mapping[str, bytes]) -> bytes:
    """Return an object that has these members."""
    said = (jsontext.encode(name) + b":" + value for name, value in members.items())
    return b"{" + b",".join(said) + b"}"


def elements_of(raw: bytes) -> list[bytes]:
    """Return the text of each element of a list; nothing of what is none."""
    if raw[:1] != b"[":
        return []
    return [raw[at.start : at.end] for at in jsontext.elements(raw, jsontext.whole(raw))]


def known_by(text: str) -> str:
    """Return what a text of a reply is known by, in the reply and in the history alike.

    Clients trim a text, and join those of several replies that they were shown as one: so its
    length stands beside the hash, and it is found at the beginning of a longer one.
    """
    stripped = text.strip()
    digest = hashlib.blake2b(stripped.encode(errors="surrogatepass"), digest_size=12)
    return f"text {len(stripped)} {digest.hexdigest()}"
