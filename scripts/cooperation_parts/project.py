"""The project that is worked on, and the plan of the work.

Rule of this file: made by seeded chance, so that every run reads and says the same. Sizes are what
coding agents meet: files of 4 to 16 kB, searches of 5 kB, test runs of 3 kB.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

AREAS, FILES = 12, 5
"""Areas of the project, and files in each."""
MOVES = 16
"""Replies that a task is planned to take."""
_WORDS = tuple(f"{one}_{other}" for one in ("page", "route", "tariff", "ledger", "frame", "berth")
               for other in ("of", "for", "count", "limit", "table", "store", "rate"))  # fmt: skip

type Call = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Move:
    """What the model wants to do next."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    needs: tuple[str, ...] = ()
    """Files that it must have before its eyes; it reads what it does not see."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a user asks for, and how the model goes about it. The last move answers the user."""

    prompt: str
    moves: tuple[Move, ...]
    files: tuple[str, ...]
    """That it is about; when it is done they are not needed."""


def path_of(area: int, number: int) -> str:
    """Return the path of a file of an area."""
    return f"/project/src/area_{area % AREAS}/part_{number % FILES}.py"


def files() -> dict[str, str]:
    """Return the text of every file, by path."""
    paths = [path_of(area, number) for area in range(AREAS) for number in range(FILES)]
    chance = random.Random("sizes")
    return {path: text(path, chance.randrange(4_000, 16_000)) for path in paths}


def text(seed: str, size: int) -> str:
    """Return about *size* characters of something like source code."""
    chance, lines, length = random.Random(seed), list[str](), 0
    while length < size:
        lines.append(_line(chance))
        length += len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def _line(chance: random.Random) -> str:
    one, two, three = chance.choices(_WORDS, k=3)
    return f"{'    ' * chance.randrange(3)}{one} = {two}({three}, {chance.randrange(10_000)})"


def plan(turns: int) -> list[Task]:
    """Return tasks of so many planned replies, in whole tasks."""
    return [_task(number) for number in range(-(-turns // MOVES))]


@cache
def _task(number: int) -> Task:
    own = tuple(path_of(number, part) for part in range(4))
    before = path_of(number - 1, 3)
    prompt = f"Task {number}: let area_{number % AREAS} follow the rule of {before}, and test it."
    return Task(prompt, tuple(_moves(number, own, before)), own)


def _moves(number: int, own: Sequence[str], before: str) -> Iterator[Move]:
    """Yield what a task takes: a file is changed soon after it was read, as agents do, and one
    file of the task before is needed again."""
    area = f"/project/src/area_{number % AREAS}"
    yield Move("I look for what is there.", (("Grep", {"pattern": f"r_{number}", "path": area}),))
    yield Move(needs=(own[0],))
    yield Move(needs=(before,))
    yield _edit(own[0], number, own[0], before)
    yield Move(needs=(own[1],))
    yield _edit(own[1], number, own[1])
    yield _run(f"pytest -q tests/test_area_{number % AREAS}.py", number)
    yield Move(needs=(own[2],))
    yield _run(f"git log --stat -5 {area}", number)
    yield _edit(own[2], number, own[2])
    yield Move("The whole of it once more.", (("Read", {"file_path": own[0]}),))
    yield _edit(own[0], number + 1000, own[0])
    yield Move(needs=(own[3],))
    new = {"file_path": f"{area}/test_{number}.py", "content": text(f"test {number}", 2_600)}
    yield Move("Now a test.", (("Write", new),), (own[3],))
    yield _run(f"pytest -q {area}/test_{number}.py", number + 1)
    yield Move(f"Task {number} is done: {text(f'report {number}', 600)}")


def _run(command: str, number: int) -> Move:
    return Move(f"I run it ({number}).", (("Bash", {"command": command}),))


def _edit(path: str, number: int, *needs: str) -> Move:
    old, new = text(f"old {path} {number}", 300), text(f"new {path} {number}", 800)
    arguments = {"file_path": path, "old_string": old, "new_string": new}
    return Move(f"The change to {path}.", (("Edit", arguments),), needs)
