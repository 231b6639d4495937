"""Gemini generateContent: a reply in one piece on its way to the client.

Rule of this file: nothing goes out before the end, and then one body: the very bytes that came if
nothing was kept back and nothing added, else the last leg's with the parts that are shown of all
legs, each as it came. What is no such body passes as it came: so does, from its first byte on, the
list of responses that comes in pieces where the client does not ask for events.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pichay_core.wire import sse
from pichay_core.wire.gemini_events import Change, Response, changed, response_in, tally, together
from pichay_core.wire.gemini_leg import Leg
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply, TextFilter


@dataclass(frozen=True, slots=True)
class _Read:
    """One leg: its body, what the client is shown of it, and what it was."""

    response: Response
    shown: tuple[bytes, ...]
    reply: Reply


class ReplyBody:
    """One message for the client in one piece, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter)
        self._legs = list[_Read]()
        self._body = bytearray()
        self._first = True
        self._loose = self._ended = self._finished = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return nothing, but for a first reply that is a list, or longer than what is held."""
        if self._loose:
            return [data] if data and self._first else []
        self._body += data
        if len(self._body) <= sse.LONGEST_FRAME and not self._body.lstrip().startswith(b"["):
            return []
        self._loose = True
        held = bytes(self._body)
        self._body.clear()
        return [held] if self._first else []

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._ended = True
        try:
            read = self._read(bytes(self._body))
        except Unreadable:
            return Reply()
        self._legs.append(read)
        return read.reply

    def _read(self, body: bytes) -> _Read:
        response, leg = response_in(body), self._new_leg()
        if not response.candidate:
            raise Unreadable("there is no candidate")
        shown = leg.take(response.parts, ends=True)
        return _Read(response, tuple(shown), leg.reply(response.finish))

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
            body = self._message() if self._legs else bytes(self._body)
        except Unreadable:
            body = self._legs[0].response.data
        return [body] if body else []

    def fail(self, why: str) -> list[bytes]:
        """Return the message as far as it came."""
        return self.finish()

    def waiting(self) -> bytes:
        """Return nothing: there is no saying anything before the message."""
        return b""

    def _message(self) -> bytes:
        """Return the one message that the client gets."""
        last, parts = self._legs[-1].response, [part for leg in self._legs for part in leg.shown]
        before = reduce(together, (tally(leg.response) for leg in self._legs[:-1]), {})
        return changed(last, Change(parts, before=before, id=self._legs[0].response.id))
