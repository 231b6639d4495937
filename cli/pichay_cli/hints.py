"""What to do about a part of the bill: one plain sentence, where there is one.

Rule of this file: pure. A hint says what was seen and what changes it; without both it is not
given, and of several the one that saves most.
"""

from collections.abc import Sequence
from math import fsum

from pichay_cli.amounts import times, tokens
from pichay_core.store.cost import By, Cost

LEAST_SESSIONS = 3
"""With fewer, a tool that was not called may yet be."""
LEAST_SHARE = 0.002
"""Of the bill; what costs less is not worth a word."""
MANY_CALLS = 4
"""Of one file in one session."""
LARGE = 4_000
"""Tokens of one result, on average."""
MANY_FAULTS = 3


def hints(found: Sequence[Cost], by: By) -> list[str]:
    """Return for each part of a bill what to do about it; empty for nothing."""
    whole = fsum(cost.dollars or 0.0 for cost in found)
    used = frozenset(server for cost in found if cost.calls and (server := _server(cost)))
    return [_hint(cost, by, used) if _matters(cost, whole) else "" for cost in found]


def _matters(cost: Cost, whole: float) -> bool:
    return not cost.rest and (cost.dollars or 0.0) >= LEAST_SHARE * whole


def _hint(cost: Cost, by: By, used: frozenset[str]) -> str:
    if by == "session":
        return ""
    said = (_unused(cost, by, used), _faulted(cost), _again(cost, by), _large(cost, by))
    return next((one for one in said if one), "")


def _server(cost: Cost) -> str:
    """Return the MCP server whose tool it is, empty if it is none's."""
    words = cost.what.split("__")
    return words[1] if words[0] == "mcp" and len(words) > 2 else ""


def _unused(cost: Cost, by: By, used: frozenset[str]) -> str:
    if by not in ("tool", "definition") or cost.calls or cost.sessions < LEAST_SESSIONS:
        return ""
    never, server = f"never called in {times(cost.sessions, 'session')}", _server(cost)
    if server and server not in used:
        return f"{never}: disable the MCP server {server}"
    if cost.what.startswith("memory_"):
        return f"{never}: --no-memory-tools"
    return f"{never}: deny it in the client's settings"


def _faulted(cost: Cost) -> str:
    if cost.faults < max(MANY_FAULTS, cost.calls // 4):
        return ""
    back = f"asked for again {times(cost.faults, 'time')} after it had left"
    return f"{back}: a larger --tau" if cost.saved_dollars < 0 else ""


def _again(cost: Cost, by: By) -> str:
    if by != "file" or cost.calls < MANY_CALLS * cost.sessions:
        return ""
    where = times(cost.sessions, "session")
    return f"read or written {times(cost.calls, 'time')} in {where}: ask for some lines of it"


def _large(cost: Cost, by: By) -> str:
    if not cost.calls or cost.tokens < LARGE * cost.calls:
        return ""
    size = f"{tokens(cost.tokens / cost.calls)} tokens a time"
    if by == "command":
        return f"{size}: let it print less (tail, grep, --quiet)"
    return f"{size}: ask for a part of it" if by in ("file", "tool") else ""
