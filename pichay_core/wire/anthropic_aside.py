"""Anthropic Messages: a reply as its client knows it, told again as the model wrote it.

Rule of this file: the client's message is aligned block by block with what it was shown. Where
that does not come out even, the client has changed it, and nothing is put back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_blocks import known_by
from pichay_core.wire.jsontext import Place
from pichay_core.wire.reply import Leg, Part
from pichay_core.wire.shapes import mapping, string

_EMPTY = known_by({"type": "text", "text": ""})


@dataclass(frozen=True, slots=True)
class _Block:
    """One content block of the client's message."""

    raw: bytes
    known: str
    marker: bytes | None


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A leg's blocks as they go upstream, and the client's blocks that follow them."""

    blocks: list[bytes]
    rest: list[_Block]


def retold(
    raw: bytes, after: bytes | None, legs: Sequence[Leg], sure: bool = False
) -> tuple[list[bytes], bytes | None] | None:
    """Return the messages that stand for a reply, and the message *after* it with our answers.

    None if the client's message is not what it was shown, or, to be *sure*, if it holds nothing
    that was. Without a message after it, calls of a last leg are left out: nobody could answer
    them. Raises Unreadable.
    """
    rest, messages = _blocks(raw), list[bytes]()
    if sure and not {block.known for block in rest} & _shown(legs):
        return None
    for leg in (leg for leg in legs if leg.goes_on):
        aligned = _align(leg, rest, own=True)
        if aligned is None:
            return None
        messages += (_message(b"assistant", aligned.blocks), _message(b"user", leg.answers))
        rest = aligned.rest
    last = legs[-1]
    if last.goes_on:
        tail = [block.raw for block in rest]
        return [*messages, *([_message(b"assistant", tail)] if tail else [])], after
    answered = after is not None and _role(after) == "user"
    aligned = _align(last, rest, own=False, hidden=answered or not last.answers)
    if aligned is None or aligned.rest:
        return None
    messages += [_message(b"assistant", aligned.blocks)] if aligned.blocks else []
    return messages, with_answers(after, last.answers) if after and answered else after


def _shown(legs: Iterable[Leg]) -> set[str]:
    """Return what the blocks are known by that the client was shown of these legs."""
    shown = {part.shown for leg in legs for part in leg.parts if part.shown is not None}
    return shown - {_EMPTY}


def _align(leg: Leg, blocks: Sequence[_Block], own: bool, hidden: bool = True) -> _Aligned | None:
    """Return the blocks of a leg, None if the client's do not begin with those it was shown.

    *own*: as they went upstream already; else the client's own bytes where nothing was altered.
    A client may leave out thinking, and empty text; thinking that it leaves out goes.
    """
    rest, found = list(blocks), list[bytes]()
    for part in leg.parts:
        if part.shown is None:
            found += [part.raw] if hidden or not _is_call(part) else []
            continue
        if rest and rest[0].known == part.shown:
            block = rest.pop(0)
            if not (own and _is_blank(part)):
                found.append(_marked(part.raw, block.marker) if own or part.altered else block.raw)
        elif not (part.shown == _EMPTY or part.shown.startswith("thinking ")):
            return None
    return _Aligned(found, rest)


def _is_blank(part: Part) -> bool:
    """True for a text of white space: a model may write one, and no request may hold it."""
    return part.shown == _EMPTY and not part.altered


def _is_call(part: Part) -> bool:
    return string(mapping(jsontext.value(part.raw)).get("type")) == "tool_use"


def _blocks(raw: bytes) -> list[_Block]:
    content = jsontext.members(raw).get("content")
    if content is None:
        return []
    if raw[content.start : content.start + 1] != b"[":
        text = b'{"type":"text","text":' + raw[content.start : content.end] + b"}"
        return [_block(text)]
    return [_block(raw[place.start : place.end]) for place in jsontext.elements(raw, content)]


def _block(raw: bytes) -> _Block:
    marker = jsontext.members(raw).get("cache_control")
    return _Block(
        raw=raw,
        known=known_by(mapping(jsontext.value(raw))),
        marker=raw[marker.start : marker.end] if marker else None,
    )


def _marked(raw: bytes, marker: bytes | None) -> bytes:
    """Return a block with the client's cache marker, if it put one there."""
    if marker is None or marker == b"null" or "cache_control" in jsontext.members(raw):
        return raw
    return raw[:-1] + b',"cache_control":' + marker + b"}"


def _message(role: bytes, blocks: Iterable[bytes]) -> bytes:
    return b'{"role":"' + role + b'","content":[' + b",".join(blocks) + b"]}"


def spoken(leg: Leg) -> list[bytes]:
    """Return the messages that a leg adds to a conversation: the reply, and our answers."""
    said = (part.raw for part in leg.parts if not _is_blank(part))
    reply = _message(b"assistant", said)
    return [reply, _message(b"user", leg.answers)]


def with_answers(raw: bytes, answers: Sequence[bytes]) -> bytes:
    """Return a message of the user with tool results of ours behind its own, before the rest."""
    content = jsontext.members(raw).get("content")
    if content is None or not answers:
        return raw
    added = b",".join(answers)
    if raw[content.start : content.start + 1] != b"[":
        text = b'{"type":"text","text":' + raw[content.start : content.end] + b"}"
        return jsontext.splice(raw, [(content, b"[" + added + b"," + text + b"]")])
    places = jsontext.elements(raw, content)
    results = [place for place in places if _is_result(raw, place)]
    if results:
        at = Place(results[-1].end, results[-1].end)
        return jsontext.splice(raw, [(at, b"," + added)])
    at = Place(content.start + 1, content.start + 1)
    return jsontext.splice(raw, [(at, added + (b"," if places else b""))])


def _is_result(raw: bytes, place: Place) -> bool:
    return mapping(jsontext.value(raw, place)).get("type") == "tool_result"


def _role(raw: bytes) -> str:
    return string(mapping(jsontext.value(raw)).get("role"))


def offered(tools: bytes, definitions: Sequence[bytes]) -> bytes:
    """Return the array of tools with these definitions at its end; the rest as it came."""
    if tools[:1] != b"[" or not definitions:
        return tools
    comma = b"," if any(_elements(tools)) else b""
    return tools[:-1].rstrip() + comma + b",".join(definitions) + b"]"


def _elements(tools: bytes) -> Iterator[Place]:
    return iter(jsontext.elements(tools, Place(0, len(tools))))
