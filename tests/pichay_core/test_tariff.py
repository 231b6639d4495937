from datetime import UTC, datetime

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Usage
from pichay_core.prices import Price, Rates, parse
from pichay_core.tariff import (
    CacheMultipliers,
    Surcharge,
    bands,
    multipliers,
    price,
    provider_at,
    provider_of,
    rates,
    surcharges,
)

AT = datetime(2026, 11, 21, tzinfo=UTC)
MODELS = st.sampled_from(
    [
        ("claude-sonnet-4-5-20250929", "anthropic"),
        ("claude-haiku-5-5", "anthropic"),
        ("claude-fable-5-1", "anthropic"),
        ("claude-3-5-sonnet-20241022", "anthropic"),
        ("us.anthropic.claude-sonnet-5-5", "aws"),
        ("gpt-5.4", "openai"),
        ("gpt-6.1-sol", "openai"),
        ("gemini-3.1-pro-preview", "google"),
    ]
)
COUNTS = st.integers(0, 400_000)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


def per_million(found):
    return tuple(
        round(value * 1e6, 9)
        for value in (
            found.input,
            found.cache_read,
            found.cache_write_5m,
            found.cache_write_1h,
            found.output,
        )
    )


@pytest.mark.parametrize(
    ("model", "provider", "window", "expected"),
    [
        ("claude-sonnet-4-5-20250929", "anthropic", 200_000, (3, 0.3, 3.75, 6, 15)),
        ("claude-sonnet-4-5-20250929", "anthropic", 200_001, (6, 0.6, 7.5, 12, 22.5)),
        ("claude-opus-5-5", "anthropic", 900_000, (4, 0.2, 5, 8, 20)),
        ("claude-fable-5-1", "anthropic", 10, (10, 0.25, 12.5, 20, 50)),
        ("claude-haiku-5-5", "anthropic", 100_000, (0.1, 0.01, 0.125, 0.2, 0.5)),
        ("claude-haiku-5-5", "anthropic", 100_001, (0.5, 0.05, 0.625, 1, 2.5)),
        ("gpt-6-sol", "openai", 1000, (2, 0.2, 2.5, 2.5, 10)),
        ("gpt-6-sol", "openai", 272_001, (4, 0.4, 5, 5, 15)),
        ("gpt-5.4", "openai", 1000, (2.5, 0.25, 2.5, 2.5, 15)),
    ],
)
def test_rates_are_the_listed_ones_of_the_window_s_price_band(model, provider, window, expected):
    assert per_million(rates(model, window, AT, provider)) == expected


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-5-5[1m]",
        "anthropic/claude-opus-5-5",
        "claude-opus-5-5@20260901",
        "us.anthropic.claude-opus-5-5-v1:0",
        "CLAUDE-OPUS-5-5",
    ],
)
def test_a_model_is_found_under_the_names_that_platforms_give_it(model):
    assert rates(model, 0, AT) == rates("claude-opus-5-5", 0, AT) is not None


def test_a_platform_s_own_price_is_taken_where_it_has_one():
    found = rates("us.anthropic.claude-sonnet-5-5", 0, AT, "aws")
    assert per_million(found) == (2.2, 0.11, 2.75, 4.4, 11)


def test_a_price_is_the_one_of_its_day():
    before = datetime(2026, 3, 12, 23, 59, tzinfo=UTC)
    after = datetime(2026, 3, 13, tzinfo=UTC)
    assert per_million(rates("claude-opus-4-6", 300_000, before))[0] == 10
    assert per_million(rates("claude-opus-4-6", 300_000, after))[0] == 5


@pytest.mark.parametrize(
    ("model", "provider"),
    [("claude-next", "anthropic"), ("", "anthropic"), ("house-model", "nobody")],
)
def test_an_unknown_model_has_no_price(model, provider):
    assert rates(model, 1000, AT, provider) is None
    assert price(Usage(input=1000), model, AT, provider) is None


def test_a_price_names_each_kind_of_token():
    usage = Usage(
        input=1000, cache_read=100_000, cache_write_5m=2000, cache_write_1h=3000, output=400
    )
    found = price(usage, "claude-sonnet-4-5-20250929", AT)
    assert found == Price(
        input=pytest.approx(0.003),
        cache_read=pytest.approx(0.03),
        cache_write=pytest.approx(0.0255),
        output=pytest.approx(0.006),
    )
    assert found.total == pytest.approx(0.0645)


def test_a_price_band_goes_by_the_whole_window():
    small = Usage(cache_read=100_000)
    large = Usage(cache_read=100_000, cache_write_5m=1)
    assert price(small, "claude-haiku-5-5", AT).cache_read == pytest.approx(0.001)
    assert price(large, "claude-haiku-5-5", AT).cache_read == pytest.approx(0.005)


def test_no_tokens_cost_nothing():
    assert price(Usage(), "claude-opus-5-5", AT) == Price()
    assert Price().total == 0.0


@given(MODELS, USAGES)
def test_a_price_is_what_the_price_list_itself_computes(named, usage):
    model, provider = named
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.window,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
            cache_write_1h_tokens=usage.cache_write_1h,
            output_tokens=usage.output,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=AT,
    )
    found = price(usage, model, AT, provider)
    assert found.total == pytest.approx(float(expected.total_price), rel=1e-9)
    assert found.output == pytest.approx(float(expected.output_price), rel=1e-9)


@given(MODELS, USAGES, USAGES)
def test_more_tokens_never_cost_less(named, usage, more):
    model, provider = named
    sum_of_both = Usage(
        usage.input + more.input,
        usage.cache_read + more.cache_read,
        usage.cache_write_5m + more.cache_write_5m,
        usage.cache_write_1h + more.cache_write_1h,
        usage.output + more.output,
    )
    larger = price(sum_of_both, model, AT, provider).total
    assert price(usage, model, AT, provider).total <= larger * (1 + 1e-9)


@given(USAGES)
def test_a_price_of_rates_is_linear_in_tokens(usage):
    ones = Rates(1, 1, 1, 1, 1)
    assert ones.price(usage).total == usage.window + usage.output


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-opus-5-5", "anthropic"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"),
        ("claude-next", "anthropic"),
        ("gpt-5.4", "openai"),
        ("openai/gpt-6.1-sol", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("codex-mini-latest", "openai"),
        ("o3", "openai"),
        ("gemini-3.1-pro-preview", "google"),
        ("models/gemini-2.5-pro", "google"),
        ("deepseek-chat", None),
        ("qwen3-coder", None),
        ("opencode-o3d", None),
        ("", None),
    ],
)
def test_a_provider_is_known_by_its_models_names_and_never_guessed(model, provider):
    assert provider_of(model) == provider


def test_a_price_needs_no_provider_where_the_model_has_one_maker():
    for model, provider in (("gpt-5.4", "openai"), ("gemini-2.5-pro", "google")):
        assert rates(model, 10, AT) == rates(model, 10, AT, provider) is not None
    assert rates("deepseek-chat", 10, AT) is None
    assert rates("deepseek-chat", 10, AT, "deepseek") is not None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-haiku-5-5", (100_000,)),
        ("claude-opus-5-5", ()),
        ("gpt-5.4", (272_000,)),
        ("gpt-6.1-sol", (272_000,)),
        ("gpt-5.4-mini", ()),
        ("gemini-3.1-pro-preview", (200_000,)),
        ("claude-next", ()),
        ("house-model-2", (100, 200)),
    ],
)
def test_the_bands_are_the_windows_above_which_everything_gets_dearer(model, expected):
    assert bands(model, AT, prices=OWN) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-haiku-5-5", (Surcharge(100_000, 5.0),)),
        ("claude-sonnet-4-5", (Surcharge(200_000, 2.0),)),
        ("claude-opus-5-5", ()),
        ("gpt-5.4", (Surcharge(272_000, 2.0),)),
        ("claude-next", ()),
        ("house-model-2", (Surcharge(100, 2.0), Surcharge(200, 2.0))),
    ],
)
def test_a_surcharge_is_the_price_of_input_over_that_of_a_short_request(model, expected):
    assert surcharges(model, AT, prices=OWN) == expected


def test_what_costs_nothing_has_no_surcharge():
    free = parse("""{"free": {
        "input": 0, "output": 0, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0,
        "bands": [{"above_tokens": 10, "input": 1, "output": 1,
                   "cache_read": 1, "cache_write_5m": 1, "cache_write_1h": 1}]}}""")
    assert surcharges("free", AT, prices=free) == ()


@given(MODELS, st.integers(0, 400_000))
def test_a_rate_changes_at_a_band_and_nowhere_else(named, window):
    model, provider = named
    above = max((b for b in bands(model, AT, provider) if window > b), default=-1)
    assert rates(model, window, AT, provider) == rates(model, above + 1, AT, provider)


@pytest.mark.parametrize(
    ("model", "short", "hour"),
    [
        ("claude-opus-5", (1.25, 0.1), (2.0, 0.1)),
        ("claude-opus-5-5", (1.25, 0.05), (2.0, 0.05)),
        ("claude-fable-5-1", (1.25, 0.025), (2.0, 0.025)),
        ("gpt-5.4", (1.0, 0.1), (1.0, 0.1)),
        ("gpt-6.1-sol", (1.25, 0.05), (1.25, 0.05)),
        ("gemini-4-argon", (1.0, 0.05), (1.0, 0.05)),
    ],
)
def test_cache_prices_are_multiples_of_the_input_price(model, short, hour):
    found = rates(model, 0, AT)
    assert multipliers(found) == CacheMultipliers(*short)
    assert multipliers(found, one_hour=True) == CacheMultipliers(*hour)


@given(MODELS, st.booleans())
def test_a_band_changes_no_multiple(named, one_hour):
    model, provider = named
    for above in bands(model, AT, provider):
        below = multipliers(rates(model, above, AT, provider), one_hour)
        assert multipliers(rates(model, above + 1, AT, provider), one_hour) == below


def test_a_free_model_caches_at_the_price_of_its_input():
    assert multipliers(Rates(0, 0, 0, 0, 0), one_hour=True) == CacheMultipliers(1.0, 1.0)


def test_prices_of_the_list_change_on_the_half_hour_at_most():
    """Otherwise the half hour would be too coarse a key to remember them by."""
    from genai_prices.data_snapshot import get_snapshot

    times = [
        time
        for provider in get_snapshot().providers
        for model in provider.models
        if isinstance(model.prices, list)
        for one in model.prices
        for name in ("start_time", "end_time")
        if (time := getattr(one.constraint, name, None)) is not None
    ]
    assert times
    assert {time.minute % 30 for time in times} == {time.second for time in times} == {0}


# -- a user's own prices ------------------------------------------------------------------------

OWN = parse("""{
    "claude-opus-5-5": {
        "input": 3.2, "output": 16, "cache_read": 0.16, "cache_write_5m": 4, "cache_write_1h": 6.4,
        "date": "2026-11-21"},
    "house-model-*": {
        "input": 1, "output": 5, "cache_read": 1, "cache_write_5m": 1, "cache_write_1h": 1,
        "bands": [
            {"above_tokens": 100, "input": 2, "output": 5,
             "cache_read": 2, "cache_write_5m": 2, "cache_write_1h": 2},
            {"above_tokens": 200, "input": 2, "output": 9,
             "cache_read": 2, "cache_write_5m": 2, "cache_write_1h": 2}]}
}""")


def test_a_price_of_the_user_s_own_wins_over_the_list_at_any_time_and_provider():
    early = datetime(2020, 1, 1, tzinfo=UTC)
    for at, provider in ((AT, None), (early, "anthropic"), (AT, "aws"), (AT, "nobody")):
        found = rates("claude-opus-5-5", 10, at, provider, OWN)
        assert per_million(found) == (3.2, 0.16, 4, 6.4, 16)
    assert rates("claude-opus-5", 10, AT, prices=OWN) == rates("claude-opus-5", 10, AT)


def test_a_model_that_the_list_lacks_can_be_given_a_price():
    assert price(Usage(input=100), "House-Model-9", AT, prices=OWN).total == pytest.approx(1e-4)
    assert price(Usage(input=150), "house-model-9", AT, prices=OWN).total == pytest.approx(3e-4)
    assert price(Usage(output=1), "house-model-9", AT, prices=OWN).total == pytest.approx(5e-6)
    assert price(Usage(input=100), "another-model", AT, prices=OWN) is None


def test_own_prices_decide_what_a_cache_costs():
    found = rates("house-model-9", 0, AT, prices=OWN)
    assert multipliers(found, one_hour=True) == CacheMultipliers(1.0, 1.0)


@pytest.mark.parametrize(("host", "provider"), [
    ("api.anthropic.com", "anthropic"), ("api.openai.com", "openai"),
    ("openrouter.ai", "openrouter"),
    ("api.deepseek.com", "deepseek"), ("generativelanguage.googleapis.com", "google"),
    ("us-east5-aiplatform.googleapis.com", "google"), ("house.openai.azure.com", "azure"),
    ("api.moonshot.ai", "moonshotai"), ("api.z.ai", "zai"), ("api.mistral.ai", "mistral"),
    ("127.0.0.1", ""), ("llm.example.com", ""), ("api.openai.com.example.com", ""),
])  # fmt: skip
def test_a_provider_is_known_by_its_host(host, provider):
    assert provider_at(host) == provider


def test_a_model_that_a_host_does_not_list_costs_what_its_maker_asks():
    assert rates("gpt-5.4", 0, AT, "deepseek") == rates("gpt-5.4", 0, AT)
    assert rates("deepseek-chat", 0, AT) is None
    assert rates("deepseek-chat", 0, AT, "deepseek") is not None
