import pytest

from pichay_core.model import Usage
from pichay_core.prefix import (
    AnthropicCache,
    AnthropicRules,
    AutomaticCache,
    AutomaticRules,
    BreakpointCache,
    PrefixCache,
    cache_for,
)
from pichay_core.prefix.gemini import IDLE_SECONDS
from tests.pichay_core.prefix.builders import Provider, unit


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5-5", 512),
        ("claude-sonnet-4-5-20250929", 1024),
        ("us.anthropic.claude-opus-4-7-v1:0", 2048),
        ("claude-haiku-4-5", 4096),
        ("claude-of-next-year", 4096),
    ],
)
def test_a_claude_has_anthropics_cache_with_its_own_minimum(model: str, minimum: int):
    assert cache_for(model) == AnthropicCache(AnthropicRules(minimum))


@pytest.mark.parametrize(
    "model", ["gpt-5.6", "gpt-5.6-terra", "gpt-6-astra", "GPT-6.1-sol", "openai/gpt-6-luna"]
)
def test_a_gpt_from_5_6_on_has_breakpoints(model: str):
    assert cache_for(model) == BreakpointCache()


@pytest.mark.parametrize(
    "model",
    ["gpt-5.5", "gpt-5-codex", "gpt-4.1-mini", "gpt-4o", "chatgpt-4o-latest", "o3", "ft:gpt-4o:x"],
)
def test_an_earlier_model_of_openai_has_the_automatic_cache(model: str):
    cache = cache_for(model)
    assert isinstance(cache, AutomaticCache)
    assert cache.rules.grid == 128


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("gemini-2.5-pro", 2048),
        ("gemini-2.5-flash-lite", 2048),
        ("gemini-3.1-pro-preview", 4096),
        ("models/gemini-3.8-flash", 4096),
        ("gemini-4-argon", 4096),
    ],
)
def test_a_gemini_has_the_implicit_cache_with_its_own_minimum(model: str, minimum: int):
    assert cache_for(model) == AutomaticCache(AutomaticRules(minimum, IDLE_SECONDS))


@pytest.mark.parametrize("model", ["", "gemini-2.0-flash", "gpt-oss-120b", "gpt-35-turbo", "glm-5"])
def test_a_model_whose_cache_is_not_known_has_none(model: str):
    assert cache_for(model) is None


def gemini(hits: bool = True) -> Provider:
    return Provider(AutomaticCache(AutomaticRules(2048, IDLE_SECONDS, hits=hits)))


def test_gemini_reads_the_common_beginning_to_the_token_and_bills_no_write():
    asked = gemini()
    assert asked.ask([unit(1, 2047)]) == Usage(input=2047)
    assert asked.ask([unit(1, 2047)]) == Usage(input=2047)
    assert asked.ask([unit(1, 2047), unit(2, 2)]) == Usage(input=2049)
    assert asked.ask([unit(1, 2047), unit(2, 2), unit(3, 9)]) == Usage(9, 2049)


def test_gemini_without_hits_reads_nothing():
    asked = gemini(hits=False)
    asked.ask([unit(1, 9000)])
    assert asked.ask([unit(1, 9000)]) == Usage(input=9000)


def test_every_cache_is_one_to_the_caller():
    caches: list[PrefixCache | None] = [
        cache_for(model) for model in ("claude-opus-5", "gpt-5.6", "gpt-5", "gemini-2.5-pro")
    ]
    prompt = [unit(1, 6000), unit(2, 50)]
    for cache in caches:
        assert cache is not None
        asked = Provider(cache)
        asked.ask(prompt, -1)
        assert asked.ask([*prompt, unit(3, 70)], -1).cache_read >= 4096
