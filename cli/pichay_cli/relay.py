"""The agent as a child of this process: its signals, its stops, its exit code.

Rule of this file: to the shell, ``pichay run CMD`` behaves as ``CMD`` would. The child has
the terminal and shares our process group, so the terminal's own signals reach it without
us; those that somebody sends to us alone are passed on.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Self

FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""The terminal sends these to the whole foreground group."""
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


class Relay:
    """Inside ``with Relay()``, signals do not end this process while its child lives.

    Before there is a child they raise SystemExit, so that what was begun is undone; after
    it, they are ignored, so that what was begun is finished.
    """

    def __init__(self) -> None:
        self._child: int | None = None
        self._starting = False
        self._over = False
        self._early: list[int] = []
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (*FROM_TERMINAL, *PASSED_ON):
            # What is ignored (nohup) stays so, here and in the child; a handler would be
            # reset to the default by exec.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def run(self, command: Sequence[str], environment: Mapping[str, str], held: int) -> int:
        """The exit code of *command*, run to its end: 128 + n if signal n ended it.

        The child inherits the descriptor *held*. Raises OSError if it cannot be started.
        """
        self._starting = True
        try:
            child = subprocess.Popen(command, env=dict(environment), pass_fds=(held,))
            self._child = child.pid
            for number in self._early:
                self._pass_on(child.pid, number)
            child.returncode = _exit_code(child.pid)
        finally:
            self._over = True
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if not self._starting:
            raise SystemExit(128 + number)
        if self._over or (number in FROM_TERMINAL and in_foreground()):
            return
        if self._child is None:
            self._early.append(number)
        else:
            self._pass_on(self._child, number)

    def _pass_on(self, child: int, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)


def in_foreground() -> bool:
    """True if the terminal's signals reach this process: it has one, and is in front."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _exit_code(child: int) -> int:
    """The child's exit code, -n for signal n, once it has ended.

    An agent that stops itself (its own Ctrl-Z) must stop us too, or the shell waits on.
    """
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        if in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
