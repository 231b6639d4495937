"""A reply in one piece on its way to the client, on any wire.

Rule of this file: nothing goes out before the end, and then one body. What is no such reply passes
as it came.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from pichay_core.wire import sse
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply


class OneLeg(Protocol):
    """What was read of the body of one leg."""

    @property
    def body(self) -> bytes:
        """As it came."""
        ...

    @property
    def reply(self) -> Reply:
        """What the model wrote in it."""
        ...


class OnePiece[Read: OneLeg]:
    """One message for the client in one piece, over one or more legs."""

    def __init__(
        self, read: Callable[[bytes], Read], message: Callable[[Sequence[Read]], bytes]
    ) -> None:
        self._read = read
        self._message = message
        self._legs = list[Read]()
        self._body = bytearray()
        self._first = True
        self._loose = self._ended = self._finished = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return nothing, but for a first reply that passes, or is longer than what is held."""
        if self._loose:
            return [data] if data and self._first else []
        self._body += data
        if len(self._body) <= sse.LONGEST_FRAME and not self._passes():
            return []
        self._loose = True
        held = bytes(self._body)
        self._body.clear()
        return [held] if self._first else []

    def _passes(self) -> bool:
        """True if what has come is seen to be no such reply: it need not be held."""
        return False

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._ended = True
        try:
            read = self._read(bytes(self._body))
        except Unreadable:
            return Reply()
        self._legs.append(read)
        return read.reply

    def go_on(self) -> None:
        """Expect another leg of the same message."""
        self._first = self._loose = self._ended = False
        self._body.clear()

    def finish(self) -> list[bytes]:
        """Return the message, or what came instead of one."""
        if self._finished:
            return []
        if not self._ended:
            self.end()
        self._finished = True
        try:
            body = self._message(self._legs) if self._legs else bytes(self._body)
        except Unreadable:
            body = self._legs[0].body
        return [body] if body else []

    def fail(self, why: str) -> list[bytes]:
        """Return the message as far as it came."""
        return self.finish()

    def waiting(self) -> bytes:
        """Return nothing: there is no saying anything before the message."""
        return b""
