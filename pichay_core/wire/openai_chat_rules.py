"""The structural rules of Chat Completions, checked on every body that was rewritten.

Rule of this file: as in :mod:`pichay_core.wire.rules`, a *set* of broken rules, to be compared with
that of the client's own body. Rules on cache markers are those of the provider behind the host
that takes them: Anthropic.
Source: OpenAI's error strings; DeepSeek's for a message of the model that says nothing.
"""

from collections.abc import Iterator, Sequence

from pichay_core.wire.format import Head
from pichay_core.wire.message import ASSISTANT, Message
from pichay_core.wire.rules import marker_problems, pairing, unique

_UNANSWERED = "tool_call_ids did not have response messages"
_UNASKED = "role 'tool' must be a response to a preceeding message with 'tool_calls'"


def problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which rules of Chat Completions a conversation breaks."""
    return frozenset(
        (
            *marker_problems(head, messages),
            *pairing(messages, _UNANSWERED, _UNASKED),
            *unique(messages),
            *_empty(messages),
        )
    )


def _empty(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        if message.role == ASSISTANT and not message.blocks:
            yield f"messages.{position}: content or tool_calls must be set"


def takes_note(messages: Sequence[Message]) -> bool:
    """True if a text may stand behind what the user says last.

    Not behind the result of a deprecated function call, nor behind what is no text at all.
    """
    last = messages[-1] if messages else None
    if last is None or last.role != "user":
        return False
    kinds = {block.type for block in last.blocks}
    return bool(kinds & {"text", "tool_result"}) and "function" not in kinds
