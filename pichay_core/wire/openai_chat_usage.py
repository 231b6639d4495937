"""What a reply of Chat Completions says about itself: tokens billed, errors.

Rule of this file: it only looks. What the client did not ask for is not there: then nothing is
known of what a streamed reply cost.
Source: OpenAI (``prompt_tokens`` includes what was cached), DeepSeek (hits and misses), Moonshot
(``cached_tokens`` in the usage itself, and the usage of a stream in its choice).
"""

from pichay_core.model import Usage
from pichay_core.wire.report import Objects, Report, count
from pichay_core.wire.shapes import Json, items, mapping, string

_TELLING = (b"usage", b"error")


class Reader:
    """Reads a reply as it passes: SSE or JSON, in whatever encoding."""

    def __init__(self, content_type: str, encoding: str) -> None:
        self._objects = Objects(content_type, encoding, _TELLING)
        self._usage: Json = {}
        self._error: Json = {}

    def feed(self, data: bytes) -> None:
        """Look at the next piece of the reply."""
        for said in self._objects.feed(data):
            self._note(said)

    def report(self) -> Report:
        """Return what the reply said, now that it has ended (perhaps too early)."""
        self._note(self._objects.rest())
        usage = usage_of(self._usage) if "prompt_tokens" in self._usage else None
        return Report(usage=usage, error=_type_of(self._error) if self._error else "")

    def _note(self, said: Json) -> None:
        choices = map(mapping, items(said.get("choices")))
        for part in (*choices, said):
            self._usage = mapping(part.get("usage")) or self._usage
            self._error = mapping(part.get("error")) or self._error


def _type_of(error: Json) -> str:
    """Return the type of an error; of one without (Azure, OpenRouter) its code."""
    code = error.get("code")
    return string(error.get("type")) or (str(code) if isinstance(code, str | int) else "error")


def usage_of(counts: Json) -> Usage:
    """Return the counts without overlap."""
    details = mapping(counts.get("prompt_tokens_details"))
    prompt = count(counts, "prompt_tokens")
    names = ((details, "cached_tokens"), (counts, "prompt_cache_hit_tokens"),
             (counts, "cached_tokens"))  # fmt: skip
    read = min(prompt, next((found for group, name in names if (found := count(group, name))), 0))
    written = min(prompt - read, count(details, "cache_write_tokens"))
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=_output(counts, prompt),
    )


def _output(counts: Json, prompt: int) -> int:
    """Return what was written; some hosts (xAI, Google) count reasoning in the total only."""
    written = count(counts, "completion_tokens")
    details = mapping(counts.get("completion_tokens_details"))
    beside = count(counts, "total_tokens") - prompt - written
    return written + (beside if beside == count(details, "reasoning_tokens") else 0)
