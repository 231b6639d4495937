"""What a reply of Anthropic Messages says about itself: tokens billed, and warnings.

Rule of this file: it only looks. The bytes of the reply are somebody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pichay_core.model import Usage
from pichay_core.wire import jsontext, sse
from pichay_core.wire.encoding import Decoder, decoder

LONGEST_REPLY = 32 * 1024 * 1024
_PIECE = 8 * 1024 * 1024
_TELLING = (b"usage", b"error", b"input_transformations", b"cache_miss_reason")


@dataclass(frozen=True, slots=True)
class Report:
    """What a reply said. ``usage`` is None if it ended before it said what it cost."""

    usage: Usage | None
    error: str = ""
    """Type of an error inside the reply, empty without one."""
    dropped_thinking: int = 0
    """Thinking blocks that the provider left out because history was changed."""
    cache_miss: str = ""
    """The provider's own reason for not reading its cache, if the client asked for it."""


class Reader:
    """Reads a reply as it passes: SSE or JSON, in whatever encoding.

    A reply that cannot be read (an unknown encoding, an endless frame) is not an error: the
    report then says nothing.
    """

    def __init__(self, content_type: str, encoding: str) -> None:
        self._stream = "event-stream" in content_type
        self._splitter = sse.Splitter()
        self._body = bytearray()
        self._seen: dict[str, object] = {}
        self._usage: dict[str, object] = {}
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
        """Return what the reply said so far."""
        if not self._stream and self._body:
            self._note(_object(bytes(self._body)))
        error = _mapping(self._seen.get("error"))
        dropped = self._seen.get("input_transformations")
        diagnostics = _mapping(self._seen.get("diagnostics"))
        reason = _mapping(diagnostics.get("cache_miss_reason"))
        return Report(
            usage=_usage(self._usage) if "input_tokens" in self._usage else None,
            error=str(error.get("type", "")),
            dropped_thinking=len(cast("list[object]", dropped)) if isinstance(dropped, list) else 0,
            cache_miss=str(reason.get("type", "")),
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

    def _note(self, said: Mapping[str, object]) -> None:
        for part in (said, _mapping(said.get("message"))):
            self._seen |= {k: v for k, v in part.items() if k in _KEPT}
            usage = _mapping(part.get("usage"))
            self._usage |= {k: v for k, v in usage.items() if v is not None}


_KEPT = ("error", "input_transformations", "diagnostics")


def _decoder(encoding: str) -> Decoder | None:
    try:
        return decoder(encoding)
    except jsontext.Unreadable:
        return None


def _usage(counts: Mapping[str, object]) -> Usage:
    """Return the counts without overlap; ``input_tokens`` excludes the cache already."""
    written = _number(counts, "cache_creation_input_tokens")
    by_ttl = _mapping(counts.get("cache_creation"))
    one_hour = min(written, _number(by_ttl, "ephemeral_1h_input_tokens"))
    return Usage(
        input=_number(counts, "input_tokens"),
        cache_read=_number(counts, "cache_read_input_tokens"),
        cache_write_5m=written - one_hour,
        cache_write_1h=one_hour,
        output=_number(counts, "output_tokens"),
    )


def _number(counts: Mapping[str, object], name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) and count >= 0 else 0


def _object(text: bytes) -> Mapping[str, object]:
    try:
        return _mapping(jsontext.value(text))
    except jsontext.Unreadable:
        return {}


def _mapping(item: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", item) if isinstance(item, dict) else {}
