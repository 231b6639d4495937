"""From a command line to its commands and their words, or to nothing.

Rule of this file: it understands what means the same in every shell, and refuses the rest.
Variables, substitutions, subshells, here-documents, background and redirections are refused, but
for those that only say where errors go (``2>/dev/null``, ``2>&1``).
Source: IEEE Std 1003.1-2024, Shell Command Language, sections 2.2 (quoting) and 2.3 (tokens).
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 2000
"""Characters of a command line above which nobody tries to understand it."""

NEXT = ";"
"""What stands between two command lists, whether written so or as the end of a line."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, without its quotes."""

    text: str
    pattern: bool = False
    """Bare characters in it stand for other names."""

    def __str__(self) -> str:
        return self.text if self.pattern else shlex.quote(self.text)


type Command = tuple[Word, ...]
type Pipeline = tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: pipelines, and what stands between each and the next."""

    pipelines: tuple[Pipeline, ...]
    joints: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the line in the one spelling that all lines of its meaning share."""
        said = [" | ".join(" ".join(map(str, c)) for c in p) for p in self.pipelines]
        return said[0] + "".join(f" {j} {p}" for j, p in zip(self.joints, said[1:], strict=True))


_PIECE = re.compile(
    r"""(?P<bare>[^\x00-\x20\x7f\\'"$`|&;<>()]+)
    |\\(?P<escaped>[^\w\x00-\x1f])
    |'(?P<single>[^']*)'
    |"(?P<double>(?:[^"\\$`]|\\[^\x00]|\$(?=["\s\\|/,.]))*)"
    """,
    re.VERBOSE,
)
"""What a word is made of. A letter behind a bare backslash is more likely a path of Windows."""
_TOKEN = re.compile(
    rf"""(?P<blank>[ \t]+(?:\\\n[ \t]*)*|\#[^\n]*)
    |(?P<joint>&&|\|\||[;\n])
    |(?P<pipe>\|(?!&))
    |(?P<quiet>2>(?:&1|[ ]?/dev/null)(?=[\s;|&]|$))
    |(?P<word>(?:{re.sub("[?]P<[a-z]+>", "?:", _PIECE.pattern)})++)
    """,
    re.VERBOSE,
)
_IN_DOUBLE = re.compile(r'\\(?:\n|([$`"\\]))')
_PATTERN = re.compile(r"[*?[{]")


def parse(text: str) -> Line | None:
    """Return the command line, None if any of it is not understood."""
    if len(text) > LONGEST or "\0" in text:
        return None
    draft, at = _Draft(), 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or not draft.takes(token.lastgroup or "", token.group()):
            return None
        at = token.end()
    return draft.line()


def literal(argv: Sequence[str]) -> Line | None:
    """Return the line of one command whose words are meant as they stand; None if it is odd."""
    if not argv or sum(map(len, argv)) > LONGEST or any("\0" in text for text in argv):
        return None
    return Line(((tuple(map(Word, argv)),),))


class _Draft:
    """A line as far as it has been read."""

    def __init__(self) -> None:
        self._pipelines: list[Pipeline] = []
        self._joints: list[str] = []
        self._commands: list[Command] = []
        self._words: list[Word] = []

    def takes(self, kind: str, text: str) -> bool:
        """Add a token; False if it cannot stand here."""
        match kind:
            case "word":
                self._words.append(_word(text))
            case "pipe":
                return self._ends_command()
            case "joint":
                return self._ends_pipeline(text)
            case "quiet":
                return bool(self._words)
            case _:
                pass
        return True

    def _ends_command(self) -> bool:
        ended = bool(self._words)
        self._commands.append(tuple(self._words))
        self._words = []
        return ended

    def _ends_pipeline(self, joint: str) -> bool:
        if joint == "\n" and not self._words:
            return True
        ended = self._ends_command()
        self._pipelines.append(tuple(self._commands))
        self._joints.append(NEXT if joint == "\n" else joint)
        self._commands = []
        return ended

    def line(self) -> Line | None:
        """Return the whole line; None if something is missing at its end."""
        if self._words:
            self._ends_pipeline(NEXT)
        if self._commands or not self._pipelines or self._joints[-1] != NEXT:
            return None
        return Line(tuple(self._pipelines), tuple(self._joints[:-1]))


def _word(text: str) -> Word:
    pieces = list(_PIECE.finditer(text))
    pattern = any(_PATTERN.search(piece["bare"] or "") for piece in pieces)
    return Word("".join(map(_said, pieces)), pattern)


def _said(piece: re.Match[str]) -> str:
    if piece.lastgroup == "double":
        return _IN_DOUBLE.sub(lambda found: found[1] or "", piece["double"])
    return piece[piece.lastgroup or 0]
