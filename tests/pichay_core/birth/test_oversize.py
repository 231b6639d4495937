import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.oversize import ENDS, LEAST, LONGEST_LINE, MOST_LINES, cut

PLAIN = "".join(f"{n:5} all is well in this line of a long output\n" for n in range(2_000))
HOW = "Make the same call again."


def with_lines(**changed):
    lines = PLAIN.splitlines(keepends=True)
    for name, line in changed.items():
        lines[int(name[1:])] = line + "\n"
    return "".join(lines)


def test_the_ends_and_how_to_see_the_rest_are_kept():
    kept = cut(PLAIN, HOW)
    assert kept is not None
    note, *lines = kept.splitlines()
    assert note.startswith("[The call succeeded.")
    assert HOW in note
    assert lines[0] == PLAIN.splitlines()[0]
    assert lines[-1] == PLAIN.splitlines()[-1]
    assert len(kept) < 2 * ENDS + 500


@pytest.mark.parametrize(
    "line",
    [
        "src/a.py:3: error: no such name",
        "WARNING: deprecated",
        "E   AssertionError: 1 != 2",
        "FAILED tests/test_a.py::test_b",
        "Traceback (most recent call last):",
        "java.lang.NullPointerException",
        "permission denied",
        "thread 'main' panicked at src/main.rs",
    ],
)
def test_a_line_that_matters_is_kept_with_its_number(line):
    kept = cut(with_lines(_1000=line), HOW)
    assert kept is not None
    assert f"\n1001: {line}\n" in kept
    assert "of them these 1 look like errors or warnings:" in kept


def test_of_many_lines_that_matter_the_first_are_kept():
    kept = cut(with_lines(**{f"_{n}": f"error {n}" for n in range(500, 900)}), HOW)
    assert kept is not None
    assert kept.count(": error ") == MOST_LINES
    assert f"of them the first {MOST_LINES} look like" in kept


def test_a_line_without_end_is_cut_too():
    kept = cut("x" * 50_000 + " error " + "x" * 50_000, HOW)
    assert kept is not None
    assert len(kept) < 2 * ENDS + 3 * LONGEST_LINE


@given(st.text(max_size=200).map(lambda text: text * 300))
def test_what_is_kept_is_less_than_half_or_all_of_it(text):
    kept = cut(text, HOW)
    assert kept is None or 2 * len(kept) < len(text)


def test_whatever_may_be_asked_for_is_cut():
    assert cut("x" * LEAST, HOW) is not None
    lines = [f"error {n} " + "x" * 300 for n in range(LEAST // 300 + 40)]
    assert cut("\n".join(lines), HOW) is not None


@pytest.mark.parametrize("text", ["", "short", "x" * 2 * ENDS])
def test_what_is_not_long_is_not_cut(text):
    assert cut(text, HOW) is None
