"""Anthropic's managed agents: the event log of a session, one event a line under ``raw``.

A reply is all that an agent says until it is answered. Each thread is a conversation, the first
one the main one.
"""

from collections.abc import Iterable

from pichay_core.traces import blocks
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import anthropic_usage
from pichay_core.wire.shapes import Json, mapping, string

name = "managed-agents"

_SPEAKERS = ("agent.", "user.", "session.", "span.")
_CALLS = ("agent.tool_use", "agent.custom_tool_use", "agent.mcp_tool_use")
_RESULTS = ("agent.tool_result", "agent.mcp_tool_result", "user.custom_tool_result")


def recognises(recording: Recording) -> bool:
    """True if an event has a ``raw`` of one of the log's types."""
    return any(
        string(mapping(record.get("raw")).get("type")).startswith(_SPEAKERS)
        for record in recording.records
    )


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield a conversation for each thread in which something was said."""
    threads: dict[str, Telling] = {}
    for record in recording.records:
        event = mapping(record.get("raw"))
        thread = string(event.get("session_thread_id"))
        if thread not in threads:
            kind = "subagent" if threads else "main"
            threads[thread] = Telling(thread or recording.name, kind)
        _tell(threads[thread], event)
    return [conversation(telling) for telling in threads.values()]


def _tell(telling: Telling, event: Json) -> None:
    at = seconds(event.get("processed_at"))
    content = event.get("content")
    match string(event.get("type")):
        case "span.model_request_end":
            usage = anthropic_usage(event.get("model_usage") or event.get("usage"))
            if usage is not None:
                telling.billed(usage)
        case "agent.message":
            telling.reply(blocks.texts(content), at=at)
        case "agent.thinking":
            telling.reply([blocks.thinking(content or event.get("thinking"))], at=at)
        case kind if kind in _CALLS:
            called = (event.get("id"), event.get("name"), event.get("input"))
            telling.reply([blocks.call(*called)], at=at)
        case kind if kind in _RESULTS:
            answered = event.get("tool_use_id") or event.get("custom_tool_use_id")
            telling.user([blocks.result(answered, content, event.get("is_error"))], at)
        case kind if kind.startswith("user."):
            telling.user(blocks.texts(event.get("description") or content), at)
        case kind if "compact" in kind:
            telling.compact()
        case _:
            pass
