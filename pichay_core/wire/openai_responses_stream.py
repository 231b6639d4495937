"""OpenAI Responses: a reply on its way to the client, without what is only between us.

Rule of this file: one response for the client, whatever it took upstream: with the id that it was
told first, items and events counted without a gap, and an end that tells of just the items that
were shown. Events that need no change pass as the bytes that came; the end waits only while a call
to a tool of ours may make it go on. What holds on every wire stands in ``streamed``.

A response that breaks off in a later leg is brought to an end if no item is open; else it ends in
an error event, and the client asks again.
"""

from collections.abc import Callable

from pichay_core.wire import jsontext, sse
from pichay_core.wire import openai_responses_edits as edits
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.openai_responses_body import ReplyBody, stop_of
from pichay_core.wire.openai_responses_edits import Whole, tally
from pichay_core.wire.openai_responses_leg import Leg, Numbers
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, mapping, string
from pichay_core.wire.streamed import Streamed
from pichay_core.wire.tally import Tally

_BEGINNINGS = ("response.created", "response.queued", "response.in_progress")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: events if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream(Streamed[Leg]):
    """One streamed response for the client, over one or more legs."""

    sign_of_life = edits.WAITING

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._numbers = Numbers()
        self._id = ""
        self._shown = dict[int, bytes]()
        """The items of the legs before this one, by the client's numbers."""
        self._last_end: tuple[bytes, Tally] = (b"", {})
        """The newest event that ended a leg, and what was written before that leg."""
        super().__init__(lambda: Leg(names, text_filter, self._numbers))

    def _let_out(self) -> list[bytes]:
        return self._leg.over()

    @property
    def _fits(self) -> bool:
        return not (self._later or self._leg.altered or self._numbers.shifted)

    @property
    def _shows(self) -> bool:
        return self._numbers.item > 0

    def _error(self, why: str) -> bytes:
        return edits.error_event(why, self._numbers.event)

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        event: Json = _event(data) if data else {}
        if self._complete and self._tail:
            return self._hold(frame)
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
            return [*passed, *self._hold(frame)]
        return [*passed, *self._leg.pass_on(self._settled(frame, event), event)]

    def _settled(self, frame: bytes, event: Json) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        if event.get("type") not in _ENDS or not (self._later or self._leg.altered):
            return frame
        return edits.ended(frame, self._whole)

    @property
    def _whole(self) -> Whole:
        shown = {**self._shown, **self._leg.shown()}
        return Whole(self._id, [shown[place] for place in sorted(shown)], self._before)

    def _reply(self) -> Reply:
        return Reply(
            parts=tuple(self._leg.parts()),
            asks=tuple(self._leg.asked()),
            calls=self._leg.calls(),
            tags=tuple(self._leg.tags()),
            stop=self._stop,
            whole=self._complete and not self._failed and self._leg.whole,
        )

    def go_on(self) -> None:
        """Expect another leg of the same response."""
        self._shown |= self._leg.shown()
        self._numbers.moved = self._numbers.shifted = True
        super().go_on()

    def _settled_tail(self) -> list[bytes]:
        events = ((frame, _event(sse.data_of(frame))) for frame in self._tail)
        try:
            return [one for frame, event in events
                    for one in self._leg.pass_on(self._settled(frame, event), event)]  # fmt: skip
        except Unreadable:
            return [self._error("the reply could not be read")]

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return an end for a response whose last leg has none: that of the leg before."""
        last, before = self._last_end
        if self._leg.open or not last:
            return [self._error(why)]
        try:
            frame = edits.ended(last, self._whole._replace(before=before))
            return [edits.numbered(frame, self._numbers.event, None)]
        except Unreadable:
            return [self._error(why)]


def _event(data: bytes) -> Json:
    try:
        return mapping(jsontext.value(data))
    except Unreadable:
        return {}


def _output(frame: bytes) -> list[bytes]:
    """Return the items that the end of a response tells of."""
    data = sse.data_of(frame)
    place = jsontext.below(data, jsontext.whole(data), ("response", "output"))
    if place is None or data[place.start : place.start + 1] != b"[":
        return []
    return [data[item.start : item.end] for item in jsontext.elements(data, place)]
