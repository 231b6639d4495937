import pytest

from pichay_cli.demo.project import write_project
from pichay_cli.demo.tools import DEFINITIONS, Outcome, run_tool


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "b.txt").write_text("two\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("Read", {"file_path": "b.txt"}, Outcome("     1\ttwo")),
        (
            "Read",
            {"file_path": "sub/a.py", "offset": 2, "limit": 1},
            Outcome("     2\ttwo"),
        ),
        ("Read", {"file_path": "c"}, Outcome("File does not exist: c", error=True)),
        ("Read", {"file_path": "../x"}, Outcome("../x is outside the project.", error=True)),
        ("Read", {}, Outcome("Read failed: 'file_path'", error=True)),
        ("Glob", {"pattern": "**/*.*"}, Outcome("b.txt\nsub/a.py")),
        ("Grep", {"pattern": "^t"}, Outcome("b.txt:1:two\nsub/a.py:2:two\nsub/a.py:3:three")),
        ("Grep", {"pattern": "w", "glob": "*.txt"}, Outcome("b.txt:1:two")),
        ("Grep", {"pattern": "zzz"}, Outcome("(no output)")),
        ("Bash", {"command": "echo hi"}, Outcome("hi")),
        ("Bash", {"command": "echo hi; exit 3"}, Outcome("Exit code 3\nhi", error=True)),
        ("TodoWrite", {"todos": [{}, {}]}, Outcome("The list has 2 entries.")),
        ("Fly", {}, Outcome("There is no tool named Fly.", error=True)),
    ],
)
def test_a_tool_does_what_it_says(folder, name, arguments, outcome):
    assert run_tool(folder, name, arguments) == outcome


def test_an_edit_changes_the_one_place_it_names(folder):
    edit = {"file_path": "sub/a.py", "old_string": "two", "new_string": "zwei"}
    assert not run_tool(folder, "Edit", edit).error
    assert (folder / "sub" / "a.py").read_text() == "one\nzwei\nthree\n"


def test_an_edit_of_a_text_that_is_not_unique_changes_nothing(folder):
    edit = {"file_path": "sub/a.py", "old_string": "e", "new_string": "x"}
    assert run_tool(folder, "Edit", edit).error
    assert (folder / "sub" / "a.py").read_text() == "one\ntwo\nthree\n"


def test_a_write_makes_the_folders_it_needs(folder):
    run_tool(folder, "Write", {"file_path": "new/deep/c.txt", "content": "x"})
    assert (folder / "new" / "deep" / "c.txt").read_text() == "x"


def test_every_tool_that_is_promised_exists(folder):
    for definition in DEFINITIONS:
        outcome = run_tool(folder, definition["name"], {})
        assert not outcome.text.startswith("There is no tool")
        assert definition["input_schema"]["required"]


def test_the_tests_of_the_scratch_project_fail_in_one_place_only(tmp_path):
    write_project(tmp_path)
    outcome = run_tool(tmp_path, "Bash", {"command": "python3 -m unittest tests.test_berths"})
    assert outcome.error
    assert outcome.text.count("FAIL:") == 1
    assert "FAILED (failures=1)" in outcome.text
