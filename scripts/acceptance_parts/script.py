"""What the scripted model does: three tasks in a scratch project, move by move.

Rule of this file: moves name no tool of any client; :mod:`acceptance_parts.tools` puts them into
the client's own. What the plan is there to show: long results that leave, files read again
unchanged and after a change, calls that fail and whose failure must stay, parallel calls, a
subagent, and enough requests for all that to come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pichay_cli.demo.project import RIGHT, WRONG

TESTS = "python3 -m unittest tests.test_berths"


@dataclass(frozen=True, slots=True)
class Read:
    """Read a file, or *count* lines of it from line *first* on."""

    path: str
    first: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Look for a pattern below a folder."""

    pattern: str
    path: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command in a shell."""

    command: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Put one text in the place of another, in a file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a new file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Delegate:
    """Give a task to a subagent; without one, count the rules by a command."""

    task: str


type Act = Read | Search | Run | Edit | Write | Delegate


@dataclass(frozen=True, slots=True)
class Move:
    """One reply of the model: what it says, and what it does."""

    text: str
    acts: tuple[Act, ...] = ()
    thinking: str = ""


HELPER = "helper"
WHOLE = "whole"
"""The name of all three tasks in one, for clients that begin anew with each prompt."""

_FIRST = (
    Move(
        "I look at the project first.",
        (Read("README.md"), Read("harbour/fees.py")),
        thinking="The README says where things are.",
    ),
    Move("", (Read("harbour/berths.py"), Search("_fee", "harbour"))),
    Move("What happened lately?", (Run("ls harbour && git log --oneline | head -5"),)),
    Move("", (Read("docs/handbook.md"),), thinking="The handbook is right where they differ."),
    Move("", (Read("harbour/nowhere.py"), Run("echo this fails on purpose >&2; exit 3"))),
    Move("Now the tests.", (Run(TESTS),)),
    Move("The comparison is wrong.", (Edit("harbour/berths.py", WRONG, RIGHT),)),
    Move("", (Run(TESTS),)),
    Move("I need the fees again.", (Read("harbour/fees.py"),)),
    Move("", (Read("data/arrivals.csv", 1, 120), Search("departure", "docs"))),
    Move("", (Read("harbour/berths.py"),), thinking="Is the change where it should be?"),
    Move("", (Write("docs/changes.md", "# Changes\n\n- late departure counts from hour two\n"),)),
    Move("Someone else may count the rules.", (Delegate(HELPER),)),
    Move("", (Run("git status --short"),)),
    Move("The test passes: the fee is due from the second hour on, as the handbook says."),
)
_SECOND = (
    Move("I look at the tugs.", (Read("harbour/tugs.py"),)),
    Move("", (Run("seq 1 900"), Search("late", "harbour"))),
    Move("", (Read("harbour/fees.py"),)),
    Move("Tugs know no late departure; berths do."),
)
_THIRD = (
    Move("", (Read("docs/handbook.md"),)),
    Move("", (Run(TESTS),)),
    Move("The handbook and the code agree now."),
)
_HELPER = (
    Move("", (Read("harbour/cranes.py"),)),
    Move("", (Search("def ", "harbour/cranes.py"),)),
    Move("There are 32 rules."),
)

_END = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""How a model ends its work in mini-swe-agent, which knows one tool and no last word."""

TASKS: Mapping[str, tuple[Move, ...]] = {
    "one": _FIRST,
    "two": _SECOND,
    "three": _THIRD,
    HELPER: _HELPER,
    WHOLE: (*_FIRST[:-1], *_SECOND[:-1], *_THIRD[:-1], Move(_THIRD[-1].text, (Run(_END),))),
}

PROMPTS: Mapping[str, str] = {
    "one": "(task one) A test of the berths fails. Find out why, mend it, and note the change.",
    "two": "(task two) Do tugs charge for late departure by the same rule?",
    "three": "(task three) Does the handbook agree with the code now?",
    HELPER: "(task helper) Count the rules in harbour/cranes.py.",
    WHOLE: "(task whole) Mend the failing test of the berths, then check tugs and the handbook.",
}
"""What the user asks, by task. The name in it is how a request says which task it is about."""

USUAL: Sequence[str] = ("one", "two", "three")
