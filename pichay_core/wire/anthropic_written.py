"""Anthropic Messages: a content block of a streamed reply, put together from its pieces.

Rule of this file: what the model wrote stays as the provider spelled it where it came in one
piece (the block's start, a citation, the JSON of an input); only a text that came in pieces is
spelled anew. The block is the one that the reply would have held had it not been streamed.
"""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import known_by
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.reply import Part
from pichay_core.wire.shapes import Json, mapping, string

_NEW_VALUES = {
    "signature_delta": ("signature",),
    "compaction_delta": ("content", "encrypted_content"),
}
"""Members that a delta sets, whole, by its type."""


def is_call(block: Json, names: frozenset[str]) -> bool:
    """True if a block calls one of these tools, in a way that can be answered."""
    return (
        block.get("type") == "tool_use"
        and string(block.get("name")) in names
        and bool(string(block.get("id")))
    )


def part(raw: bytes, block: Json, shown: bool, text: str | None) -> Part:
    """Return what is remembered of a block; *text* is what the client was shown of its text."""
    if not shown:
        return Part(raw, None)
    if text is None or text == block.get("text"):
        return Part(raw, known_by(block))
    return Part(raw, known_by({"type": "text", "text": text}), altered=True)


class Written:
    """A block as the model writes it."""

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._fields = jsontext.members(start)
        self._pieces = dict[str, list[str]]()
        self._values = dict[str, bytes]()
        self._citations = list[bytes]()
        self.said = mapping(jsontext.value(start))
        """The block as it was when it began."""
        self.kind = string(self.said.get("type"))
        self.whole = True
        """All that was added to it is understood."""

    def add(self, data: bytes, delta: Json) -> None:
        """Take what a ``content_block_delta`` adds to the block."""
        match delta:
            case {"type": "text_delta", "text": str(text)} if self.kind == "text":
                self._grow("text", text)
            case {"type": "thinking_delta", "thinking": str(text)} if self.kind == "thinking":
                self._grow("thinking", text)
            case {"type": "input_json_delta", "partial_json": str(text)}:
                self._grow("input", text)
            case {"type": "citations_delta", "citation": dict()}:
                self._citations.append(_citation(data))
            case {"type": str(kind)} if kind in _NEW_VALUES:
                found = (name for name in _NEW_VALUES[kind] if name in delta)
                self._values |= {name: jsontext.encode(delta[name]) for name in found}
            case _:
                self.whole = False

    def raw(self) -> bytes:
        """Return the block as JSON, with all that was added to it so far."""
        last = jsontext.whole(self._start).end - 1
        edits = list[tuple[Place, bytes]]()
        added = b""
        for name, new in self._members():
            if name in self._fields:
                edits.append((self._fields[name], new))
            else:
                added += b"," + jsontext.encode(name) + b":" + new
        return jsontext.splice(self._start, [*edits, (Place(last, last), added)])

    def input(self) -> bytes:
        """Return the arguments of a call as the model wrote them, perhaps no JSON."""
        written = self._joined("input").encode()
        if written.strip():
            return written
        place = self._fields.get("input")
        return b"{}" if place is None else self._start[place.start : place.end]

    def _grow(self, name: str, text: str) -> None:
        self._pieces.setdefault(name, []).append(text)

    def _joined(self, name: str) -> str:
        return "".join(self._pieces.get(name, ()))

    def _members(self) -> Iterator[tuple[str, bytes]]:
        for name in (name for name in self._pieces if name != "input"):
            text = string(self.said.get(name)) + self._joined(name)
            yield name, jsontext.encode(text)
        if self._joined("input").strip() and self._input_is_readable():
            yield "input", self.input()
        if self._citations:
            earlier = _elements(self._start, self._fields.get("citations"))
            yield "citations", b"[" + b",".join([*earlier, *self._citations]) + b"]"
        yield from self._values.items()

    def _input_is_readable(self) -> bool:
        try:
            jsontext.value(self.input())
        except Unreadable:
            self.whole = False
            return False
        return True


def _citation(data: bytes) -> bytes:
    place = jsontext.members(data, jsontext.members(data)["delta"])["citation"]
    return data[place.start : place.end]


def _elements(text: bytes, place: Place | None) -> list[bytes]:
    if place is None or text[place.start : place.start + 1] != b"[":
        return []
    return [text[item.start : item.end] for item in jsontext.elements(text, place)]
