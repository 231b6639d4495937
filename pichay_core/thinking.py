"""What the model thought, and when it may be given up.

Rule of this file: all thinking up to a message, or none. A provider that binds thinking to what
stands before it takes a history whose oldest thinking is missing, but not one with a hole in it;
and no provider takes a reply without its thinking while the tools it called are being answered.
Source: Anthropic's documentation, "Preserved thinking".
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from pichay_core.wire.message import ASSISTANT, THINKING, Message


@dataclass(frozen=True, slots=True)
class Thinking:
    """All thinking that is still sent, to be given up together."""

    blocks: int
    tokens: int
    first: int
    """The first message that holds any."""
    upto: int
    """The message before which all of it stands."""


def may_be_given_up(
    messages: Sequence[Message],
    stripped: int,
    cold: bool,
    tokens_of: Callable[[int], int],
    folded: Collection[int] = (),
) -> Thinking | None:
    """Return the thinking behind the first *stripped* messages, None if it must stay or is none.

    It may go where no tool loop is open; where one is, it must hold no thinking itself, and the
    cache must be lost anyway. A message that is nothing but thinking cannot do without it. What is
    *folded* is not sent.
    """
    sent = (at for at in range(stripped, len(messages)) if at not in folded)
    found = [at for at in sent if messages[at].thinks]
    if not found or any(messages[at].only_thinks for at in found):
        return None
    loop = open_loop(messages)
    if loop and (not cold or any(message.thinks for message in loop)):
        return None
    return Thinking(
        blocks=sum(thoughts(messages[at]) for at in found),
        tokens=tokens_of(sum(messages[at].thought for at in found)),
        first=found[0],
        upto=len(messages),
    )


def thoughts(message: Message) -> int:
    """Return how many blocks of thinking a message holds."""
    return sum(block.type in THINKING for block in message.blocks)


def open_loop(messages: Sequence[Message]) -> list[Message]:
    """Return the replies since the last turn of the user that answers no tool call, newest first.

    Messages of one role are one turn, as the provider has it. A call that nobody answered keeps
    its loop open. None means that no loop is open.
    """
    replies: list[Message] = []
    answers, others = False, 0
    for message in reversed(messages):
        if message.role != ASSISTANT:
            answers, others = answers or bool(message.results), others + 1
            continue
        if others and not answers and not message.calls:
            return replies
        replies.append(message)
        answers, others = False, 0
    return replies


def loop_start(messages: Sequence[Message]) -> int:
    """Return the position of the first reply of the open tool loop; of the end if none is open."""
    replies = list(_replies(messages))
    loop = len(open_loop(messages))
    return replies[-loop] if loop else len(messages)


def still_stripped(
    known: Sequence[Message], stripped: int, messages: Sequence[Message], shared: int
) -> int:
    """Return how many of *messages* go without thinking, the first *shared* being as *known*.

    What was given up does not come back where the client changed something before it. Signed
    thinking is known by its message: no two are alike.
    """
    if stripped <= shared:
        return stripped
    given_up = {message.digest for message in known[shared:stripped]}
    later = reversed(range(shared, len(messages)))
    last = (at for at in later if messages[at].thinks and messages[at].digest in given_up)
    return next(last, shared - 1) + 1


def reopened(messages: Sequence[Message], stripped: int) -> int | None:
    """Return the latest reply if its thinking was given up, and is asked for again; else None.

    That is where the client returns into a tool loop which had been closed since.
    """
    latest = max(_replies(messages), default=-1)
    if latest < 0 or latest >= stripped or not messages[latest].thinks:
        return None
    return latest if open_loop(messages) else None


def _replies(messages: Sequence[Message]) -> Iterable[int]:
    return (at for at, message in enumerate(messages) if message.role == ASSISTANT)
