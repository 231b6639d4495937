"""Chat Completions: a reply on its way to the client, without what is only between us.

Rule of this file: one reply for the client, whatever it took upstream. Chunks that need no change
pass at once as the bytes that came; the end of a reply waits only where it calls a tool of ours.
Nothing that comes from upstream makes it raise, and what is not understood passes as it came. What
it holds is bounded (``sse.LONGEST_FRAME``).

A client takes all chunks for one message. So a later reply goes by the name of the first, does not
begin again (``role``), and its text stands behind the other as a paragraph of its own.

An error in the stream passes as it came, and nothing is added behind it. A reply that breaks off
in its first leg breaks off for the client too. In a later leg the client's reply is brought to the
end that the leg before had, unless a call of the client's may be half of one.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import jsontext, sse
from pichay_core.wire import openai_chat_edits as edits
from pichay_core.wire.anthropic_edits import Tally, together
from pichay_core.wire.anthropic_leg import Numbers
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.openai_chat_body import ReplyBody, stop_of
from pichay_core.wire.openai_chat_edits import Change
from pichay_core.wire.openai_chat_leg import Changes, Leg
from pichay_core.wire.openai_chat_merge import blank
from pichay_core.wire.reply import Reply, Stream, TextFilter
from pichay_core.wire.shapes import Json, items, mapping, string


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through: chunks if *streamed*, else one JSON body."""
    return ReplyStream(names, text_filter) if streamed else ReplyBody(names, text_filter)


class ReplyStream:
    """One streamed reply for the client, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        self._names, self._new_filter = names, text_filter
        self._numbers = Numbers()
        self._named = dict[str, bytes]()
        """By what the client knows the reply."""
        self._begun = False
        """The client knows who speaks."""
        self._shown = False
        self._rests: bool = False
        self._texts = False
        """What earlier legs have shown: anything, more than text and calls, text."""
        self._later = False
        self._before: Tally = {}
        """What the legs before this one have written, in tokens."""
        self._last_end: tuple[list[bytes], Tally] = ([], {})
        """The end of the leg before, and what those before it had written."""
        self._failed = self._loose = self._silent = self._finished = False
        self._begin()

    def _begin(self) -> None:
        self._splitter = sse.Splitter()
        self._leg = Leg(
            self._names, self._new_filter, self._numbers, joined=self._texts, follows=self._rests
        )
        self._written: Tally = {}
        self._stop = ""
        self._tail = list[bytes]()
        """The end of the reply, held back."""
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
            # The one place where the stream is given up: an endless frame, or one that must be
            # edited and cannot.
            passed += self._give_up(b"".join(frames[done:]) + self._splitter.flush())
        return passed

    def _give_up(self, rest: bytes) -> list[bytes]:
        """Pass all that is left as it came; an error instead, where something is hidden in it."""
        self._leg.understood = False
        if self._later or self._leg.hides:
            self._silent = True
            return [edits.error_event("the reply could not be read")]
        self._loose = True
        held = [*self._let_out(), *self._tail]
        self._tail.clear()
        return [piece for piece in (*held, rest) if piece]

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
        if sum(map(len, (*self._tail, *frames))) > sse.LONGEST_FRAME:
            raise OverflowError("the end of the reply is too long to be held back")
        self._tail += frames
        return []

    def _settled(self, frame: bytes) -> bytes:
        """Return a frame of the end as it is if nothing follows."""
        left = self._leg.asks and not self._leg.theirs and self._stop == "tool_calls"
        return _ended(frame, left, self._before)

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._flush()
        stop = stop_of(self._stop, bool(self._leg.calls))
        return self._leg.reply(stop, bool(self._stop) and not self._failed)

    def _flush(self) -> None:
        """Take what was left by the splitter and the filter; once for each leg."""
        if self._flushed or self._loose or self._silent:
            return
        self._flushed = True
        rest = self._splitter.flush()
        try:
            self._late += self._frame(rest) if sse.is_complete(rest) else ()
            self._late += self._let_out()
        except (Unreadable, OverflowError):
            self._late += self._give_up(rest)
        else:
            self._rest = b"" if sse.is_complete(rest) else rest
            self._leg.understood &= not sse.data_of(self._rest)

    def go_on(self) -> None:
        """Expect another leg of the same reply."""
        self._last_end = self._tail, self._before
        self._before = together(self._before, self._written)
        self._shown |= self._leg.shows
        self._rests |= self._leg.rests
        self._texts |= bool(self._leg.text.strip())
        self._later = self._numbers.moved = True
        self._begin()

    def finish(self) -> list[bytes]:
        """Return the end of the client's reply, as far as it is not out."""
        return self._finish("the reply broke off")

    def fail(self, why: str) -> list[bytes]:
        """Return the end of a reply that was to go on and cannot.

        In its first leg that is an error, if it is not whole: the client would take any other end
        for one of the model's. In a later one too, if the client has been shown nothing so far.
        """
        shown = self._shown or self._leg.shows or not self._later
        if self._finished or self._failed or (shown and (self._later or self._stop)):
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
            broken = self._later and not self._stop
            found += self._brought_to_end(why) if broken else map(self._settled, self._tail)
        if not (self._later or self._leg.hides):
            found.append(self._rest)
        return [piece for piece in found if piece]

    def _brought_to_end(self, why: str) -> list[bytes]:
        """Return the end that the leg before had, for a reply whose last leg has none."""
        if self._leg.theirs:
            return [edits.error_event(why)]
        end, before = self._last_end
        return [_ended(frame, True, before) for frame in end]

    def waiting(self) -> bytes:
        """Return a comment; nothing where it would stand inside of something else."""
        return b"" if self._loose or self._silent or self._finished else edits.WAITING


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
