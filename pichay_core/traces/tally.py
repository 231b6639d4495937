"""What a recording holds, each thing counted once.

A client that compacts, clears or rewinds sends some results again. They are no new results,
though they stand in what a step adds.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pichay_core.traces.trace import Conversation, Trace
from pichay_core.wire.message import Message, Result


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a recording holds."""

    conversations: int
    turns: int
    """Replies of the model."""
    results: int
    """Tool results, each once."""
    bytes: int
    """Bytes of their text; none for those that hold an image or the like."""
    skipped: int


def counts(trace: Trace) -> Counts:
    """Return how much a recording holds."""
    results = [result for told in trace.conversations for result in fresh(told)]
    return Counts(
        conversations=len(trace.conversations),
        turns=sum(step.reply is not None for told in trace.conversations for step in told.steps),
        results=len(results),
        bytes=sum(result.bytes for result in results),
        skipped=trace.skipped,
    )


def fresh(told: Conversation) -> Iterator[Result]:
    """Yield the tool results of a conversation in order, without those that are sent again."""
    window: list[Message] = []
    for step in told.steps:
        again = Counter(_ids(window[step.keeps :]))
        for result in (result for message in step.new for result in message.results):
            if again[result.call_id] > 0:
                again[result.call_id] -= 1
            else:
                yield result
        window[step.keeps :] = step.new


def _ids(messages: list[Message]) -> Iterator[str]:
    return (result.call_id for message in messages for result in message.results)
