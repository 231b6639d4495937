"""Gemini generateContent: a reply on its way to the client, without what is only between us.

Rule of this file: one message for the client, whatever it took upstream. Events that need no
change pass at once as the bytes that came; the end of a message waits only while a call to a tool
of ours may make it go on. What holds on every wire stands in ``streamed``.

A message that breaks off in a later leg is brought to an end, since calls come whole and a text
that breaks off is a shorter text. Its events have no numbers: what is not understood fits.

The provider sends no keep-alives, and its client libraries take none: while a leg is awaited,
nothing is said.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import gemini_events as events
from pichay_core.wire import sse
from pichay_core.wire.gemini_body import ReplyBody
from pichay_core.wire.gemini_events import Change, Response, changed, tally
from pichay_core.wire.gemini_leg import Leg
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.streamed import Streamed
from pichay_core.wire.tally import Tally, together


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: events if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream(Streamed[Leg]):
    """One streamed message for the client, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._shown = False
        """The client has been shown a part."""
        self._id: bytes | None = None
        self._last_end: tuple[bytes, Response] | None = None
        """The newest event that ends the message, as it came."""
        self._spoke = False
        """The client has been shown text of the legs before this one."""
        super().__init__(lambda: Leg(names, text_filter, self._spoke))

    @property
    def _fits(self) -> bool:
        return True

    @property
    def _shows(self) -> bool:
        return self._shown

    def _error(self, why: str) -> bytes:
        return events.error_event(why)

    def go_on(self) -> None:
        """Expect another leg of the same message."""
        self._spoke = self._leg.spoke
        super().go_on()

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        if not data:
            self._failed |= frame.lstrip().startswith(b"{")
            return self._as_it_came(frame)
        try:
            response = events.response_in(data)
            if response.failed:
                self._failed = True
                return [frame]
            return self._passed(frame, response)
        except Unreadable:
            self._leg.understood = False
            return self._as_it_came(frame)

    def _as_it_came(self, frame: bytes) -> list[bytes]:
        return self._hold(frame) if self._tail and not self._failed else [frame]

    def _passed(self, frame: bytes, response: Response) -> list[bytes]:
        """Return what of an event goes to the client now; the end of the message may wait."""
        shown = self._leg.take(response.parts, bool(response.finish))
        self._written = {**self._written, **tally(response)}
        self._stop = response.finish or self._stop
        self._complete = bool(self._stop)
        self._id = self._id or response.id
        self._shown |= bool(shown)
        extra, parts = list[bytes](), shown
        if response.array is None:
            extra, parts = [events.text_event(part) for part in shown], []
        if response.finish:
            self._last_end = frame, response
        if self._tail or (self._leg.asks and response.finish):
            told = [self._told(frame, response, parts, ends=False)] if parts else []
            return [*extra, *told, *self._hold(self._told(frame, response, []))]
        if not parts and response.parts and not response.says_more:
            return extra
        return [*extra, self._told(frame, response, parts)]

    def _told(
        self, frame: bytes, response: Response, parts: list[bytes], ends: bool = True
    ) -> bytes:
        """Return an event as the client is to see it."""
        before = self._before if self._later else _NOTHING
        change = Change(parts, ends, before, self._id)
        return events.reframed(frame, changed(response, change))

    def _reply(self) -> Reply:
        self._leg.understood &= not self._failed
        return self._leg.reply(self._stop)

    def _flush(self) -> None:
        super()._flush()
        if self._rest.lstrip().startswith(b"{"):
            self._failed = True
            self._late.append(self._rest)
            self._rest = b""

    def _let_out(self) -> list[bytes]:
        return [events.text_event(part) for part in self._leg.let_out()]

    def _brought_to_end(self, why: str) -> Iterator[bytes]:
        yield self._own_end()

    def _own_end(self) -> bytes:
        """Return an end for a message whose last leg has none."""
        if self._last_end is None:
            return events.end_event()
        frame, response = self._last_end
        own, all_legs = tally(response), together(self._before, self._written)
        more = {name: count - own.get(name, 0) for name, count in all_legs.items()}
        try:
            said = changed(response, Change([], before=more, id=self._id))
        except Unreadable:
            return events.end_event()
        return events.reframed(frame, said)


_NOTHING: Tally = {}
