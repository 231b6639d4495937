import pytest

from pichay_core.schedule import SCHEDULES, Pending


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


def test_both_schedules_are_known_by_name():
    assert {*SCHEDULES} >= {"batch", "every-turn"}
