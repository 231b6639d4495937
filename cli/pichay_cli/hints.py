"""What to do about a part of the bill: one plain sentence, where there is one.

Rule of this file: pure. A hint says what was seen and what changes it; without both it is not
given, and of several the one that saves most.
"""

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


def hint(cost: Cost, by: By, whole: float) -> str:
    """Return what to do about *cost*, a part of a bill of *whole* dollars; empty for nothing."""
    if cost.rest or by == "session" or (cost.dollars or 0.0) < LEAST_SHARE * whole:
        return ""
    said = (_unused(cost, by), _faulted(cost), _again(cost, by), _large(cost, by))
    return next((one for one in said if one), "")


def _unused(cost: Cost, by: By) -> str:
    if by not in ("tool", "definition") or cost.calls or cost.sessions < LEAST_SESSIONS:
        return ""
    never = f"never called in {times(cost.sessions, 'session')}"
    if cost.what.startswith("mcp__"):
        return f"{never}: disable the MCP server {cost.what.split('__')[1]}"
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
    return f"read or written {times(cost.calls, 'time')} in {where}: ask for the lines it takes"


def _large(cost: Cost, by: By) -> str:
    if not cost.calls or cost.tokens < LARGE * cost.calls:
        return ""
    size = f"{tokens(cost.tokens / cost.calls)} tokens a time"
    if by == "command":
        return f"{size}: let it print less (tail, grep, --quiet)"
    return f"{size}: ask for a part of it" if by in ("file", "tool") else ""
