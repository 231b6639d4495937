"""Parts of a text: all of what was asked for, or what is missing and how to get it."""

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.cooperate.excerpts import MOST_MATCHES, excerpt, size_of
from tests.strategies import law

TEN = "".join(f"line {n}\n" for n in range(1, 11))
ROOM = 100_000


@pytest.mark.parametrize("text", ["", "x", "x\n", "\n", "\n\n", TEN, TEN[:-1], "é\ud800"])
def test_a_text_of_which_nothing_less_is_asked_for_comes_just_as_it_is(text):
    assert excerpt(text, None, None, None, ROOM) == text
    assert excerpt(text, 1, None, None, ROOM) == text


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        (3, 4, "[Lines 3-4 of 10:]\nline 3\nline 4"),
        (9, None, "[Lines 9-10 of 10:]\nline 9\nline 10"),
        (9, 99, "[Lines 9-10 of 10:]\nline 9\nline 10"),
        (None, 1, "[Lines 1-1 of 10:]\nline 1"),
        (11, None, "[There are only 10 lines.]"),
    ],
)
def test_lines_are_counted_from_one(first, last, shown):
    assert excerpt(TEN, first, last, None, ROOM) == shown


def test_a_search_is_for_the_very_text_and_shows_line_numbers():
    text = "a.b\naxb\nA.B\n a.b\n"
    assert excerpt(text, None, None, "a.b", ROOM) == (
        "[2 of 4 lines hold that text:]\n1: a.b\n4:  a.b"
    )
    assert excerpt(text, 2, None, "a.b", ROOM) == "[1 of 4 lines hold that text:]\n4:  a.b"
    assert excerpt(text, 2, 3, "a.b", ROOM) == "[No line of 2-3 holds that text.]"


def test_of_a_long_line_what_stands_around_the_match_is_shown():
    shown = excerpt("x" * 5_000 + "here" + "y" * 5_000, None, None, "here", ROOM)
    assert "here" in shown and len(shown) < 600


def test_what_is_searched_for_in_many_lines_is_shown_in_part_and_said_where_to_go_on():
    shown = excerpt("hit\n" * 500, None, None, "hit", ROOM).split("\n")
    assert shown[0] == "[500 of 500 lines hold that text:]"
    assert len(shown) == MOST_MATCHES + 2
    assert shown[-1].endswith("with lines 101-500.]")


def test_a_line_that_is_too_long_for_any_answer_is_begun():
    shown = excerpt("é" * 10_000 + "\nnext\n", None, None, None, 1_001)
    assert shown.startswith("[The beginning of line 1, which is too long to be shown:]\né")
    assert size_of(shown) < 1_100


@given(st.text(alphabet="ab\n", min_size=1, max_size=200), st.integers(1, 120))
@law
def test_reading_on_where_it_says_brings_every_line_once(text, room):
    text = text.rstrip("\n") + "\n"
    whole, shown, first = text[:-1].split("\n"), [], 1
    while first:
        said = excerpt(text, first, None, None, room)
        if said == text:
            shown, first = whole, 0
            break
        if "too long to be shown" in said:
            shown, first = [*shown, whole[first - 1]], first + 1 if first < len(whole) else 0
            continue
        rest = re.search(r"with lines (\d+)-", said)
        lines = said.split("\n")[1:]
        shown += lines[:-1] if rest else lines
        first = int(rest[1]) if rest else 0
    assert shown == whole


def test_a_search_takes_no_longer_than_its_text():
    text = ("a" * 99_999 + "\n") * 40
    start = perf_counter()
    excerpt(text, None, None, "a" * 199 + "b", ROOM)
    assert perf_counter() - start < 5


@given(st.text(), st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), st.integers(0, 40))
@law
def test_an_excerpt_keeps_near_its_room(text, first, last, room):
    assert size_of(excerpt(text, first, last, None, room)) <= room + 160
    assert size_of(excerpt(text, first, last, "a", room)) <= room + 160
