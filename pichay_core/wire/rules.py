"""The structural rules of a provider, checked on every body that was rewritten.

One idea: a rewrite may not break a rule that the client's own body kept. So the rules give a
*set* of broken ones, and the caller compares two sets.
Source: Anthropic's Messages reference and the error strings it documents.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from pichay_core.wire.format import Head
from pichay_core.wire.message import Block, Message

MAXIMUM_MARKERS = 4


def problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which rules of Anthropic Messages a conversation breaks."""
    return frozenset(
        (
            *_markers(head, messages),
            *_pairing(messages),
            *_order(messages),
            *_unique(messages),
            *_empty(messages),
        )
    )


def marker_problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which of the rules on cache markers a conversation breaks."""
    return frozenset(_markers(head, messages))


def _markers(head: Head, messages: Sequence[Message]) -> Iterator[str]:
    own = [ttl for message in messages for _, ttl in message.marks]
    ttls = [*head.ttls, *own, *([head.automatic] if head.automatic else [])]
    if len(ttls) > MAXIMUM_MARKERS:
        yield f"more than {MAXIMUM_MARKERS} cache_control markers: {len(ttls)}"
    if any(early == "5m" and late == "1h" for early, late in zip(ttls, ttls[1:], strict=False)):
        yield "a longer cache_control ttl after a shorter one"


def _pairing(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        asked = _ids(message, "tool_use") if message.role == "assistant" else []
        if asked and position + 1 < len(messages):
            answered = set(_ids(messages[position + 1], "tool_result"))
            yield from (f"tool_use {call} is not answered" for call in asked if call not in answered)
        given = _ids(message, "tool_result")
        if given:
            before = set(_ids(messages[position - 1], "tool_use")) if position else set[str]()
            yield from (f"tool_result {call} answers nothing" for call in given if call not in before)


def _order(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        kinds = [block.type == "tool_result" for block in message.blocks]
        if kinds != sorted(kinds, reverse=True):
            yield f"messages.{position}: a tool_result after other content"


def _unique(messages: Sequence[Message]) -> Iterator[str]:
    calls = Counter(call for message in messages for call in _ids(message, "tool_use"))
    yield from (f"tool_use id {call} is not unique" for call, count in calls.items() if count > 1)
    for position, message in enumerate(messages):
        results = Counter(_ids(message, "tool_result"))
        if any(count > 1 for count in results.values()):
            yield f"messages.{position}: a tool_result occurs twice"


def _empty(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        if any(block.empty for block in message.blocks):
            yield f"messages.{position}: text content blocks must be non-empty"


def _ids(message: Message, kind: str) -> list[str]:
    return [_id(block) for block in message.blocks if block.type == kind]


def _id(block: Block) -> str:
    return block.id or ""
