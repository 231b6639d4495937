"""Anthropic Messages: the content blocks of one streamed reply, on their way to the client.

Rule of this file: an event passes as the bytes that came, unless a block before it was kept from
the client (then its number is another) or a tag was taken out of its text. A block that the client
is not shown, or not yet, keeps its events waiting; every other event passes at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pichay_core.wire import anthropic_edits as edits
from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic_written import Written, is_call, part
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Ask, Part, TextFilter
from pichay_core.wire.shapes import Json, mapping, string


@dataclass(slots=True)
class Numbers:
    """How the client counts the blocks of its message, over all legs."""

    next: int = 0
    moved: bool = False
    """Something was kept from the client: its blocks have other numbers than upstream's."""

    def take(self, index: int) -> int:
        """Return the client's number for the block that upstream gave this one."""
        given = self.next if self.moved else index
        self.next = max(self.next, given + 1)
        return given


@dataclass(slots=True)
class _Block:
    index: int
    written: Written
    ours: bool
    filter: TextFilter | None
    place: int | None = None
    """Its number for the client; None while its events wait."""
    waiting: list[tuple[bytes, str | None]] = field(default_factory=list[tuple[bytes, str | None]])
    """Its events that the client has not seen, each with the text to be shown if another."""
    said: list[str] = field(default_factory=list[str])
    """What the filter let through."""
    last: bytes = b""
    """The newest event with text."""
    open: bool = True

    @property
    def text(self) -> str | None:
        """What the client was shown of a filtered text."""
        return None if self.filter is None else "".join(self.said)


class Leg:
    """The blocks of one reply of the upstream."""

    def __init__(
        self,
        names: frozenset[str],
        text_filter: Callable[[], TextFilter] | None,
        numbers: Numbers,
    ) -> None:
        self._names = names
        self._new_filter = text_filter
        self._numbers = numbers
        self._blocks = list[_Block]()
        self._by_index = dict[int, _Block]()
        self._size = 0
        self._waiting = 0
        self.understood = True

    def __contains__(self, index: object) -> bool:
        """True if a block with this number of upstream's has begun."""
        return index in self._by_index

    @property
    def asks(self) -> bool:
        """True if a tool of ours is called."""
        return any(block.ours for block in self._blocks)

    def calls(self, unfinished: bool = True) -> int:
        """Count the calls to tools of the client's."""
        found = (block for block in self._blocks if block.written.kind == "tool_use")
        return sum(not block.ours and (unfinished or not block.open) for block in found)

    def start(self, frame: bytes, data: bytes, index: int) -> list[bytes]:
        """Take the start of a block."""
        place = jsontext.members(data)["content_block"]
        written = Written(data[place.start : place.end])
        ours = is_call(written.said, self._names)
        new = self._new_filter if written.kind == "text" else None
        block = _Block(index, written, ours, new() if new else None)
        self.understood &= index not in self._by_index
        self._numbers.moved |= ours
        self._by_index[index] = block
        self._blocks.append(block)
        if block.filter is not None:
            return self._filtered(block, frame, string(written.said.get("text")))
        return self._keep(block, frame) if ours else self._begin(block, frame)

    def add(self, frame: bytes, data: bytes, event: Json, index: int) -> list[bytes]:
        """Take any later event of a block."""
        block, delta = self._by_index[index], mapping(event.get("delta"))
        match event.get("type"):
            case "content_block_delta":
                self._remember(block, data, delta)
                if block.filter is not None and delta.get("type") == "text_delta":
                    block.last = frame
                    return self._filtered(block, frame, string(delta.get("text")))
            case "content_block_stop":
                return self._stop(block, frame)
            case _:
                self.understood = False
        return self._pass(block, frame)

    def _remember(self, block: _Block, data: bytes, delta: Json) -> None:
        self._size += len(data)
        if self._size > sse.LONGEST_FRAME:
            self.understood = False
        else:
            block.written.add(data, delta)

    def _pass(self, block: _Block, frame: bytes, text: str | None = None) -> list[bytes]:
        if block.place is None:
            return self._keep(block, frame, text)
        return [_placed(block.index, block.place, frame, text)]

    def _keep(self, block: _Block, frame: bytes, text: str | None = None) -> list[bytes]:
        """Keep an event back; all of the block is shown where it is more than may wait."""
        block.waiting.append((frame, text))
        self._waiting += len(frame)
        if self._waiting <= sse.LONGEST_FRAME:
            return []
        block.ours = False
        self.understood = False
        return self._begin(block)

    def _begin(self, block: _Block, frame: bytes | None = None) -> list[bytes]:
        """Show the block from its start on, and an event beside those that wait."""
        place = self._numbers.take(block.index)
        block.waiting += [] if frame is None else [(frame, None)]
        shown = [_placed(block.index, place, was, text) for was, text in block.waiting]
        block.place = place
        self._forget(block)
        return shown

    def _forget(self, block: _Block) -> None:
        self._waiting = max(0, self._waiting - sum(len(frame) for frame, _ in block.waiting))
        block.waiting.clear()

    def _filtered(self, block: _Block, frame: bytes, text: str) -> list[bytes]:
        """Pass what the filter lets through of a text.

        The block begins with the first text that is more than white space, since a text without
        any is refused when the client sends it back.
        """
        through = block.filter.feed(text) if block.filter else text
        block.said.append(through)
        starts = block.place is None and not block.waiting
        if text and not through and not starts:
            return []
        shown = self._pass(block, frame, None if through == text else through)
        return self._begin(block) if block.place is None and through.strip() else shown

    def _stop(self, block: _Block, frame: bytes) -> list[bytes]:
        block.open = False
        shown = self._let_out(block)
        if block.place is not None:
            return [*shown, _placed(block.index, block.place, frame, None)]
        self._numbers.moved = True
        self._forget(block)
        return shown

    def let_out(self) -> list[bytes]:
        """Return what the filters hold back of texts that nothing ends."""
        return [frame for block in self._blocks if block.open for frame in self._let_out(block)]

    def _let_out(self, block: _Block) -> list[bytes]:
        """Return the rest of a text; a text that was all tags is never shown."""
        if block.filter is None:
            return []
        rest = block.filter.end()
        block.said.append(rest)
        shown = list[bytes]()
        if block.place is None:
            if block.filter.taken and not (block.text or "").strip():
                return []
            shown = self._begin(block)
        return [*shown, *self._pass(block, block.last, rest)] if rest else shown

    def released(self) -> Iterator[bytes]:
        """Yield every event that waits, as it came."""
        for block in self._blocks:
            yield from (frame for frame, _ in block.waiting)

    @property
    def lost(self) -> bool:
        """True if the client's numbers of the blocks are not upstream's, and cannot be again."""
        return any(self._is_lost(block) for block in self._blocks)

    def _is_lost(self, block: _Block) -> bool:
        if block.place is not None:
            return block.place != block.index
        return not block.open or (block.filter is not None and self._numbers.moved)

    def closing(self) -> list[bytes] | None:
        """Return the ends of the texts that are open; None if another block is.

        A text that breaks off is a shorter text. Half of a call, or thinking without its
        signature, is neither to be carried out nor ever to be sent back.
        """
        begun = [block for block in self._blocks if block.open and block.place is not None]
        if any(block.written.kind != "text" for block in begun):
            return None
        return [edits.stop_event(block.place or 0) for block in begun]

    @property
    def whole(self) -> bool:
        """True if every block came to its end and all of it is understood."""
        read = all(block.written.whole and not block.open for block in self._blocks)
        return self.understood and read

    @property
    def altered(self) -> bool:
        """True if the client was not shown all that came."""
        return self._numbers.moved or any(self.tags())

    def parts(self) -> Iterator[Part]:
        """Yield the blocks, in their order."""
        for block in self._blocks:
            raw, said = _read(block.written)
            yield part(raw, said, block.place is not None, block.text)

    def asked(self) -> Iterator[Ask]:
        """Yield the calls to tools of ours, in their order."""
        for block in self._blocks:
            if block.ours:
                said = block.written.said
                tool, arguments = string(said.get("name")), block.written.input()
                yield Ask(string(said.get("id")), tool, arguments)

    def tags(self) -> Iterator[str]:
        """Yield what stood in the tags that were taken out."""
        for block in self._blocks:
            yield from block.filter.taken if block.filter else ()


def _placed(index: int, place: int, frame: bytes, text: str | None) -> bytes:
    """Return an event as the client is to see it."""
    if text is not None:
        return _retold(frame, place, text)
    return frame if place == index else edits.renumbered(frame, place)


def _retold(frame: bytes, place: int, text: str) -> bytes:
    try:
        return edits.with_text(frame, place, text)
    except Unreadable:
        return edits.text_event(place, text)


def _read(written: Written) -> tuple[bytes, Json]:
    """Return a block as JSON, and what it says; of what is no JSON, what it began with."""
    raw = written.raw()
    try:
        return raw, mapping(jsontext.value(raw))
    except Unreadable:
        written.whole = False
        return raw, written.said
