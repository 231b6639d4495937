"""Gemini generateContent: what a client's message holds, to be compared with what it was shown.

Rule of this file: a text begins with another wherever their white space ends; what a text says
beyond that is a text of its own. Thoughts and white space tell nothing: they are passed over.
"""

from dataclasses import dataclass

from pichay_core.wire import jsontext
from pichay_core.wire.gemini_parts import TEXT, THOUGHT, known_by, part_places
from pichay_core.wire.gemini_write import text_part
from pichay_core.wire.jsontext import Place
from pichay_core.wire.shapes import mapping


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a message, or several texts that stand side by side."""

    raw: bytes
    known: str
    plain: bool
    """It is text and nothing else."""
    own: bool = True
    """It is a part of the client's; else texts of such, joined or cut apart."""


def pieces_of(raw: bytes) -> list[Piece]:
    """Return the parts of a message. Raises Unreadable."""
    listed = b"[" + raw + b"]"
    contents = jsontext.elements(listed, Place(0, len(listed)))
    found = list[Piece]()
    for place in part_places(listed, contents):
        part = mapping(jsontext.value(listed, place))
        piece = Piece(listed[place.start : place.end], known_by(part), list(part) == ["text"])
        if found and found[-1].plain and piece.plain:
            piece = _of_text(_text(found.pop().known) + _text(piece.known))
        found.append(piece)
    return found


def passes(known: str) -> bool:
    """True for what a client may leave out, or have of its own."""
    return known == THOUGHT or (known.startswith(TEXT) and not _text(known).strip())


def begins(piece: Piece, known: str) -> bool:
    """True if a piece is what is known by this, or a text that begins with it."""
    return piece.known == known or _left(piece, known) is not None


def rest_of(piece: Piece, known: str) -> list[Piece]:
    """Return what a piece says beyond the text that it begins with."""
    left = _left(piece, known) or ""
    return [_of_text(left.lstrip("\n"))] if left.strip() else []


def _left(piece: Piece, known: str) -> str | None:
    if not (piece.known.startswith(TEXT) and known.startswith(TEXT)):
        return None
    said, shown = _text(piece.known).lstrip(), _text(known).lstrip()
    found = next((text for text in (shown, shown.rstrip()) if said.startswith(text)), None)
    return None if found is None else said[len(found) :]


def _of_text(text: str) -> Piece:
    return Piece(text_part(text), TEXT + text, plain=True, own=False)


def _text(known: str) -> str:
    return known.removeprefix(TEXT)
