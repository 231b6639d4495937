"""Flushing for want of room, or for the price of a long request."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.admission import Arrival
from pichay_core.model import PageId
from pichay_core.pager import Limits, Prefix, Seen, advance
from pichay_core.policies import POLICIES
from pichay_core.schedule import Pending, Window
from pichay_core.schedule.auto import auto
from pichay_core.schedule.break_even import break_even
from pichay_core.schedule.cold import cold
from pichay_core.schedule.pressure import WORTH, Zone, pressure, zone_of
from pichay_core.table import PageTable
from pichay_core.tariff import Surcharge
from tests.builders import page, read_call
from tests.strategies import brief_law

SIZE = 200_000
DOUBLE = (Surcharge(200_000, 2.0),)
DEAR = 1e9
"""Tokens; a rewrite that nothing pays for."""


@pytest.mark.parametrize(
    ("tokens", "size", "zone"),
    [
        (0, SIZE, Zone.NORMAL),
        (59_999, SIZE, Zone.NORMAL),
        (60_000, SIZE, Zone.ADVISORY),
        (99_999, SIZE, Zone.ADVISORY),
        (100_000, SIZE, Zone.INVOLUNTARY),
        (120_000, SIZE, Zone.AGGRESSIVE),
        (999_999, SIZE, Zone.AGGRESSIVE),
        (120_000, 1_000_000, Zone.NORMAL),
        (500_000, 1_000_000, Zone.INVOLUNTARY),
        (999_999, None, Zone.NORMAL),
    ],
)
def test_the_zones_are_shares_of_the_models_window(tokens, size, zone):
    assert zone_of(Window(tokens, size)) is zone


@pytest.mark.parametrize(
    ("tokens", "pending", "paid", "why"),
    [
        (59_999, 50_000, 99.0, None),
        (60_000, 50_000, 74.9, None),
        (60_000, 50_000, 75.0, "pressure"),
        (60_000, 9_999, 75.0, None),
        (100_000, 9_999, 99.0, None),
        (100_000, 10_000, 64.9, None),
        (100_000, 10_000, 65.0, "pressure"),
        (120_000, 9_999, 99.0, None),
        (120_000, 10_000, 49.9, None),
        (120_000, 10_000, 50.0, "pressure"),
        (120_000, 0, 99.0, None),
    ],
)
def test_when_a_window_is_so_full_that_a_flush_is_due(tokens, pending, paid, why):
    told = Pending(pending, False, 1, paid, rewrite=100.0, window=Window(tokens, SIZE))
    assert pressure(told) == why
    assert pressure(replace(told, cold=True)) == why


@pytest.mark.parametrize(
    ("tokens", "pending", "paid", "rewrite", "why"),
    [
        (200_000, 10_000, 0.0, 0.0, None),
        (200_001, 0, 0.0, 0.0, None),
        (210_000, 9_999, 0.0, 0.0, None),
        (210_000, 10_000, 0.0, 20_000.0, "surcharge"),
        (210_000, 10_000, 0.0, 20_001.0, None),
        (210_000, 10_000, 1.0, 20_001.0, "surcharge"),
        (250_000, 50_000, 0.0, 20_000.0, "surcharge"),
        (250_000, 49_999, 9e9, 0.0, None),
    ],
)
def test_a_flush_that_takes_a_request_below_a_surcharge_must_pay(
    tokens, pending, paid, rewrite, why
):
    """Of 200,000 tokens that are read at a tenth, the price is doubled: 20,000."""
    window = Window(tokens, None, DOUBLE)
    assert pressure(Pending(pending, False, 1, paid, rewrite, 0.1, window)) == why


def test_of_two_surcharges_the_one_that_is_left_still_counts():
    window = Window(210_000, None, (Surcharge(100_000, 1.5), Surcharge(200_000, 2.5)))
    assert [window.times(n) for n in (100_000, 100_001, 200_000, 200_001)] == [1, 1.5, 1.5, 2.5]
    told = Pending(10_000, False, 1, 0.0, 20_000.0, 0.1, window)
    assert pressure(told) == "surcharge"
    assert pressure(replace(told, rewrite=20_001.0)) is None


WINDOWS = st.builds(
    Window,
    st.integers(0, 400_000),
    st.sampled_from([None, 128_000, SIZE, 1_000_000]),
    st.sampled_from([(), DOUBLE]),
)
AMOUNTS = st.floats(0, 300_000)
PENDING = st.builds(
    Pending,
    st.integers(0, 100_000),
    st.booleans(),
    st.just(20_000),
    AMOUNTS,
    AMOUNTS,
    st.sampled_from([0.025, 0.1]),
    WINDOWS,
)


@given(PENDING)
def test_auto_has_the_first_reason_of_cold_break_even_and_pressure(pending):
    assert auto(pending) == (cold(pending) or break_even(pending) or pressure(pending))


@given(PENDING)
def test_without_a_window_and_a_surcharge_auto_is_break_even(pending):
    unknown = replace(pending, window=Window(pending.window.tokens))
    assert pressure(unknown) is None
    assert auto(unknown) == break_even(unknown)


@given(PENDING)
def test_pressure_never_flushes_less_than_its_share_of_the_window(pending):
    if pressure(pending) == "pressure":
        assert pending.window.size is not None
        assert pending.tokens >= WORTH * pending.window.size


def _flushes(sizes: list[int], stays: int, cached: int = 0) -> list[str]:
    """Why there was a flush, for each of them, in a window that holds *stays* tokens for ever.

    One page a turn; every flush writes so many cached tokens again.
    """
    table, held, why = PageTable(), stays, []
    for turn, tokens in enumerate(sizes):
        new = page(f"p{turn}", read_call(f"{turn}.py"), size=tokens * 4)
        held += tokens
        seen = Seen(
            turn=turn,
            arrivals=(Arrival(new, turn),),
            newest=frozenset({PageId(new.id)}),
            prefix=Prefix(tokens=cached),
            window=Window(held, SIZE),
        )
        after = advance(table, seen, POLICIES["fifo"], pressure, Limits(), b"0" * 16)
        table = after.table
        why += [after.flushed] if after.flushed else []
    return why


@brief_law
@given(
    st.lists(st.integers(200, 20_000), max_size=60),
    st.integers(0, 2 * SIZE),
    st.sampled_from([0, 10_000, 10**9]),
)
def test_however_full_it_is_a_window_is_flushed_once_for_each_share_that_comes(
    sizes, stays, cached
):
    """Otherwise a session that is big for good would break its cache on every turn."""
    assert len(_flushes(sizes, stays, cached)) <= sum(sizes) / (WORTH * SIZE)


@pytest.mark.parametrize(
    ("stays", "flushes"),
    [(0, 1), (40_000, 5), (90_000, 7), (115_000, 7), (190_000, 7)],
)
def test_how_often_a_window_is_flushed_that_fills_with_pages(stays, flushes):
    """Forty pages of 2,500 tokens, and nothing to write again."""
    assert _flushes([2_500] * 40, stays) == ["pressure"] * flushes


def test_a_full_window_waits_while_its_cache_is_too_dear_to_write_again():
    assert _flushes([2_500] * 40, 115_000, cached=10**9) == []


def test_a_window_full_of_what_may_not_leave_is_never_flushed():
    assert _flushes([100] * 200, 190_000) == []
