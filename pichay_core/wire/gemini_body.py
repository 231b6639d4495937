"""Gemini generateContent: a reply in one piece on its way to the client.

Rule of this file: the very bytes that came if nothing was kept back and nothing added, else the
last leg's with the parts that are shown of all legs, each as it came. What is no such body passes
as it came: so does, from its first byte on, the list of responses that comes in pieces where the
client does not ask for events.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

<<<<<<< HEAD
from pichay_core.wire.gemini_events import Change, Response, changed, response_in, tally, together
=======
from pichay_core.wire.gemini_events import Change, Response, changed, response_in, tally
>>>>>>> i6-frame
from pichay_core.wire.gemini_leg import Leg
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.onepiece import OnePiece
from pichay_core.wire.reply import Reply, TextFilter
from pichay_core.wire.tally import together


@dataclass(frozen=True, slots=True)
class _Read:
    """One leg: its body, what the client is shown of it, and what it was."""

    response: Response
    shown: tuple[bytes, ...]
    reply: Reply

    @property
    def body(self) -> bytes:
        """As it came."""
        return self.response.data


class ReplyBody(OnePiece[_Read]):
    """One message for the client in one piece, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        super().__init__(self._read_leg, _message)
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter)
<<<<<<< HEAD
        self._opening = True
        """Nothing but space has come so far."""
        self._listed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return nothing, but for a reply that is a list, or longer than what is held."""
        if self._opening and data.strip():
            self._opening, self._listed = False, data.lstrip().startswith(b"[")
        held = super().feed(data) if not self._listed else [*super().finish(), data]
        return [piece for piece in held if piece]
=======

    def _passes(self) -> bool:
        return self._body.lstrip().startswith(b"[")
>>>>>>> i6-frame

    def _read_leg(self, body: bytes) -> _Read:
        response, leg = response_in(body), self._new_leg()
        if not response.candidate:
            raise Unreadable("there is no candidate")
        shown = leg.take(response.parts, ends=True)
        return _Read(response, tuple(shown), leg.reply(response.finish))


def _message(legs: Sequence[_Read]) -> bytes:
    """Return the one message that the client gets."""
<<<<<<< HEAD
    parts = [part for leg in legs for part in leg.shown]
    before = reduce(together, (tally(leg.response) for leg in legs[:-1]), {})
    change = Change(parts, before=before, id=legs[0].response.id)
    return changed(legs[-1].response, change)
=======
    last, parts = legs[-1].response, [part for leg in legs for part in leg.shown]
    before = reduce(together, (tally(leg.response) for leg in legs[:-1]), {})
    return changed(last, Change(parts, before=before, id=legs[0].response.id))
>>>>>>> i6-frame
