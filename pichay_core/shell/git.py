"""Which calls of git only read.

Rule of this file: what is not known to read writes. What git's own settings may run (pagers,
converters) is the project's affair; what the call itself names is not.
Source: the manual pages of git 2.47.
"""

import re
from collections.abc import Sequence

from pichay_core.shell.words import Word

_NAMES = """
    show log diff status grep blame annotate ls-files ls-tree rev-parse rev-list cat-file describe
    shortlog merge-base name-rev diff-tree diff-index diff-files show-ref for-each-ref cherry
    count-objects whatchanged check-ignore check-attr range-diff
"""
_READS = frozenset(_NAMES.split())
_MORE = re.compile("--(ou|op|ext)")
"""Begins what makes them write a file (``--output``) or run something."""
_SPACE = re.compile(r"\s")
_PAGER = re.compile("-[^-]*O")
"""Has ``git grep`` open its matches in a program."""

_LISTS = r"-[arv]++|--(?:all|remotes|verbose|show-current|no-color|(?:sort|format)=\S*+)"
_OF = r"(?:--(?:list|contains|no-contains|merged|no-merged|points-at)|-l)(?:[ =][^-\s]\S*+)?+"
_MODES = {
    name: re.compile(mode)
    for name, mode in {
        "branch": rf"(?:(?:{_LISTS}|{_OF}) )*+",
        "tag": rf"(?:(?:-n[0-9]*+|{_LISTS}|{_OF}) )*+",
        "remote": r"(?:-v |--verbose |get-url .*)?",
        "stash": r"(?:list|show) .*",
        "config": r"(?:--local |--global )?(?:get|list|-l|--list|--get(?:-all|-regexp)?) .*",
        "reflog": r"(?:show .*|(?:-\S++ )*+)",
        "worktree": r"list .*",
    }.items()
}
"""Of these one must be asked for in so many words; each word stands before a space."""


def only_reads(words: Sequence[Word]) -> bool:
    """True if a git with these words shows something and can do nothing else."""
    rest = _without_place([word.text for word in words])
    if not rest or any(_MORE.match(word) for word in rest):
        return False
    name, said = rest[0], rest[1:]
    if name in _MODES:
        return not any(map(_SPACE.search, said)) and _asks(name, said)
    if name == "grep" and any(map(_PAGER.match, said)):
        return False
    return name in _READS


def _asks(name: str, said: list[str]) -> bool:
    return _MODES[name].fullmatch("".join(f"{word} " for word in said)) is not None


def _without_place(words: list[str]) -> list[str]:
    """Return the words behind what says where git is to work, and that it is to page nothing."""
    while words and words[0] in ("-C", "--no-pager", "-P", "--no-optional-locks"):
        words = words[2:] if words[0] == "-C" else words[1:]
    return words
