import pytest
from rich.text import Text

from pichay_cli.render import NOTE_INSET, Column, Sheet, bar, display, line, lines, title
from tests.pichay_cli.screens import text


def test_numbers_stand_right_and_words_left():
    sheet = Sheet((Column("name"), Column("count", right=True)), [("a", "1"), ("bcd", "1,000")])
    assert text(sheet) == "name  count\na         1\nbcd   1,000\n"


def test_a_column_is_left_out_where_the_screen_is_too_narrow_for_it():
    sheet = Sheet((Column("a"), Column("b", least=50), Column("c")), [("1", "2", "3")])
    assert text(sheet, 50) == "a  b  c\n1  2  3\n"
    assert text(sheet, 49) == "a  c\n1  3\n"


def test_the_last_column_goes_on_below_itself():
    sheet = Sheet((Column(), Column()), [("name", "one two three four five six")])
    assert text(sheet, 30) == "name  one two three four five\n      six\n"


def test_a_sheet_that_cuts_stays_a_line_a_row():
    sheet = Sheet((Column(), Column()), [("name", "one two three four five six")], cut=True)
    assert text(sheet, 20) == "name  one two three…\n"


def test_a_rows_notes_stand_below_it_further_in():
    sheet = Sheet((Column("a"),), [("1",), ("2",)], [[Text("note")]])
    assert text(sheet) == "a\n1\n         note\n2\n"


def test_a_note_goes_on_below_itself_where_it_does_not_fit():
    sheet = Sheet((Column("a"),), [("1",)], [[Text("one two three"), Text("four")]])
    further = " " * NOTE_INSET
    assert text(sheet, 22) == f"a\n1\n{further}one two three\n{further}four\n"
    assert text(sheet, 21) == f"a\n1\n{further}one two\n{further}three\n{further}four\n"


@pytest.mark.parametrize(
    ("actual", "untouched", "drawn"),
    [(3, 4, "███░"), (4, 3, "███▓"), (4, 4, "████"), (0, 4, "░░░░"), (0, 0, "")],
)
def test_a_bar_shows_what_was_saved_or_lost(actual, untouched, drawn):
    assert bar(actual, untouched, 4).plain == drawn


def test_a_title_is_cut_off_where_there_is_no_room():
    assert text(lines([title("Title", " of something long")]), 12) == "Title of so…\n"


def test_what_is_printed_into_a_pipe_has_no_colour(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    display(line(("red", "bold red")))
    assert capsys.readouterr().out == "red\n"
