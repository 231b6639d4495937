"""Signals while a recording is on screen: those that end it, and the one that stops it for a while.

Rule of this file: a handler says what is wanted, or raises; what leaves the terminal in order is
the code that put it out of order.

Source: POSIX job control; bash gives back the modes of a terminal but not its cursor.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ENDING = ("SIGTERM", "SIGHUP")
_STOPPING = "SIGTSTP"
"""What Ctrl-Z sends. Not every system has it."""


@dataclass(slots=True)
class Asked:
    """What signals have asked for."""

    stop: bool = False

    def stopped(self) -> None:
        """Stop as a process does that knows nothing of it; returns when it is to go on."""
        self.stop = False
        number = getattr(signal, _STOPPING)
        ours = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, ours)


@contextmanager
def asked() -> Iterator[Asked]:
    """A signal to end is raised, one to stop is noted, where this is the main thread.

    One that whoever started this has set aside, as nohup does, stays so.
    """
    wanted = Asked()

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def stop(_number: int, _frame: FrameType | None) -> None:
        wanted.stop = True

    here = threading.current_thread() is threading.main_thread()
    handlers = {**dict.fromkeys(_ENDING, end), _STOPPING: stop} if here else {}
    numbers = {getattr(signal, name): to for name, to in handlers.items() if hasattr(signal, name)}
    heard = {n: to for n, to in numbers.items() if signal.getsignal(n) is not signal.SIG_IGN}
    before = {number: signal.signal(number, to) for number, to in heard.items()}
    try:
        yield wanted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
