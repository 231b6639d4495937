"""Anthropic Messages: a reply on its way to the client, without what is only between us.

Rule of this file: one message for the client, whatever it took upstream. Frames that need no
change pass at once as the bytes that came; the end of a message waits only while a call to a tool
of ours may make it go on. Nothing that comes from upstream makes it raise, and what is not
understood passes as it came. What it holds is bounded (``sse.LONGEST_FRAME``).

Of an error event, in whichever leg: it passes as it came, and nothing is added behind it. A client
takes an error inside a stream for a reply that failed, and asks again; an end of our making would
have it take half a reply for all of it.

A reply that breaks off in its first leg breaks off for the client too. In a later leg the client's
message is brought to an end, if all that is open is text; else it ends in an error event, since
half of a call must not be carried out.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import anthropic_edits as edits
from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic_body import ReplyBody
from pichay_core.wire.anthropic_edits import Tally, tally, together
from pichay_core.wire.anthropic_leg import Leg, Numbers
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, mapping, string


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
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter, self._numbers)
        self._numbers = Numbers()
        self._later = False
        """A leg came before this one."""
        self._before: Tally = {}
        """What the legs before this one have written, in tokens."""
        self._last_end: tuple[bytes, Tally] | None = None
        """The newest ``message_delta``, and what it counts."""
        self._failed = self._loose = self._silent = self._finished = False
        self._begin()

    def _begin(self) -> None:
        self._splitter = sse.Splitter()
        self._leg = self._new_leg()
        self._written: Tally = {}
        self._stop = ""
        self._tail = list[tuple[bytes, Tally | None]]()
        """The end of the message, held back: each frame, and what it counts if it does."""
        self._late = list[bytes]()
        """What is to go out after the last of the leg's own bytes."""
        self._rest = b""
        self._started = self._complete = self._told = self._flushed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return what of it goes to the client now."""
        if self._loose or self._silent:
            return [data] if data and self._loose else []
        passed = list[bytes]()
        for start in range(0, len(data), sse.LONGEST_FRAME):
            passed += self._take(data[start : start + sse.LONGEST_FRAME])
        return passed

    def _take(self, data: bytes) -> list[bytes]:
        """Take no more than one frame may hold: then no frame is complete if this is too much."""
        if self._loose or self._silent:
            return [data] if self._loose else []
        passed, frames = list[bytes](), list[bytes]()
        done = 0
        try:
            frames = self._splitter.feed(data)
            for frame in frames:
                passed += self._frame(frame)
                done += 1
        except (Unreadable, OverflowError):
            # The one place where the stream is given up: an endless frame, or one whose block
            # has another number for the client, which cannot be written into it.
            passed += self._give_up(b"".join(frames[done:]) + self._splitter.flush())
        return passed

    def _give_up(self, rest: bytes) -> list[bytes]:
        """Pass all that is left as it came; an error instead, where its numbers are wrong."""
        self._leg.understood = False
        if self._later or self._leg.lost:
            self._silent = True
            return [edits.error_event("the reply could not be read")]
        self._loose = True
        held = (*self._leg.let_out(), *self._leg.released(), *(frame for frame, _ in self._tail))
        self._tail.clear()
        return [piece for piece in (*held, rest) if piece]

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        if self._complete and self._tail:
            return self._hold(frame, None)
        event = _event(data) if data else _COMMENT
        match event:
            case {"type": "content_block_start", "index": int(index), "content_block": dict()}:
                return self._leg.start(frame, data, index)
            case {"type": str(), "index": int(index)} if index in self._leg:
                return self._leg.add(frame, data, event, index)
            case {"type": str(kind)} if "index" not in event:
                return self._of_message(kind, frame, event)
            case _:
                self._leg.understood = False
                return [frame]

    def _of_message(self, kind: str, frame: bytes, event: Json) -> list[bytes]:
        match kind:
            case "message_start":
                self._count(mapping(mapping(event.get("message")).get("usage")))
                self._started = True
                return [] if self._later else [frame]
            case "message_delta":
                return self._end(frame, event)
            case "message_stop":
                self._complete = True
                return self._hold(frame, None) if self._leg.asks else [frame]
            case "error":
                self._failed = True
                return [frame]
            case _:
                return [frame]

    def _end(self, frame: bytes, event: Json) -> list[bytes]:
        """Take why the message ended, and what was written of it."""
        self._stop = string(mapping(event.get("delta")).get("stop_reason")) or self._stop
        counts = self._count(mapping(event.get("usage")))
        self._last_end = frame, counts
        if self._leg.asks:
            return self._hold(frame, counts)
        self._told = True
        return [self._settled(frame, counts)]

    def _count(self, usage: Json) -> Tally:
        counts = tally(usage)
        self._written = {**self._written, **counts}
        return counts

    def _hold(self, frame: bytes, counts: Tally | None) -> list[bytes]:
        if sum(len(held) for held, _ in self._tail) + len(frame) > sse.LONGEST_FRAME:
            raise OverflowError("the end of the message is too long to be held back")
        self._tail.append((frame, counts))
        return []

    def _settled(self, frame: bytes, counts: Tally | None) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        if counts is None:
            return frame
        left = self._leg.asks and not self._leg.calls() and self._stop == "tool_use"
        if not left and not self._later:
            return frame
        totals = together(self._before, counts) if self._later else _OWN
        return _ended(frame, "end_turn" if left else None, totals)

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._flush()
        parts = tuple(self._leg.parts())
        complete = self._started and self._complete and not self._failed
        return Reply(
            parts=parts,
            asks=tuple(self._leg.asked()),
            calls=self._leg.calls(),
            tags=tuple(self._leg.tags()),
            stop=self._stop,
            whole=complete and self._leg.whole,
        )

    def _flush(self) -> None:
        """Take what was left by the splitter and the filters; once for each leg."""
        if self._flushed or self._loose or self._silent:
            return
        self._flushed = True
        rest = self._splitter.flush()
        try:
            self._late += self._frame(rest) if sse.is_complete(rest) else ()
            self._late += self._leg.let_out()
        except (Unreadable, OverflowError):
            self._late += self._give_up(rest)
        else:
            self._rest = b"" if sse.is_complete(rest) else rest
            self._leg.understood &= not sse.data_of(self._rest)

    def go_on(self) -> None:
        """Expect another leg of the same message."""
        self._before = together(self._before, self._written)
        self._later = self._numbers.moved = True
        self._begin()

    def finish(self) -> list[bytes]:
        """Return the end of the client's message, as far as it is not out."""
        return self._finish("the reply broke off")

    def fail(self, why: str) -> list[bytes]:
        """Return the end of a message that was to go on and cannot.

        In its first leg that is an error, if it is not whole: the client would take any other end
        for one of the model's. In a later one too, if the client has been shown nothing so far: it
        asks again then, where an empty message would end its work.
        """
        shown = self._numbers.next > 0 or not self._later
        if self._finished or self._failed or (shown and (self._later or self._complete)):
            return self._finish(why)
        self._finished = self._silent = True
        return [edits.error_event(why)]

    def _finish(self, why: str) -> list[bytes]:
        if self._finished:
            return []
        self._flush()
        self._finished = True
        found = [*self._late]
        if not (self._failed or self._loose or self._silent):
            broken = self._later and not self._complete
            found += self._brought_to_end(why) if broken else self._settled_tail()
        if not (self._later or self._leg.altered):
            found.append(self._rest)
        return [piece for piece in found if piece]

    def _settled_tail(self) -> Iterator[bytes]:
        return (self._settled(frame, counts) for frame, counts in self._tail)

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return an end for a message whose last leg has none."""
        closing = self._leg.closing()
        if closing is None:
            return [edits.error_event(why)]
        closing += self._settled_tail()
        if not self._told and not self._tail:
            stop = "tool_use" if self._leg.calls(unfinished=False) else "end_turn"
            frame, _ = self._last_end or (b"", None)
            closing.append(_ended(frame, stop, together(self._before, self._written)))
        return [*closing, edits.STOPPED]

    def waiting(self) -> bytes:
        """Return a ping; nothing where it would stand inside of something else."""
        return b"" if self._loose or self._silent or self._finished else edits.PING


_COMMENT: Json = {"type": "comment"}
_OWN: Tally = {}


def _ended(frame: bytes, stop: str | None, totals: Tally) -> bytes:
    try:
        return edits.ended(frame, stop, totals)
    except Unreadable:
        return edits.end_event(stop or "end_turn", totals)


def _event(data: bytes) -> Json:
    try:
        return mapping(jsontext.value(data))
    except Unreadable:
        return edits.outside(data)
