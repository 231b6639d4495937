"""What a reply of Gemini says about itself: tokens billed, errors.

Rule of this file: it only looks. The counts of a stream grow from event to event; the last are all.
"""

from pichay_core.model import Usage
from pichay_core.wire.report import Objects, Report, count
from pichay_core.wire.shapes import Json, mapping, string

_TELLING = (b"usageMetadata", b"error")


class Reader:
    """Reads a reply as it passes: events or one body, in whatever encoding.

    Of a list that comes in pieces, as without ``alt=sse``, nothing is known.
    """

    def __init__(self, content_type: str, encoding: str) -> None:
        self._objects = Objects(content_type, encoding, _TELLING)
        self._usage: dict[str, object] = {}
        self._error = ""

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply."""
        for said in self._objects.feed(data):
            self._note(said)

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        self._note(self._objects.rest())
        known = "promptTokenCount" in self._usage
        return Report(_usage(self._usage) if known else None, self._error)

    def _note(self, said: Json) -> None:
        usage = mapping(said.get("usageMetadata"))
        self._usage |= {name: found for name, found in usage.items() if found is not None}
        self._error = string(mapping(said.get("error")).get("status")) or self._error


def _usage(counts: Json) -> Usage:
    """Return the counts without overlap: the prompt includes what was cached."""
    cached = count(counts, "cachedContentTokenCount")
    prompt = count(counts, "promptTokenCount") + count(counts, "toolUsePromptTokenCount")
    return Usage(
        input=max(0, prompt - cached),
        cache_read=cached,
        output=count(counts, "candidatesTokenCount") + count(counts, "thoughtsTokenCount"),
    )
