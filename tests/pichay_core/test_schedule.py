import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.schedule import SCHEDULES, Pending
from pichay_core.schedule.break_even import break_even


@pytest.mark.parametrize(
    ("name", "tokens", "cold", "why"),
    [
        ("every-turn", 0, False, None),
        ("every-turn", 1, False, "every-turn"),
        ("every-turn", 1, True, "every-turn"),
        ("every-turn", 0, True, None),
        ("batch", 0, False, None),
        ("batch", 0, True, None),
        ("batch", 1, True, "cold"),
        ("batch", 19_999, False, None),
        ("batch", 20_000, False, "batch"),
        ("batch", 20_000, True, "cold"),
    ],
)
def test_when_a_schedule_flushes(name, tokens, cold, why):
    assert SCHEDULES[name](Pending(tokens, cold, 20_000)) == why


def test_no_schedule_flushes_nothing():
    for schedule in SCHEDULES.values():
        assert schedule(Pending(0, True, 0)) is None
        assert schedule(Pending(0, False, 0)) is None


def test_the_schedules_are_known_by_name():
    assert {*SCHEDULES} == {"auto", "batch", "break-even", "cold", "every-turn", "pressure"}


@pytest.mark.parametrize(
    ("name", "tokens", "cold", "kept", "rewrite", "why"),
    [
        ("break-even", 10, False, 99.0, 100.0, None),
        ("break-even", 10, False, 100.0, 100.0, "break-even"),
        ("break-even", 10, False, 0.0, 0.0, "break-even"),
        ("break-even", 10, True, 0.0, 100.0, "cold"),
        ("break-even", 0, True, 5.0, 0.0, None),
        ("cold", 10, False, 1e9, 0.0, None),
        ("cold", 10, True, 0.0, 1e9, "cold"),
    ],
)
def test_when_a_schedule_that_knows_prices_flushes(name, tokens, cold, kept, rewrite, why):
    assert SCHEDULES[name](Pending(tokens, cold, 1, kept, rewrite)) == why


@given(
    gain=st.integers(1, 50_000),
    tail=st.integers(0, 200_000),
    read=st.floats(0.01, 1.0),
    write=st.floats(1.0, 2.0),
    turns=st.integers(1, 300),
)
def test_break_even_pays_at_most_twice_the_best_and_one_turn(gain, tail, read, write, turns):
    """The ski-rental bound: pages of one age, a tail that stays, a session of any length."""
    rent, price = read * gain, (write - read) * tail
    paid = 0.0
    for turn in range(1, turns + 1):
        if break_even(Pending(gain, False, 1, rent * turn, price)):
            paid += price
            break
        paid += rent
    best = min(rent * turns, price)
    assert paid <= 2 * best + rent + 1e-6
