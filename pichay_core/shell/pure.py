"""Which commands only read.

One idea: a table of what is known to leave the project as it is. A command that nobody has
described, or that is given an option which might do more, is taken to do more.

To teach Pichay a command, add its name to ``READERS`` if nothing that it can be told makes it
write or run anything; else add a line to ``_UNLESS`` with what does, or a rule to ``_RULES``.
"""

import re
from collections.abc import Callable, Sequence

from pichay_core.shell import scripts
from pichay_core.shell.git import only_reads as git_only_reads
from pichay_core.shell.words import Command, Line, Word

_READERS = """
    cat nl head wc ls grep egrep fgrep cut tr rev tac stat du diff cmp comm paste fold expand
    unexpand column jq readlink realpath strings od hexdump cksum md5sum sha1sum sha256sum
"""
READERS = frozenset(_READERS.split())
_FILLERS = "echo printf true false : pwd cd test [ which type basename dirname"
FILLERS = frozenset(_FILLERS.split())
"""What stands beside reads and reads nothing of the project itself."""

_UNLESS = {
    name: re.compile(more)
    for name, more in {
        "sort": "-[^-]*o|--o|--co",
        "tail": "-[^-]*[fF]|--f|--ret|--p",
        "find": "-(exec|ok|delete|fprint|fls)",
        "fd": "-[^-]*[xX]|--exec",
        "fdfind": "-[^-]*[xX]|--exec",
        "rg": "--(pre|hostname-bin)(=|$)",
        "tree": "-[^-]*[oR]|--o",
        "file": "-[^-]*C|--c",
    }.items()
}
"""What a word of each must not begin with: it would write, run something, or never end."""


def only_reads(line: Line) -> bool:
    """True if the line shows something of the project and can do nothing else."""
    commands = [command for pipeline in line.pipelines for command in pipeline]
    return all(map(_is_pure, commands)) and any(c[0].text not in FILLERS for c in commands)


def _is_pure(command: Command) -> bool:
    name, words = command[0].text, command[1:]
    if command[0].pattern:
        return False
    if name in READERS or name in FILLERS:
        return True
    if more := _UNLESS.get(name):
        return not any(word.pattern or more.match(word.text) for word in words if _leads(word))
    rule = _RULES.get(name)
    return rule is not None and rule(words)


def _leads(word: Word) -> bool:
    """True if the word may be an option; what a pattern stands for may be one as well."""
    return word.text.startswith("-")


def _uniq(words: Sequence[Word]) -> bool:
    """True without a second operand: that is where it writes."""
    return sum(not _leads(word) for word in words) <= 1 and not any(w.pattern for w in words)


def _command(words: Sequence[Word]) -> bool:
    return bool(words) and words[0].text in ("-v", "-V")


def _xargs(words: Sequence[Word]) -> bool:
    """True if what it runs can do nothing but read, whatever the arguments."""
    rest = [word.text for word in words]
    while rest and rest[0].startswith("-"):
        if not _XARGS.fullmatch(rest[0]):
            return False
        rest = rest[2:] if rest[0] in _XARGS_VALUED else rest[1:]
    return bool(rest) and rest[0] in READERS


_XARGS_VALUED = ("-n", "-L", "-P", "-I", "-d")
_XARGS = re.compile(r"-(0|r|0r|r0|n\d*|L\d*|P\d*|I.*|d.*)")


_RULES: dict[str, Callable[[Sequence[Word]], bool]] = {
    "git": git_only_reads,
    "sed": lambda words: scripts.sed(words) is not None,
    "awk": lambda words: scripts.awk(words) is not None,
    "uniq": _uniq,
    "command": _command,
    "xargs": _xargs,
}
"""Commands of which it takes more than one look to know."""
