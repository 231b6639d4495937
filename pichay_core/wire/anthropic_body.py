"""Anthropic Messages: a reply in one piece on its way to the client, without what is between us.

Rule of this file: nothing goes out before the end, and then one body: the very bytes that came if
nothing was kept back and nothing added, else the message of the first leg with the blocks that are
shown of all legs, each as it came, and the end of the last. What is no message passes as it came.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_edits import recounted, tally
from pichay_core.wire.anthropic_written import is_call, part
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.onepiece import OnePiece
from pichay_core.wire.reply import Ask, Part, Reply, TextFilter
from pichay_core.wire.shapes import Json, mapping, string
from pichay_core.wire.tally import Tally, together

_END = (
    "stop_reason", "stop_sequence", "stop_details", "container", "context_management", "usage",
)  # fmt: skip
"""Members of a message that a stream says at its end."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One leg: its body, what the client is shown of it, and what it was."""

    body: bytes
    said: Json
    shown: tuple[bytes, ...]
    reply: Reply

    @property
    def left(self) -> bool:
        """True if the calls that it ended with are all ours."""
        return bool(self.reply.asks) and not self.reply.calls and self.reply.stop == "tool_use"


class ReplyBody(OnePiece[_Read]):
    """One message for the client in one piece, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        super().__init__(self._leg, _message)
        self._names = names
        self._new_filter = text_filter

    def _leg(self, body: bytes) -> _Read:
        said = _said(body, ("type", "stop_reason", "usage"))
        content = jsontext.members(body).get("content")
        if said.get("type") != "message" or content is None:
            raise Unreadable("there is no message")
        blocks = [self._block(body[at.start : at.end]) for at in jsontext.elements(body, content)]
        return _Read(
            body=body,
            said=said,
            shown=tuple(block.shown for block in blocks if block.shown is not None),
            reply=Reply(
                parts=tuple(block.part for block in blocks),
                asks=tuple(block.ask for block in blocks if block.ask),
                calls=sum(block.call for block in blocks),
                tags=tuple(tag for block in blocks for tag in block.tags),
                stop=string(said.get("stop_reason")),
                whole=all(block.readable for block in blocks),
            ),
        )

    def _block(self, raw: bytes) -> "_Block":
        try:
            said, readable = mapping(jsontext.value(raw)), True
        except Unreadable:
            said, readable = _said(raw, ("type", "id", "name")), False
        if said.get("type") == "text" and readable and self._new_filter is not None:
            return _filtered(raw, said, self._new_filter())
        if is_call(said, self._names):
            place = jsontext.members(raw).get("input")
            arguments = b"{}" if place is None else raw[place.start : place.end]
            ask = Ask(string(said.get("id")), string(said.get("name")), arguments)
            return _Block(part(raw, said, False, None), None, ask, readable=readable)
        call = said.get("type") == "tool_use"
        return _Block(part(raw, said, True, None), raw, call=call, readable=readable)


@dataclass(frozen=True, slots=True)
class _Block:
    part: Part
    shown: bytes | None
    """As the client gets it."""
    ask: Ask | None = None
    call: bool = False
    """A tool of the client's is called."""
    tags: tuple[str, ...] = ()
    readable: bool = True


def _said(text: bytes, names: Iterable[str]) -> Json:
    """Return some members of an object, whatever the others are."""
    fields = jsontext.members(text)
    return {name: jsontext.value(text, fields[name]) for name in names if name in fields}


def _filtered(raw: bytes, said: Json, text_filter: TextFilter) -> _Block:
    written = string(said.get("text"))
    text = text_filter.feed(written) + text_filter.end()
    tags = text_filter.taken
    if tags and not text.strip():
        return _Block(part(raw, said, False, text), None, tags=tags)
    shown = raw
    if text != written:
        shown = jsontext.splice(raw, [(jsontext.members(raw)["text"], jsontext.encode(text))])
    return _Block(part(raw, said, True, text), shown, tags=tags)


def _message(legs: Sequence[_Read]) -> bytes:
    """Return the one message that the client gets."""
    first, last = legs[0], legs[-1]
    if len(legs) == 1 and not first.reply.differs:
        return first.body
    fields = jsontext.members(first.body)
    content = b"[" + b",".join(block for leg in legs for block in leg.shown) + b"]"
    edits = [(fields["content"], content)]
    added = b""
    for name, new in _end(legs, last):
        if name in fields:
            edits.append((fields[name], new))
        else:
            added += b"," + jsontext.encode(name) + b":" + new
    close = jsontext.whole(first.body).end - 1
    return jsontext.splice(first.body, [*edits, (Place(close, close), added)])


def _end(legs: Sequence[_Read], last: _Read) -> Iterator[tuple[str, bytes]]:
    """Yield how the message ends: as its last leg, with what all legs have written."""
    fields = jsontext.members(last.body)
    for name in _END:
        if name == "stop_reason" and last.left:
            yield name, b'"end_turn"'
        elif name == "usage" and name in fields:
            yield name, _usage(last.body, fields[name], [_tally(leg) for leg in legs])
        elif name in fields:
            yield name, last.body[fields[name].start : fields[name].end]


def _tally(leg: _Read) -> Tally:
    return tally(mapping(leg.said.get("usage")))


def _usage(body: bytes, place: Place, tallies: Sequence[Tally]) -> bytes:
    own = body[place.start : place.end]
    totals = reduce(together, tallies)
    return jsontext.splice(own, recounted(own, jsontext.whole(own), totals))
