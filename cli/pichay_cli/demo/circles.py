"""What the scripted model says in a session that thrashes: files in a circle, files in a row.

Rule of this file: the references are those of session B of arXiv 2603.09023, 681 reads. Three files
are read in a circle, and now and then seven others one after the other: with rules that let a
result go after one turn, nearly every read is of a page that has just left.
"""

from collections.abc import Iterator

from pichay_cli.demo.project import MODULES
from pichay_cli.demo.scenario import Call, Move, scripted

READS = 681
IN_A_CIRCLE = 84
"""Reads of the three, before the seven are read once."""
PROMPT_READS = 50
"""Reads for one prompt; the agent stops after sixty requests."""
LINES = 60
"""Of each file: about 2 kB."""

_CIRCLE, _ROW = tuple(MODULES)[:3], tuple(MODULES)[3:]


def references() -> Iterator[str]:
    """Yield the files in the order in which they are read."""
    yield from (name for _, name in zip(range(READS), _endless(), strict=False))


def _endless() -> Iterator[str]:
    while True:
        for number in range(IN_A_CIRCLE):
            yield _CIRCLE[number % len(_CIRCLE)]
        yield from _ROW


def _read(name: str) -> Call:
    return "Read", {"file_path": f"harbour/{name}.py", "offset": 1, "limit": LINES}


def _moves() -> Iterator[Move]:
    for number, name in enumerate(references(), start=1):
        yield (_read(name),)
        if number % PROMPT_READS == 0:
            yield ("So far they agree.",)
    yield ("All desks charge by the same rule.",)


PROMPTS = (
    "Compare the desks of the harbour, rule by rule.",
    *["Go on."] * (READS // PROMPT_READS),
)
script = scripted(tuple(_moves()))
"""Returns the reply that follows the replies in a request's history."""
