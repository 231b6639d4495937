"""What tools do, as far as paging is concerned.

One idea: a table. A tool that is deterministic in its arguments and the state of the project
is *addressable* (its page has a key, and may fault); one that is not is *ephemeral* (its page
has none, and is collected). A tool nobody has described is addressable by its exact arguments,
so that a fault is over-reported rather than hidden. A shell does what its command does: one that
only reads is addressable as well (``shell``). The tools of ours that a model asks its memory with
(``MEMORY``) go by their exact names.

To teach Pichay a tool, add its name to one of the ``ROWS``.
"""

import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from pichay_core import shell
from pichay_core.model import WHOLE, Call, Key, Kind, Span
from pichay_core.patches import patched
from pichay_core.wire.shapes import Json, items, mapping, string

LABEL_LENGTH = 120
ARGUMENTS_LENGTH = 2000

_PATHS = ("file_path", "path", "filePath", "absolute_path", "target_file", "notebook_path",
          "filename", "file", "uri")  # fmt: skip
_PARTS = ("pages", "page", "head", "tail", "cell_id", "indentation")
"""Arguments of a read that name a part of the thing, but not by lines."""
_PAGES = "pages"
"""The argument of our own tools that names pages."""
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
    shell: bool = False
    """It runs a command, which may be a pure read."""


_READ = Rule(Kind.READ, _PATHS)
_QUERY = Rule(Kind.QUERY, labels=("pattern", "query", "url", "path", *_PATHS))
_RUN = Rule(Kind.RUN, labels=("command", "cmd", "description", "prompt"))
_SHELL = replace(_RUN, shell=True)
_WRITE = Rule(Kind.WRITE, _PATHS)

ROWS = (
    (_READ, """
        read read_file read_files readfile read_many_files view view_file view_image open_file
        notebookread readmcpresourcetool read_mcp_resource access_mcp_resource"""),
    (_QUERY, """
        grep grep_files glob ls list list_directory list_dir list_files listfiles
        search_file_content grep_search file_search search_files search_codebase codebase_search
        codesearch find search rg list_code_definition_names
        webfetch web_fetch fetch_web_content websearch web_search google_web_search
        toolsearch tool_search todoread tasklist taskget lsp
        listmcpresourcestool list_mcp_resources list_mcp_resource_templates"""),
    (_SHELL, """
        bash shell run_shell_command run_terminal_cmd execute_command execute_bash terminal exec
        local_shell local_shell_call exec_command shell_command run run_command run_commands"""),
    (_RUN, """
        powershell bashoutput taskoutput read_bash write_bash stop_bash list_bash write_stdin
        read_background_output killshell killbash monitor execute_ipython_cell
        task agent spawn_agent send_input wait_agent resume_agent close_agent invoke_agent
        delegate delegate_to_agent codebase_investigator use_subagents new_task sendmessage
        todo todowrite todo_write write_todos update_todo task_tracker update_plan
        taskcreate taskupdate taskstop save_memory think report_intent
        enterplanmode exitplanmode enter_plan_mode exit_plan_mode plan_mode_respond
        askuserquestion ask_user ask_user_question ask_question ask_followup_question question
        request_user_input finish submit attempt_completion complete_task"""),
    (_WRITE, """
        edit multiedit multi_edit write write_file write_to_file create create_file notebookedit
        replace replace_in_file str_replace insert edit_file apply_patch patch search_replace"""),
)  # fmt: skip
"""What families of tools do, and the lower-case names in each."""

RULES = {name: rule for rule, names in ROWS for name in names.split()}

FAULT = "memory_fault"
"""Of our tools the one whose results are pages like any other: they bring older ones back."""
MEMORY = (FAULT, "memory_release", "memory_pin", "memory_collapse", "memory_status")
"""Our tools, in the order in which they stand behind the client's."""
_MEMORY_RULES = dict.fromkeys(MEMORY, Rule(Kind.RUN, labels=(_PAGES,))) | {
    FAULT: Rule(Kind.QUERY, labels=(_PAGES,))
}

_MCP_VERBS = ("read", "get", "list", "search", "find", "fetch", "query", "describe", "show", "view")
_EDITOR_NAMES = ("str_replace_editor", "str_replace_based_edit_tool", "file_editor", "editor")


def describe(call_id: str, tool: str, arguments: object) -> Call:
    """Return the call with its kind, its key (if it is addressable) and a short label."""
    given = mapping(arguments)
    rule = rule_for(tool, given)
    canonical = canonical_arguments(arguments)
    target = _text_of(given, rule.targets)
    call = Call(
        id=call_id,
        tool=tool,
        arguments=canonical,
        kind=rule.kind,
        label=_label(given, rule, canonical),
        key=_key(tool, rule, target, given, canonical),
        writes=_written(target, given) if rule.kind is Kind.WRITE else None,
    )
    read = shell.reading(given) if rule.shell else None
    return call if read is None else _reading(call, read)


def _reading(call: Call, read: shell.Reading) -> Call:
    """Return the call of a shell as one that does no more than to read."""
    if read.path is None:
        return replace(call, kind=Kind.QUERY, key=Key(call.tool, _short(read.there)))
    target = path_of(shell.joined(read.folder, read.path))
    label = plain(_lines_of(read.path, read.span))
    return replace(call, kind=Kind.READ, label=label, key=Key(call.tool, target, read.span))


def _written(target: str | None, given: Json) -> str | None:
    """Return the thing that a write changes, None if it does not name one, or names many."""
    named = target or patched(given)
    return path_of(named) if named else None


def rule_for(tool: str, arguments: Json) -> Rule:
    """Return the rule of a tool; exact arguments where nothing is known about it."""
    if tool in _MEMORY_RULES:
        return _MEMORY_RULES[tool]
    name = tool.lower()
    if name.startswith("mcp__"):
        verb = name.rpartition("__")[2]
        return RULES.get(verb, _QUERY if verb.startswith(_MCP_VERBS) else Rule(Kind.QUERY))
    name = name.rpartition(".")[2]
    if name in _EDITOR_NAMES:
        return _READ if arguments.get("command") == "view" else _WRITE
    return RULES.get(name, Rule(Kind.QUERY))


def canonical_arguments(arguments: object) -> str:
    """Return the arguments as JSON with sorted names; long ones as a hash of it.

    Two calls with equal canonical arguments ask for the same thing.
    """
    return _short(_ENCODER.encode(arguments).decode(errors="replace"))


def _short(text: str) -> str:
    if len(text) <= ARGUMENTS_LENGTH:
        return text
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _key(tool: str, rule: Rule, target: str | None, given: Json, canonical: str) -> Key | None:
    match rule.kind:
        case Kind.READ if target and (span := span_of(given)):
            part = {name: given[name] for name in _PARTS if given.get(name) is not None}
            named = f"{tool} {canonical_arguments(part)}" if part else tool
            return Key(named, path_of(target), span)
        case Kind.READ | Kind.QUERY:
            return Key(tool, canonical)
        case _:
            return None


def span_of(arguments: Json) -> Span | None:
    """Return the range of lines that a read asks for; the whole thing if it names none.

    None for a range that is not understood (backwards, from the end, no number): taken for
    the whole, it would make a copy that shows more look superseded.
    """
    for names, read in _SPAN_READERS:
        given = [arguments.get(name) for name in names]
        if any(item is not None for item in given):
            return read(given)
    return WHOLE


def _offset_and_limit(given: list[object]) -> Span | None:
    first, count = (_number(item, 0) for item in given)
    if first is None or count is None or min(first, count) < 0:
        return None
    first = max(1, first)
    return Span(first, first + count - 1 if count else None)


def _start_and_end(given: list[object]) -> Span | None:
    starts, ends = given[::2], given[1::2]
    first = next((item for item in starts if item is not None), None)
    last = next((item for item in ends if item is not None), None)
    return _lines(first, last)


def _view_range(given: list[object]) -> Span | None:
    match items(given[0]):
        case [first, last]:
            return _lines(first, last)
        case _:
            return None


def _lines(start: object, end: object) -> Span | None:
    first, last = _number(start, 1), _number(end, TO_THE_END)
    if first is None or last is None or first < 0:
        return None
    first = max(1, first)
    if last == TO_THE_END:
        return Span(first)
    return Span(first, last) if first <= last else None


TO_THE_END = -1
"""What editors' tools take as the last line to mean the end."""

_SPAN_READERS: tuple[tuple[tuple[str, ...], Callable[[list[object]], Span | None]], ...] = (
    (("view_range",), _view_range),
    (("start_line", "end_line", "startLine", "endLine",
      "start_line_one_indexed", "end_line_one_indexed_inclusive"), _start_and_end),
    (("offset", "limit"), _offset_and_limit),
)  # fmt: skip
"""Names of arguments and what reads their values; first and last lines alternate."""


def _number(item: object, absent: int) -> int | None:
    """Return a whole number, however it is written; *absent* for null, None for anything else."""
    match item:
        case None:
            return absent
        case bool():
            return None
        case int() | float() if abs(item) < 10**_MOST_DIGITS and item.is_integer():
            return int(item)
        case str() if len(item) <= _MOST_DIGITS and item.strip().isdecimal():
            return int(item)
        case _:
            return None


_MOST_DIGITS = 9


def _text_of(arguments: Json, names: tuple[str, ...]) -> str | None:
    found = (arguments.get(name) for name in names)
    return next((text for text in found if isinstance(text, str) and text), None)


def path_of(target: str) -> str:
    """Return the path without ``./`` and doubled slashes; a URL as it is."""
    if "://" in target:
        return target
    path = posixpath.normpath(target)
    return path[1:] if path.startswith("//") else path


def _label(given: Json, rule: Rule, canonical: str) -> str:
    if _PAGES in rule.labels:
        return plain(_pages_named(given) or canonical)
    said = _text_of(given, rule.targets) or (rule.shell and shell.spoken(given))
    text = said or _text_of(given, rule.labels) or canonical
    span = span_of(given) if rule.kind is Kind.READ else None
    return plain(text if span is None else _lines_of(text, span))


def _lines_of(name: str, span: Span) -> str:
    return name if span == WHOLE else f"{name} lines {span.first}-{span.last or 'end'}"


def _pages_named(given: Json) -> str:
    """Return the pages that a call to a tool of ours names, and what part of them it asks for."""
    named = string(given.get(_PAGES)) or ", ".join(map(string, items(given.get(_PAGES))))
    lines, search = string(given.get("lines")), string(given.get("search"))
    return named + (f" lines {lines}" if lines else "") + (f" with {search!r}" if search else "")


def plain(text: str) -> str:
    """Return the text as one short line of printable characters."""
    one_line = " ".join(text.split())
    shown = one_line if len(one_line) <= LABEL_LENGTH else one_line[: LABEL_LENGTH - 1] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)
