"""What a reply of Anthropic Messages says about itself: tokens billed, thinking left out, errors.

Rule of this file: it only looks. The bytes of the reply are somebody else's.
"""

from collections.abc import Iterator

from pichay_core.model import Usage
from pichay_core.wire.report import Drop, Objects, Report, Taken, count
from pichay_core.wire.shapes import Json, items, mapping, string

_TELLING = (b"usage", b"error", b"input_transformations", b"cache_miss_reason", b"applied_edits")


class Reader:
    """Reads a reply as it passes: SSE or JSON, in whatever encoding."""

    def __init__(self, content_type: str, encoding: str) -> None:
        self._objects = Objects(content_type, encoding, _TELLING)
        self._seen: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._dropped: dict[Drop, None] = {}
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply."""
        for said in self._objects.feed(data):
            self._note(said)

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        self._note(self._objects.rest())
        error = mapping(self._seen.get("error"))
        miss = _miss(self._seen)
        return Report(
            usage=_usage(self._usage) if "input_tokens" in self._usage else None,
            error=string(error.get("type")),
            dropped=tuple(self._dropped),
            cache_miss=string(miss.get("type")),
            missed_tokens=count(miss, "cache_missed_input_tokens"),
            cleared=_taken(self._seen) if self._ended else None,
        )

    def _note(self, said: Json) -> None:
        self._ended |= said.get("type") in _ENDS
        for part in (said, mapping(said.get("message")), _changed(said)):
            self._seen |= {k: v for k, v in part.items() if k in _KEPT and v is not None}
            self._dropped |= dict.fromkeys(_drops(part))
            usage = mapping(part.get("usage"))
            self._usage |= {k: v for k, v in usage.items() if v is not None}


_KEPT = ("error", "diagnostics", "cache_miss_reason", "context_management")
_ENDS = ("message", "message_delta")
"""The types of a whole reply, and of what a streamed one says at its end."""


def _changed(said: Json) -> Json:
    """Return what the end of a stream says of the message; a text's delta is the model's."""
    return mapping(said.get("delta")) if said.get("type") == "message_delta" else {}


def _drops(part: Json) -> Iterator[Drop]:
    for change in map(mapping, items(part.get("input_transformations"))):
        if change.get("type") == "thinking_dropped":
            yield Drop(string(change.get("path")), string(change.get("reason")))


def _taken(seen: Json) -> Taken:
    """Add up the edits that took tool results out; thinking may be cleared too, no page of ours."""
    applied = items(mapping(seen.get("context_management")).get("applied_edits"))
    edits = [edit for edit in map(mapping, applied) if _takes_results(edit)]
    return Taken(
        sum(count(edit, "cleared_tool_uses") for edit in edits),
        sum(count(edit, "cleared_input_tokens") for edit in edits),
    )


def _takes_results(edit: Json) -> bool:
    return string(edit.get("type")).startswith("clear_tool_uses")


def _miss(seen: Json) -> Json:
    """Return the reason of a cache miss: in ``diagnostics``, by an older header beside it."""
    reason = mapping(seen.get("diagnostics")).get("cache_miss_reason")
    reason = seen.get("cache_miss_reason") if reason is None else reason
    return {"type": reason} if isinstance(reason, str) else mapping(reason)


def _usage(counts: Json) -> Usage:
    """Return the counts without overlap; ``input_tokens`` excludes the cache already."""
    by_ttl = mapping(counts.get("cache_creation"))
    one_hour = count(by_ttl, "ephemeral_1h_input_tokens")
    split = one_hour + count(by_ttl, "ephemeral_5m_input_tokens")
    written = count(counts, "cache_creation_input_tokens") or split
    one_hour = min(written, one_hour)
    return Usage(
        input=count(counts, "input_tokens"),
        cache_read=count(counts, "cache_read_input_tokens"),
        cache_write_5m=written - one_hour,
        cache_write_1h=one_hour,
        output=count(counts, "output_tokens"),
    )
