"""The options and the operands of a command, as getopt reads them.

Source: IEEE Std 1003.1-2024, Utility Syntax Guidelines (12.2); GNU's long options.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pichay_core.shell.words import Word

_COUNT = re.compile(r"-[0-9]+")


@dataclass(frozen=True, slots=True)
class Given:
    """What a command was given."""

    flags: tuple[tuple[str, str], ...]
    """Options without their dashes, each with its value; an empty one if it has none."""
    operands: tuple[Word, ...]

    def only(self, names: str) -> bool:
        """True if no option was given but these one-letter ones."""
        return all(len(name) == 1 and name in names for name, _ in self.flags)

    def values(self, *names: str) -> list[str]:
        """Return the values of an option, by any of its names, in order."""
        return [value for name, value in self.flags if name in names]


def given(words: Sequence[Word], valued: str = "", counted: str = "") -> Given:
    """Return what stands behind a command's name.

    The one-letter options in ``valued`` take a value, in the same word or the next; ``-20`` is the
    value of the option ``counted``.
    """
    flags: list[tuple[str, str]] = []
    operands: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.text == "--":
            operands += rest
            break
        if counted and _COUNT.fullmatch(word.text):
            flags.append((counted, word.text[1:]))
        elif word.text.startswith("--"):
            name, _, value = word.text[2:].partition("=")
            flags.append((name, value))
        elif word.text.startswith("-") and word.text != "-":
            flags += _short(word.text[1:], valued, rest)
        else:
            operands.append(word)
    return Given(tuple(flags), tuple(operands))


def _short(letters: str, valued: str, rest: list[Word]) -> list[tuple[str, str]]:
    """Return the options of one word; the value of its last may be the next one of *rest*."""
    found: list[tuple[str, str]] = []
    for at, letter in enumerate(letters):
        if letter in valued:
            value = letters[at + 1 :] or (rest.pop(0).text if rest else "")
            return [*found, (letter, value)]
        found.append((letter, ""))
    return found
