"""What the scripted model says to a request.

Rule of this file: the same request gets the same answer. Ids of calls are made of task and step,
so that they are the same with Pichay and without; a signature is made of what it signs, so that
thinking which was touched on the way is found out.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from acceptance_parts.asked import Asked
from acceptance_parts.codemode import opened
from acceptance_parts.script import TASKS, Move
from acceptance_parts.tools import Called, call, canonical, example
from pichay_cli.demo.places import tokens_of
from pichay_cli.demo.project import RIGHT, WRONG

_NOTHING = Move("There is nothing left in the script.")
PIECE = 48
"""Letters in one delta."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reply of the model."""

    name: str
    """Task and step, or ``side``."""
    text: str
    thinking: str = ""
    calls: Sequence[Called] = ()

    @property
    def tokens(self) -> int:
        """How many output tokens are billed."""
        spoken = self.text + self.thinking
        calls = "".join(canonical(call.arguments) + call.text for call in self.calls)
        return 4 + tokens_of(spoken + calls)

    @property
    def move(self) -> str:
        """What it did, in one line."""
        return " ".join((self.name, *(call.tool.name for call in self.calls)))

    def call_id(self, number: int, prefix: str) -> str:
        """Return the id of one of its calls."""
        return f"{prefix}Acceptance{self.name.replace('.', 'x')}x{number}"


def said(asked: Asked, root: Path) -> Said:
    """Return the model's reply; files are those of the project *root*."""
    if asked.is_side:
        text = "Acceptance" if asked.schema is None else canonical(example(asked.schema))
        return Said("side", text)
    name = f"{asked.task}.{asked.step:02d}"
    if asked.writes_edits:
        return Said(name, _EDITS.get(asked.task, "Nothing is to be changed."))
    moves = TASKS.get(asked.task, ())
    move = moves[asked.step] if asked.step < len(moves) else _NOTHING
    calls = [found for act in move.acts if (found := call(act, opened(asked.tools), root))]
    text = move.text or ("" if calls else "No tool for this.")
    return Said(name, text, move.thinking if asked.thinks else "", calls)


def signature(text: str) -> str:
    """Return what proves that thinking came back as it was."""
    return base64.b64encode(hashlib.sha512(b"acceptance" + text.encode()).digest() * 2).decode()


def pieces(text: str) -> list[str]:
    """Return the text in the pieces in which it is streamed."""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _block(path: str, old: str, new: str) -> str:
    return f"{path}\n```python\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n"


_EDITS = {
    "one": "The comparison is wrong.\n\n" + _block("harbour/berths.py", WRONG, RIGHT),
    "two": "Tugs know no late departure; I say so.\n\n"
    + _block("docs/changes.md", "", "# Changes\n\n- tugs: none\n"),
}
"""Replies to a client that wants edits as text."""
