"""The structural rules of a provider, checked on every body that was rewritten.

One idea: a rewrite may not break a rule that the client's own body kept. So the rules give a
*set* of broken ones, and the caller compares two sets.
Source: Anthropic's Messages reference and the error strings it documents.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from pichay_core.wire.format import Head
from pichay_core.wire.message import Block, Message

MAXIMUM_MARKERS = 4

_UNANSWERED = "tool_use ids were found without tool_result blocks immediately after"
_UNASKED = "unexpected tool_use_id found in tool_result blocks"


def problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which rules of Anthropic Messages a conversation breaks."""
    return frozenset(
        (
            *_markers(head, messages),
            *pairing(messages, _UNANSWERED, _UNASKED),
            *_order(messages),
            *unique(messages),
            *_empty(messages),
        )
    )


def marker_problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which of the rules on cache markers a conversation breaks."""
    return frozenset(_markers(head, messages))


def takes_note(messages: Sequence[Message]) -> bool:
    """True if a text may stand behind what the user says last, as far as these rules go.

    Where a tool of the provider is still at work, only tool results may stand.
    """
    last = messages[-1] if messages else None
    if last is None or last.role != "user" or not last.blocks:
        return False
    return not (any(block.empty for block in last.blocks) or _at_work(messages[:-1]))


def _at_work(messages: Sequence[Message]) -> bool:
    """True if the latest reply calls a tool of the provider's and holds no result of it."""
    reply = takewhile(lambda message: message.role == "assistant", reversed(messages))
    kinds = Counter(block.type for message in reply for block in message.blocks)
    called = sum(kinds[kind] for kind in _OWN_CALLS)
    return called > sum(count for kind, count in kinds.items() if kind.endswith("_tool_result"))


_OWN_CALLS = ("server_tool_use", "mcp_tool_use")
"""Of tools that the provider runs; their results stand in the reply."""


def _markers(head: Head, messages: Sequence[Message]) -> Iterator[str]:
    own = [ttl for message in messages for _, ttl in message.marks]
    ttls = [*head.ttls, *own, *([head.automatic] if head.automatic else [])]
    if len(ttls) > MAXIMUM_MARKERS:
        yield f"A maximum of {MAXIMUM_MARKERS} blocks with cache_control may be provided"
    if ("5m", "1h") in pairwise(ttls):
        yield "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"


def pairing(messages: Sequence[Message], unanswered: str, unasked: str) -> Iterator[str]:
    """Say, in these words, which calls are not answered at once and which answers nobody asked."""
    for position, message in enumerate(messages):
        asked = _ids(message, "tool_use") if message.role == "assistant" else []
        if asked and position + 1 < len(messages):
            answered = set(_ids(messages[position + 1], "tool_result"))
            yield from (f"{unanswered}: {call}" for call in asked if call not in answered)
        given = _ids(message, "tool_result")
        if given:
            before = set(_ids(messages[position - 1], "tool_use")) if position else set[str]()
            yield from (f"{unasked}: {call}" for call in given if call not in before)


def _order(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        kinds = [block.type == "tool_result" for block in message.blocks]
        if kinds != sorted(kinds, reverse=True):
            yield f"messages.{position}: tool_result blocks must come before other content"


def unique(messages: Sequence[Message]) -> Iterator[str]:
    """Say which calls share an id, and where one has several results."""
    calls = Counter(call for message in messages for call in _ids(message, "tool_use"))
    yield from (f"tool_use ids must be unique: {call}" for call in calls if calls[call] > 1)
    for position, message in enumerate(messages):
        results = Counter(_ids(message, "tool_result"))
        if any(count > 1 for count in results.values()):
            yield f"messages.{position}: each tool_use must have a single result"


def _empty(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        if not message.blocks:
            yield f"messages.{position}: all messages must have non-empty content"
        if any(block.empty for block in message.blocks):
            yield f"messages.{position}: text content blocks must be non-empty"


def _ids(message: Message, kind: str) -> list[str]:
    return [_id(block) for block in message.blocks if block.type == kind]


def _id(block: Block) -> str:
    return block.id or ""
