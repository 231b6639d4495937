"""Gemini generateContent: the parts of one reply, on their way to the client.

Rule of this file: a part passes as the bytes that came, unless it calls a tool of ours, or a tag
was taken out of its text. A call comes whole; one that comes in pieces (``willContinue``) is the
client's, and the reply is not understood.

Texts that come one behind the other are pieces of one text, as are thoughts. A part with a
signature stands alone, since the signature is that of the part.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pichay_core.wire import jsontext, sse
from pichay_core.wire.gemini_parts import (
    CALL,
    TEXT,
    call_of,
    id_of,
    is_thought,
    known_by,
    place_in,
    text_of,
)
from pichay_core.wire.gemini_write import text_part
from pichay_core.wire.reply import TOOL_USE, Ask, Part, Reply, TextFilter
from pichay_core.wire.shapes import Json, mapping, string

BETWEEN = "\n\n"
"""What the client is shown between the texts of two replies that it takes for one."""
_PIECES = ({"text"}, {"text", "thought"})
"""Members of a part that may be a piece of a longer one."""


@dataclass(slots=True)
class _Block:
    """A part of the message, as it is put together."""

    raw: bytes
    said: Json
    ours: bool = False
    texts: list[str] = field(default_factory=list[str])
    shown: list[str] | None = None
    """What the filter let through; None where there is none."""

    def goes_on_with(self, said: Json) -> bool:
        """True if a part is another piece of this one."""
        alike = set(said) == set(self.said) and set(said) in _PIECES
        return alike and is_thought(said) == is_thought(self.said) and bool(self.texts)

    def part(self) -> Part:
        """Return what is remembered of it."""
        raw, text = self.raw, "".join(self.texts)
        if len(self.texts) > 1:
            raw = jsontext.splice(raw, [(jsontext.members(raw)["text"], jsontext.encode(text))])
        if self.ours or (self.shown is not None and text and not "".join(self.shown)):
            return Part(raw, None)
        if self.shown is not None and (through := "".join(self.shown)) != text:
            return Part(raw, TEXT + through, altered=True)
        return Part(raw, known_by({**self.said, "text": text} if self.texts else self.said))


class Leg:
    """The parts of one reply of the upstream."""

    def __init__(
        self,
        names: frozenset[str],
        text_filter: Callable[[], TextFilter] | None,
        runs_on: bool = False,
    ) -> None:
        self._names = names
        self._runs_on = self.spoke = runs_on
        """Its text would run on from that of another leg; the client has been shown text."""
        self._new_filter = text_filter
        self._filters = list[TextFilter]()
        self._blocks = list[_Block]()
        self._speaking = False
        """The newest filter is within its text."""
        self._size = 0
        self.understood = True

    @property
    def asks(self) -> bool:
        """True if a tool of ours is called."""
        return any(block.ours for block in self._blocks)

    @property
    def calls(self) -> int:
        """How often tools of the client's are called."""
        return sum(bool(call_of(block.said)) and not block.ours for block in self._blocks)

    @property
    def altered(self) -> bool:
        """True if the client was not shown all that came."""
        return self.asks or any(True for _ in self._tags())

    def take(self, raws: Iterable[bytes], ends: bool) -> list[bytes]:
        """Take the parts of a response, and return those that the client is shown in their place.

        *ends*: nothing follows them. Raises Unreadable before any is taken.
        """
        parts = [(raw, _read(raw)) for raw in raws]
        shown = [show for raw, said in parts for show in self._take(raw, said)]
        return self._apart([*shown, *self._left()] if ends else shown)

    def _apart(self, raws: list[bytes]) -> list[bytes]:
        """Return parts with a blank line before the first text: clients join all texts."""
        if self.spoke and not self._runs_on:
            return raws
        at = next((at for at, raw in enumerate(raws) if _speaks(raw)), None)
        if at is None:
            return raws
        runs_on, self._runs_on, self.spoke = self._runs_on, False, True
        return [*raws[:at], text_part(BETWEEN), *raws[at:]] if runs_on else raws

    def _take(self, raw: bytes, said: Json) -> list[bytes]:
        self._size += len(raw)
        if self._size > sse.LONGEST_FRAME:
            self.understood = False
            return [raw]
        text = text_of(said)
        if text is not None and self._new_filter is not None:
            return self._filtered(raw, said, text)
        rest, call = self._left() if text is None else [], call_of(said)
        pieces = "willContinue" in call or "partialArgs" in call
        self.understood &= not pieces
        ours = string(call.get("name")) in self._names and not pieces
        self._add(raw, said, ours)
        return rest if ours else [*rest, raw]

    def _add(self, raw: bytes, said: Json, ours: bool = False) -> _Block:
        text = said.get("text")
        if self._blocks and self._blocks[-1].goes_on_with(said):
            self._blocks[-1].texts.append(string(text))
        else:
            texts = [text] if isinstance(text, str) else []
            self._blocks.append(_Block(raw, said, ours, texts))
        return self._blocks[-1]

    def _filtered(self, raw: bytes, said: Json, text: str) -> list[bytes]:
        assert self._new_filter is not None
        if not self._speaking:
            self._filters.append(self._new_filter())
            self._speaking = True
        through, block = self._filters[-1].feed(text), self._add(raw, said)
        block.shown = [*(block.shown or ()), through]
        if through == text:
            return [raw]
        if not through and set(said) == {"text"}:
            return []
        return [jsontext.splice(raw, [(jsontext.members(raw)["text"], jsontext.encode(through))])]

    def let_out(self) -> list[bytes]:
        """Return the rest of the text that has been said, as a part; it is over."""
        return self._apart(self._left())

    def _left(self) -> list[bytes]:
        if not self._speaking:
            return []
        self._speaking = False
        rest, block = self._filters[-1].end(), self._blocks[-1]
        block.shown = [*(block.shown or ()), rest]
        return [text_part(rest)] if rest else []

    def reply(self, finish: str) -> Reply:
        """Return what was said, which ended for this reason; empty if it has not ended."""
        runs = finish == "STOP" and (self.asks or self.calls)
        return Reply(
            parts=tuple(block.part() for block in self._blocks),
            asks=tuple(self._asked()),
            calls=self.calls,
            tags=tuple(self._tags()),
            stop=TOOL_USE if runs else finish,
            whole=bool(finish) and self.understood,
        )

    def _asked(self) -> Iterator[Ask]:
        """Yield the calls to tools of ours, in their order."""
        for block in self._blocks:
            if block.ours:
                call = call_of(block.said)
                yield Ask(id_of(call), string(call.get("name")), _arguments(block.raw))

    def _tags(self) -> Iterator[str]:
        """Yield what stood in the tags that were taken out."""
        return (tag for one in self._filters for tag in one.taken)


def _speaks(raw: bytes) -> bool:
    """True for a part that is text, if not only white space."""
    return bool((text_of(mapping(jsontext.value(raw))) or "").strip())


def _read(raw: bytes) -> Json:
    """Return what a part says. Raises Unreadable if a place in it could not be found later."""
    said = mapping(jsontext.value(raw))
    if said:
        jsontext.members(raw)
        _arguments(raw)
    return said


def _arguments(raw: bytes) -> bytes:
    place = place_in(raw, place_in(raw, jsontext.whole(raw), CALL), "args")
    return b"{}" if place is None else raw[place.start : place.end]
