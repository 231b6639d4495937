"""Recorded sessions of other tools, read into the values that live traffic is read into.

One idea: the content says what format it is, never the file's name. To teach Pichay another,
write a file that satisfies :class:`pichay_core.traces.recording.Format` and add it to
``FORMATS``.
"""

from pichay_core.traces import (
    anthropic_chat,
    claude_code,
    claude_trace,
    codex_rollout,
    copilot,
    gemini_cli,
    gemini_stream,
    managed_agents,
    moatless,
    openai_chat,
    opencode,
    openhands,
    pi,
    swe_agent,
)
from pichay_core.traces.recording import Format, decode
from pichay_core.traces.tally import Counts, counts, fresh
from pichay_core.traces.trace import Conversation, NotATrace, Step, Trace

FORMATS: tuple[Format, ...] = (
    claude_trace,
    claude_code,
    codex_rollout,
    pi,
    opencode,
    copilot,
    managed_agents,
    gemini_cli,
    gemini_stream,
    moatless,
    swe_agent,
    openhands,
    anthropic_chat,
    openai_chat,
)
"""Every format, those that are sure of their own first."""


def read(name: str, data: bytes) -> Trace:
    """Return the recording in a file's bytes, plain or compressed with zstd or gzip.

    ``name`` names it in errors, and its conversations where they have no name of their own.
    Raises NotATrace for anything else, saying what was found.
    """
    recording = decode(name, data)
    format = next((format for format in FORMATS if format.recognises(recording)), None)
    if format is None:
        known = ", ".join(format.name for format in FORMATS)
        raise NotATrace(f"{name}: JSON, but no recorded session of a known format ({known})")
    conversations = tuple(told for told in format.conversations(recording) if told.steps)
    if not conversations:
        raise NotATrace(f"{name}: a {format.name} recording in which nothing is said")
    return Trace(format.name, conversations, recording.skipped)


__all__ = [
    "FORMATS",
    "Conversation",
    "Counts",
    "Format",
    "NotATrace",
    "Step",
    "Trace",
    "counts",
    "decode",
    "fresh",
    "read",
]
