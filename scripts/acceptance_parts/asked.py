"""What a request asks of the scripted model, whatever wire it came over.

Rule of this file: the next move is read off the request alone, so a retry gets the same answer
and the upstream remembers nothing of a conversation. The task is the last one that a user named;
the step in it is the number of replies since.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from acceptance_parts.tools import Tools, canonical
from pichay_cli.demo.places import tokens_of
from pichay_core.prefix import Chain, Mark, Part, Ttl, Unit, identity

_TASK = re.compile(r"\(task (\w+)\)")


class By(StrEnum):
    """Who speaks."""

    USER = "user"
    MODEL = "model"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One part of a conversation. The text is that of the user; nobody else's is looked at."""

    by: By
    text: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input side, as a prefix cache sees it."""

    chain: Chain
    marks: tuple[Mark, ...] = ()
    automatic: Ttl | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is asked, and how the answer is to come."""

    model: str
    tools: Tools
    task: str
    """Empty if no user named one."""
    step: int
    prompt: Prompt
    stream: bool
    thinks: bool = False
    """The client takes thinking."""
    schema: Any = None
    """What the answer must fit, as JSON Schema; None for text."""
    writes_edits: bool = False
    """The client wants edits as text: it has no tools."""

    @property
    def is_side(self) -> bool:
        """True for titles, checks and the like, which are no part of the work."""
        return not self.task or self.schema is not None or not (self.tools or self.writes_edits)


def progress(spoken: Iterable[Spoken]) -> tuple[str, int]:
    """Return the task and the step of a conversation; ``("", 0)`` without a task."""
    row = list(spoken)
    for number, part in reversed(list(enumerate(row))):
        if part.by is By.USER and (found := _TASK.findall(part.text)):
            return found[-1], _replies(row[number + 1 :])
    return "", 0


def _replies(row: Sequence[Spoken]) -> int:
    return sum(by is By.MODEL for by, _ in groupby(row, key=lambda part: part.by))


def unit(part: Part, value: Any, ends: bool = True) -> Unit:
    """Return the unit of a prefix cache that stands for a JSON value."""
    text = canonical(value)
    return Unit(identity(text.encode(errors="surrogatepass")), tokens_of(text), part, ends)


def texts(content: Any) -> list[str]:
    """Return the texts of a message's content: a string, or parts with a ``text``."""
    match content:
        case str():
            return [content]
        case list():
            return [part["text"] for part in content
                    if isinstance(part, dict) and isinstance(part.get("text"), str)]  # fmt: skip
        case _:
            return []
