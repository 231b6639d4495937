"""What the little programs of sed and awk do: which lines they show, and whether that is all.

Rule of this file: a program is only understood if it is of a form that is known here.
"""

import re
from collections.abc import Sequence

from pichay_core.model import WHOLE, Span
from pichay_core.shell.options import given
from pichay_core.shell.words import Word

type Part = tuple[tuple[Word, ...], Span]
"""The files that a command reads, none if its input, and the lines of them that it shows."""

_PLACE = r"(?:[0-9]+|\$|/(?:\\.|[^/\\\n])++/I?)"
_DOES = (
    r"(?:[pdqDlnNgGhHx=]|s(?P<mark>[^\w\s\\])(?:BODY)*+(?P=mark)(?:BODY)*+(?P=mark)[gpiIM0-9]*+)"
)
_SED = re.compile(
    rf"\s*+(?:(?:{_PLACE}(?:\s*+,\s*+(?:{_PLACE}|[+~][0-9]+))?+\s*+!?\s*+)?+"
    + _DOES.replace("BODY", r"\\.|(?!(?P=mark))[^\\\n]")
    + r"\s*+(?:[;\n]\s*+|$))*+"
)
"""Programs that write no file and run nothing (no ``w``, ``e``, ``r``)."""
_PRINT = re.compile(
    r"\s*([0-9]{1,9})\s*(?:,\s*(\+?[0-9]{1,9}|\$)\s*)?p\s*(?:;\s*([0-9]{1,9})q\s*)?;?"
)
_QUIT = re.compile(r"\s*([0-9]{1,9})q\s*")
_QUIET = ("n", "quiet", "silent")

_AWK_DOES_MORE = re.compile(r"[>|@]|system|getline")
_PRINTS = r"\s*(?:\{\s*print[^>|@(){}]*\}\s*)?"
_AWK_LINES = tuple(
    re.compile(form + _PRINTS)
    for form in (
        r"\s*NR\s*>=\s*([0-9]{1,9})\s*&&\s*NR\s*<=\s*([0-9]{1,9})",
        r"\s*NR\s*==\s*([0-9]{1,9})\s*,\s*NR\s*==\s*([0-9]{1,9})",
    )
)


def sed(words: Sequence[Word]) -> tuple[tuple[Word, ...], Span | None] | None:
    """Return what a sed reads and the lines that it shows, None for those if they are not known.

    None altogether if it may do more than show lines.
    """
    found = given(words, valued="e")
    scripts = found.values("e", "expression")
    files = found.operands
    if not scripts and files:
        scripts, files = [files[0].text], files[1:]
    known = all(name in (*_QUIET, *"eErsuz", "expression", "regexp-extended", "posix")
                for name, _ in found.flags)  # fmt: skip
    if not (known and scripts and all(map(_SED.fullmatch, scripts))):
        return None
    if len(scripts) > 1 or found.values("z", "s"):
        return files, None
    return files, _sed_span(scripts[0], quiet=bool(found.values(*_QUIET)))


def _sed_span(script: str, quiet: bool) -> Span | None:
    if not quiet:
        upto = _QUIT.fullmatch(script)
        return _span(1, int(upto[1])) if upto else None
    lines = _PRINT.fullmatch(script)
    if lines is None:
        return None
    first, last = int(lines[1]), _last(int(lines[1]), lines[2])
    if lines[3] is not None and (last is None or int(lines[3]) < last):
        return None
    return _span(first, last)


def _last(first: int, said: str | None) -> int | None:
    match said:
        case None:
            return first
        case "$":
            return None
        case str() if said.startswith("+"):
            return first + int(said[1:])
        case _:
            return max(first, int(said))


def awk(words: Sequence[Word]) -> tuple[tuple[Word, ...], Span | None] | None:
    """Return the same of an awk."""
    found = given(words, valued="Fv")
    if not (found.operands and found.only("Fv")):
        return None
    program, files = found.operands[0].text, found.operands[1:]
    for form in _AWK_LINES:
        if lines := form.fullmatch(program):
            return files, _span(int(lines[1]), int(lines[2]))
    return None if _AWK_DOES_MORE.search(program) else (files, None)


def head(words: Sequence[Word]) -> Part | None:
    """Return what a head reads and shows, None if that is no range of lines."""
    found = given(words, valued="nc", counted="n")
    counts = found.values("n", "lines")
    if not all(name in ("n", "lines", "q") for name, _ in found.flags) or len(counts) > 1:
        return None
    count = counts[0] if counts else "10"
    span = _span(1, int(count)) if _is_count(count) else None
    return (found.operands, span) if span else None


def tail(words: Sequence[Word]) -> Part | None:
    """Return the same of a tail that counts from the first line."""
    found = given(words, valued="nc", counted="n")
    counts = found.values("n", "lines")
    if not all(name in ("n", "lines", "q") for name, _ in found.flags) or len(counts) != 1:
        return None
    sign, count = counts[0][:1], counts[0][1:]
    if sign != "+" or not _is_count(count):
        return None
    return found.operands, Span(max(1, int(count)))


def cat(words: Sequence[Word]) -> Part | None:
    """Return the same of a cat: all lines."""
    found = given(words)
    shown = all(name in (*"nbvetETAu", "number", "show-all") for name, _ in found.flags)
    return (found.operands, WHOLE) if shown else None


def nl(words: Sequence[Word]) -> Part | None:
    """Return the same of an nl: all lines, numbered."""
    found = given(words, valued="bhfivwsn")
    known = all(name in (*"bhfivwsnp", "body-numbering", "number-width") for name, _ in found.flags)
    return (found.operands, WHOLE) if known else None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _span(first: int, last: int | None) -> Span | None:
    """Return the span, None if it is of no lines."""
    return Span(first, last) if first >= 1 and (last is None or first <= last) else None
