"""The structural rules of Gemini, checked on every body that was rewritten.

Source: the error texts of generateContent, as its users report them.
"""

from collections.abc import Iterator, Sequence

from pichay_core.wire.format import Head
from pichay_core.wire.message import ASSISTANT, Message

_UNEQUAL = (
    "the number of function response parts must be equal to the number of function call parts"
)
_EMPTY = "contents.parts must not be empty"


def problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Say which rules of generateContent a conversation breaks."""
    return frozenset((*_pairing(messages), *_empty(messages)))


def marker_problems(head: Head, messages: Sequence[Message]) -> frozenset[str]:
    """Return nothing: this provider has no cache markers."""
    return frozenset()


def takes_note(messages: Sequence[Message]) -> bool:
    """True if a text may stand behind what the user says last."""
    last = messages[-1] if messages else None
    return last is not None and last.role == "user" and bool(last.blocks)


def _pairing(messages: Sequence[Message]) -> Iterator[str]:
    """Compare each turn of the model with all that is said until its next."""
    calls, position, given = 0, -1, 0
    for at, message in enumerate(messages):
        if message.role != ASSISTANT:
            given += len(message.results)
            continue
        if calls != given:
            yield f"messages.{position}: {_UNEQUAL}"
        calls, position, given = len(message.calls), at, 0
    if calls != given and position != len(messages) - 1:
        yield f"messages.{position}: {_UNEQUAL}"


def _empty(messages: Sequence[Message]) -> Iterator[str]:
    for position, message in enumerate(messages):
        if not message.blocks:
            yield f"messages.{position}: {_EMPTY}"
