"""Gemini generateContent: a message as plain text, to be read again."""

from collections.abc import Iterator

from pichay_core.wire import jsontext
from pichay_core.wire.gemini_parts import (
    CALL,
    call_of,
    is_error,
    is_thought,
    kind_of,
    parts_of,
    response_of,
    result_text,
    text_of,
)
from pichay_core.wire.shapes import Json, string

_CALLS = (f'"{CALL}"'.encode(), b'"function_call"')


def plain(raw: bytes) -> str:
    """Return what a message says: texts, calls with their arguments, results; no thoughts."""
    return "\n".join(said for part in parts_of(raw) for said in _said(part))


def mentions(raw: bytes) -> frozenset[str]:
    """Return the names of the tools that a message calls."""
    if not any(word in raw for word in _CALLS):
        return frozenset()
    names = (string(call_of(part).get("name")) for part in parts_of(raw))
    return frozenset(name for name in names if name)


def _said(part: Json) -> Iterator[str]:
    if is_thought(part):
        return
    if (text := text_of(part)) is not None:
        yield text
    elif call := call_of(part):
        arguments = jsontext.encode(call.get("args") or {}).decode()
        yield f"[call of {string(call.get('name'))}] {arguments}"
    elif response := response_of(part):
        yield f"[result{', an error' if is_error(response) else ''}]"
        found = result_text(response)
        yield "[something, not kept]" if found is None else found
    else:
        yield f"[{kind_of(part) or 'something'}, not kept]"
