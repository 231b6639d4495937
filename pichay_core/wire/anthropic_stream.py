"""Anthropic Messages: a reply on its way to the client, without what is only between us.

Rule of this file: one message for the client, whatever it took upstream. Frames that need no
change pass at once as the bytes that came; the end of a message waits only while a call to a tool
of ours may make it go on. What holds on every wire stands in ``streamed``.

A client takes an error inside a stream for a reply that failed, and asks again; an end of our
making would have it take half a reply for all of it. A message that breaks off in a later leg is
brought to an end, if all that is open is text; else it ends in an error event, since half of a
call must not be carried out.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import anthropic_edits as edits
from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic_body import ReplyBody
from pichay_core.wire.anthropic_edits import tally
from pichay_core.wire.anthropic_leg import Leg, Numbers
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, mapping, string
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

    sign_of_life = edits.PING

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._numbers = Numbers()
        self._last_end: tuple[bytes, Tally] | None = None
        """The newest ``message_delta``, and what it counts."""
        super().__init__(lambda: Leg(names, text_filter, self._numbers))

    def _begin(self) -> None:
        super()._begin()
        self._started = self._told = False

    def _let_out(self) -> list[bytes]:
        return self._leg.let_out()

    def _released(self) -> Iterator[bytes]:
        yield from self._leg.let_out()
        yield from self._leg.released()

    @property
    def _fits(self) -> bool:
        return not (self._later or self._leg.lost)

    @property
    def _shows(self) -> bool:
        return self._numbers.next > 0

    def _error(self, why: str) -> bytes:
        return edits.error_event(why)

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        if self._complete and self._tail:
            return self._hold(frame)
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
                return self._hold(frame) if self._leg.asks else [frame]
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
            return self._hold(frame)
        self._told = True
        return [self._settled(frame, event)]

    def _count(self, usage: Json) -> Tally:
        counts = tally(usage)
        self._written = {**self._written, **counts}
        return counts

    def _settled_tail(self) -> Iterator[bytes]:
        return (self._settled(frame, _event(sse.data_of(frame))) for frame in self._tail)

    def _settled(self, frame: bytes, event: Json) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        if event.get("type") != "message_delta":
            return frame
        left = self._leg.asks and not self._leg.calls() and self._stop == "tool_use"
        if not left and not self._later:
            return frame
        own = tally(mapping(event.get("usage")))
        totals = together(self._before, own) if self._later else _OWN
        return _ended(frame, "end_turn" if left else None, totals)

    def _reply(self) -> Reply:
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

    def go_on(self) -> None:
        """Expect another leg of the same message."""
        self._numbers.moved = True
        super().go_on()

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return an end for a message whose last leg has none."""
        closing = self._leg.closing()
        if closing is None:
            return [self._error(why)]
        closing += self._settled_tail()
        if not self._told and not self._tail:
            stop = "tool_use" if self._leg.calls(unfinished=False) else "end_turn"
            frame, _ = self._last_end or (b"", None)
            closing.append(_ended(frame, stop, together(self._before, self._written)))
        return [*closing, edits.STOPPED]


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
