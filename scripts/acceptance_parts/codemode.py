"""Calls of a client whose one tool takes a program that calls the others.

Rule of this file: Codex offers some models a free-form tool ``exec`` for JavaScript, in which
``tools.exec_command({...})`` and ``tools.apply_patch("...")`` are the tools it has otherwise.
"""

from collections.abc import Mapping, Sequence

from acceptance_parts.tools import Called, Tool, Tools, canonical

NAME = "exec"
_COMMAND = {"properties": {"cmd": {"type": "string"}}, "required": ["cmd"]}
INNER: Mapping[str, Tool] = {
    "exec_command": Tool("exec_command", _COMMAND),
    "apply_patch": Tool("apply_patch", is_free=True),
}
"""The tools inside the program."""


def opened(tools: Tools) -> Tools:
    """Return the tools that a move may use: with those inside the program, if there is one."""
    return INNER | dict(tools) if _takes_programs(tools) else tools


def combined(calls: Sequence[Called], tools: Tools) -> Sequence[Called]:
    """Return the calls with those inside the program as one call of it; the rest as they are."""
    if not _takes_programs(tools):
        return calls
    inner = [call for call in calls if call.tool.name in INNER and call.tool.name not in tools]
    others = [call for call in calls if call not in inner]
    return [Called(tools[NAME], {}, _program(inner)), *others] if inner else others


def _takes_programs(tools: Tools) -> bool:
    return NAME in tools and tools[NAME].is_free


def _program(calls: Sequence[Called]) -> str:
    lines = ",\n".join(f"  {_statement(call)}" for call in calls)
    shown = "one.status === 'fulfilled' ? (one.value?.output ?? one.value) : `${one.reason}`"
    return (
        f"const all = await Promise.allSettled([\n{lines},\n]);\n"
        f"for (const one of all) text({shown});\n"
    )


def _statement(call: Called) -> str:
    given = call.text if call.tool.is_free else call.arguments
    return f"tools.{call.tool.name}({canonical(given)})"
