"""What a reply of OpenAI Responses says about itself: tokens billed, reasoning left out, errors.

Rule of this file: it only looks. The bytes of the reply are somebody else's.
"""

from collections.abc import Iterator

from pichay_core.model import Usage
from pichay_core.wire.report import Drop, Objects, Report, count
from pichay_core.wire.shapes import Json, items, mapping, string

_TELLING = (b"usage", b"error")
"""Every event that holds a response says its usage, if only that it is not known yet."""
_KEPT = ("usage", "error", "prompt_cache_diagnostics", "id", "conversation", "store")
_DROPPED = "input_transformations"


class Reader:
    """Reads a reply as it passes: SSE or JSON, in whatever encoding."""

    def __init__(self, content_type: str, encoding: str) -> None:
        self._objects = Objects(content_type, encoding, _TELLING)
        self._seen: dict[str, object] = {}
        self._dropped: dict[Drop, None] = {}

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply."""
        for said in self._objects.feed(data):
            self._note(said)

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        self._note(self._objects.rest())
        usage, error = mapping(self._seen.get("usage")), mapping(self._seen.get("error"))
        miss = mapping(self._seen.get("prompt_cache_diagnostics"))
        return Report(
            usage=_usage(usage) if "input_tokens" in usage else None,
            error=string(error.get("type")) or string(error.get("code")),
            dropped=tuple(self._dropped),
            cache_miss=string(miss.get("reason")),
            missed_tokens=count(miss, "cache_missed_tokens"),
            id=self._goes_on_by(),
        )

    def _goes_on_by(self) -> str:
        """Return by which id a client may go on: of its conversation, else of the reply itself."""
        conversation = string(mapping(self._seen.get("conversation")).get("id"))
        kept = self._seen.get("store") is not False
        return conversation or (string(self._seen.get("id")) if kept else "")

    def _note(self, said: Json) -> None:
        if said.get("type") == "error":
            self._seen.setdefault("error", {"code": said.get("code") or "error"})
        for part in (_whole(said), mapping(said.get("response"))):
            self._seen |= {name: part[name] for name in _KEPT if part.get(name) is not None}
            self._dropped |= dict.fromkeys(_drops(part))


def _whole(said: Json) -> Json:
    """Return a response, or an error, that comes in one piece; of any other event nothing."""
    return said if "type" not in said else {}


def _drops(part: Json) -> Iterator[Drop]:
    for change in map(mapping, items(part.get(_DROPPED))):
        if change.get("type") == "reasoning" and change.get("action") == "removed":
            yield Drop(string(change.get("id")), string(change.get("reason")))


def _usage(counts: Json) -> Usage:
    """Return the counts without overlap: ``input_tokens`` holds what was read and written.

    Writes are kept for half an hour, or for twelve; the core knows a short and a long time.
    """
    details = mapping(counts.get("input_tokens_details"))
    read, written = count(details, "cached_tokens"), count(details, "cache_write_tokens")
    by_ttl = mapping(details.get("cache_write_tokens_details"))
    long = min(written, count(by_ttl, "ttl_12h_tokens"))
    return Usage(
        input=max(0, count(counts, "input_tokens") - read - written),
        cache_read=read,
        cache_write_5m=written - long,
        cache_write_1h=long,
        output=count(counts, "output_tokens"),
    )
