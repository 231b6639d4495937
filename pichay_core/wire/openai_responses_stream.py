"""OpenAI Responses: a reply on its way to the client, without what is only between us.

Rule of this file: one response for the client, whatever it took upstream: with the id that it was
told first, items and events counted without a gap, and an end that tells of just the items that
were shown. Events that need no change pass as the bytes that came; the end waits only while a call
to a tool of ours may make it go on. Nothing that comes from upstream makes it raise.

Of an error event, in whichever leg: it passes, and nothing is added behind it. A reply that breaks
off in its first leg breaks off for the client too. In a later leg the response is brought to an
end if no item is open; else it ends in an error event, and the client asks again.
"""

from collections.abc import Callable

from pichay_core.wire import jsontext, sse
from pichay_core.wire import openai_responses_edits as edits
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.openai_responses_body import ReplyBody, stop_of
from pichay_core.wire.openai_responses_edits import Tally, Whole, tally, together
from pichay_core.wire.openai_responses_leg import Leg, Numbers
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, mapping, string

_BEGINNINGS = ("response.created", "response.queued", "response.in_progress")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: events if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream:
    """One streamed response for the client, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter, self._numbers)
        self._numbers = Numbers()
        self._later = False
        """A leg came before this one."""
        self._id = ""
        self._shown = dict[int, bytes]()
        """The items of the legs before this one, by the client's numbers."""
        self._before: Tally = {}
        """What the legs before this one have written, in tokens."""
        self._last_end: tuple[bytes, Tally] = (b"", {})
        """The newest event that ended a leg, and what was written before that leg."""
        self._failed = self._loose = self._silent = self._finished = False
        self._begin()

    def _begin(self) -> None:
        self._splitter = sse.Splitter()
        self._leg = self._new_leg()
        self._written: Tally = {}
        self._stop = ""
        self._tail = list[tuple[bytes, Json]]()
        """The end, and what follows it, held back."""
        self._late = list[bytes]()
        """What is to go out after the last of the leg's own bytes."""
        self._rest = b""
        self._complete = self._flushed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return what of it goes to the client now."""
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
            passed += self._give_up(b"".join(frames[done:]) + self._splitter.flush())
        return passed

    def _give_up(self, rest: bytes) -> list[bytes]:
        """Pass all that is left as it came; an error instead, where its numbers are wrong."""
        self._leg.understood = False
        if self._later or self._leg.altered or self._numbers.shifted:
            self._silent = True
            return [edits.error_event("the reply could not be read", self._numbers.event)]
        self._loose = True
        held = (*self._leg.over(), *(frame for frame, _ in self._tail))
        self._tail.clear()
        return [piece for piece in (*held, rest) if piece]

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        event: Json = _event(data) if data else {}
        if self._complete and self._tail:
            return self._hold(frame, event)
        match event:
            case {"type": "response.output_item.added", "output_index": int(index)}:
                return self._leg.start(frame, event, index)
            case {"type": "response.output_item.done", "output_index": int(index)} if (
                index not in self._leg
            ):
                return self._leg.start(frame, event, index)
            case {"type": str(), "output_index": int(index)} if index in self._leg:
                return self._leg.add(frame, event, index)
            case {"type": str(kind), "response": dict()} if kind in _BEGINNINGS:
                return self._started(frame, event)
            case {"type": str(kind), "response": dict()} if kind in _ENDS:
                return self._end(frame, event)
            case {"type": "error"}:
                self._failed = True
                return [*self._leg.over(), *self._leg.pass_on(frame, event)]
            case _:
                return self._other(frame, data, event)

    def _other(self, frame: bytes, data: bytes, event: Json) -> list[bytes]:
        """Pass what is not known; nobody can give it its numbers where it cannot be read."""
        index = event.get(edits.INDEX)
        if isinstance(event.get("type"), str) and index is None:
            return self._leg.pass_on(frame, event)
        if data and data.strip() != b"[DONE]":
            self._leg.understood = False
            if isinstance(index, int):
                return self._leg.start(frame, event, index)
            if self._numbers.moved or self._later:
                raise Unreadable("an event cannot be given its number")
        return self._leg.pass_on(frame, event)

    def _started(self, frame: bytes, event: Json) -> list[bytes]:
        if self._later:
            return []
        self._id = string(mapping(event["response"]).get("id")) or self._id
        return self._leg.pass_on(frame, event)

    def _end(self, frame: bytes, event: Json) -> list[bytes]:
        """Take how the response ended, and what was written of it."""
        response = mapping(event["response"])
        self._id = self._id or string(response.get("id"))
        self._complete = True
        self._leg.stored = response.get("store") is not False
        passed = self._leg.over()
        self._leg.complete(_output(frame))
        self._stop = stop_of(response, bool(self._leg.calls() or self._leg.asks))
        self._written = tally(mapping(response.get("usage")))
        self._last_end = frame, self._before
        if self._leg.asks:
            return [*passed, *self._hold(frame, event)]
        return [*passed, *self._leg.pass_on(self._settled(frame, event), event)]

    def _hold(self, frame: bytes, event: Json) -> list[bytes]:
        if sum(len(held) for held, _ in self._tail) + len(frame) > sse.LONGEST_FRAME:
            raise OverflowError("the end of the reply is too long to be held back")
        self._tail.append((frame, event))
        return []

    def _settled(self, frame: bytes, event: Json) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        if event.get("type") not in _ENDS or not (self._later or self._leg.altered):
            return frame
        return edits.ended(frame, self._whole)

    @property
    def _whole(self) -> Whole:
        shown = {**self._shown, **self._leg.shown()}
        return Whole(self._id, [shown[place] for place in sorted(shown)], self._before)

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._flush()
        return Reply(
            parts=tuple(self._leg.parts()),
            asks=tuple(self._leg.asked()),
            calls=self._leg.calls(),
            tags=tuple(self._leg.tags()),
            stop=self._stop,
            whole=self._complete and not self._failed and self._leg.whole,
        )

    def _flush(self) -> None:
        """Take what was left by the splitter and what waits; once for each leg."""
        if self._flushed or self._loose or self._silent:
            return
        self._flushed = True
        rest = self._splitter.flush()
        try:
            self._late += self._frame(rest) if sse.is_complete(rest) else ()
            self._late += self._leg.over()
        except (Unreadable, OverflowError):
            self._late += self._give_up(rest)
        else:
            self._rest = b"" if sse.is_complete(rest) else rest
            self._leg.understood &= not sse.data_of(self._rest)

    def go_on(self) -> None:
        """Expect another leg of the same response."""
        self._before = together(self._before, self._written)
        self._shown |= self._leg.shown()
        self._later = self._numbers.moved = self._numbers.shifted = True
        self._begin()

    def finish(self) -> list[bytes]:
        """Return the end of the client's response, as far as it is not out."""
        return self._finish("the reply broke off")

    def fail(self, why: str) -> list[bytes]:
        """Return the end of a response that was to go on and cannot.

        That is an error, if it is not whole in its first leg, and if the client has been shown
        nothing so far: it asks again then, where an empty response would end its work.
        """
        shown = self._numbers.item > 0 or not self._later
        if self._finished or self._failed or (shown and (self._later or self._complete)):
            return self._finish(why)
        self._finished = self._silent = True
        return [edits.error_event(why, self._numbers.event)]

    def _finish(self, why: str) -> list[bytes]:
        if self._finished:
            return []
        self._flush()
        self._finished = True
        found = [*self._late]
        if not (self._failed or self._loose or self._silent):
            broken = self._later and not self._complete
            found += self._brought_to_end(why) if broken else self._let_go()
        if not (self._later or self._leg.altered):
            found.append(self._rest)
        return [piece for piece in found if piece]

    def _let_go(self) -> list[bytes]:
        """Return the end that was held back."""
        try:
            return [one for frame, event in self._tail
                    for one in self._leg.pass_on(self._settled(frame, event), event)]  # fmt: skip
        except Unreadable:
            return [edits.error_event("the reply could not be read", self._numbers.event)]

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return an end for a response whose last leg has none: that of the leg before."""
        last, before = self._last_end
        if self._leg.open or not last:
            return [edits.error_event(why, self._numbers.event)]
        try:
            frame = edits.ended(last, self._whole._replace(before=before))
            return [edits.numbered(frame, self._numbers.event, None)]
        except Unreadable:
            return [edits.error_event(why, self._numbers.event)]

    def waiting(self) -> bytes:
        """Return a comment; nothing where it would stand inside of something else."""
        return b"" if self._loose or self._silent or self._finished else edits.WAITING


def _event(data: bytes) -> Json:
    try:
        return mapping(jsontext.value(data))
    except Unreadable:
        return {}


def _output(frame: bytes) -> list[bytes]:
    """Return the items that the end of a response tells of."""
    data = sse.data_of(frame)
    place = edits.below(data, jsontext.whole(data), ("response", "output"))
    if place is None or data[place.start : place.start + 1] != b"[":
        return []
    return [data[item.start : item.end] for item in jsontext.elements(data, place)]
