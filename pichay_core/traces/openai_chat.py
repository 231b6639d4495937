"""Chat completions: a list of messages as OpenAI's API takes them, in one of many exports.

Consecutive messages of the model are one reply; some exports use a call id again and again.
"""

from collections.abc import Iterable

from pichay_core.traces import blocks, chat
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.wire.shapes import Json, items, mapping, string

name = "openai-chat"


def recognises(recording: Recording) -> bool:
    """True if a list holds calls or results in OpenAI's shape, or nothing but text."""
    return any(
        any(_is_tool_talk(message) for message in messages) or not any(map(_is_foreign, messages))
        for _, messages in chat.lists(recording)
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield a conversation for each list."""
    for number, (owner, messages) in enumerate(chat.lists(recording)):
        id = recording.name if not number else f"{recording.name}#{number + 1}"
        yield conversation(_told(Telling(id), messages, _model(owner)))


def _is_tool_talk(message: Json) -> bool:
    return message.get("role") in ("tool", "function") or bool(message.get("tool_calls"))


def _is_foreign(message: Json) -> bool:
    kinds = {string(mapping(part).get("type")) for part in items(message.get("content"))}
    return bool(kinds & {"tool_use", "tool_result"})


def _model(owner: Json) -> str:
    return string(owner.get("model")) or string(mapping(owner.get("meta")).get("model"))


def _told(telling: Telling, messages: list[Json], model: str) -> Telling:
    for message in messages:
        at = seconds(mapping(message.get("_metadata")).get("timestamp", message.get("timestamp")))
        match message.get("role"):
            case "assistant":
                said_by = string(message.get("model")) or model
                telling.reply(_said(message), model=said_by, at=at)
            case "tool" | "function":
                answered = message.get("tool_call_id") or message.get("name")
                telling.user([blocks.result(answered, message.get("content"))], at)
            case _:
                telling.user(blocks.texts(message.get("content")), at)
    return telling


def _said(message: Json) -> list[Block]:
    content = message.get("content")
    said = blocks.text(content) if isinstance(content, str) else []
    said += [block for part in items(content) for block in _part(mapping(part))]
    if message.get("reasoning_content"):
        said.append(blocks.thinking(message["reasoning_content"]))
    return said + [_call(mapping(call)) for call in items(message.get("tool_calls"))]


def _part(part: Json) -> list[Block]:
    match part.get("type"):
        case "text" | "output_text":
            return blocks.text(part.get("text"))
        case "thinking" | "reasoning":
            thought = part.get("thinking") or part.get("text")
            return [blocks.thinking(thought)] if thought else []
        case _:
            return []


def _call(call: Json) -> Block:
    function = mapping(call.get("function"))
    return blocks.call(call.get("id"), function.get("name"), function.get("arguments"))
