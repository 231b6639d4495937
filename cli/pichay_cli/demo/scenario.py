"""What the scripted model says: a plan of replies to four prompts about a scratch project.

Rule of this file: the next reply is read off the request alone (how many replies its history
holds), so a retry gets the same answer and the upstream remembers nothing. What the plan is
there to show:

- a dozen long results early on, which a batch takes out of the window while work goes on:
  files and searches are evicted, those of a shell too, the output of a program is collected;
- ``harbour/fees.py`` read again, unchanged: a refetch fault, and a pin;
- ``harbour/berths.py`` changed and read again: a refresh;
- another part of ``docs/handbook.md``: a widening;
- ``harbour/weather.py`` released beside a call of the agent's, and a part of ``harbour/cranes.py``
  asked for by the name in its note, alone: a recall. Who is not offered the tools for that does
  without them;
- a missing file and a failing test: errors, which stay;
- enough requests after the last batch that it is paid back.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pichay_cli.demo.project import RIGHT, WRONG
from pichay_cli.demo.reply import Reply, Text, ToolUse

PROMPTS = (
    "Read the harbour code and the handbook, and tell me how a fee is put together.",
    "One test of the berths fails. Find out why and mend it.",
    "Tugs should charge for late departure too, by the same rule. Check it against the arrivals.",
    "Write docs/changes.md about what has changed, and make sure that everything still runs.",
)

DONE = "There is nothing left in the script."

type Call = tuple[str, Mapping[str, Any]]
type Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A call to a tool for the model's own memory, about one file."""

    tool: str
    path: str
    more: Mapping[str, Any]

    def arguments(self, request: Request) -> Mapping[str, Any]:
        """Return what is asked: by the name in the note that was left of the file, else by path."""
        note = re.search(_NOTE.format(re.escape(self.path)), json.dumps(request["messages"]))
        return {"pages": [note[1] if note else self.path], **self.more}


_NOTE = r"Older result of Read {} [^]]*Page ([A-Z2-7]{{8}})\."

type Move = tuple[str | Call | Asked, ...]


def scripted(moves: Sequence[Move]) -> Callable[[Request], Reply]:
    """Return a script that says *moves* one after the other, and then that it has no more."""

    def script(request: Request) -> Reply:
        number = sum(message["role"] == "assistant" for message in request["messages"])
        offered = frozenset(tool["name"] for tool in request.get("tools", ()))
        sayable = [said for move in moves if (said := _offered(move, offered))]
        if number >= len(sayable):
            return Reply((Text(DONE),))
        blocks = (_block(number, index, part, request) for index, part in sayable[number])
        return Reply(tuple(blocks))

    return script


def _offered(move: Move, offered: frozenset[str]) -> list[tuple[int, str | Call | Asked]]:
    """Return the parts of a move that can be said, with their places; none if none is a call."""
    parts = list(enumerate(move))
    left = [one for one in parts if not isinstance(one[1], Asked) or one[1].tool in offered]
    calls = [part for _, part in left if not isinstance(part, str)]
    return left if calls or len(left) == len(parts) else []


def _block(number: int, index: int, part: str | Call | Asked, request: Request) -> Text | ToolUse:
    name = f"toolu_01Harbour{number:03d}{index:02d}"
    match part:
        case str():
            return Text(part)
        case Asked(tool=tool):
            return ToolUse(name, tool, part.arguments(request))
        case (tool, arguments):
            return ToolUse(name, tool, arguments)


def _read(path: str, first: int | None = None, count: int | None = None) -> Call:
    part = {} if first is None else {"offset": first, "limit": count}
    return "Read", {"file_path": path, **part}


def _grep(pattern: str, glob: str) -> Call:
    return "Grep", {"pattern": pattern, "glob": glob}


def _bash(command: str, description: str) -> Call:
    return "Bash", {"command": command, "description": description}


def _edit(path: str, old: str, new: str) -> Call:
    return "Edit", {"file_path": path, "old_string": old, "new_string": new}


def _recall(path: str, **part: str) -> Asked:
    return Asked("memory_fault", path, part)


def _release(path: str, reason: str) -> Asked:
    return Asked("memory_release", path, {"reason": reason})


def _todo(*entries: str) -> Call:
    """An entry that begins with ``+`` is done."""
    todos = [
        {
            "content": entry.removeprefix("+ "),
            "status": "completed" if entry.startswith("+") else "pending",
        }
        for entry in entries
    ]
    return "TodoWrite", {"todos": todos}


_TEST = _bash("python3 -m unittest tests.test_berths", "Run the tests of the berths")

_LATEST = (
    'rows = sorted(open("data/arrivals.csv"), key=lambda row: row.split(",")[4], reverse=True); '
    'print(*rows[:150], sep="")'
)

_TUGS_IMPORT = '"""Tug: what the office charges and allows. Fees are in cents."""\n'

_CHANGES = """# Changes

- `harbour/berths.py`: a departure is late from the second hour on, as the handbook says.
- `harbour/tugs.py`: a tug that leaves late is charged by the rule of the berths.
"""

_UNDERSTAND: tuple[Move, ...] = (
    ("I shall look around first.", ("Glob", {"pattern": "**/*.*"}), _read("README.md")),
    ("The fees first.", _read("harbour/fees.py")),
    (_read("harbour/berths.py"),),
    ("Now what the handbook says.", _read("docs/handbook.md", 1, 110)),
    ("Two desks that look alike.", _read("harbour/cranes.py"), _read("harbour/tides.py")),
    ("The discounts may be in a file of their own.", _read("harbour/discounts.py")),
    ("They are not. Where are fees made?", _grep(r"def .*_fee", "harbour/*.py")),
    (_read("harbour/pilots.py"), _read("harbour/sheds.py")),
    ("And what limits a vessel?", _grep(r"def .*_allows", "harbour/*.py")),
    (_bash("head -n 120 harbour/ledger.py harbour/weather.py", "Show the head of two desks"),),
    (_bash("wc -l harbour/*.py tests/*.py docs/*.md data/*.csv", "Count lines"),),
    (_read("harbour/customs.py"),),
    (
        "A fee is a base and a rate for each counted thing, in whole cents. Every desk has its "
        "own figures and the same form; there are no discounts. The handbook lists the figures.",
    ),
)

_MEND: tuple[Move, ...] = (
    ("I shall run the tests.", _todo("find the failing test", "mend it", "run the tests"), _TEST),
    (_read("tests/test_berths.py", 90, 40),),
    ("The late fee. Who uses it?", _grep(r"late_departure|FREE_HOURS", "**/*.py")),
    ("What does the handbook say?", _grep(r"(?i)late", "docs/*.md")),
    ("Is the fee classes' form the same? I need them again.", _read("harbour/fees.py")),
    ("It is. The comparison is off by one.", _edit("harbour/berths.py", WRONG, RIGHT)),
    (_read("harbour/berths.py"),),
    (_todo("+ find the failing test", "+ mend it", "run the tests"), _TEST),
    (
        "harbour/berths.py charged from the third hour late; the handbook says from the second. "
        "The comparison is mended and all tests pass.",
    ),
)

_EXTEND: tuple[Move, ...] = (
    ("First the tugs as they are.", _read("harbour/tugs.py")),
    ("The rest of the handbook.", _read("docs/handbook.md", 90, 182)),
    ("Now the arrivals.", _read("data/arrivals.csv")),
    ("The weather may bear on it.", _read("harbour/weather.py")),
    (
        "It does not. Which desks refuse what?",
        _release("harbour/weather.py", "does not bear on fees"),
        _grep(r"ValueError", "harbour/*.py"),
    ),
    ("The figures, side by side.", _grep(r"cents, and", "docs/*.md")),
    (_bash(f"python3 -c '{_LATEST}'", "The latest arrivals first"),),
    ("How did the cranes name their fees?", _recall("harbour/cranes.py", search="_fee(")),
    (
        _edit(
            "harbour/tugs.py",
            _TUGS_IMPORT,
            _TUGS_IMPORT + "\nfrom harbour.berths import late_departure_fee\n",
        ),
    ),
    (
        _bash(
            "printf '\\n\\ndef tug_late_fee(hours: int) -> int:\\n"
            '    """Return the fee in cents for a tug that leaves *hours* hours late."""\\n'
            "    return late_departure_fee(hours)\\n' >> harbour/tugs.py",
            "Add the fee at the end of the file",
        ),
    ),
    (_bash("tail -n 8 harbour/tugs.py", "Show the new fee"),),
    (_bash("grep -c '[2-5] h late' data/arrivals.csv", "Count the late arrivals"),),
    (
        _bash(
            "python3 -c 'from harbour.tugs import tug_late_fee; print(tug_late_fee(2))'",
            "Try the new fee",
        ),
    ),
    ("Tugs are charged by the rule of the berths: 9,000 cents for two hours late.",),
)

_REPORT: tuple[Move, ...] = (
    (_todo("write docs/changes.md", "run the tests", "look over the result"),),
    (("Write", {"file_path": "docs/changes.md", "content": _CHANGES}),),
    (_todo("+ write docs/changes.md", "run the tests", "look over the result"), _TEST),
    (_bash("python3 -m compileall -q harbour && echo compiled", "Compile every module"),),
    (_bash("tail -n 12 harbour/berths.py", "Show the late fee"),),
    (_bash("wc -c harbour/tugs.py harbour/berths.py", "Sizes of the changed files"),),
    (_grep(r"import", "harbour/*.py"),),
    (_bash("python3 -c 'import harbour.tugs, harbour.sheds; print(1)'", "Import two desks"),),
    (_read("docs/changes.md"),),
    (_todo("+ write docs/changes.md", "+ run the tests", "+ look over the result"),),
    ("docs/changes.md is written, all modules compile and the tests of the berths pass.",),
)

MOVES: tuple[Move, ...] = (*_UNDERSTAND, *_MEND, *_EXTEND, *_REPORT)
"""Every reply, in order; each prompt ends with a reply that calls no tool."""

script = scripted(MOVES)
"""Returns the reply that follows the replies in a request's history."""
