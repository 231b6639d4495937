"""Chat Completions: a reply on its way to the client, without what is only between us.

Rule of this file: one reply for the client, whatever it took upstream. Chunks that need no change
pass at once as the bytes that came; the end of a reply waits only where it calls a tool of ours.
What holds on every wire stands in ``streamed``.

A client takes all chunks for one message. So a later reply goes by the name of the first, does not
begin again (``role``), and its text stands behind the other as a paragraph of its own.

A reply that breaks off in a later leg is brought to the end that the leg before had, unless a call
of the client's may be half of one.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import jsontext, sse
from pichay_core.wire import openai_chat_edits as edits
from pichay_core.wire.anthropic_leg import Numbers
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.openai_chat_body import ReplyBody, stop_of
from pichay_core.wire.openai_chat_edits import Change
from pichay_core.wire.openai_chat_leg import Changes, Leg
from pichay_core.wire.openai_chat_merge import blank
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, items, mapping, string
from pichay_core.wire.streamed import Streamed
from pichay_core.wire.tally import Tally


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: chunks if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream(Streamed[Leg]):
    """One streamed reply for the client, over one or more legs."""

    sign_of_life = edits.WAITING

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._numbers = Numbers()
        self._named = dict[str, bytes]()
        """By what the client knows the reply."""
        self._begun = False
        """The client knows who speaks."""
        self._shown = False
        self._rests: bool = False
        self._texts = False
        """What earlier legs have shown: anything, more than text and calls, text."""
        self._last_end: tuple[list[bytes], Tally] = ([], {})
        """The end of the leg before, and what those before it had written."""

        def new_leg() -> Leg:
            return Leg(names, text_filter, self._numbers, joined=self._texts, follows=self._rests)

        super().__init__(new_leg)

    @property
    def _fits(self) -> bool:
        return not (self._later or self._leg.altered)

    @property
    def _shows(self) -> bool:
        return self._shown or self._leg.shows

    def _error(self, why: str) -> bytes:
        return edits.error_event(why)

    def _frame(self, frame: bytes) -> list[bytes]:
        data = sse.data_of(frame)
        if not data:
            return [frame]
        if data.strip() == b"[DONE]":
            return self._ending([*self._let_out(), frame])
        try:
            said = mapping(jsontext.value(data))
        except Unreadable:
            self._leg.understood = False
            return [frame]
        if said.get("error") is not None:
            self._failed = True
            return [frame]
        return self._chunk(frame, data, said)

    def _chunk(self, frame: bytes, data: bytes, said: Json) -> list[bytes]:
        choices = [mapping(choice) for choice in items(said.get("choices"))]
        self._count(said)
        if not choices:
            return self._ending([self._placed(frame)]) if self._stop else [self._placed(frame)]
        choice = choices[0]
        if (
            len(choices) > 1
            or choice.get("index", 0) != 0
            or not isinstance(choice.get("delta"), dict)
        ):
            self._leg.understood = False
            return [frame]
        self._count(choice)
        self._named = self._named or edits.named(data)
        changed = self._leg.take(mapping(choice["delta"]), len(data), lambda: edits.calls_of(data))
        if self._later and self._begun and "role" in mapping(choice["delta"]):
            changed["role"] = None
        return self._choice(frame, said, choice, changed)

    def _choice(self, frame: bytes, said: Json, choice: Json, changed: Changes) -> list[bytes]:
        """Return what the client is to see now of a chunk of the one reply."""
        delta, finish = mapping(choice["delta"]), string(choice.get("finish_reason"))
        self._begun |= "role" in delta
        says = _says(delta, changed)
        self._stop = self._stop or finish
        self._complete = bool(self._stop)
        if finish:
            return self._last(frame, says, changed)
        counts = bool(mapping(said.get("usage")) or mapping(choice.get("usage")))
        shown = [] if changed and not (says or counts) else [self._placed(frame, changed)]
        return self._ending(shown) if self._stop else shown

    def _last(self, frame: bytes, says: bool, changed: Changes) -> list[bytes]:
        """Return what the client is to see now of a chunk that ends the reply.

        What it says besides is shown before, where the end waits or something comes between.
        """
        late = list(self._let_out())
        if not (says and (late or self._leg.asks)):
            return [*late, *self._ending([self._placed(frame, changed)])]
        said = Change(delta=changed, finish=b"null", uncounted=True, named=self._other_name)
        end = Change(bare=True, named=self._other_name)
        return [edits.edited(frame, said), *late, *self._ending([edits.edited(frame, end)])]

    @property
    def _other_name(self) -> dict[str, bytes]:
        return self._named if self._later else {}

    def _placed(self, frame: bytes, changed: Changes | None = None) -> bytes:
        return edits.edited(frame, Change(delta=changed or {}, named=self._other_name))

    def _count(self, said: Json) -> None:
        self._written = {**self._written, **edits.tally(mapping(said.get("usage")))}

    def _let_out(self) -> Iterator[bytes]:
        """Yield what was held back of a reply that is over, as chunks of our own."""
        for delta in self._leg.let_out():
            yield edits.chunk(self._named, delta)

    def _ending(self, frames: list[bytes]) -> list[bytes]:
        """Return frames of the end; none while a call of ours may make the reply go on."""
        if not self._leg.asks:
            return [self._settled(frame) for frame in frames]
        return self._hold(*frames)

    def _settled_tail(self) -> Iterator[bytes]:
        return map(self._settled, self._tail)

    def _settled(self, frame: bytes) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        left = self._leg.asks and not self._leg.theirs and self._stop == "tool_calls"
        return _ended(frame, left, self._before)

    def _reply(self) -> Reply:
        stop = stop_of(self._stop, bool(self._leg.calls))
        return self._leg.reply(stop, bool(self._stop) and not self._failed)

    def go_on(self) -> None:
        """Expect another leg of the same reply."""
        self._last_end = self._tail, self._before
        self._shown |= self._leg.shows
        self._rests |= self._leg.rests
        self._texts |= bool(self._leg.text.strip())
        self._numbers.moved = True
        super().go_on()

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return the end that the leg before had, for a reply whose last leg has none."""
        if self._leg.theirs:
            return [self._error(why)]
        end, before = self._last_end
        return [_ended(frame, True, before) for frame in end]


def _ended(frame: bytes, left: bool, before: Tally) -> bytes:
    """Return a frame of the end, with what was written *before* it; *left* alone by its calls."""
    if b"{" not in frame:
        return frame
    return edits.edited(frame, Change(finish=b'"stop"' if left else None, before=before))


def _says(delta: Json, changed: Changes) -> bool:
    """True if something is left of a delta for the client."""
    own = (value for name, value in delta.items() if name not in changed)
    others = (value for value in changed.values() if value is not None)
    return not all(map(blank, own)) or any(value not in _BLANK for value in others)


_BLANK = (b"null", b'""', b"[]")
