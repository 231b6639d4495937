"""Skills that a client lists more than once in one message, listed once.

Claude Code tells the model its skills in a reminder in the user's text, one entry each:
``- name: what it is for``; a skill that several plugins bring stands there under each of their
prefixes, as ``- plugin:name: what it is for``. Of entries with the same name behind the prefix
*and* the same words the first is kept: by name alone, skills would be lost that only happen to be
called alike (``e2e:implement``, ``agents:implement``). What is repeated under the very same name
is left alone: it may be a point in two descriptions.
"""

import re
from collections.abc import Iterator, Mapping

from pichay_core.wire.clientstubs import SKILLS

_LIST = re.compile(rf"({SKILLS})(.*?)(?=^</system-reminder>)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^- (?P<name>[^\s:]+(?::[^\s:]+)*): ", re.MULTILINE)

type _Seen = dict[tuple[str, str], str]
"""The whole name of each entry by its last part and its words."""


def listed_once(texts: Mapping[int, str]) -> dict[int, str]:
    """Return those texts of one message in which an entry is left out, by block, as they go out.

    Nothing outside a reminder's list of skills is changed.
    """
    seen: _Seen = {}
    shorter = {
        block: _LIST.sub(lambda found: found[1] + "".join(_once(found[2], seen)), text)
        for block, text in sorted(texts.items())
    }
    return {block: text for block, text in shorter.items() if text != texts[block]}


def _once(entries: str, seen: _Seen) -> Iterator[str]:
    """Yield what is kept of a list."""
    found = list(_ENTRY.finditer(entries))
    ends = [match.start() for match in found] + [len(entries)]
    yield entries[: ends[0]]
    for match, end in zip(found, ends[1:], strict=True):
        name, words = match["name"], entries[match.end() : end].strip()
        first = seen.setdefault((name.rpartition(":")[2], words), name)
        if first == name:
            yield entries[match.start() : end]
