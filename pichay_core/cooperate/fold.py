"""Old turns that a summary of the model's stands for: one fold, and what is sent in its place.

Rule of this file: the text is a function of the fold alone, so that it is the same for ever. It
stands in the user's role, says who wrote it and what is missing, and quotes the summary line by
line, so that nothing in it can pass for the end of the quotation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from pichay_core.model import Handle

RECALL = "memory_fault"
"""The tool by which the model can have the turns back."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A summary that is to stand, or stands, for the messages ``first`` up to ``until``.

    Both are positions of replies, so that what is between them are whole exchanges: from a reply
    on to the last message of the user before another one.
    """

    first: int
    until: int
    turns: tuple[int, int]
    """The turn of the reply that it begins with, and that of the last message in it."""
    summary: str
    handle: Handle
    digest: str
    """Of what the messages say, hexadecimal; their text is kept by this name."""
    asked: int
    """The turn in which the model asked for it."""
    results: int = 0
    prompts: int = 0
    """Messages of the user in it that answer no call."""
    thoughts: int = 0
    recallable: bool = False
    """The model is offered the tool that brings the turns back."""
    done: int | None = None
    """The turn in which it was carried out; None while it waits for a flush."""
    gone: bool = False
    """It does not stand any more: the client has gone back, or has summed all of it up."""

    @property
    def messages(self) -> int:
        """How many messages it covers."""
        return self.until - self.first

    @property
    def out(self) -> bool:
        """True if its messages are not sent, as far as it goes."""
        return self.done is not None and not self.gone

    def contains(self, other: "Fold") -> bool:
        """True if it covers all that the other covers."""
        return self.first <= other.first and other.until <= self.until

    def overlaps(self, other: "Fold") -> bool:
        """True if a message is covered by both."""
        return self.first < other.until and other.first < self.until


def as_text(folds: Sequence[Fold]) -> str:
    """Return folds as JSON, the same for equal values; empty for none."""
    return msgspec.json.encode(folds, order="sorted").decode() if folds else ""


def folds_of(text: str | None) -> tuple[Fold, ...]:
    """Return what :func:`as_text` wrote. Raises msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=tuple[Fold, ...]) if text else ()


def shown(fold: Fold) -> str:
    """Return the text that stands for the messages of a fold."""
    first, last = fold.turns
    how = f" {RECALL} with page {fold.handle} brings back the original." if fold.recallable else ""
    head = (
        f"[Turns {first:,} to {last:,} of this conversation took place, but are not shown here: "
        f"{_listed(_missing(fold))}. Below is the assistant's own summary of them, written in turn "
        f"{fold.asked:,}, as a quotation; details are missing from it.{how}]"
    )
    return "\n".join((head, *(f"> {line}".rstrip() for line in fold.summary.splitlines())))


def _missing(fold: Fold) -> Iterable[str]:
    yield _times(fold.messages, "message")
    if fold.prompts:
        yield f"{fold.prompts:,} of them from the user"
    if fold.results:
        yield _times(fold.results, "tool result")
    if fold.thoughts:
        yield _times(fold.thoughts, "block of thinking", "blocks of thinking")


def _times(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
