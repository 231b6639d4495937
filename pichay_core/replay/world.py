"""One conversation at one provider's cache: what each request is billed.

One idea: a chain of cache units is kept from request to request; what the client appended is
added to it, and where pages have moved it is made anew from there on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import cast

from pichay_core.ledger import BREAK_TOLERANCE
from pichay_core.markers import boundaries
from pichay_core.model import Form, State, Usage
from pichay_core.prefix import Chain, Mark, Part, Request, Ttl, Unit, cache_for, identity
from pichay_core.session import Session
from pichay_core.stubs import stub_bytes
from pichay_core.tokens import PICTURE_BYTES, tokens_of_bytes
from pichay_core.wire.jsontext import value
from pichay_core.wire.message import THINKING, Message

BLOCK_TOKENS = 4
"""What the provider adds for the structure around a content block."""

type Sizes = dict[bytes, tuple[tuple[Part, int], ...]]
"""Part and bytes of each content block, by the digest of the message."""
type Whole = dict[bytes, tuple[Unit, ...]]
"""The units of a message in which nothing is out, by its digest. Worlds of one model share it."""

_NOTHING_OUT: Mapping[int, Mapping[int, int]] = {}


class Unpriced(ValueError):
    """It is not known how the model's provider caches; the text says what to do."""


class World:
    """One conversation at one provider's cache."""

    def __init__(
        self,
        model: str,
        head: int,
        whole: Whole,
        ttl: Ttl,
        paged: bool,
        boundary: bool,
    ) -> None:
        cache = cache_for(model)
        if cache is None:
            named = f"the model {model!r}" if model else "a recording without a model"
            raise Unpriced(f"it is not known how {named} is cached: name one with --model")
        self._cache = cache
        self._ttl = ttl
        self._boundary = boundary
        self._model = model
        self._whole = whole
        self._paged = paged
        self._front = _front(head)
        self._chain = self._front
        self._ends: list[int] = []
        """For each message the number of units up to its end."""
        self._held = 0

    def front(self, head: int) -> None:
        """Let so many tokens stand in front of the messages from now on."""
        if head != self._front.total:
            self._front = _front(head)
            self._chain = self._front.then(self._chain.units[1:])

    def bill(self, session: Session, same: int, at: float) -> tuple[Usage, bool]:
        """Return what the request costs, and whether it broke the prefix.

        The first *same* messages are as in the request before.
        """
        chain = self._chain.upto(self._ends[same - 1]) if same else self._front
        del self._ends[same:]
        out = _shown_by_message(session, same) if self._paged else _NOTHING_OUT
        for position in range(same, len(session.messages)):
            message = session.messages[position]
            units = self._units(message, out.get(position))
            if self._paged and position < session.stripped:
                units = _without_thinking(message, units)
            chain = chain.then(units)
            self._ends.append(len(chain))
        self._chain = chain
        billed = self._cache.bill(Request(chain, at, marks=self._marks(session)))
        self._cache = billed.after
        broke = billed.usage.cache_read < BREAK_TOLERANCE * self._held
        self._held = billed.usage.cache_read + billed.usage.cache_write
        return billed.usage, broke

    def _units(self, message: Message, out: Mapping[int, int] | None) -> tuple[Unit, ...]:
        """Return the units of a message in which so many bytes stand for these blocks."""
        whole = self._whole.get(message.digest)
        if whole is None:
            sizes = enumerate(sizes_of(message, {}))
            units = (self._unit(message, part, block, size) for block, (part, size) in sizes)
            self._whole[message.digest] = whole = tuple(units)
        if not out:
            return whole
        return tuple(
            self._unit(message, unit.part, block, out[block], stub=True) if block in out else unit
            for block, unit in enumerate(whole)
        )

    def _unit(
        self, message: Message, part: Part, block: int, size: int, stub: bool = False
    ) -> Unit:
        name = identity(message.digest + f"{block}/{size if stub else None}".encode())
        return Unit(name, tokens_of_bytes(size, self._model) + BLOCK_TOKENS, part)

    def _marks(self, session: Session) -> tuple[Mark, ...]:
        found = {0, len(self._chain) - 1}
        if self._paged and self._boundary:
            for frame in boundaries(session)[: 4 - len(found)]:
                start = self._ends[frame.message - 1] if frame.message else 1
                found.add(start + frame.block)
        return tuple(Mark(unit, self._ttl) for unit in sorted(found))


def _without_thinking(message: Message, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    if not message.thinks:
        return units
    blocks = zip(message.blocks, units, strict=True)
    return tuple(unit for block, unit in blocks if block.type not in THINKING)


def _front(head: int) -> Chain:
    return Chain().then([Unit(identity(f"front {head}".encode()), head, Part.SYSTEM)])


def _shown_by_message(session: Session, first: int) -> Mapping[int, Mapping[int, int]]:
    """Return the bytes of what stands for a page, by message, from *first* on, and block."""
    entries = session.table.entries
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for page, (message, block) in session.frames.items():
        entry = entries.get(page) if message >= first else None
        if entry is not None and entry.out:
            found[message][block] = stub_bytes(entry.page, entry.summary)
        elif entry is not None and entry.state is State.RESIDENT and entry.form is not Form.WHOLE:
            found[message][block] = entry.form_bytes
    return found


_PARTS = {"tool_use": Part.CALL, "tool_result": Part.RESULT}


def sizes_of(message: Message, known: Sizes) -> tuple[tuple[Part, int], ...]:
    """Return part and bytes of each content block; *known* remembers them by digest."""
    found = known.get(message.digest)
    if found is None:
        known[message.digest] = found = tuple(_sizes(message))
    return found


def _sizes(message: Message) -> Iterable[tuple[Part, int]]:
    results = {result.block: result.bytes for result in message.results}
    part = Part.ASSISTANT if message.role == "assistant" else Part.USER
    content = cast("dict[str, object]", value(message.raw)).get("content")
    match content:
        case str(text):
            yield part, _bytes(text)
        case list():
            for at, block in enumerate(cast("list[object]", content)):
                size = results.get(at)
                yield _part(block, part), _block_bytes(block) if size is None else size
        case _:
            yield part, 0


def _part(block: object, usual: Part) -> Part:
    match block:
        case {"type": str(kind)}:
            return _PARTS.get(kind, usual)
        case _:
            return usual


def _block_bytes(block: object) -> int:
    match block:
        case {"type": "image" | "document"}:
            return PICTURE_BYTES
        case {"text": str(text)} | {"thinking": str(text)}:
            return _bytes(text)
        case {"type": "tool_use"}:
            return _bytes(str(cast("dict[str, object]", block).get("input", "")))
        case _:
            return 0


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
