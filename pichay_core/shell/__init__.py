"""What a shell command asks for, if it is a pure read.

One idea: a command that shows one named file, or a known range of its lines, is a read of it,
however it is spelled; any other that can only show things is a query by its exact words; all else
is understood by nobody, and nothing is claimed of it. Nothing is ever run or looked up.
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pichay_core.model import WHOLE, Span
from pichay_core.shell import scripts
from pichay_core.shell.pure import only_reads
from pichay_core.shell.words import LONGEST, Command, Line, Pipeline, Word, literal, parse
from pichay_core.wire.shapes import Json, items, mapping, string


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pure read asks for."""

    line: str
    """The command line as all that mean the same are spelled."""
    folder: str = ""
    """Where it is to run; empty for wherever the shell is."""
    path: str | None = None
    """The one file that it shows, from the folder; None if it is not one."""
    span: Span = WHOLE
    """The lines of the file that it shows."""

    @property
    def there(self) -> str:
        """The command line, behind one that goes to the folder."""
        return f"cd {shlex.quote(self.folder)} && {self.line}" if self.folder else self.line


def reading(arguments: Json) -> Reading | None:
    """Return what a call of a shell asks for; None unless it is known to be a pure read."""
    folder, command = _folder(arguments), _command(arguments)
    if len(folder) > LONGEST or any(_is_true(arguments.get(name)) for name in _GOES_ON):
        return None
    within, line = _entered(_line(command))
    if line is None or not only_reads(line):
        return None
    shown = _shown(line.pipelines[0]) if len(line.pipelines) == 1 else None
    if shown is None:
        return Reading(str(line), joined(folder, within))
    path, span = shown
    return Reading(str(line), folder, joined(within, path), span)


def spoken(arguments: Json) -> str:
    """Return the command of a call as a reader knows it; empty if it names none."""
    command = _command(arguments)
    if isinstance(command, str):
        return command
    return _script(command) or shlex.join(command)


def joined(folder: str, path: str) -> str:
    """Return the path as seen from where the folder is seen from."""
    if not path or path.startswith(("~", "/")):
        return path or folder
    return posixpath.join(folder, path)


_COMMANDS = ("command", "cmd")
_FOLDERS = ("workdir", "cwd", "working_directory", "working_dir", "dir_path", "directory")
_GOES_ON = ("run_in_background", "is_background", "is_input")
"""With these set, a call does something else than to run a command and show its output."""


def _folder(arguments: Json) -> str:
    return next(filter(None, (string(arguments.get(name)) for name in _FOLDERS)), "")


def _is_true(item: object) -> bool:
    return item is True or string(item).lower() == "true"


def _command(arguments: Json) -> str | list[str]:
    """Return the command as one text, or as its words; an empty text if there is none."""
    for name in _COMMANDS:
        said = arguments.get(name)
        words = _texts(items(said))
        if isinstance(said, str) and said:
            return said
        if words:
            return words
    return "\n".join(_texts([_named(one) for one in items(arguments.get("commands"))]))


def _named(one: object) -> object:
    """Return the command of one of several, which may stand under its own name."""
    return mapping(one).get("command", one)


def _texts(parts: list[object]) -> list[str]:
    """Return the parts if all of them are texts, else nothing."""
    texts = [string(part) for part in parts if isinstance(part, str)]
    return texts if len(texts) == len(parts) else []


_SHELLS = ("bash", "sh", "zsh", "dash")
_RUNS = re.compile("-l?i?c")


def _script(words: Sequence[str]) -> str | None:
    """Return the command line that these words have a shell run; None if they call no shell."""
    match words:
        case [shell, how, script] if posixpath.basename(shell) in _SHELLS and _RUNS.fullmatch(how):
            return script
        case _:
            return None


def _line(command: str | list[str]) -> Line | None:
    """Return the command line, that which is given to a shell if that is all it does."""
    line = parse(command) if isinstance(command, str) else literal(command)
    if line is None or len(line.pipelines) != 1 or len(line.pipelines[0]) != 1:
        return line
    words = line.pipelines[0][0]
    script = _script([word.text for word in words])
    return line if script is None else parse(script)


def _entered(line: Line | None) -> tuple[str, Line | None]:
    """Return the folder that a line goes to first, and what follows."""
    folder = ""
    while line is not None and line.joints and line.joints[0] != "||":
        match line.pipelines[0]:
            case ((Word("cd", False), Word(to, False)),) if not to.startswith("-"):
                folder = joined(folder, to)
                line = Line(line.pipelines[1:], line.joints[1:])
            case _:
                break
    return folder, line


_SHOWN: dict[str, Callable[[Sequence[Word]], tuple[tuple[Word, ...], Span | None] | None]] = {
    "cat": scripts.cat,
    "nl": scripts.nl,
    "head": scripts.head,
    "tail": scripts.tail,
    "sed": scripts.sed,
    "awk": scripts.awk,
}
"""Commands that may show a range of lines, and what tells which."""


def _shown(pipeline: Pipeline) -> tuple[str, Span] | None:
    """Return the one file of which the pipeline shows a range of lines, and the range."""
    first, *filters = map(_selected, pipeline)
    match first:
        case ((Word(path, False),), Span() as span) if path not in ("", "-"):
            pass
        case _:
            return None
    for part in filters:
        match part:
            case ((), Span() as kept) if (within := _within(span, kept)) is not None:
                span = within
            case _:
                return None
    return path, span


def _selected(command: Command) -> tuple[tuple[Word, ...], Span | None] | None:
    name, words = command[0].text, command[1:]
    rule = _SHOWN.get(name)
    return None if rule is None or any(w.pattern for w in words) else rule(words)


def _within(outer: Span, inner: Span) -> Span | None:
    """Return the lines that are left of a span when these lines of it are shown."""
    first = outer.first + inner.first - 1
    ends = [end for end in (outer.last, inner.last and outer.first + inner.last - 1) if end]
    last = min(ends, default=None)
    return Span(first, last) if last is None or first <= last else None
