"""Chat Completions: what one streamed reply says, and what of it the client is shown.

Rule of this file: a delta passes as it came, but for calls of ours, for the numbers of calls that
stand behind one, and for what is taken out of the text. A call passes as soon as its name tells
whose it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pichay_core.wire import jsontext, sse
from pichay_core.wire.anthropic_leg import Numbers
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.openai_chat_aside import BETWEEN, REST, call_known_by, rest_of
from pichay_core.wire.openai_chat_edits import numbered
from pichay_core.wire.openai_chat_items import known_by
from pichay_core.wire.openai_chat_merge import blank, merged, together, without_number
from pichay_core.wire.reply import Ask, Part, Reply, TextFilter
from pichay_core.wire.shapes import Json, items, mapping, string

type Changes = dict[str, bytes | None]
"""Members of a delta as the client is to see them; None for those he is not to see."""


@dataclass(slots=True)
class Call:
    """One element of ``tool_calls``, as far as it has come."""

    index: object
    said: Json = field(default_factory=lambda: mapping(None))
    ours: bool | None = None
    """None while its name does not tell."""
    place: int | None = None
    """Its number for the client; None as long as he is not shown it."""
    waiting: list[bytes] = field(default_factory=list[bytes])

    @property
    def id(self) -> str:
        """The id by which it is answered."""
        return string(self.said.get("id"))

    @property
    def tool(self) -> str:
        """The name of what is called, as far as it has come."""
        return string(_inside(self.said).get("name"))

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them."""
        inside = _inside(self.said)
        return string(inside.get("arguments")) or string(inside.get("input"))

    @property
    def readable(self) -> bool:
        """True if it can be answered; a client may know what to do with half of one."""
        try:
            jsontext.value(self.arguments.encode() if self.arguments.strip() else b"{}")
        except Unreadable:
            return not self.ours
        return bool(self.id and self.tool)

    def part(self) -> Part:
        """Return what is remembered of it."""
        raw = jsontext.encode(without_number(self.said))
        return Part(raw, None if self.ours else call_known_by(self.id))


def _inside(call: Json) -> Json:
    return mapping(call.get("custom")) or mapping(call.get("function"))


class Leg:
    """One reply of the upstream."""

    def __init__(  # joined: its text stands behind another; follows: other things of it do
        self,
        names: frozenset[str],
        new_filter: Callable[[], TextFilter] | None,
        numbers: Numbers,
        *,
        joined: bool = False,
        follows: bool = False,
    ) -> None:
        self._names = names
        self._filter = new_filter() if new_filter else None
        self._numbers = numbers
        self._joined, self._follows = joined, follows
        self._calls = list[Call]()
        self._written, self._shown = list[str](), list[str]()
        self._rest = dict[str, object]()
        self._size = 0
        self.understood = True

    @property
    def asks(self) -> bool:
        """True if a tool of ours is called."""
        return any(call.ours for call in self._calls)

    @property
    def altered(self) -> bool:
        """True if something is kept from the client that he cannot be shown any more, or not yet.

        Then what follows cannot pass as it comes.
        """
        hidden = any(call.ours is not False for call in self._calls)
        return hidden or self._numbers.moved or bool(self._filter and self._filter.taken)

    @property
    def calls(self) -> list[Call]:
        """All calls."""
        return self._calls

    @property
    def theirs(self) -> int:
        """How many calls of the client's there are."""
        return sum(not call.ours for call in self._calls)

    @property
    def text(self) -> str:
        """What the client was shown of the text."""
        return "".join(self._shown)

    @property
    def rests(self) -> bool:
        """True if it says more than a text and calls."""
        return any(not blank(self._rest[name]) for name in self._rest.keys() - {"role"})

    @property
    def shows(self) -> bool:
        """True if the client was shown anything of what it says."""
        return bool(self.text) or self.rests or any(call.place is not None for call in self._calls)

    def take(self, delta: Json, size: int, calls: Callable[[], list[bytes]]) -> Changes:
        """Take a delta, and return those members of it of which the client is shown another.

        *calls* returns the calls in it as they came, *size* is the size of all of it.
        """
        changed: Changes = {}
        self._size += size
        if self._size > sse.LONGEST_FRAME:
            raise OverflowError("the reply is too long to be remembered")
        for name, value in delta.items():
            match name, value:
                case "content", str(text):
                    shown = self._say(text)
                    changed |= {} if shown == text else {name: jsontext.encode(shown)}
                case "tool_calls", list():
                    came = calls()
                    given = list(self._call(map(mapping, items(delta[name])), came))
                    changed |= {} if given == came else {name: _list(given)}
                case _:
                    self._rest[name] = merged(self._rest.get(name), value, name)
        return changed

    def _say(self, text: str) -> str:
        """Return what the client is shown of a piece of text."""
        self._written.append(text)
        through = self._filter.feed(text) if self._filter else text
        return self._show(through)

    def _show(self, text: str) -> str:
        if self._joined and text.strip():
            text, self._joined = BETWEEN + text, False
        self._shown.append(text)
        return text

    def _call(self, pieces: Iterable[Json], came: Iterable[bytes]) -> Iterator[bytes]:
        """Take pieces of calls, and yield those that the client is shown."""
        for said, raw in zip(pieces, came, strict=True):
            call = self._going_on(said)
            call.said = together(call.said, said)
            call.waiting.append(raw)
            call.ours = self._whose(call) if call.ours is None else call.ours
            if call.ours:
                self._numbers.moved = True
                call.waiting.clear()
            elif call.ours is False:
                yield from self._given(call)

    def _going_on(self, said: Json) -> Call:
        """Return the call that a piece is of: by its number, but another id is another call."""
        index, id = said.get("index"), string(said.get("id"))
        same = (call for call in reversed(self._calls) if call.index == index)
        found = next(same, None)
        if found is None or (id and found.id and id != found.id):
            found = Call(index)
            self._calls.append(found)
        return found

    def _whose(self, call: Call) -> bool | None:
        """Return True for a call of ours, None as long as its name may become one of ours."""
        if call.tool in self._names:
            return bool(call.id) or None
        begins = any(name.startswith(call.tool) for name in self._names)
        return None if begins and not call.arguments else False

    def _given(self, call: Call) -> Iterator[bytes]:
        """Yield what waits of a call, as of the client's number for it."""
        if call.place is None:
            given = call.index if isinstance(call.index, int) else self._numbers.next
            call.place = self._numbers.take(given)
        for raw in call.waiting:
            yield raw if call.place == call.index else numbered(raw, call.place)
        call.waiting.clear()

    def let_out(self) -> Iterator[Mapping[str, bytes]]:
        """Yield what was held back of a reply that is over, as deltas of our own."""
        rest = self._show(self._filter.end()) if self._filter else ""
        if rest:
            yield {"content": jsontext.encode(rest)}
        for call in self._calls:
            if call.ours is None:
                call.ours = False
                yield {"tool_calls": b"[" + b",".join(self._given(call)) + b"]"}

    @property
    def whole(self) -> bool:
        """True if all of it is understood, and whoever is called can answer."""
        return self.understood and all(call.readable for call in self._calls)

    def parts(self) -> Iterator[Part]:
        """Yield the rest, the text if there is one, and the calls in their order."""
        text, said = "".join(self._written), dict(self._rest)
        differs, content = text != self.text, items(said.get("content"))
        if content:
            said["content"] = [*content, *([{"type": "text", "text": text}] if text else [])]
        elif self._written:
            said["content"] = None if text.strip() else ""
        raws = {name: jsontext.encode(value) for name, value in said.items()}
        altered = self._follows or (bool(content) and differs)
        yield Part(rest_of(raws), REST, altered=altered)
        if text.strip() and not content:
            shown = known_by(self.text) if self.text.strip() else None
            yield Part(jsontext.encode(text), shown, altered=shown is not None and differs)
        yield from (call.part() for call in self._calls)

    def asked(self) -> Iterator[Ask]:
        """Yield the calls to tools of ours, in their order."""
        for call in self._calls:
            if call.ours:
                yield Ask(call.id, call.tool, call.arguments.encode() or b"{}")

    def reply(self, stop: str, complete: bool) -> Reply:
        """Say what the model wrote, now that it has ended."""
        return Reply(
            parts=tuple(self.parts()),
            asks=tuple(self.asked()),
            calls=self.theirs,
            tags=self.tags,
            stop=stop,
            whole=complete and self.whole,
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """What stood in the tags that were taken out."""
        return self._filter.taken if self._filter else ()


def _list(elements: Iterable[bytes]) -> bytes | None:
    """Return a list as JSON, None for an empty one."""
    found = b",".join(elements)
    return b"[" + found + b"]" if found else None
