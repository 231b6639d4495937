"""Gemini generateContent: a reply on its way to the client, without what is only between us.

Rule of this file: one message for the client, whatever it took upstream. Events that need no
change pass at once as the bytes that came; the end of a message waits only while a call to a tool
of ours may make it go on. Nothing that comes from upstream makes it raise, and what is not
understood passes as it came. What it holds is bounded (``sse.LONGEST_FRAME``).

An error passes as it came, and nothing is added behind it. A reply that breaks off in its first
leg breaks off for the client too; in a later one the client's message is brought to an end, since
calls come whole and a text that breaks off is a shorter text.

The provider sends no keep-alives, and its client libraries take none: while a leg is awaited,
nothing is said.
"""

from collections.abc import Callable

from pichay_core.wire import gemini_events as events
from pichay_core.wire import sse
from pichay_core.wire.gemini_body import ReplyBody
from pichay_core.wire.gemini_events import Change, Response, Tally, changed, tally, together
from pichay_core.wire.gemini_leg import Leg
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply, Stream, TextFilter


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: events if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream:
    """One streamed message for the client, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter)
        self._later = self._shown = False
        """A leg came before this one; the client has been shown a part."""
        self._before: Tally = {}
        """What the legs before this one have written, in tokens."""
        self._id: bytes | None = None
        self._last_end: tuple[bytes, Response] | None = None
        """The newest event that ends the message, as it came."""
        self._failed = self._loose = self._silent = self._finished = False
        self._begin()

    def _begin(self) -> None:
        self._splitter = sse.Splitter()
        self._leg = self._new_leg()
        self._written: Tally = {}
        self._stop = ""
        self._tail = list[bytes]()
        """The end of the message, held back."""
        self._late = list[bytes]()
        """What is to go out after the last of the leg's own bytes."""
        self._rest = b""
        self._flushed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return what of it goes to the client now."""
        passed = list[bytes]()
        for start in range(0, len(data), sse.LONGEST_FRAME):
            passed += self._take(data[start : start + sse.LONGEST_FRAME])
        return passed

    def _take(self, data: bytes) -> list[bytes]:
        if self._loose or self._silent:
            return [data] if self._loose else []
        passed, frames, done = list[bytes](), list[bytes](), 0
        try:
            frames = self._splitter.feed(data)
            for frame in frames:
                passed += self._frame(frame)
                done += 1
        except OverflowError:
            rest = b"".join(frames[done:]) + self._splitter.flush()
            passed += self._give_up(rest)
        return passed

    def _give_up(self, rest: bytes) -> list[bytes]:
        """Pass all that is left as it came."""
        self._leg.understood, self._loose = False, True
        held = (*self._let_out(), *self._tail, rest)
        self._tail.clear()
        return [piece for piece in held if piece]

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
        return self._hold([frame]) if self._tail and not self._failed else [frame]

    def _passed(self, frame: bytes, response: Response) -> list[bytes]:
        """Return what of an event goes to the client now; the end of the message may wait."""
        shown = self._leg.take(response.parts, bool(response.finish))
        self._written = {**self._written, **tally(response)}
        self._stop = response.finish or self._stop
        self._id = self._id or response.id
        self._shown |= bool(shown)
        extra, parts = list[bytes](), shown
        if response.array is None:
            extra, parts = [events.text_event(part) for part in shown], []
        if response.finish:
            self._last_end = frame, response
        if self._tail or (self._leg.asks and response.finish):
            told = [self._told(frame, response, parts, ends=False)] if parts else []
            return [*extra, *told, *self._hold([self._told(frame, response, [])])]
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

    def _hold(self, frames: list[bytes]) -> list[bytes]:
        if sum(map(len, (*self._tail, *frames))) > sse.LONGEST_FRAME:
            raise OverflowError("the end of the message is too long to be held back")
        self._tail += frames
        return []

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._flush()
        self._leg.understood &= not self._failed
        return self._leg.reply(self._stop)

    def _flush(self) -> None:
        """Take what was left by the splitter and the filters; once for each leg."""
        if self._flushed or self._loose or self._silent:
            return
        self._flushed = True
        rest = self._splitter.flush()
        try:
            self._late += self._frame(rest) if sse.is_complete(rest) else ()
        except OverflowError:
            self._late += self._give_up(rest)
            return
        self._late += self._let_out()
        self._rest = b"" if sse.is_complete(rest) else rest
        self._leg.understood &= not sse.data_of(self._rest)
        self._failed |= self._rest.lstrip().startswith(b"{")

    def _let_out(self) -> list[bytes]:
        return [events.text_event(part) for part in self._leg.let_out()]

    def go_on(self) -> None:
        """Expect another leg of the same message."""
        self._before = together(self._before, self._written)
        self._later = True
        self._begin()

    def finish(self) -> list[bytes]:
        """Return the end of the client's message, as far as it is not out."""
        if self._finished:
            return []
        self._flush()
        self._finished = True
        found = [*self._late]
        if not (self._failed or self._loose or self._silent):
            found += [self._own_end()] if self._later and not self._stop else self._tail
        if not (self._later or self._leg.altered) or self._failed:
            found.append(self._rest)
        return [piece for piece in found if piece]

    def fail(self, why: str) -> list[bytes]:
        """Return the end of a message that was to go on and cannot.

        In its first leg that is an error, if it is not whole: the client would take any other end
        for one of the model's. In a later one too, if the client has been shown nothing so far: it
        asks again then, where an empty message would end its work.
        """
        whole = bool(self._stop)
        if self._finished or self._failed or (self._shown and (self._later or whole)):
            return self.finish()
        self._finished = self._silent = True
        return [events.error_event(why)]

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

    def waiting(self) -> bytes:
        """Return nothing: the client libraries of this provider know no keep-alive."""
        return b""


_NOTHING: Tally = {}
