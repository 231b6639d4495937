"""Lists of messages, wherever an export keeps them."""

from collections.abc import Iterable

from pichay_core.traces.recording import Recording
from pichay_core.wire.shapes import Json, items, mapping

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def lists(recording: Recording) -> Iterable[tuple[Json, list[Json]]]:
    """Yield each list of messages of a file, and the object it stands in.

    A file is one such object, one a line, or itself the list: in JSON or in JSON Lines.
    """
    if is_list(recording.records):
        yield {}, list(recording.records)
        return
    for record in recording.records:
        messages = _within(record)
        if is_list(messages):
            yield record, messages


def is_list(messages: Iterable[Json]) -> bool:
    """True if these are messages, and a model said one of them."""
    roles = [message.get("role") for message in messages]
    return "assistant" in roles and all(role in ROLES for role in roles)


def _within(record: Json) -> list[Json]:
    simulation = mapping(record.get("simulation"))
    found = record.get("messages") or record.get("traj") or simulation.get("messages")
    return [mapping(message) for message in items(found)]
