"""A tool result and a message's texts, as the pager must know them, whatever wire they came by.

Rule of this file: the same text gives the same values on every wire, so that one conversation is
paged alike wherever it is held.
"""

import hashlib
from collections.abc import Iterable, Sequence

from pichay_core.wire.clientstubs import is_cleared, is_unchanged
from pichay_core.wire.message import Result
from pichay_core.wire.shapes import Json, string

_TEXT_LENGTH = 4000


def result(block: int, call_id: str, said: str | None, error: bool = False) -> Result:
    """Return a result whose text is *said*; None if it is not all text."""
    plain = said if said is not None else ""
    encoded = plain.encode(errors="surrogatepass")
    return Result(
        block=block,
        call_id=call_id,
        digest=hashlib.blake2b(encoded, digest_size=16).hexdigest(),
        bytes=len(encoded),
        lines=plain.count("\n") + (not plain.endswith("\n") and bool(plain)),
        error=error,
        opaque=said is None,
        cleared=is_cleared(plain),
        unchanged=is_unchanged(plain),
    )


def joined(parts: Sequence[Json]) -> str | None:
    """Return what a model reads of text parts; None if any of them is not text."""
    if any(part.get("type") != "text" for part in parts):
        return None
    return "\n".join(string(part.get("text")) for part in parts)


def first_and_last(texts: Iterable[str]) -> str:
    """Return the first and the last text, each shortened: reminders stand between them."""
    found = [text[:_TEXT_LENGTH] for text in texts]
    return "\n".join((*found[:1], *found[1:][-1:]))
