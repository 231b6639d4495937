import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.tokens import (
    HIGHEST_MULTIPLIER,
    LOWEST_MULTIPLIER,
    SMALLEST_DELTA,
    Calibration,
    bytes_per_token,
    calibrated,
    multiplier,
    tokens_of_bytes,
    uncalibrated,
)

MODELS = st.sampled_from(["claude-3-5-sonnet-20241022", "claude-opus-5-5", "gpt-5.4", "?"])
MULTIPLIERS = st.floats(LOWEST_MULTIPLIER, HIGHEST_MULTIPLIER)
DELTAS = st.integers(-(10**7), 10**7)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-6-sol", 1.0),
        ("gemini-3.1-pro", 1.0),
        ("", 1.0),
        ("claude-2.1", 1.22),
        ("claude-3-5-sonnet-20241022", 1.22),
        ("claude-opus-4-20250514", 1.22),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 1.22),
        ("claude-opus-4-6", 1.22),
        ("claude-opus-4-7", 1.5),
        ("claude-opus-5-5[1m]", 1.5),
        ("claude-haiku-5-5", 1.5),
        ("anthropic/claude-fable-5", 1.5),
        ("claude-opus-9", 1.5),
        ("claude-next", 1.5),
    ],
)
def test_a_model_family_has_its_own_factor(model, expected):
    assert multiplier(model) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-6-sol", 3.9), ("claude-sonnet-4-5", 3.197), ("claude-opus-5-5", 2.6)],
)
def test_bytes_per_token_follow_from_the_factor(model, expected):
    assert bytes_per_token(model) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize(
    ("size", "model", "tokens"),
    [
        (0, "claude-opus-5-5", 0),
        (1, "claude-opus-5-5", 1),
        (2600, "claude-opus-5-5", 1000),
        (2601, "claude-opus-5-5", 1001),
        (3900, "gpt-6-sol", 1000),
        (10_000, "claude-sonnet-4-5", 3129),
    ],
)
def test_tokens_of_bytes_are_rounded_up(size, model, tokens):
    assert tokens_of_bytes(size, model) == tokens


@given(st.integers(0, 10**8), st.integers(0, 10**6), MODELS)
def test_more_bytes_are_never_fewer_tokens(size, more, model):
    assert tokens_of_bytes(size, model) <= tokens_of_bytes(size + more, model)


@given(MULTIPLIERS, st.integers(0, 1000), DELTAS, DELTAS)
def test_a_calibration_stays_within_its_bounds(factor, samples, usage, o200k):
    after = calibrated(Calibration(factor, samples), usage, o200k)
    assert LOWEST_MULTIPLIER <= after.multiplier <= HIGHEST_MULTIPLIER


@given(MULTIPLIERS, st.integers(SMALLEST_DELTA, 10**6), MULTIPLIERS)
def test_a_calibration_moves_towards_what_was_billed_and_not_beyond(before, o200k, actual):
    billed = round(o200k * actual)
    observed = min(max(billed / o200k, LOWEST_MULTIPLIER), HIGHEST_MULTIPLIER)
    after = calibrated(Calibration(before), billed, o200k)
    low, high = sorted((before, observed))
    assert low - 1e-12 <= after.multiplier <= high + 1e-12
    assert after.samples == 1


def test_a_calibration_moves_a_fifth_of_the_way():
    assert calibrated(Calibration(1.5, 3), 2000, 1000) == Calibration(pytest.approx(1.6), 4)


def test_a_single_wild_observation_counts_as_the_bound():
    assert calibrated(Calibration(1.2), 10**9, 1000).multiplier == pytest.approx(1.4)


def test_a_calibration_converges():
    calibration = uncalibrated("claude-sonnet-4-5")
    for _ in range(30):
        calibration = calibrated(calibration, 1400, 1000)
    assert calibration == Calibration(pytest.approx(1.4, abs=0.001), 30)


@pytest.mark.parametrize(("usage", "o200k"), [(600, 499), (0, 5000), (-10, 5000), (5, -5000)])
def test_a_delta_that_means_nothing_changes_nothing(usage, o200k):
    calibration = Calibration(1.3, 7)
    assert calibrated(calibration, usage, o200k) is calibration
