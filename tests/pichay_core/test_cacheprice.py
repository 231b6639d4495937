"""What the cache costs, by model, day and the user's own prices."""

import pytest

from pichay_core.cacheprice import AUTOMATIC, USUAL, cache_multipliers, surcharges_of
from pichay_core.prices import parse
from pichay_core.tariff import CacheMultipliers, Surcharge

AT = 1_795_219_200.0
OWN = parse("""{
    "claude-opus-5-5": {
        "input": 4, "output": 20, "cache_read": 1, "cache_write_5m": 6, "cache_write_1h": 8},
    "house-model": {
        "input": 1, "output": 5, "cache_read": 0.5, "cache_write_5m": 1, "cache_write_1h": 1,
        "bands": [{"above_tokens": 50000, "input": 3, "output": 5,
                   "cache_read": 1.5, "cache_write_5m": 3, "cache_write_1h": 3}]}
}""")


@pytest.mark.parametrize(
    ("model", "hour", "listed", "own"),
    [
        ("claude-opus-5-5", False, (1.25, 0.05), (1.5, 0.25)),
        ("claude-opus-5-5", True, (2.0, 0.05), (2.0, 0.25)),
        ("claude-opus-5", False, (1.25, 0.1), (1.25, 0.1)),
        ("gpt-5.4", False, (1.0, 0.1), (1.0, 0.1)),
    ],
)
def test_own_prices_win_over_the_list(model, hour, listed, own):
    assert cache_multipliers(model, AT, hour) == CacheMultipliers(*listed)
    assert cache_multipliers(model, AT, hour, OWN) == CacheMultipliers(*own)


@pytest.mark.parametrize("model", ["claude-next", "claude-opus-9", ""])
def test_a_claude_without_a_price_is_taken_at_the_usual_multiples(model):
    assert cache_multipliers(model, AT) == USUAL[False] == CacheMultipliers(1.25, 0.1)
    assert cache_multipliers(model, AT, one_hour=True) == USUAL[True] == CacheMultipliers(2.0, 0.1)
    assert surcharges_of(model, AT) == ()


def test_another_model_without_a_price_is_cached_unasked():
    for hour in (False, True):
        found = cache_multipliers("house-model", AT, one_hour=hour)
        assert found == AUTOMATIC == CacheMultipliers(1.0, 0.1)


def test_own_prices_may_name_a_model_that_the_list_lacks():
    assert cache_multipliers("house-model", AT, prices=OWN) == CacheMultipliers(1.0, 0.5)
    assert surcharges_of("house-model", AT, OWN) == (Surcharge(50_000, 3.0),)


def test_a_surcharge_holds_on_the_days_that_it_is_listed_for():
    """Claude Opus 4.6 cost twice as much above 200,000 tokens until it no longer did."""
    assert surcharges_of("claude-opus-4-6", AT) == ()
    assert surcharges_of("claude-opus-4-6", 1_770_768_000.0) == (Surcharge(200_000, 2.0),)
