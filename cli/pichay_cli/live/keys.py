"""Keys as they are pressed, where standard input is a terminal.

Rule of this file: whatever happens, the terminal is left as it was found. Without a terminal, or on
a system without its interface, waiting is all there is.

Source: POSIX termios; the names of the keys are those of xterm and its kin.
"""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pichay_cli.live.roll import ALL, DOWN, FIRST, LAST, OPEN, QUIT, UP

try:
    import termios
    import tty
except ImportError:  # Not on Windows.
    termios = tty = None

_MEANINGS = {
    **dict.fromkeys((b"\x1b[A", b"\x1bOA", b"k"), UP),
    **dict.fromkeys((b"\x1b[B", b"\x1bOB", b"j"), DOWN),
    **dict.fromkeys((b"\x1b[C", b"\x1bOC", b"\r", b"\n", b"l"), OPEN),
    **dict.fromkeys((b"\x1b[D", b"\x1bOD", b"h", b"a"), ALL),
    **dict.fromkeys((b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"g"), FIRST),
    **dict.fromkeys((b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"G"), LAST),
    b"q": QUIT,
}
_LONGEST = max(map(len, _MEANINGS))
_LOCAL = 3
"""Place of the local modes among those of a terminal."""


def meanings(typed: bytes) -> tuple[tuple[str, ...], bytes]:
    """What was typed as what is to be done, and the beginning of a key that is not whole yet."""
    found: list[str] = []
    while typed:
        sizes = range(min(_LONGEST, len(typed)), 0, -1)
        size = next((size for size in sizes if typed[:size] in _MEANINGS), 0)
        if not size and any(key.startswith(typed) for key in _MEANINGS):
            return tuple(found), typed
        found += [_MEANINGS[typed[:size]]] if size else []
        typed = typed[max(1, size) :]
    return tuple(found), b""


@dataclass(slots=True)
class Keyboard:
    """The keys of a terminal; of none if there is no descriptor."""

    descriptor: int | None = None
    before: "list[Any] | None" = None
    """The terminal's attributes as they were found."""
    _begun: bytes = field(default=b"")

    def wait(self, seconds: float) -> tuple[str, ...]:
        """What is to be done, as soon as a key says so; nothing after so many seconds."""
        if self.descriptor is None or not _ready(self.descriptor):
            time.sleep(seconds)
            return ()
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            self._begun = b""
            return ()
        typed = os.read(self.descriptor, 1_024)
        if not typed:
            # The end of the input: nobody will press a key any more.
            self.descriptor = None
        found, self._begun = meanings(self._begun + typed)
        return found

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """The terminal is as it was found; the next wait takes it again."""
        self.give_back()
        yield

    def give_back(self) -> None:
        """Leave the terminal as it was found, if it is still there and ours to change.

        A process in the background would be stopped for it, and need not: the shell has done so.
        """
        if termios is None or self.before is None or self.descriptor is None:
            return
        with suppress(termios.error):
            if not _in_background(self.descriptor):
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self.before)


def _ready(descriptor: int) -> bool:
    """True if each key comes as it is pressed; seen to again after the process was stopped.

    One in the background has no keys, and would be stopped if it asked for them.
    """
    if termios is None or tty is None or _in_background(descriptor):
        return False
    if termios.tcgetattr(descriptor)[_LOCAL] & termios.ICANON:
        tty.setcbreak(descriptor, termios.TCSANOW)
    return True


def _in_background(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # It is not the terminal that this process belongs to.
        return False


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The keys, each as it is pressed and none shown; the terminal is as it was afterwards."""
    if termios is None or not sys.stdin.isatty():
        yield Keyboard()
        return
    descriptor = sys.stdin.fileno()
    found = Keyboard(descriptor, termios.tcgetattr(descriptor))
    try:
        _ready(descriptor)
        yield found
    finally:
        found.descriptor = descriptor
        found.give_back()
