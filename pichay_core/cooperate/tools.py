"""The tools that a model asks its memory with, and what a call to one of them asks for.

Rule of this file: what stands here stands in front of every request, so it is short and constant.
It says what a note's page name is and shows none: models repeat the forms that they are shown.
What a call says is read strictly and in bounds; what is not understood is answered with what to
do, never guessed.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from pichay_core.cooperate.commands import (
    Anchor,
    Collapse,
    Command,
    Recall,
    Release,
    Status,
)  # fmt: skip
from pichay_core.tools import ARGUMENTS_LENGTH, FAULT, MEMORY, plain
from pichay_core.wire.format import Format
from pichay_core.wire.reply import Ask

NAMES = MEMORY
"""In the order in which they are defined."""

LARGEST_ARGUMENTS = 100_000
"""Bytes of the arguments of one call: a summary, however it is escaped."""
MOST_PAGES = 20
"""In one call."""
LONGEST_NAME = 1_000
"""Characters of a page's name or path."""
LONGEST_SEARCH = 200
"""Characters."""
LONGEST_SUMMARY = 8_000
"""Characters that stand for whole turns."""

_NAMED = b'"pages":{"type":"array","items":{"type":"string"},"description":"Page names or paths"}'
_DESCRIBED = {
    FAULT: (
        "Brings back the text of older tool results for which a one-line note stands now. Name "
        "them by the page name at the end of the note, or by path. With lines or search only "
        "that part comes: enough to look something up in a long result.",
        b'{"type":"object","properties":{' + _NAMED + b',"lines":{"type":"string","description":'
        b'"First and last line, joined by a hyphen"},"search":{"type":"string","description":'
        b'"Only lines that hold this very text"}},"required":["pages"]}',
    ),
    "memory_release": (
        "Says that tool results are not needed any more: they are the first to leave when room "
        "is made, and can be brought back.",
        b'{"type":"object","properties":{' + _NAMED + b',"reason":{"type":"string"}},'
        b'"required":["pages"]}',
    ),
    "memory_pin": (
        "Keeps tool results in view for longer.",
        b'{"type":"object","properties":{' + _NAMED + b'},"required":["pages"]}',
    ),
    "memory_collapse": (
        "Puts a summary in place of whole earlier turns, results and all, when room is made. It "
        "must keep what is still needed.",
        b'{"type":"object","properties":{"turns":{"type":"string","description":"First and last '
        b'turn as memory_status counts them, joined by a hyphen"},"summary":{"type":"string"}},'
        b'"required":["turns","summary"]}',
    ),
    "memory_status": (
        "Says how full the context window is, which tool results take the most room, and which "
        "turn this is.",
        b'{"type":"object","properties":{}}',
    ),
}


def definitions(format: Format, names: Iterable[str] = NAMES) -> tuple[bytes, ...]:
    """Return the definitions of these tools of ours, in the order of NAMES, as a format has it."""
    wanted = frozenset(names)
    return tuple(format.definition(name, *_DESCRIBED[name]) for name in NAMES if name in wanted)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that asks for nothing that can be done."""

    text: str
    """What was wrong, and what to do."""


class _Unclear(ValueError):
    """Arguments that are JSON of the right types, but say nothing. Its text says what to do."""


def command_of(ask: Ask) -> Command | Refusal:
    """Return what a call to a tool of ours asks for."""
    read = _READERS.get(ask.tool)
    if read is None:
        return Refusal("There is no such memory tool.")
    most = ARGUMENTS_LENGTH if ask.tool == FAULT else LARGEST_ARGUMENTS
    if len(ask.arguments) > most:
        return Refusal(f"The arguments are longer than {most:,} bytes. Ask for less in one call.")
    try:
        return read(ask.arguments.strip() or b"{}")
    except _Unclear as unclear:
        return Refusal(str(unclear))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(f"The arguments could not be read. {ask.tool} takes {_TAKES[ask.tool]}.")


_TAKES = {
    FAULT: "pages (a list of page names or paths) and, if wanted, lines and search (strings)",
    "memory_release": "pages (a list of page names or paths) and reason (a string)",
    "memory_pin": "pages (a list of page names or paths)",
    "memory_collapse": "turns and summary (strings)",
    "memory_status": "no arguments",
}


class _Fault(msgspec.Struct, forbid_unknown_fields=True):
    pages: list[str] | str
    lines: str | int | None = None
    search: str | None = None


class _Release(msgspec.Struct, forbid_unknown_fields=True):
    pages: list[str] | str
    reason: str | None = None


class _Pin(msgspec.Struct, forbid_unknown_fields=True):
    pages: list[str] | str


class _Collapse(msgspec.Struct, forbid_unknown_fields=True):
    turns: str | int
    summary: str


class _Status(msgspec.Struct, forbid_unknown_fields=True):
    pass


def _fault(arguments: bytes) -> Recall:
    given = msgspec.json.decode(arguments, type=_Fault)
    first, last = (None, None) if given.lines in (None, "") else _range(str(given.lines), "lines")
    if given.search is not None and len(given.search) > LONGEST_SEARCH:
        raise _Unclear(f"search may have {LONGEST_SEARCH} characters. Take a shorter part of it.")
    return Recall(_pages(given.pages), first, last, given.search or None)


def _release(arguments: bytes) -> Release:
    given = msgspec.json.decode(arguments, type=_Release)
    return Release(_pages(given.pages), plain(given.reason or ""))


def _pin(arguments: bytes) -> Anchor:
    return Anchor(_pages(msgspec.json.decode(arguments, type=_Pin).pages))


def _collapse(arguments: bytes) -> Collapse:
    given = msgspec.json.decode(arguments, type=_Collapse)
    first, last = _range(str(given.turns), "turns")
    if last is None:
        raise _Unclear("turns must name the first and the last turn, joined by a hyphen.")
    summary = given.summary.strip()
    if not summary or len(summary) > LONGEST_SUMMARY:
        raise _Unclear(f"summary must have 1 to {LONGEST_SUMMARY:,} characters.")
    return Collapse(first, last, summary)


def _status(arguments: bytes) -> Status:
    msgspec.json.decode(arguments, type=_Status)
    return Status()


_READERS: dict[str, Callable[[bytes], Command]] = {
    FAULT: _fault,
    "memory_release": _release,
    "memory_pin": _pin,
    "memory_collapse": _collapse,
    "memory_status": _status,
}


def _pages(given: list[str] | str) -> tuple[str, ...]:
    """Return the names without white space around them, each once."""
    names = [given] if isinstance(given, str) else given
    if len(names) > MOST_PAGES:
        raise _Unclear(f"pages may name {MOST_PAGES} pages. Ask for the others in another call.")
    found = tuple(dict.fromkeys(name for each in names if (name := each.strip())))
    if not found or any(len(name) > LONGEST_NAME for name in found):
        raise _Unclear("pages must hold page names, as they stand in a note's end, or paths.")
    return found


_RANGE = re.compile(r"\s*([0-9]{1,9})\s*(-\s*([0-9]{1,9})?\s*)?")


def _range(text: str, what: str) -> tuple[int, int | None]:
    """Return the first and the last of a range from 1 on; None for no end."""
    found = _RANGE.fullmatch(text[:40]) if len(text) <= 40 else None
    if found is None:
        raise _Unclear(f"{what} must be a first and a last number, joined by a hyphen.")
    first = int(found[1])
    last = first if found[2] is None else int(found[3]) if found[3] else None
    if first < 1 or (last is not None and last < first):
        raise _Unclear(f"{what} count from 1, and the last is not before the first.")
    return first, last
