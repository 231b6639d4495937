"""Gemini generateContent: a reply as its client knows it, told again as the model wrote it.

Rule of this file: the client's parts are aligned with those that it was shown. It may leave out
thoughts and signatures, give calls other ids, trim texts, and join those that stand side by side,
even where a call of ours stood between them. Where it comes out otherwise, the client has changed
the reply, and nothing is put back.
"""

from collections.abc import Iterable, Sequence

from pichay_core.wire import jsontext
from pichay_core.wire.gemini_memory import answers_of
from pichay_core.wire.gemini_parts import MODEL, call_of, part_places, place_in, response_of
from pichay_core.wire.gemini_pieces import Piece, begins, passes, pieces_of, rest_of
from pichay_core.wire.gemini_write import content
from pichay_core.wire.jsontext import Place
from pichay_core.wire.reply import Leg, Part
from pichay_core.wire.shapes import mapping


def retold(
    raw: bytes, after: bytes | None, legs: Sequence[Leg], sure: bool = False
) -> tuple[list[bytes], bytes | None] | None:
    """Return the messages that stand for a reply, and the message *after* it with our answers.

    None if the client's message is not what it was shown, or, to be *sure*, if it holds nothing
    that was. Without a message after it, calls of a last leg are left out: nobody could answer
    them. Raises Unreadable.
    """
    rest, messages = pieces_of(raw), list[bytes]()
    if sure and not _tells(rest, legs):
        return None
    for leg in (leg for leg in legs if leg.goes_on):
        aligned = _align(leg, rest)
        if aligned is None:
            return None
        rest = aligned
        messages += spoken(leg)
    last = legs[-1]
    if last.goes_on:
        return [*messages, *_message([piece.raw for piece in rest])], after
    answered = after is not None and _is_user(after)
    parts = _retold(last, rest, hidden=answered or not last.answers)
    if parts is None:
        return None
    messages += _message(parts)
    return messages, with_answers(after, last) if after and answered else after


def spoken(leg: Leg) -> list[bytes]:
    """Return the messages that a leg adds to a conversation: the reply, and our answers."""
    reply = (part.raw for part in leg.parts if not _is_blank(part))
    return [content(MODEL, reply), content("user", answers_of(leg))]


def _is_blank(part: Part) -> bool:
    """True for a text of white space, unless it bears a signature."""
    said = mapping(jsontext.value(part.raw))
    return list(said) == ["text"] and not str(said["text"]).strip()


def _message(parts: Sequence[bytes]) -> list[bytes]:
    return [content(MODEL, parts)] if parts else []


def _is_user(raw: bytes) -> bool:
    return mapping(jsontext.value(raw)).get("role") != MODEL


def _tells(pieces: Iterable[Piece], legs: Iterable[Leg]) -> bool:
    """True if something in a message is what its client was shown of these legs."""
    shown = [part.shown for leg in legs for part in leg.parts if part.shown is not None]
    told = [known for known in shown if not passes(known)]
    said = [piece for piece in pieces if not passes(piece.known)]
    return any(begins(piece, known) for piece in said for known in told)


def _align(leg: Leg, pieces: Sequence[Piece]) -> Sequence[Piece] | None:
    """Return what follows a leg in the client's message, None if that does not begin with it."""
    rest = list(pieces)
    for part in leg.parts:
        if part.shown is None or passes(part.shown):
            continue
        while rest and passes(rest[0].known):
            del rest[0]
        if not rest or not begins(rest[0], part.shown):
            return None
        rest[:1] = rest_of(rest[0], part.shown)
    return rest


def _retold(leg: Leg, pieces: Sequence[Piece], hidden: bool) -> list[bytes] | None:
    """Return the parts of the last leg, None if the client's are not those that it was shown.

    In the client's own bytes, but for what it was not shown, or shown otherwise.
    """
    rest, found = list(pieces), list[bytes]()
    for part in leg.parts:
        if part.shown is None:
            found += [part.raw] if hidden or not _is_call(part) else []
        if part.shown is None or passes(part.shown):
            continue
        while rest and passes(rest[0].known):
            found.append(rest.pop(0).raw)
        if not rest or not begins(rest[0], part.shown):
            return None
        left = rest_of(rest[0], part.shown)
        found.append(rest[0].raw if rest[0].own and not (part.altered or left) else part.raw)
        rest[:1] = left
    if not all(passes(piece.known) for piece in rest):
        return None
    return [*found, *(piece.raw for piece in rest)]


def _is_call(part: Part) -> bool:
    return bool(call_of(mapping(jsontext.value(part.raw))))


def with_answers(raw: bytes, leg: Leg) -> bytes:
    """Return a message of the user with results of ours behind its own, before the rest."""
    parts, added = place_in(raw, jsontext.whole(raw), "parts"), list(answers_of(leg))
    if parts is None or not added:
        return raw
    places = part_places(raw, [jsontext.whole(raw)])
    own = [raw[place.start : place.end] for place in places]
    last = max((at + 1 for at, part in enumerate(own) if _is_result(part)), default=0)
    if last and raw[parts.start : parts.start + 1] == b"[":
        end = places[last - 1].end
        return jsontext.splice(raw, [(Place(end, end), b"".join(b"," + part for part in added))])
    told = b",".join([*own[:last], *added, *own[last:]])
    return jsontext.splice(raw, [(parts, b"[" + told + b"]")])


def _is_result(part: bytes) -> bool:
    return bool(response_of(mapping(jsontext.value(part))))
