import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import WHOLE, Key, Kind, Span
from pichay_core.tools import (
    ARGUMENTS_LENGTH,
    LABEL_LENGTH,
    ROWS,
    RULES,
    canonical_arguments,
    describe,
    plain,
    span_of,
)
from tests.strategies import json_objects, json_values, law

READ, QUERY, RUN, WRITE = Kind.READ, Kind.QUERY, Kind.RUN, Kind.WRITE

type Row = tuple[str, dict[str, object], Kind, Key | None, str]


def exact(tool: str, arguments: dict[str, object]) -> Key:
    """The key of a call that is addressed by its exact arguments."""
    return Key(tool, json.dumps(arguments, sort_keys=True, separators=(",", ":")))


def asked(tool: str, arguments: dict[str, object], label: str) -> Row:
    return tool, arguments, QUERY, exact(tool, arguments), label


def read(tool: str, arguments: dict[str, object], target: str, span: Span = WHOLE) -> Row:
    lines = "" if span == WHOLE else f" lines {span.first}-{span.last or 'end'}"
    shown = next(str(part) for part in arguments.values() if str(part).strip("./"))
    return tool, arguments, READ, Key(tool, target, span), shown + lines


CALLS: list[Row] = [
    # Claude Code
    read("Read", {"file_path": "/p/a.py"}, "/p/a.py"),
    read("Read", {"file_path": "/p/a.py", "offset": 10, "limit": 5}, "/p/a.py", Span(10, 14)),
    read("Read", {"file_path": "/p/a.py", "offset": 10}, "/p/a.py", Span(10)),
    read("Read", {"file_path": "/p/a.py", "limit": 5}, "/p/a.py", Span(1, 5)),
    read("Read", {"file_path": "/p/a.py", "offset": "10", "limit": 5.0}, "/p/a.py", Span(10, 14)),
    read("Read", {"file_path": "/p/a.py", "offset": None, "limit": None}, "/p/a.py"),
    read("Read", {"file_path": "/p/a.py", "offset": 0}, "/p/a.py"),
    read("Read", {"file_path": "./p/../a//b.py"}, "a/b.py"),
    read("NotebookRead", {"notebook_path": "/n.ipynb"}, "/n.ipynb"),
    read("ReadMcpResourceTool", {"uri": "file://x/./y", "server": "s"}, "file://x/./y"),
    asked("Grep", {"pattern": "def f", "path": "/p", "-n": True}, "def f"),
    asked("Glob", {"pattern": "**/*.py"}, "**/*.py"),
    asked("LS", {"path": "/p"}, "/p"),
    asked("WebFetch", {"url": "https://example.com/a", "prompt": "what"}, "https://example.com/a"),
    asked("WebSearch", {"query": "paging"}, "paging"),
    asked("ToolSearch", {"query": "notebook"}, "notebook"),
    ("Bash", {"command": "make", "description": "Build"}, RUN, None, "make"),
    ("Bash", {"command": "ls -l", "description": "List"}, QUERY, Key("Bash", "ls -l"), "ls -l"),
    ("Bash", {"command": "cat /p/a.py"}, READ, Key("Bash", "/p/a.py"), "/p/a.py"),
    ("Bash", {"command": "ls", "run_in_background": True}, RUN, None, "ls"),
    ("BashOutput", {"bash_id": "1"}, RUN, None, '{"bash_id":"1"}'),
    ("Task", {"description": "Look", "prompt": "Find it"}, RUN, None, "Look"),
    ("Agent", {"prompt": "Find it"}, RUN, None, "Find it"),
    ("TodoWrite", {"todos": []}, RUN, None, '{"todos":[]}'),
    ("TaskUpdate", {"taskId": "1"}, RUN, None, '{"taskId":"1"}'),
    asked("TaskList", {}, "{}"),
    asked("Skill", {"skill": "x"}, '{"skill":"x"}'),
    ("Edit", {"file_path": "/p/a.py", "old_string": "a"}, WRITE, None, "/p/a.py"),
    ("MultiEdit", {"file_path": "/p/a.py", "edits": []}, WRITE, None, "/p/a.py"),
    ("Write", {"file_path": "/p/a.py", "content": "a"}, WRITE, None, "/p/a.py"),
    ("NotebookEdit", {"notebook_path": "/n.ipynb"}, WRITE, None, "/n.ipynb"),
    # opencode
    read("read", {"filePath": "/p/a.py", "offset": 100, "limit": 50}, "/p/a.py", Span(100, 149)),
    asked("list", {"path": "/p"}, "/p"),
    asked("grep", {"pattern": "f", "include": "*.py"}, "f"),
    asked("webfetch", {"url": "https://example.com", "format": "text"}, "https://example.com"),
    asked("codesearch", {"query": "q"}, "q"),
    ("bash", {"command": "make", "description": "Build"}, RUN, None, "make"),
    ("edit", {"filePath": "a.py", "oldString": ""}, WRITE, None, "a.py"),
    ("patch", {"patchText": "*** Begin"}, WRITE, None, '{"patchText":"*** Begin"}'),
    ("todowrite", {}, RUN, None, "{}"),
    # gemini-cli
    read("read_file", {"absolute_path": "/p/a.py"}, "/p/a.py"),
    read("read_file", {"file_path": "a.py", "start_line": 3, "end_line": 9}, "a.py", Span(3, 9)),
    read("read_file", {"file_path": "a.py", "start_line": 3}, "a.py", Span(3)),
    read("read_file", {"file_path": "a.py", "end_line": 9}, "a.py", Span(1, 9)),
    asked("list_directory", {"path": "/p"}, "/p"),
    asked("search_file_content", {"pattern": "x"}, "x"),
    asked("google_web_search", {"query": "x"}, "x"),
    ("run_shell_command", {"command": "npm test"}, RUN, None, "npm test"),
    ("replace", {"file_path": "/p/a.py", "old_string": "a"}, WRITE, None, "/p/a.py"),
    ("write_file", {"file_path": "/p/a.py", "content": ""}, WRITE, None, "/p/a.py"),
    ("write_todos", {"todos": 1}, RUN, None, '{"todos":1}'),
    # qwen-code
    read("read_file", {"absolute_path": "/a", "offset": 5, "limit": 2}, "/a", Span(5, 6)),
    asked("grep_search", {"pattern": "x", "glob": "*.py"}, "x"),
    ("todo_write", {"todos": []}, RUN, None, '{"todos":[]}'),
    ("task", {"description": "d"}, RUN, None, "d"),
    # Codex
    (
        "exec_command",
        {"cmd": "sed -n '5,9p' src/a.py", "workdir": "/p", "yield_time_ms": 1000},
        READ,
        Key("exec_command", "/p/src/a.py", Span(5, 9)),
        "src/a.py lines 5-9",
    ),
    ("shell", {"command": ["bash", "-lc", "rg x"]}, QUERY, Key("shell", "rg x"), "rg x"),
    ("shell_command", {"command": "go test ./..."}, RUN, None, "go test ./..."),
    (
        "exec",
        {"input": "await tools.exec_command({})"},
        RUN,
        None,
        '{"input":"await tools.exec_command({})"}',
    ),
    ("write_stdin", {"session_id": 1, "chars": ""}, RUN, None, '{"chars":"","session_id":1}'),
    ("update_plan", {"plan": []}, RUN, None, '{"plan":[]}'),
    ("apply_patch", {"input": "x"}, WRITE, None, '{"input":"x"}'),
    read("view_image", {"path": "/p/a.png"}, "/p/a.png"),
    asked("grep_files", {"pattern": "x"}, "x"),
    asked("list_mcp_resources", {"server": "s"}, '{"server":"s"}'),
    # pi, mini-swe-agent, mistral-vibe
    read("read", {"path": "a.py", "offset": 5, "limit": 2}, "a.py", Span(5, 6)),
    ("bash", {"command": "head -5 a.py"}, READ, Key("bash", "a.py", Span(1, 5)), "a.py lines 1-5"),
    ("search_replace", {"file_path": "a.py", "content": "<<<"}, WRITE, None, "a.py"),
    ("todo", {"action": "read"}, RUN, None, '{"action":"read"}'),
    # OpenHands
    ("terminal", {"command": "make", "is_input": "false"}, RUN, None, "make"),
    ("terminal", {"command": "ls", "is_input": "true"}, RUN, None, "ls"),
    (
        "execute_bash",
        {"command": "ls", "is_input": "false"},
        QUERY,
        Key("execute_bash", "ls"),
        "ls",
    ),
    ("task_tracker", {"command": "view"}, RUN, None, "view"),
    ("think", {"thought": "so"}, RUN, None, '{"thought":"so"}'),
    # cline
    (
        "execute_command",
        {"command": "ls", "requires_approval": False},
        QUERY,
        Key("execute_command", "ls"),
        "ls",
    ),
    ("run_commands", {"commands": ["ls"]}, QUERY, Key("run_commands", "ls"), "ls"),
    ("run_commands", {"commands": ["ls", "make"]}, RUN, None, "ls make"),
    ("write_to_file", {"path": "a.py", "content": ""}, WRITE, None, "a.py"),
    ("replace_in_file", {"path": "a.py", "diff": ""}, WRITE, None, "a.py"),
    ("attempt_completion", {"result": "done"}, RUN, None, '{"result":"done"}'),
    ("editor", {"path": "a.py", "old_text": "x"}, WRITE, None, "a.py"),
    # editors with a command, tools with a namespace
    read("str_replace_editor", {"path": "/a", "command": "view"}, "/a"),
    read(
        "str_replace_based_edit_tool",
        {"path": "/a", "command": "view", "view_range": [5, -1]},
        "/a",
        Span(5),
    ),
    ("str_replace_editor", {"command": "create", "path": "/a"}, WRITE, None, "/a"),
    ("file_editor", {"command": "insert", "path": "/a"}, WRITE, None, "/a"),
    ("container.exec", {"cmd": "make"}, RUN, None, "make"),
    ("functions.exec", {"cmd": ["make", "a b"]}, RUN, None, "make 'a b'"),
    # MCP
    read("mcp__files__read_file", {"path": "/a"}, "/a"),
    read("mcp__files.v2__read_file", {"path": "/a"}, "/a"),
    asked("mcp__git__list_commits", {"path": "repo"}, "repo"),
    asked("mcp__db__query_all", {"query": "select 1"}, "select 1"),
    asked("mcp__mail__send", {"to": "all"}, '{"to":"all"}'),
    ("mcp__shell__bash", {"command": "make"}, RUN, None, "make"),
    ("mcp__files__write_file", {"path": "/a"}, WRITE, None, "/a"),
    # nobody has described these
    asked("Unheard_of", {"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
    asked("", {}, "{}"),
    asked("Read_the_news", {"file_path": "/a"}, '{"file_path":"/a"}'),
]


@pytest.mark.parametrize(("tool", "arguments", "kind", "key", "label"), CALLS)
def test_a_call_is_described_by_the_table(tool, arguments, kind, key, label):
    call = describe("toolu_1", tool, arguments)
    assert (call.id, call.tool, call.kind, call.key, call.label) == (
        "toolu_1", tool, kind, key, label,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"file_path": "./a//b.py"}, "a/b.py"),
        ({"file_path": "//a/b.py"}, "/a/b.py"),
        ({"file_path": "///a"}, "/a"),
        ({"file_path": ""}, None),
        ({"file_path": 7}, None),
        ({}, None),
    ],
)
def test_a_write_names_what_it_changes_as_a_read_names_it(arguments, expected):
    assert describe("1", "Edit", arguments).writes == expected
    key = describe("2", "Read", arguments).key
    assert key is not None
    assert key.target == (expected or canonical_arguments(arguments))
    assert describe("3", "Read", {"file_path": "a"}).writes is None


UPDATE, ADD = "*** Update File: /p/./a.py\n@@\n-a\n+b\n", "*** Add File: b.py\n+b\n"


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (f"*** Begin Patch\n{UPDATE}*** End Patch", "/p/a.py"),
        (f"*** Begin Patch\r\n{UPDATE}{UPDATE}", "/p/a.py"),
        ("*** Delete File: /p/a.py \r\n", "/p/a.py"),
        (UPDATE + ADD, None),
        ("*** Update File: a.py\n*** Move to: b.py\n", None),
        ("+*** Add File: b.py\n", None),
        ("*** Add File:  \n", None),
        ("", None),
        (7, None),
    ],
)
def test_a_patch_names_the_file_that_it_changes_if_it_is_one(patch, expected):
    for name in ("input", "patch", "patchText"):
        assert describe("1", "apply_patch", {name: patch}).writes == expected
    assert describe("1", "Bash", {"input": patch}).writes is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, WHOLE),
        ({"view_range": [5, 9]}, Span(5, 9)),
        ({"view_range": [5, -1]}, Span(5)),
        ({"view_range": [0, 3]}, Span(1, 3)),
        ({"startLine": 5, "endLine": 9}, Span(5, 9)),
        ({"startLine": 5, "endLine": -1}, Span(5)),
        ({"start_line_one_indexed": 5, "end_line_one_indexed_inclusive": 9}, Span(5, 9)),
        ({"start_line": None, "startLine": 4}, Span(4)),
        ({"offset": 1}, WHOLE),
        ({"offset": 3, "limit": 0}, Span(3)),
        ({"offset": " 7 "}, Span(7)),
        ({"limit": "2000"}, Span(1, 2000)),
        ({"view_range": None, "offset": 3}, Span(3)),
    ],
)
def test_a_range_is_read_however_the_tool_names_it(arguments, expected):
    assert span_of(arguments) == expected


NOT_UNDERSTOOD: list[dict[str, object]] = [
    {"view_range": "[5, 9]"},
    {"view_range": [5]},
    {"view_range": [9, 5]},
    {"view_range": [1.5, 9]},
    {"view_range": [True, False]},
    {"view_range": [-5, -1]},
    {"view_range": [1, 10**30]},
    {"start_line": 9, "end_line": 5},
    {"start_line": "nine"},
    {"end_line": 0},
    {"end_line": -2},
    {"offset": -100},
    {"limit": -1},
    {"offset": True},
    {"offset": 1e12},
    {"offset": [1]},
    {"limit": "9" * 5000},
    {"limit": "\u0663" * 10},
]


@pytest.mark.parametrize("part", NOT_UNDERSTOOD)
def test_a_range_that_is_not_understood_is_addressed_by_the_exact_arguments(part):
    # Taken for the whole file, it would make an earlier whole copy look superseded.
    assert span_of(part) is None
    arguments = {"file_path": "/a", **part}
    assert describe("1", "Read", arguments).key == Key("Read", canonical_arguments(arguments))


@pytest.mark.parametrize(
    "part", [{"pages": "1-5"}, {"head": 10}, {"tail": 10}, {"cell_id": "x"}, {"page": 2}]
)
def test_parts_that_are_no_lines_are_not_the_same_thing_as_the_whole(part):
    whole = describe("1", "Read", {"file_path": "/a"}).key
    some = describe("2", "Read", {"file_path": "/a", **part}).key
    assert whole and some
    assert not some.same_thing(whole)
    assert some.target == whole.target == "/a"
    assert describe("3", "Read", {"file_path": "/a", **dict.fromkeys(part)}).key == whole


@given(st.text(), json_values)
@law
def test_any_call_can_be_described(tool, arguments):
    call = describe("1", tool, arguments)
    assert call == describe("1", tool, arguments)
    assert (call.key is None) == (call.kind in (RUN, WRITE))
    assert call.writes is None or call.kind is WRITE
    assert call.label.isprintable() and len(call.label) <= LABEL_LENGTH
    assert len(call.arguments) <= ARGUMENTS_LENGTH


@given(st.sampled_from(sorted(RULES)), json_objects, json_values)
@law
def test_any_arguments_of_a_known_tool_can_be_described(tool, arguments, odd):
    for name in ("file_path", "offset", "limit", "view_range", "start_line", "command", "pages"):
        call = describe("1", tool, {**arguments, name: odd})
        span = call.key.span if call.key else WHOLE
        assert span.first >= 1 and (span.last is None or span.last >= span.first)


@given(json_objects)
@law
def test_the_order_of_arguments_does_not_matter(arguments):
    backwards = dict(reversed(arguments.items()))
    assert canonical_arguments(arguments) == canonical_arguments(backwards)


@given(json_objects, json_objects)
@law
def test_equal_canonical_arguments_are_equal_arguments(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical_arguments(one) == canonical_arguments(other)) is same


def test_long_arguments_are_named_by_their_hash():
    one, other = ({"text": letter * 5000} for letter in "ab")
    assert canonical_arguments(one).startswith("sha256:")
    assert canonical_arguments(one) != canonical_arguments(other)
    assert describe("1", "Unheard_of", one).key == Key("Unheard_of", canonical_arguments(one))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("", ""),
        (" a\n\tb  c ", "a b c"),
        ("a\x00b\x1b[31m", "a?b?[31m"),
        ("\u202eabc\u2028d", "?abc d"),
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 119 + "\u2026"),
        ("\n" * 1000 + "ls", "ls"),
    ],
)
def test_a_label_is_one_short_printable_line(text, expected):
    assert plain(text) == expected


def test_no_name_stands_in_two_rows_and_every_name_is_in_lower_case():
    names = [name for _, row in ROWS for name in row.split()]
    assert len(names) == len(set(names)) == len(RULES)
    assert all(name == name.lower() for name in names)
