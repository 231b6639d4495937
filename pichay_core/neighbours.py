"""Who else moves text out of a conversation: by the marks that it leaves in a request.

Rule of this file: a mark is the name of a tool or a form of words that a client has only where
another program has put it there. Two that edit the same requests pay for each other's edits: what
the one has had cached, the other changes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pichay_core.tools import MEMORY
from pichay_core.wire.format import Format
from pichay_core.wire.message import Message

TWO = "edited by two"
"""How it is recorded that another program edits the same requests."""
ANOTHER_PICHAY = "another Pichay"

_TOOLS = {
    "headroom_retrieve": "headroom",
    "vc_restore_tool": "virtual-context",
    "context_guru_expand": "context-guru",
    "acp_status": "billion-context",
}
"""Tools that other programs put into a request, by their exact names: those that a client has of
an MCP server of theirs are called otherwise (``mcp__...``)."""
_MARKS = (
    (re.compile(rb"<<ccr:[0-9a-f]{6}"), "headroom"),
    (re.compile(rb"<<cg:[0-9a-f]{6}"), "context-guru"),
    (re.compile(rb"<lc_expand:[0-9a-f]{6}"), "lean-ctx"),
    (re.compile(rb"<!-- vc:conversation=[0-9a-f]{8}"), "virtual-context"),
)
"""What other programs write into a conversation. Source: their public code and issue threads."""
_STUB = re.compile(
    r"\[Older result of [^\n]* \([\d,]+ bytes, [\d,]+ lines?\)\. The call (?:succeeded|completed); "
    r"its text was moved out of context and is not shown here\.[^\n]* Page [A-Z2-7]{8}\.\]"
)
"""A stub as a result's whole first line. A client never has ours: it sends what it has."""
_LONGEST_STUB = 20_000
"""Bytes, with the model's own words behind it: a longer result is none."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A program that edits the same requests."""

    name: str
    by: str
    """What it was known by."""


def neighbour(
    tools: Sequence[str], messages: Iterable[Message], format: Format
) -> Neighbour | None:
    """Return who else has edited a request: by its tools, else by these of its messages."""
    if set(MEMORY) <= set(tools):
        return Neighbour(ANOTHER_PICHAY, f"its tool {MEMORY[0]}")
    named = next((tool for tool in tools if tool in _TOOLS), None)
    if named is not None:
        return Neighbour(_TOOLS[named], f"its tool {named}")
    return next((found for m in messages if (found := _in_message(m, format))), None)


def _in_message(message: Message, format: Format) -> Neighbour | None:
    for mark, name in _MARKS:
        if mark.search(message.raw):
            return Neighbour(name, "its mark in a message")
    texts = (format.text(message.raw, r.block) for r in message.results if r.bytes < _LONGEST_STUB)
    if any(_STUB.match(text) for text in texts if text):
        return Neighbour(ANOTHER_PICHAY, "its note where a result was")
    return None
