"""What providers say a request cost, as the five counts that do not overlap."""

from pichay_core.model import Usage
from pichay_core.traces.recording import count
from pichay_core.wire.shapes import mapping


def anthropic_usage(said: object) -> Usage | None:
    """Return the usage of an Anthropic reply, whose input excludes the cache already."""
    counts = mapping(said)
    if not counts:
        return None
    written = count(counts, "cache_creation_input_tokens")
    hour = count(mapping(counts.get("cache_creation")), "ephemeral_1h_input_tokens")
    hour = min(written, hour)
    return Usage(
        input=count(counts, "input_tokens"),
        cache_read=count(counts, "cache_read_input_tokens"),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=count(counts, "output_tokens"),
    )


def usage(window: int, cached: int, output: int, written: int = 0) -> Usage:
    """Return the usage of a reply whose input (*window* tokens) includes what was *cached*."""
    fresh = max(0, window - cached - written)
    return Usage(fresh, cached, cache_write_5m=written, output=output)
