"""OpenAI Responses: the items of one streamed reply, on their way to the client.

Rule of this file: events go out in the order in which they came, at once, and as the bytes that
came, unless one before them was kept from the client (then their numbers are others) or a tag was
taken out of their text.

An event waits only while nobody can know yet whether its item is shown: a text until it says
something, and reasoning until the next item is known. The provider takes reasoning back only with
the item that it led to, so reasoning that led to a call of ours is hidden with it: shown, it would
make a history that is refused once the call is not told any more. It waits whole, because client
libraries raise on an item that begins and never ends; but not for ever (``MOST_WAITING``), since
clients take a long silence for a lost connection.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pichay_core.wire import openai_responses_edits as edits
from pichay_core.wire.openai_responses_identity import known_by
from pichay_core.wire.openai_responses_items import CALLS, items_of, kind_of
from pichay_core.wire.openai_responses_texts import Texts
from pichay_core.wire.reply import Ask, Part, TextFilter
from pichay_core.wire.shapes import Json, mapping, string

MOST_WAITING = 64 * 1024
"""Bytes of events, but for the ends of items: some minutes of a model that thinks aloud."""


@dataclass(slots=True)
class Numbers:
    """How the client counts items and events, over all legs."""

    item: int = 0
    """Of the next item."""
    event: int = 0
    moved: bool = False
    """Items have other numbers than upstream's."""
    shifted: bool = False
    """So have events."""

    def of_item(self, index: int) -> int:
        """Return the client's number for the item that upstream gave this one."""
        given = self.item if self.moved else index
        self.item = max(self.item, given + 1)
        return given

    def of_event(self, sequence: int) -> int:
        """Return the client's number for the event that upstream gave this one."""
        given = self.event if self.shifted else sequence
        self.event = given + 1
        return given


@dataclass(slots=True)
class Item:
    """One item of the reply."""

    index: int
    kind: str
    ours: bool
    texts: Texts | None
    shown: bool | None
    """None while that is not known."""
    place: int | None = None
    """Its number for the client; None before it has one."""
    raw: bytes = b""
    """As the model wrote it; empty until it is whole."""
    seen: bytes = b""
    """As the client sees it."""

    @property
    def said(self) -> Json:
        """The item, read."""
        return items_of(self.raw)[0] if self.raw else {}


class _Waiting(NamedTuple):
    frame: bytes
    sequence: int | None
    item: Item | None
    counts: int


class Leg:
    """The items of one reply of the upstream."""

    def __init__(
        self,
        names: frozenset[str],
        text_filter: Callable[[], TextFilter] | None,
        numbers: Numbers,
    ) -> None:
        self._names = names
        self._new_filter = text_filter
        self._numbers = numbers
        self._items = list[Item]()
        self._by_index = dict[int, Item]()
        self._queue = list[_Waiting]()
        self.understood = True
        self.stored = True
        """The provider keeps the reply."""

    def __contains__(self, index: object) -> bool:
        """True if an item with this number of upstream's has begun."""
        return index in self._by_index

    @property
    def asks(self) -> bool:
        """True if a tool of ours is called."""
        return any(item.ours for item in self._items)

    def calls(self) -> int:
        """Count the calls to tools of the client's."""
        return sum(item.kind in CALLS and not item.ours for item in self._items)

    def start(self, frame: bytes, event: Json, index: int) -> list[bytes]:
        """Take the start of an item."""
        item = self._begin(mapping(event.get("item")), index)
        return self._take(item, frame, event)

    def _begin(self, said: Json, index: int) -> Item:
        kind, ours = kind_of(said), is_call(said, self._names)
        new = self._new_filter if kind == "message" else None
        waits = new is not None or (kind == "reasoning" and (self._names or self._new_filter))
        item = Item(index, kind, ours, Texts(new) if new else None, None if waits else not ours)
        self.understood &= index not in self._by_index
        self._by_index[index] = item
        self._items.append(item)
        return item

    def add(self, frame: bytes, event: Json, index: int) -> list[bytes]:
        """Take any later event of an item."""
        return self._take(self._by_index[index], frame, event)

    def _take(self, item: Item, frame: bytes, event: Json) -> list[bytes]:
        over = event.get("type") == "response.output_item.done"
        if over:
            item.raw = edits.member(frame, "item")
        frames = item.texts.event(frame, event) if item.texts else [frame]
        if over:
            item.seen = edits.member(frames[-1], "item")
        if item.shown is None and item.texts:
            refuses = string(event.get("type")).startswith("response.refusal")
            item.shown = _is_shown(item.texts, over or refuses)
        self._numbers.shifted |= len(frames) != 1
        sequence = edits.sequence_of(event)
        self._queue += [_Waiting(one, sequence, item, 0 if over else len(one)) for one in frames]
        return self._let_out()

    def pass_on(self, frame: bytes, event: Json) -> list[bytes]:
        """Take an event that is of no item: a sign of life waits for nothing."""
        sequence = edits.sequence_of(event)
        self._numbers.shifted |= bool(self._queue) and sequence is not None
        return list(self._out(_Waiting(frame, sequence, None, 0)))

    def _let_out(self) -> list[bytes]:
        """Return what may go out now."""
        self._settle()
        if sum(one.counts for one in self._queue) > MOST_WAITING:
            self._decide()
        found = list[bytes]()
        while self._queue and not (
            (item := self._queue[0].item) is not None and item.shown is None
        ):
            found += self._out(self._queue.pop(0))
        return found

    def _settle(self) -> None:
        """Let reasoning go the way of the item that it led to."""
        after: Item | None = None
        for item in reversed(self._items):
            if item.shown is None and item.kind == "reasoning" and after is not None:
                item.shown = after.shown
            after = item

    def _decide(self) -> None:
        """Show what nobody knows yet of."""
        for item in self._items:
            item.shown = True if item.shown is None else item.shown

    def _out(self, one: _Waiting) -> Iterator[bytes]:
        item, numbers = one.item, self._numbers
        if item is not None and not item.shown:
            numbers.shifted = numbers.moved = True
            return
        if item is not None and item.place is None:
            item.place = numbers.of_item(item.index)
        sequence = None if one.sequence is None else numbers.of_event(one.sequence)
        place = item.place if item else None
        if sequence == one.sequence and (item is None or place == item.index):
            yield one.frame
        else:
            yield edits.numbered(one.frame, sequence, place)

    def over(self) -> list[bytes]:
        """Return what waits: nothing follows it."""
        for item in self._items:
            rests = item.texts.rests() if item.texts and not item.raw else []
            self._numbers.shifted |= bool(rests)
            self._queue += [_Waiting(frame, self._numbers.event, item, 0) for frame in rests]
        self._decide()
        return self._let_out()

    def complete(self, output: list[bytes]) -> None:
        """Take the items that the end of the reply tells of and no event did."""
        told = {name for item in self._items for name in _names(item.said)}
        for index, raw in enumerate(output):
            said = items_of(raw)[0]
            if not told.isdisjoint(_names(said)):
                continue
            item = self._unfinished(index) or self._begin(said, self._unused(index))
            item.raw = raw
            item.seen = item.texts.item(raw, said) if item.texts else raw
            if item.shown is None and item.texts:
                item.shown = _is_shown(item.texts, over=True)
        self._settle()
        self._decide()
        for item in self._items:
            if item.shown and item.place is None and item.raw:
                item.place = self._numbers.of_item(item.index)

    def _unfinished(self, index: int) -> Item | None:
        item = self._by_index.get(index)
        return None if item is None or item.raw else item

    def _unused(self, index: int) -> int:
        return index if index not in self._by_index else max(self._by_index) + 1

    @property
    def open(self) -> bool:
        """True if an item that the client is shown has not come to its end."""
        return any(item.place is not None and not item.raw for item in self._items)

    @property
    def whole(self) -> bool:
        """True if every item came to its end and all of it is understood."""
        return self.understood and all(item.raw for item in self._items)

    @property
    def altered(self) -> bool:
        """True if the client is not shown all that came."""
        hidden = any(item.shown is False for item in self._items)
        return hidden or any(item.seen != item.raw for item in self._items)

    def shown(self) -> dict[int, bytes]:
        """Return the items that the client sees, by its own numbers."""
        return {item.place: item.seen for item in self._items
                if item.place is not None and item.seen}  # fmt: skip

    def parts(self) -> Iterator[Part]:
        """Yield the items, in their order.

        Reasoning that is nowhere, neither enciphered in it nor kept by the provider, cannot be
        sent back.
        """
        for item in self._items:
            lost = item.kind == "reasoning" and not item.said.get("encrypted_content")
            raw = b"" if lost and not self.stored else item.raw
            known = known_by(items_of(item.seen)[0]) if item.shown and item.seen else None
            yield Part(raw, known, known is not None and item.seen != item.raw)

    def asked(self) -> Iterator[Ask]:
        """Yield the calls to tools of ours, in their order."""
        for item in self._items:
            if item.ours and item.raw:
                yield ask(item.said)

    def tags(self) -> Iterator[str]:
        """Yield what stood in the tags that were taken out."""
        for item in self._items:
            yield from item.texts.taken() if item.texts else ()


def _names(item: Json) -> set[str]:
    """Return what an item is found again by: upstream may number those of its end otherwise."""
    return ({known_by(item), string(item.get("id"))} - {""}) if item else set[str]()


def _is_shown(texts: Texts, over: bool) -> bool | None:
    """Say if a message is shown: not if it was nothing but tags. None if that is not known yet."""
    if texts.visible:
        return True
    return (not any(texts.taken())) if over else None


def is_call(item: Json, names: frozenset[str]) -> bool:
    """True if an item calls one of these tools, in a way that can be answered."""
    return (
        item.get("type") == "function_call"
        and string(item.get("name")) in names
        and bool(string(item.get("call_id")))
        and not item.get("namespace")
    )


def ask(item: Json) -> Ask:
    """Return what a call to a tool of ours asks."""
    arguments = string(item.get("arguments")).encode(errors="surrogatepass")
    return Ask(string(item.get("call_id")), string(item.get("name")), arguments.strip() or b"{}")
