"""A streamed reply on its way to the client, on any wire.

Rule of this file: no byte is lost and none goes out twice, wherever the pieces were cut. Nothing
that comes from upstream makes it raise, and what it holds is bounded (``sse.LONGEST_FRAME``). What
a frame says, and what of it the client is to see, the wire says.

A stream is given up at a frame that never ends, and at one that must be edited and cannot be. What
is not understood passes as it came, from there to the end; where that would not fit what went out
before, an error is the last that the client gets.

An error that comes in the stream passes, in whichever leg, and nothing is added behind it. A reply
that breaks off in its first leg breaks off for the client too; a later one the wire brings to an
end.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from pichay_core.wire import sse
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Reply
from pichay_core.wire.tally import Tally, together


class OneLeg(Protocol):
    """What was read of one leg."""

    understood: bool

    @property
    def altered(self) -> bool:
        """True if the client was not shown all that came."""
        ...


class Streamed[Leg: OneLeg](ABC):
    """One streamed message for the client, over one or more legs."""

    sign_of_life: ClassVar[bytes] = b""
    """What may be said while nothing else is, where the clients of a wire take it."""

    def __init__(self, new_leg: Callable[[], Leg]) -> None:
        self._new_leg = new_leg
        self._later = False
        """A leg came before this one."""
        self._before: Tally = {}
        """What the legs before this one have written, in tokens."""
        self._failed = False
        """An error came."""
        self._loose = self._silent = False
        """The stream was given up, and what still comes passes; or does not."""
        self._finished = False
        self._begin()

    def _begin(self) -> None:
        self._splitter = sse.Splitter()
        self._leg = self._new_leg()
        self._written: Tally = {}
        self._stop = ""
        """Why the leg ended, in the provider's words."""
        self._complete = False
        """It came to its end."""
        self._tail = list[bytes]()
        """The end of the message, held back."""
        self._late = list[bytes]()
        """What is to go out after the last of the leg's own bytes."""
        self._rest = b""
        self._flushed = False

    @abstractmethod
    def _frame(self, frame: bytes) -> list[bytes]:
        """Return what goes out for a frame. Raises Unreadable, OverflowError to give up there."""

    @abstractmethod
    def _let_out(self) -> Iterable[bytes]:
        """Return what was held back of a leg that is over."""

    def _released(self) -> Iterable[bytes]:
        """Return what was held back, as far as it can go out as it came."""
        return self._let_out()

    @property
    @abstractmethod
    def _fits(self) -> bool:
        """True if what still comes fits, as it comes, what the client has."""

    @property
    @abstractmethod
    def _shows(self) -> bool:
        """True if the client has been shown anything that the model said, in whichever leg."""

    @abstractmethod
    def _reply(self) -> Reply:
        """Return what the model wrote in this leg."""

    def _settled_tail(self) -> Iterable[bytes]:
        """Return the end that was held back as it is if nothing follows."""
        return self._tail

    @abstractmethod
    def _brought_to_end(self, why: str) -> Iterable[bytes]:
        """Return an end for a message whose last leg, a later one, has none."""

    @abstractmethod
    def _error(self, why: str) -> bytes:
        """Return an error inside a stream, as the provider would say that it has one."""

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
        """Pass all that is left as it came; an error instead, where that does not fit."""
        self._leg.understood = False
        if not self._fits:
            self._silent = True
            return [self._error("the reply could not be read")]
        self._loose = True
        held = [*self._released(), *self._tail]
        self._tail.clear()
        return [piece for piece in (*held, rest) if piece]

    def _hold(self, *frames: bytes) -> list[bytes]:
        """Hold back frames of the end. Raises OverflowError where that is too much."""
        if sum(map(len, (*self._tail, *frames))) > sse.LONGEST_FRAME:
            raise OverflowError("the end of the reply is too long to be held back")
        self._tail += frames
        return []

    def end(self) -> Reply:
        """Say what the model wrote in this leg."""
        self._flush()
        return self._reply()

    def _flush(self) -> None:
        """Take what was left by the splitter and what was held back; once for each leg."""
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
        """Expect another leg of the same message."""
        self._before = together(self._before, self._written)
        self._later = True
        self._begin()

    def finish(self) -> list[bytes]:
        """Return the end of the client's message, as far as it is not out."""
        return self._finish("the reply broke off")

    def fail(self, why: str) -> list[bytes]:
        """Return the end of a message that was to go on and cannot.

        In its first leg that is an error, if it is not whole: the client would take any other end
        for one of the model's. It is one too if the client has been shown nothing so far, not even
        an end: it asks again then, where an empty message would end its work.
        """
        whole = self._later or self._complete
        empty = not self._shows and (self._later or self._tail)
        over = self._finished or self._failed or self._silent
        if over or (whole and not empty):
            return self._finish(why)
        self._finished = self._silent = True
        return [self._error(why)]

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

    def waiting(self) -> bytes:
        """Return a sign of life; nothing where it would stand inside of something else."""
        return b"" if self._loose or self._silent or self._finished else self.sign_of_life
