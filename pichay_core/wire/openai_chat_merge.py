"""Chat Completions: a message of the model, put together from the deltas of a stream.

Rule of this file: what a host calls its members is not asked. Texts grow, objects and lists are put
together, and what names something stays as it came last. So what was streamed is what the reply
would have held in one piece, whatever is in it.
"""

from typing import cast

from pichay_core.wire.shapes import Json, items, mapping

_NAMING = frozenset({"id", "type", "index", "role", "format", "object", "model"})
"""Members that name something: a delta says them once, or again and again."""


def merged(old: object, new: object, name: str = "") -> object:
    """Return a member as it is after a delta."""
    match old, new:
        case _, None:
            return old
        case str(), str() if name not in _NAMING:
            return old if name == "name" and old == new else old + new
        case str(), "":
            return old
        case dict(), dict():
            return together(mapping(cast("object", old)), mapping(cast("object", new)))
        case list(), list():
            return _lists(items(cast("object", old)), items(cast("object", new)))
        case _:
            return new


def together(old: Json, new: Json) -> Json:
    """Return an object with what a delta adds to its members."""
    return {**old, **{name: merged(old.get(name), value, name) for name, value in new.items()}}


def _lists(old: list[object], new: list[object]) -> list[object]:
    """Return a list with what is new in it: by the number of an element, else at its end."""
    found = list(old)
    for element in new:
        at = _grows(found, mapping(element))
        if at is None:
            found.append(element)
        else:
            found[at] = merged(found[at], element)
    return found


def _grows(found: list[object], new: Json) -> int | None:
    """Return which element of a list goes on in a new one, None if it is one more.

    Without numbers a piece goes on in the last element, if that is of its type and neither has a
    name of its own.
    """
    if "index" in new:
        numbers = (mapping(one).get("index") for one in found)
        return next((at for at, number in enumerate(numbers) if number == new["index"]), None)
    last = mapping(found[-1]) if found else mapping(None)
    same = new.get("type") is not None and new.get("type") == last.get("type")
    return len(found) - 1 if same and "id" not in {*new, *last} else None


def blank(value: object) -> bool:
    """True for what says nothing."""
    return value is None or value == "" or value == []


def without_number(call: Json) -> Json:
    """Return a call as a message holds it: its number in the stream is not part of it."""
    said = {name: value for name, value in call.items() if name != "index"}
    return said if "type" in said else {"type": "function", **said}
