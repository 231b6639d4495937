from datetime import datetime

import pytest

from pichay_cli.amounts import (
    ago,
    dollars,
    duration,
    moment,
    percent,
    plain,
    share,
    signed,
    times,
    tokens,
)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (12_345, "12.3k"),
        (-412_300, "-412.3k"),
        (999_949, "999.9k"),
        (999_950, "1.0M"),
        (1_234_567, "1.2M"),
        (2_500_000_000, "2.5B"),
    ],
)
def test_tokens_have_at_most_one_decimal_and_never_a_thousand_of_a_unit(count, said):
    assert tokens(count) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "$0.00"),
        (0.42, "$0.42"),
        (-0.42, "-$0.42"),
        (0.0042, "$0.0042"),
        (-0.0042, "-$0.0042"),
        (1234.5, "$1,234.50"),
    ],
)
def test_dollars_have_cents_and_below_a_cent_four_decimals(amount, said):
    assert dollars(amount) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (-27, 100, "-27 %"),
        (27, 100, "+27 %"),
        (-0.3, 100, "-0.3 %"),
        (0.04, 100, "<0.1 %"),
        (-0.04, 100, "<0.1 %"),
        (9.94, 100, "+9.9 %"),
        (0, 100, "0 %"),
        (1100, 100, "+1,100 %"),
        (5, 0, ""),
    ],
)
def test_a_percentage_has_its_sign_and_below_ten_a_decimal(part, whole, said):
    assert percent(part, whole) == said


def test_a_share_has_no_plus():
    assert (share(2, 18), share(1, 50), share(1, 0)) == ("11 %", "2.0 %", "")


def test_only_more_gets_a_plus():
    assert (signed(1, "x"), signed(0, "0"), signed(-1, "-x")) == ("+x", "0", "-x")


def test_one_of_a_thing_has_no_plural():
    assert (times(1, "page"), times(1200, "page")) == ("1 page", "1,200 pages")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0s"), (0.4, "0s"), (59, "59s"), (60, "1m"), (7_199, "1h"), (864_000, "10d")],
)
def test_an_age_is_in_its_largest_unit(seconds, said):
    assert ago(seconds) == said


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("90s", 90),
        ("45m", 2_700),
        ("2h", 7_200),
        (" 3D ", 259_200),
        ("1.5h", 5_400),
        ("1w", 604_800),
    ],
)
def test_a_duration_is_a_number_and_a_unit(typed, seconds):
    assert duration(typed) == seconds


@pytest.mark.parametrize("typed", ["", "2", "h", "2 hours", "-2h", "2026-01-01"])
def test_anything_else_is_no_duration(typed):
    assert duration(typed) is None


def test_a_moment_is_a_duration_ago_or_an_iso_time():
    assert moment("2h", now=10_000) == 2_800
    assert moment("2026-01-31T09:00:00+00:00", now=0) == 1_769_850_000
    assert moment("2026-01-31", now=0) == datetime(2026, 1, 31).timestamp()
    assert moment("yesterday", now=0) is None


def test_text_from_outside_cannot_steer_the_terminal():
    assert plain("a\x1b[31m\nb\u202ec\tü…") == "a?[31m?b?c?ü…"
