import pytest

from pichay_cli.gauges import Fill, Gauge, Labelled, Scale, Strip, facts, gauge
from pichay_cli.render import line
from tests.pichay_cli.screens import screen, text


@pytest.mark.parametrize(
    ("shares", "drawn"),
    [
        ([], "───│──────"),
        ([0.2], "██─│──────"),
        ([0.2, 0.5], "██▓│▓▓▓───"),
        ([0.5, 0.9], "███│█▓▓▓▓▓"),
    ],
)
def test_a_gauge_is_filled_by_its_parts_and_keeps_its_marks(shares, drawn):
    fills = [Fill(share, glyph) for share, glyph in zip(shares, "█▓", strict=False)]
    assert gauge(fills, [0.3], 10).plain == drawn


def test_what_a_gauge_says_stands_beside_it_where_there_is_room_and_else_below():
    drawing = Gauge([Fill(0.5)], (), line("half of it"))
    assert text(drawing, 30) == "█████████─────────  half of it\n"
    assert text(drawing, 20) == "██████████──────────\nhalf of it\n"


def test_marks_are_named_below_them_by_what_there_is_room_for():
    scale = Scale((0.25, 0.5), ("25 % here", "50 % there"), ("25 %", "50 %"))
    assert text(scale, 40) == f"{' ' * 10}└25 % here └50 % there\n"
    assert text(scale, 20) == f"{' ' * 5}└25 % └50 %\n"


def test_a_strip_shows_the_last_amounts_that_fit():
    strip = Strip([0, 2, 4, 7], 7, [""] * 4)
    assert text(strip, 10) == "▁▃▅▇\n"
    assert text(strip, 2) == "▅▇\n"


def test_a_strip_of_nothing_is_flat():
    assert text(Strip([0, 0], 0, ["", ""]), 10) == "▁▁\n"


def test_facts_are_not_broken_and_stand_below_their_like():
    drawing = Labelled("label", facts("one thing", "another thing", None, "third"))
    assert text(drawing, 31) == "label     one thing\n          another thing · third\n"


def test_on_a_low_screen_there_is_one_line_of_facts():
    drawing = facts("one thing", "another thing", "third")
    assert screen(drawing, 20, 24) == "one thing\n"
    assert screen(drawing, 20, 50) == "one thing\nanother thing\nthird\n"


def test_a_fact_that_is_too_long_is_cut_off():
    assert text(facts("a very long fact"), 8) == "a very …\n"
