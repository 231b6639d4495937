"""What the scripted upstream refuses, in the wording of the provider.

Rule of this file: a complaint is a sentence, or None. The wording matters: clients match it to
decide how to recover. Sources: the provider's error messages as quoted in public issue threads
(a call without its result, an empty text block, duplicate tool names, too many markers).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pichay_cli.demo.places import Json, blocks, ttl_of, turns

MARKERS = 4

_ROLES = ("user", "assistant", "system")

type Request = Mapping[str, Any]
type Turns = Sequence[tuple[str, list[Json]]]


def complaint(request: object) -> str | None:
    """Return why the provider would answer 400 to this request, or None."""
    if not isinstance(request, dict):
        return "The request body is not valid JSON: expected an object"
    return next((found for rule in _RULES if (found := rule(request))), None)


def _required_fields(request: Request) -> str | None:
    names = ("model", "max_tokens", "messages")
    missing = next((name for name in names if request.get(name) is None), None)
    return f"{missing}: Field required" if missing else None


def _message_shapes(request: Request) -> str | None:
    messages = request["messages"]
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'"
        if not isinstance(message.get("content"), str | list):
            return f"messages.{number}.content: Input should be a valid list"
    if messages[0]["role"] != "user":
        return 'messages: first message must use the "user" role'
    return None


def _tool_names(request: Request) -> str | None:
    counts = Counter(tool.get("name") for tool in request.get("tools") or ())
    return "tools: Tool names must be unique." if max(counts.values(), default=0) > 1 else None


def _texts(request: Request) -> str | None:
    for where, block in _places(request):
        if block.get("type") != "text":
            continue
        text = block.get("text")
        if not text and ttl_of(block):
            return f"{where}.cache_control: cache_control cannot be set for empty text blocks"
        if not text:
            return f"{_field(where)}: text content blocks must be non-empty"
        if not str(text).strip():
            return f"{_field(where)}: text content blocks must contain non-whitespace text"
    return None


def _markers(request: Request) -> str | None:
    found = [
        (where, ttl) for where, block in _places(request, tools=True) if (ttl := ttl_of(block))
    ]
    number = len(found) + (ttl_of(request) is not None)
    if number > MARKERS:
        return f"A maximum of {MARKERS} blocks with cache_control may be provided. Found {number}."
    times = [ttl for _, ttl in found]
    if "5m" in times and "1h" in times[times.index("5m") :]:
        where = next(where for where, ttl in found[times.index("5m") :] if ttl == "1h")
        return (
            f"{where}.cache_control.ttl: a ttl='1h' cache_control block must not come after a "
            "ttl='5m' cache_control block. Note that blocks are processed in the following "
            "order: `tools`, `system`, `messages`."
        )
    return None


def _unique_ids(request: Request) -> str | None:
    made = Counter(
        str(block.get("id")) for _, block in _places(request) if block.get("type") == "tool_use"
    )
    return "messages: `tool_use` ids must be unique" if max(made.values(), default=0) > 1 else None


def _pairs(request: Request) -> str | None:
    """Every call is answered at the head of the next message, once, and nothing else is."""
    row: Turns = turns(request["messages"])
    for number, (role, content) in enumerate(row):
        asked = _calls(row[number - 1][1]) if number else []
        answers = _leading_results(content) if role == "user" else []
        if found := _unanswered(number - 1, asked, answers):
            return found
        if found := _unasked(number, asked, content):
            return found
        if repeated := [name for name, times in Counter(answers).items() if times > 1]:
            return (
                f"messages.{number}.content: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {repeated[0]}"
            )
    return _unanswered(len(row) - 1, _calls(row[-1][1]), [])


def _unanswered(number: int, asked: Sequence[str], answers: Sequence[str]) -> str | None:
    missing = [name for name in asked if name not in answers]
    if not missing:
        return None
    return (
        f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
        "`tool_result` block in the next message."
    )


def _unasked(number: int, asked: Sequence[str], content: Sequence[Json]) -> str | None:
    for index, block in enumerate(content):
        if block.get("type") == "tool_result" and block.get("tool_use_id") not in asked:
            return (
                f"messages.{number}.content.{index}: unexpected `tool_use_id` found in "
                f"`tool_result` blocks: {block.get('tool_use_id')}. Each `tool_result` block must "
                "have a corresponding `tool_use` block in the previous message."
            )
    return None


def _calls(content: Sequence[Json]) -> list[str]:
    return [str(block.get("id")) for block in content if block.get("type") == "tool_use"]


def _leading_results(content: Sequence[Json]) -> list[str]:
    """Return the ids answered before anything else: a result after text answers nothing."""
    answers: list[str] = []
    for block in content:
        if block.get("type") != "tool_result":
            break
        answers.append(str(block.get("tool_use_id")))
    return answers


def _places(request: Request, *, tools: bool = False) -> Iterator[tuple[str, Json]]:
    """Yield (where, block) for the tools if asked for, the system blocks and all messages."""
    for index, tool in enumerate(request.get("tools") or () if tools else ()):
        yield f"tools.{index}", tool
    for index, block in enumerate(blocks(request.get("system"))):
        yield f"system.{index}", block
    for number, message in enumerate(request["messages"]):
        for index, block in enumerate(blocks(message.get("content"))):
            yield f"messages.{number}.content.{index}", block
            for inner, part in enumerate(blocks(block.get("content"))):
                yield f"messages.{number}.content.{index}.content.{inner}", part


def _field(where: str) -> str:
    return where.partition(".")[0]


_RULES: tuple[Callable[[Request], str | None], ...] = (
    _required_fields,
    _message_shapes,
    _tool_names,
    _texts,
    _markers,
    _unique_ids,
    _pairs,
)
