"""What stands in front of an output of Codex is no content; what only looks like it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire.codex_output import Output, output

EXEC = "Chunk ID: e63726\nWall time: 0.0312 seconds\nProcess exited with code {}\n"
COUNT = "Original token count: 9\nOutput:\n"
RUNNING = "Chunk ID: 7ef240\nWall time: 30.0 seconds\nProcess running with session ID 27\n" + COUNT
CELL = "Script running with cell ID 3\nWall time 10.0 seconds\nOutput:\n"


@pytest.mark.parametrize(
    ("head", "failed"),
    [
        (EXEC.format(0) + COUNT, False),
        (EXEC.format(3) + COUNT, True),
        (EXEC.format(-1) + COUNT, True),
        (EXEC.format(0) + "Output:\n", False),
        ('Command: /bin/zsh -lc "ls -la"\n' + EXEC.format(0) + COUNT, False),
        ("Wall time: 0.1 seconds\nOutput:\n", False),
        ("Exit code: 0\nWall time: 0 seconds\nOutput:\n", False),
        ("Exit code: 127\nWall time: 1.2 seconds\nTotal output lines: 80\nOutput:\n", True),
        ("Script completed\nWall time 0.1 seconds\nOutput:\n", False),
        ("Script failed\nWall time 0.1 seconds\nOutput:\n", True),
    ],
)
def test_a_head_is_no_content_and_its_exit_code_tells_a_failure(head, failed):
    kept = head if failed else ""
    assert output(head + "text\n") == Output("text\n", failed, kept)
    assert output(head) == Output("", failed, kept)


@pytest.mark.parametrize("head", [RUNNING, CELL])
def test_a_head_that_names_what_still_runs_is_kept_for_the_model(head):
    assert output(head + "so far\n") == Output("so far\n", False, head)


@pytest.mark.parametrize("code", [0, 2])
def test_the_form_of_the_first_versions_is_json(code):
    said = json.dumps(
        {"output": "M a.py\n", "metadata": {"exit_code": code, "duration_seconds": 0.1}}
    )
    assert output(said) == Output("M a.py\n", code != 0)


@pytest.mark.parametrize(
    "said",
    [
        "",
        " " + EXEC.format(0) + COUNT,
        "$ make\n" + EXEC.format(0) + COUNT,
        EXEC.format(0) + "done\n",
        EXEC.format("zero") + COUNT,
        "Exit code: 0\nOutput:\nx",
        "Wall time: a while\nOutput:\nx",
        "Script completed\nOutput:\n",
        "Script completed\nWall time: 0.1 seconds\nOutput:\n",
        '{"output":"a"}',
        '{"output":"a","metadata":{"exit_code":"0","duration_seconds":1}}',
        '{"output":"a","metadata":{"exit_code":0,"duration_seconds":1},"more":1}',
        '{"output":',
        '{"output":"\ud800","metadata":{}}',
        "Plan updated",
    ],
)
def test_anything_else_is_content(said):
    assert output(said) == Output(said)


@given(st.text())
def test_two_runs_that_differ_in_their_heads_say_the_same(text):
    one = "Chunk ID: 1a\nWall time: 1.5 seconds\nProcess exited with code 0\n" + COUNT
    assert output(one + text) == output(EXEC.format(0) + COUNT + text) == Output(text)


@given(st.text())
def test_any_text_is_an_output(text):
    assert text.endswith(output(text).text) or text.startswith("{")
