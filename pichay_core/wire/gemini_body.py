"""Gemini generateContent: a reply in one piece on its way to the client.

Rule of this file: nothing goes out before the end, and then one body: the very bytes that came if
nothing was kept back and nothing added, else the last leg's with the parts that are shown of all
legs, each as it came. What is no such body passes as it came: so does, from its first byte on, the
list of responses that comes in pieces where the client does not ask for events.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce

from pichay_core.wire.gemini_events import Change, Response, changed, response_in, tally
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
        self._new_leg: Callable[[bool], Leg] = partial(Leg, names, text_filter)
        self._spoke = False
        """The client is shown text of a leg."""

    def _passes(self) -> bool:
        return self._body.lstrip().startswith(b"[")

    def _read_leg(self, body: bytes) -> _Read:
        response, leg = response_in(body), self._new_leg(self._spoke)
        if not response.candidate:
            raise Unreadable("there is no candidate")
        shown = leg.take(response.parts, ends=True)
        self._spoke = leg.spoke
        return _Read(response, tuple(shown), leg.reply(response.finish))


def _message(legs: Sequence[_Read]) -> bytes:
    """Return the one message that the client gets."""
    last, parts = legs[-1].response, [part for leg in legs for part in leg.shown]
    before = reduce(together, (tally(leg.response) for leg in legs[:-1]), {})
    return changed(last, Change(parts, before=before, id=legs[0].response.id))
