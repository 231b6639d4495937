"""Messages as Anthropic's API takes them: a JSON list, an object that holds it, or one a line.

Consecutive messages of the model are one reply.
"""

from collections.abc import Iterable

from pichay_core.traces import blocks, chat
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import anthropic_usage
from pichay_core.wire.shapes import Json, items, mapping, string

name = "anthropic-chat"

_TOOL_TALK = ("tool_use", "tool_result")


def recognises(recording: Recording) -> bool:
    """True if a list of messages holds calls or results in Anthropic's shape."""
    return any(
        mapping(part).get("type") in _TOOL_TALK
        for _, messages in chat.lists(recording)
        for message in messages
        for part in items(message.get("content"))
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield a conversation for each list."""
    for number, (_, messages) in enumerate(chat.lists(recording)):
        telling = Telling(recording.name if not number else f"{recording.name}#{number + 1}")
        for message in messages:
            _tell(telling, message)
        yield conversation(telling)


def _tell(telling: Telling, message: Json) -> None:
    at = seconds(message.get("timestamp"))
    if message.get("role") != "assistant":
        telling.user(said(message.get("content")), at)
        return
    telling.reply(
        said(message.get("content")),
        model=string(message.get("model")),
        at=at,
        usage=anthropic_usage(message.get("usage")),
    )


def said(content: object) -> list[Block]:
    """Return the blocks of a message, without cache markers and without images' data."""
    if isinstance(content, str):
        return blocks.text(content)
    return [block for part in items(content) for block in _part(mapping(part))]


def _part(part: Json) -> list[Block]:
    match part.get("type"):
        case "tool_result":
            answered = part.get("tool_use_id")
            return [blocks.result(answered, part.get("content"), part.get("is_error"))]
        case "text" | "image":
            return blocks.texts([part])
        case str():
            return [{key: item for key, item in part.items() if key != "cache_control"}]
        case _:
            return []
