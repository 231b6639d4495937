import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.models import (
    LARGEST_MINIMUM_PREFIX,
    UNKNOWN_CLAUDE,
    ClaudeVersion,
    binds_thinking,
    claude_version,
    context_window,
    minimum_prefix,
    plain_name,
    searches_tools,
)

NAMES = [
    ("claude-sonnet-4-5-20250929", ("sonnet", 4, 5)),
    ("claude-sonnet-4-5", ("sonnet", 4, 5)),
    ("claude-3-5-sonnet-20241022", ("sonnet", 3, 5)),
    ("claude-3-5-sonnet-v2@20241022", ("sonnet", 3, 5)),
    ("claude-3-7-sonnet-latest", ("sonnet", 3, 7)),
    ("claude-3-opus-20240229", ("opus", 3, 0)),
    ("claude-opus-4-20250514", ("opus", 4, 0)),
    ("claude-opus-4-1-20250805", ("opus", 4, 1)),
    ("claude-opus-4-0", ("opus", 4, 0)),
    ("claude-opus-5", ("opus", 5, 0)),
    ("claude-opus-5-5", ("opus", 5, 5)),
    ("claude-opus-5-2026-05-01", ("opus", 5, 0)),
    ("claude-opus-4-10", ("opus", 4, 10)),
    ("claude-fable-5-1-20260801", ("fable", 5, 1)),
    ("claude-mythos-5", ("mythos", 5, 0)),
    ("claude-haiku-4-5@20251001", ("haiku", 4, 5)),
    ("Claude-Haiku-5-5", ("haiku", 5, 5)),
    ("anthropic/claude-opus-4.5", ("opus", 4, 5)),
    ("anthropic/claude-3.5-sonnet:beta", ("sonnet", 3, 5)),
    ("anthropic/claude-opus-4.8:thinking", ("opus", 4, 8)),
    ("claude-4-5-haiku", ("haiku", 4, 5)),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", ("sonnet", 4, 5)),
    ("anthropic.claude-opus-5-v1:0", ("opus", 5, 0)),
    ("global.anthropic.claude-opus-4-6-v1", ("opus", 4, 6)),
    ("anthropic.claude-v2:1", ("", 2, 1)),
    ("claude-2.1", ("", 2, 1)),
    ("claude-instant-1.2", ("instant", 1, 2)),
    (
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
        ("sonnet", 4, 0),
    ),
    ("claude-sonnet-4-5-20250929[1m]", ("sonnet", 4, 5)),
    ("claude-opus-5[1m]", ("opus", 5, 0)),
    ("claude-opus-5-1m", ("opus", 5, 0)),
    ("sonnet-4.5", ("sonnet", 4, 5)),
]
NOT_CLAUDE = ["gpt-5.4", "o3", "gemini-3.1-pro", "kimi-k3", "deepseek-chat", ""]
UNREADABLE_CLAUDE = ["claude", "claude-next", "claude-saga-6", "claude-opus-latest", "opus"]


@pytest.mark.parametrize(("name", "version"), NAMES)
def test_a_claude_is_read_from_its_name(name, version):
    assert claude_version(name) == ClaudeVersion(*version)


@pytest.mark.parametrize("name", NOT_CLAUDE)
def test_other_models_are_no_claude(name):
    assert claude_version(name) is None


@pytest.mark.parametrize("name", UNREADABLE_CLAUDE)
def test_a_claude_that_cannot_be_read_is_the_unknown_one(name):
    assert claude_version(name) == UNKNOWN_CLAUDE


@given(st.text(max_size=60))
def test_any_text_is_a_model_name(name):
    binds_thinking(name)
    assert 512 <= minimum_prefix(name) <= LARGEST_MINIMUM_PREFIX
    assert len(plain_name(name)) <= len(name.lower())


@pytest.mark.parametrize(
    ("name", "binds"),
    [
        ("claude-fable-5", False),
        ("claude-fable-5-1", True),
        ("claude-fable-5-2", True),
        ("claude-mythos-5", False),
        ("claude-mythos-5-1", True),
        ("claude-mythos-5-2", True),
        ("claude-opus-5", False),
        ("claude-opus-5-5", True),
        ("claude-opus-5-5[1m]", True),
        ("us.anthropic.claude-opus-5-5-v1:0", True),
        ("claude-sonnet-5", False),
        ("claude-sonnet-5-5", True),
        ("claude-haiku-4-5", False),
        ("claude-haiku-5-5", True),
        ("claude-sonnet-4-5-20250929", False),
        ("claude-3-5-sonnet-20241022", False),
        ("claude-2.1", False),
        ("claude-instant-1.2", False),
        ("claude-opus-5-6", True),
        ("claude-opus-6", True),
        ("claude-haiku-5", True),
        ("claude-saga-1", True),
        ("claude", True),
        ("gpt-6-sol", False),
        ("gpt-6.1-sol", False),
        ("gpt-6.2-sol", True),
        ("openai/gpt-6.2-astra", True),
        ("gpt-7", True),
        ("gpt-5.4-2026-03-05", False),
        ("gpt-4o", False),
        ("gpt-4-1106-preview", False),
        ("gpt-6-2026-11-18", False),
        ("gemini-3.1-pro", False),
    ],
)
def test_thinking_is_bound_by_the_newest_models_and_by_unknown_claudes(name, binds):
    assert binds_thinking(name) is binds


@given(st.sampled_from(["opus", "sonnet", "haiku", "fable", "mythos"]), st.integers(6, 99))
def test_a_claude_newer_than_the_known_ones_binds_thinking(family, major):
    assert binds_thinking(f"claude-{family}-{major}-20301231")


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("claude-fable-5", 512),
        ("claude-mythos-5-1", 512),
        ("claude-opus-5-5", 512),
        ("claude-haiku-5-5", 512),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-4-5-20250929", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-opus-4-6", 4096),
        ("claude-haiku-4-5", 4096),
        ("claude-3-5-haiku-20241022", 2048),
        ("claude-opus-9", 4096),
        ("claude-next", 4096),
        ("gpt-6-sol", 1024),
        ("openai/gpt-5.4", 1024),
        ("gemini-3.1-pro", 4096),
        ("something-else", 4096),
    ],
)
def test_the_minimum_prefix_is_the_documented_one_or_the_largest(name, tokens):
    assert minimum_prefix(name) == tokens


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        ("claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5-20250929"),
        ("anthropic/claude-opus-4.8:thinking", "claude-opus-4.8"),
        ("claude-opus-5-5@20260901", "claude-opus-5-5"),
        ("global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("claude-opus-5", "claude-opus-5"),
        ("openai/gpt-5.4", "gpt-5.4"),
        ("gpt-5.4", "gpt-5.4"),
    ],
)
def test_a_plain_name_has_no_region_vendor_or_tag(name, plain):
    assert plain_name(name) == plain
    assert plain_name(plain) == plain


ASKED = frozenset({"context-1m-2025-08-07", "another-beta"})


@pytest.mark.parametrize(
    ("name", "betas", "tokens"),
    [
        ("claude-sonnet-4-5-20250929", frozenset(), 200_000),
        ("claude-sonnet-4-5-20250929", ASKED, 1_000_000),
        ("claude-sonnet-4-5-20250929[1m]", frozenset(), 1_000_000),
        ("claude-sonnet-4-20250514[1M]", frozenset(), 1_000_000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", ASKED, 1_000_000),
        ("claude-opus-4-5", ASKED, 200_000),
        ("claude-3-5-sonnet-20241022", ASKED, 200_000),
        ("claude-opus-4-6", frozenset(), 1_000_000),
        ("claude-haiku-5-5", frozenset(), 1_000_000),
        ("claude-opus-9", ASKED, None),
        ("claude", frozenset(), None),
        ("gpt-5", frozenset(), 400_000),
        ("gpt-5-codex", frozenset(), 400_000),
        ("gpt-5.4-mini", frozenset(), 400_000),
        ("openai/gpt-5.4", frozenset(), 1_050_000),
        ("gpt-6.1-sol", frozenset(), 1_050_000),
        ("gpt-5.9", frozenset(), None),
        ("gemini-2.5-pro", frozenset(), 1_048_576),
        ("something-else", ASKED, None),
        ("", frozenset(), None),
    ],
)
def test_the_window_is_the_documented_one_and_larger_for_who_asks(name, betas, tokens):
    assert context_window(name, betas) == tokens


def test_the_windows_are_those_of_the_price_list_or_nearly():
    """It rounds them, so one in twenty is no difference. Voices drive no coding agent."""
    from genai_prices.data_snapshot import get_snapshot

    makers = [p for p in get_snapshot().providers if p.id in ("anthropic", "openai", "google")]
    listed = {m.id: m.context_window for p in makers for m in p.models if m.context_window}
    listed = {name: size for name, size in listed.items() if "-tts" not in name}
    found = {name: context_window(name) for name in listed}
    assert len([tokens for tokens in found.values() if tokens]) > 30
    assert {
        name: (tokens, listed[name])
        for name, tokens in found.items()
        if tokens and abs(tokens - listed[name]) > tokens / 20
    } == {}


@pytest.mark.parametrize(
    ("name", "works"),
    [
        ("claude-sonnet-4-20250514", True),
        ("claude-opus-5-5", True),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", True),
        ("claude-3-7-sonnet-20250219", False),
        ("claude-haiku-4-5", False),
        ("claude-what-ever", False),
        ("gpt-6.1", False),
        ("", False),
    ],
)
def test_the_provider_searches_tools_with_models_that_it_documents(name, works):
    assert searches_tools(name) is works
