"""What a reply of Anthropic Messages says about itself: tokens billed, thinking left out, errors.

Rule of this file: it only looks. The bytes of the reply are somebody else's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pichay_core.model import Usage
from pichay_core.wire import jsontext, sse
from pichay_core.wire.encoding import Decoder, decoder
from pichay_core.wire.shapes import Json, items, mapping, string

LONGEST_REPLY = 32 * 1024 * 1024
_PIECE = 8 * 1024 * 1024
_TELLING = (b"usage", b"error", b"input_transformations", b"cache_miss_reason", b"applied_edits")


@dataclass(frozen=True, slots=True)
class Drop:
    """A thinking block that the provider kept from the model."""

    path: str
    """Where it stood in the request: ``messages.3.content.0``."""
    reason: str
    """``prefix_binding_mismatch`` (what stood before it was changed), ``model_...``, ..."""


class Taken(NamedTuple):
    """Tool results that the provider cleared."""

    pages: int
    tokens: int
    """As the provider counts."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a reply said. ``usage`` is None if it ended before it said what it cost."""

    usage: Usage | None
    error: str = ""
    """Type of an error inside the reply, empty without one."""
    dropped: tuple[Drop, ...] = ()
    """What the provider left out of the request, in the order it said so."""
    cache_miss: str = ""
    """The provider's own reason for not reading its cache, if the client asked for it."""
    missed_tokens: int = 0
    """How many it could not read, if it said so."""
    cleared: Taken | None = None
    """What the provider itself left out of this very request; the usage is without it. None if
    the reply ended before that was said."""


class Reader:
    """Reads a reply as it passes: SSE or JSON, in whatever encoding.

    A reply that cannot be read (an unknown encoding, an endless frame) is not an error: the
    report then says nothing.
    """

    def __init__(self, content_type: str, encoding: str) -> None:
        self._stream = "event-stream" in content_type.lower()
        self._splitter = sse.Splitter()
        self._body = bytearray()
        self._seen: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._dropped: dict[Drop, None] = {}
        self._ended = False
        self._decoder: Decoder | None = _decoder(encoding)

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply."""
        if self._decoder is None or not data:
            return
        try:
            self._read(self._decoder.decode(data, _PIECE))
        except (jsontext.Unreadable, OverflowError):
            self._decoder = None

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        rest = sse.parse(self._splitter.flush()).data if self._stream else bytes(self._body)
        self._note(_object(rest))
        error = mapping(self._seen.get("error"))
        miss = _miss(self._seen)
        return Report(
            usage=_usage(self._usage) if "input_tokens" in self._usage else None,
            error=string(error.get("type")),
            dropped=tuple(self._dropped),
            cache_miss=string(miss.get("type")),
            missed_tokens=_number(miss, "cache_missed_input_tokens"),
            cleared=_taken(self._seen) if self._ended else None,
        )

    def _read(self, data: bytes) -> None:
        if not self._stream:
            if len(self._body) + len(data) > LONGEST_REPLY:
                raise OverflowError("the reply is too long to read")
            self._body += data
            return
        for frame in self._splitter.feed(data):
            if any(word in frame for word in _TELLING):
                self._note(_object(sse.parse(frame).data))

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
        sum(_number(edit, "cleared_tool_uses") for edit in edits),
        sum(_number(edit, "cleared_input_tokens") for edit in edits),
    )


def _takes_results(edit: Json) -> bool:
    return string(edit.get("type")).startswith("clear_tool_uses")


def _miss(seen: Json) -> Json:
    """Return the reason of a cache miss: in ``diagnostics``, by an older header beside it."""
    reason = mapping(seen.get("diagnostics")).get("cache_miss_reason")
    reason = seen.get("cache_miss_reason") if reason is None else reason
    return {"type": reason} if isinstance(reason, str) else mapping(reason)


def _decoder(encoding: str) -> Decoder | None:
    try:
        return decoder(encoding)
    except jsontext.Unreadable:
        return None


def _usage(counts: Json) -> Usage:
    """Return the counts without overlap; ``input_tokens`` excludes the cache already."""
    by_ttl = mapping(counts.get("cache_creation"))
    one_hour = _number(by_ttl, "ephemeral_1h_input_tokens")
    split = one_hour + _number(by_ttl, "ephemeral_5m_input_tokens")
    written = _number(counts, "cache_creation_input_tokens") or split
    one_hour = min(written, one_hour)
    return Usage(
        input=_number(counts, "input_tokens"),
        cache_read=_number(counts, "cache_read_input_tokens"),
        cache_write_5m=written - one_hour,
        cache_write_1h=one_hour,
        output=_number(counts, "output_tokens"),
    )


def _number(counts: Json, name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) and count >= 0 else 0


def _object(text: bytes) -> Json:
    try:
        return mapping(jsontext.value(text))
    except jsontext.Unreadable:
        return {}
