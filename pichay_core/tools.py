"""What tools do, as far as paging is concerned.

One idea: a table. A tool that is deterministic in its arguments and the state of the project
is *addressable* (its page has a key, and may fault); one that is not is *ephemeral* (its page
has none, and is collected). A tool nobody has described is addressable by its exact arguments,
so that a fault is over-reported rather than hidden.

To teach Pichay a tool, add its name to a row of ``RULES``.
"""

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from pichay_core.model import WHOLE, Call, Key, Kind, Span

type Arguments = Mapping[str, object]

LABEL_LENGTH = 120
ARGUMENTS_LENGTH = 2000

_PATHS = ("file_path", "path", "filePath", "absolute_path", "target_file", "notebook_path",
          "filename", "file", "uri")  # fmt: skip
_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one family of tools is to be read.

    ``targets`` are the argument names that may hold the thing named, the first present wins;
    with none, the thing named is the whole set of arguments.
    """

    kind: Kind
    targets: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


_READ = Rule(Kind.READ, _PATHS)
_QUERY = Rule(Kind.QUERY, labels=("pattern", "query", "url", "path", *_PATHS))
_RUN = Rule(Kind.RUN, labels=("command", "cmd", "description", "prompt"))
_WRITE = Rule(Kind.WRITE, _PATHS)

RULES: dict[str, Rule] = {
    **dict.fromkeys(
        "read read_file readfile read_many_files view view_file open_file notebookread "
        "readmcpresourcetool read_mcp_resource".split(), _READ),
    **dict.fromkeys(
        "grep glob ls list list_directory list_dir list_files listfiles search_file_content "
        "grep_search file_search search_files codebase_search find search webfetch web_fetch "
        "websearch web_search toolsearch todoread listmcpresourcestool lsp".split(), _QUERY),
    **dict.fromkeys(
        "bash shell run_shell_command run_terminal_cmd execute_command execute_bash terminal "
        "exec local_shell powershell bashoutput taskoutput task agent killshell "
        "todowrite".split(), _RUN),
    **dict.fromkeys(
        "edit multiedit multi_edit write write_file create_file notebookedit replace "
        "str_replace edit_file apply_patch search_replace".split(), _WRITE),
}  # fmt: skip
"""Rules by lower-case tool name."""

_MCP_VERBS = ("read", "get", "list", "search", "find", "fetch", "query", "describe", "show", "view")
_EDITOR_NAMES = ("str_replace_editor", "str_replace_based_edit_tool", "file_editor")


def describe(call_id: str, tool: str, arguments: object) -> Call:
    """Return the call with its kind, its key (if it is addressable) and a short label."""
    given: Arguments = arguments if isinstance(arguments, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    rule = rule_for(tool, given)
    canonical = canonical_arguments(arguments)
    target = _text_of(given, rule.targets)
    return Call(
        id=call_id,
        tool=tool,
        arguments=canonical,
        kind=rule.kind,
        label=_label(given, rule, canonical),
        key=_key(tool, rule, target, given, canonical),
        writes=_path(target) if rule.kind is Kind.WRITE and target else None,
    )


def rule_for(tool: str, arguments: Arguments) -> Rule:
    """Return the rule of a tool; exact arguments where nothing is known about it."""
    name = tool.lower().rpartition(".")[2]
    if name in _EDITOR_NAMES:
        return _READ if arguments.get("command") == "view" else _WRITE
    if name.startswith("mcp__"):
        verb = name.rpartition("__")[2]
        return RULES.get(verb, _QUERY if verb.startswith(_MCP_VERBS) else Rule(Kind.QUERY))
    return RULES.get(name, Rule(Kind.QUERY))


def canonical_arguments(arguments: object) -> str:
    """Return the arguments as JSON with sorted names; long ones as a hash of it.

    Two calls with equal canonical arguments ask for the same thing.
    """
    text = _ENCODER.encode(arguments).decode(errors="replace")
    if len(text) <= ARGUMENTS_LENGTH:
        return text
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _key(
    tool: str, rule: Rule, target: str | None, given: Arguments, canonical: str
) -> Key | None:
    match rule.kind:
        case Kind.READ if target:
            return Key(tool, _path(target), span_of(given))
        case Kind.READ | Kind.QUERY:
            return Key(tool, canonical)
        case _:
            return None


def span_of(arguments: Arguments) -> Span:
    """Return the range of lines that a read asks for; the whole thing if it names none."""
    for read in _SPAN_READERS:
        if (span := read(arguments)) is not None:
            return span
    return WHOLE


def _offset_and_limit(arguments: Arguments) -> Span | None:
    first = _number(arguments, "offset")
    count = _number(arguments, "limit")
    if first is None and count is None:
        return None
    first = max(1, first or 1)
    return Span(first, first + count - 1 if count else None)


def _start_and_end(arguments: Arguments) -> Span | None:
    first = _number(arguments, "start_line", "startLine", "start_line_one_indexed")
    last = _number(arguments, "end_line", "endLine", "end_line_one_indexed_inclusive")
    if first is None and last is None:
        return None
    return Span(max(1, first or 1), last)


def _view_range(arguments: Arguments) -> Span | None:
    match arguments.get("view_range"):
        case [int(first), int(last)]:
            return Span(max(1, first), last if last > 0 else None)
        case _:
            return None


_SPAN_READERS: tuple[Callable[[Arguments], Span | None], ...] = (
    _view_range,
    _start_and_end,
    _offset_and_limit,
)


def _number(arguments: Arguments, *names: str) -> int | None:
    found = next((arguments[name] for name in names if name in arguments), None)
    match found:
        case bool():
            return None
        case int() | float() if found == found and abs(found) < 1e9:
            return int(found)
        case str() if found.strip().isdecimal():
            return int(found)
        case _:
            return None


def _text_of(arguments: Arguments, names: tuple[str, ...]) -> str | None:
    found = (arguments.get(name) for name in names)
    return next((text for text in found if isinstance(text, str) and text), None)


def _path(target: str) -> str:
    """Return the path without ``./`` and doubled slashes; a URL as it is."""
    return target if "://" in target else posixpath.normpath(target)


def _label(given: Arguments, rule: Rule, canonical: str) -> str:
    text = _text_of(given, rule.targets) or _text_of(given, rule.labels) or canonical
    if rule.kind is Kind.READ and (span := span_of(given)) != WHOLE:
        text = f"{text} lines {span.first}-{span.last or 'end'}"
    one_line = " ".join(text.split())
    plain = "".join(letter if letter.isprintable() else "?" for letter in one_line)
    return plain if len(plain) <= LABEL_LENGTH else plain[: LABEL_LENGTH - 1] + "…"
