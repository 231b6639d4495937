"""OpenAI Responses: what the items of a conversation are, read the same way everywhere.

Rule of this file: what an item of an unknown kind says is not guessed; it is one block, by its own
name, and nobody's side.
Source: the types of openai-python 3.52 (``ResponseInputItemParam``, ``ResponseOutputItem``).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from pichay_core.model import Call
from pichay_core.tools import describe
from pichay_core.wire import jsontext
from pichay_core.wire.codex_output import Output, output
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import ASSISTANT
from pichay_core.wire.shapes import Json, items, mapping, string

RESULTS = "results"
"""The side that answers calls. Of the sides, this one and the assistant's say several items at
once; any other item is a message of its own."""
_OURS = ("reasoning", "compaction", "program", "program_output", "mcp_list_tools",
         "mcp_approval_request")  # fmt: skip
"""What the model's side says, besides messages and calls."""

CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}
"""Calls that the client answers, and where each says what it asks for."""
_NAMELESS = {"local_shell_call": "local_shell", "shell_call": "shell",
             "apply_patch_call": "apply_patch"}  # fmt: skip
_ANSWERS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output",
            "shell_call_output", "apply_patch_call_output")  # fmt: skip
_FIXED = ("apply_patch_call_output",)
"""Answers whose text is never replaced: it is a line, and its place may be empty."""
_TEXTS = ("input_text", "output_text", "text")
_PARTS = dict.fromkeys(_TEXTS, "text") | {"input_image": "image", "input_file": "document"}
"""Parts of a message, by the core's words for them."""

MARKERS = ("prompt_cache_breakpoint", "cache_control")
"""Where hosts of this wire take a cache marker, on a part."""
PASSTHROUGH = "internal_chat_message_metadata_passthrough"
"""What Codex notes on its items for itself."""


class Unit(NamedTuple):
    """One block of a message: an item, or a part of one."""

    item: int
    part: int | None
    """None where the block is the whole item, or the text of one whose content is a string."""
    type: str
    said: Json
    """The part, or the item itself."""


def items_of(raw: bytes) -> list[Json]:
    """Return the items of a message; a string is the message of the user that it stands for."""
    return [_item(one) for one in items(jsontext.value(b"[" + raw + b"]"))]


def _item(one: object) -> Json:
    if isinstance(one, str):
        return {"type": "message", "role": "user", "content": one}
    return mapping(one)


def places_of(raw: bytes) -> tuple[bytes, list[Place]]:
    """Return the items of a message as a list, and where each stands in it. Raises Unreadable."""
    listed = b"[" + raw + b"]"
    return listed, jsontext.elements(listed, Place(0, len(listed)))


def side(item: Json) -> str:
    """Say whose an item is, of those who say several at once: else it is a message of its own."""
    kind = kind_of(item)
    if kind == "message":
        return ASSISTANT if item.get("role") == ASSISTANT else ""
    if kind in _OURS or kind.endswith("_call"):
        return ASSISTANT
    if kind == "tool_search_output" and item.get("execution") == "server":
        return ASSISTANT
    return RESULTS if kind.endswith("_output") else ""


def role_of(item: Json) -> str:
    """Return the role of a message that begins with this item, as the core names roles."""
    found = side(item)
    if found:
        return ASSISTANT if found == ASSISTANT else "user"
    spoken = kind_of(item) == "message" and item.get("role") == "user"
    return "user" if spoken or kind_of(item) == "agent_message" else "system"


def kind_of(item: Json) -> str:
    """Return the type of an item; a message may come without one."""
    kind = string(item.get("type"))
    return kind or ("message" if "role" in item else "unknown")


def units(said: Sequence[Json]) -> Iterator[Unit]:
    """Yield the blocks of a message, in their order."""
    for at, item in enumerate(said):
        kind = kind_of(item)
        content = item.get("content")
        if kind == "message" and isinstance(content, list):
            for number, part in enumerate(map(mapping, items(cast("object", content)))):
                named = string(part.get("type"))
                yield Unit(at, number, _PARTS.get(named, named or "unknown"), part)
        elif kind == "message" and isinstance(content, str):
            yield Unit(at, None, "text", {"type": "text", "text": content})
        elif kind != "message":
            yield Unit(at, None, _block_type(kind), item)


def _block_type(kind: str) -> str:
    if kind in CALLS:
        return "tool_use"
    return "tool_result" if kind in _ANSWERS else kind


def call_id(item: Json) -> str:
    """Return the id that a call and its answer share."""
    return string(item.get("call_id")) or string(item.get("id"))


def call_of(item: Json) -> Call | None:
    """Return the call that an item makes, None if the client has none to answer."""
    kind = kind_of(item)
    if kind not in CALLS:
        return None
    return describe(call_id(item), tool_of(item), _arguments(item.get(CALLS[kind])))


def tool_of(item: Json) -> str:
    """Return the name of the tool that is called, with its namespace before it."""
    name = _NAMELESS.get(kind_of(item)) or string(item.get("name"))
    namespace = string(item.get("namespace"))
    if namespace.startswith("mcp__"):
        return f"{namespace.rstrip('_')}__{name.lstrip('_')}"
    return f"{namespace}.{name}" if namespace else name


def _arguments(said: object) -> object:
    """Return arguments as they are meant; text that is no JSON as it came."""
    if not isinstance(said, str):
        return said
    try:
        return jsontext.value(said.encode(errors="surrogatepass"))
    except jsontext.Unreadable:
        return said


def output_of(item: Json) -> Output | None:
    """Return what an answer says, None if any part of it is not text, or must stay."""
    said = item.get("output")
    if kind_of(item) in _FIXED:
        return None
    if kind_of(item) == "shell_call_output":
        return _shell_output([mapping(part) for part in items(said)])
    if said is None:
        return Output("")
    if isinstance(said, str):
        return output(said)
    return _listed(items(cast("object", said))) if isinstance(said, list) else None


def _listed(parts: Sequence[object]) -> Output | None:
    """Return what parts say; a head of Codex stands in front, or is a part of its own."""
    texts = [string(part.get("text")) for part in map(mapping, parts)]
    if any(mapping(part).get("type") not in _TEXTS for part in parts):
        return None
    first = output(texts[0]) if texts else Output("")
    bare = len(texts) > 1 and texts[0] and not first.text
    rest = texts[1:] if bare else [first.text, *texts[1:]]
    return first._replace(text="\n".join(rest))


def _shell_output(parts: Sequence[Json]) -> Output:
    texts = [string(part.get(name)) for part in parts for name in ("stdout", "stderr")]
    outcomes = [mapping(part.get("outcome")) for part in parts]
    failed = any(end.get("type") == "timeout" or end.get("exit_code", 0) != 0 for end in outcomes)
    return Output("\n".join(text for text in texts if text), failed)
