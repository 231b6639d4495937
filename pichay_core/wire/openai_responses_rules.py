"""The structural rules of OpenAI Responses, checked on every body that was rewritten.

One idea: a rewrite may not break a rule that the client's own body kept. So the rules give a
*set* of broken ones, and the caller compares two sets.
Source: the error texts of the API ("No tool output found for function call", "was provided without
its required following item").
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from pichay_core.wire.format import Head
from pichay_core.wire.message import ASSISTANT, Message

_UNANSWERED = "No tool output found for function call"
_UNASKED = "No tool call found for function call output with call_id"
_ALONE = "Item of type 'reasoning' was provided without its required following item"


def problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which rules of OpenAI Responses a conversation breaks."""
    return frozenset((*_pairing(messages), *_unique(messages), *_reasoning(messages)))


def marker_problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Return nothing: no cache marker is ever added on this wire."""
    return frozenset()


def takes_note(messages: Sequence[Message]) -> bool:
    """True if a text may stand behind what the user says last."""
    last = messages[-1] if messages else None
    return last is not None and last.role == "user" and bool(last.blocks)


def _pairing(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the calls without an answer anywhere behind them, and the answers without a call."""
    open_calls: dict[str, None] = {}
    for message in messages:
        for kind, name in _paired(message):
            if kind == "tool_use":
                open_calls[name] = None
            elif open_calls.pop(name, "") == "":
                yield f"{_UNASKED} {name}"
    yield from (f"{_UNANSWERED} {name}" for name in open_calls)


def _unique(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the calls that stand there twice."""
    calls = Counter(name for one in messages for kind, name in _paired(one) if kind == "tool_use")
    yield from (f"Duplicate function call {name}" for name in calls if calls[name] > 1)


def _paired(message: Message) -> Iterator[tuple[str, str]]:
    for block in message.blocks:
        if block.type in ("tool_use", "tool_result"):
            yield block.type, block.id or ""


def _reasoning(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the places where reasoning stands with nothing of the model's behind it."""
    for position, message in enumerate(messages[:-1]):
        last = message.blocks[-1].type if message.blocks else ""
        if message.role == ASSISTANT and last == "reasoning":
            yield f"messages.{position}: {_ALONE}"
