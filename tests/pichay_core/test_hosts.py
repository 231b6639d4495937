"""The table of hosts and paths: whole, without contradictions, and never wider than it says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.hosts import (
    ANYWHERE,
    EVERY_HOST,
    EVERY_WORD,
    HOSTS,
    LEFT_ALONE,
    Path,
    found,
    paths_of,
    spoken,
)
from pichay_core.wire.formats import FORMATS

NAMES = [name for host in EVERY_HOST for name in host.names]
PLAIN = [name for host in HOSTS for name in host.names if "*" not in name]
EVERY_PATH = [path for host in EVERY_HOST for path in host.paths]
OWN = frozenset({"llm.example", "bücher.example"})
LABEL = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)


@pytest.mark.parametrize("name", PLAIN)
def test_a_listed_host_is_listed_however_it_is_written(name):
    for written in (name, name.upper(), f"{name}."):
        assert paths_of(written) == paths_of(name) is not None


@given(st.sampled_from(PLAIN), LABEL)
def test_a_look_alike_of_a_listed_host_is_not_listed(name, other):
    for like in (
        *(f"{other}.{name}", f"{other}{name}", f"{other}-{name}", f"{name}.{other}"),
        *(f"{name}.{other}.example", f"{name}{other}", f"{name}..", f"{name}\n", f"{name}@{other}"),
        *(name.replace(".", other, 1), name.replace(".", "", 1), f"{name}:443", f" {name}"),
    ):
        assert like in PLAIN or paths_of(like) is None or wild(like)


@given(st.text(max_size=40))
def test_no_other_name_is_listed(name):
    plain = name.lower().removesuffix(".")
    assert paths_of(name) is None or plain in PLAIN or wild(plain)


def wild(name):
    """Whether a name is one of those that a ``*`` stands for, read label by label."""
    labels = name.split(".")
    return any(
        len(known.split(".")) == len(labels)
        and all(map(label_fits, known.split("."), labels))
        for known in NAMES
        if "*" in known
    )  # fmt: skip


def label_fits(known, label):
    before, star, after = known.partition("*")
    if not star:
        return known == label
    inner = label.removeprefix(before).removesuffix(after)
    return label == f"{before}{inner}{after}" and re.fullmatch("[a-z0-9-]+", inner) is not None


@pytest.mark.parametrize("name", [n for n in NAMES if "*" in n])
def test_a_star_stands_for_a_part_of_one_label_below_a_domain_with_one_owner(name):
    assert name.count("*") == 1
    assert name.endswith((".googleapis.com", ".azure.com", ".api.aws"))
    assert "*" not in name.split(".")[-2:]


@pytest.mark.parametrize("between", ["", "a.b", "a.evil.example", "a/b", "a_b", "a%2eb", "ä"])
def test_a_star_is_never_more_than_that(between):
    for name in NAMES:
        if "*" in name:
            assert paths_of(name.replace("*", between)) is None


def test_a_kelvin_sign_is_no_k():
    assert "\N{KELVIN SIGN}".lower() == "k"
    assert paths_of("api.deepsee\N{KELVIN SIGN}.com") is None


def test_a_host_of_the_users_own_has_every_path_and_a_known_one_its_own():
    assert paths_of("LLM.Example.", OWN) == ANYWHERE
    assert paths_of("bücher.example", OWN) == ANYWHERE
    assert paths_of("x.llm.example", OWN) is None
    assert paths_of("api.anthropic.com", {"api.anthropic.com"}) == paths_of("api.anthropic.com")


def test_what_is_left_alone_is_not_listed():
    for alone in LEFT_ALONE:
        assert alone.why.endswith(".")
        for name in alone.names:
            assert paths_of(name.replace("*", "eu-west-1")) is None


def test_no_host_is_listed_twice_and_none_without_a_path():
    assert len({*NAMES}) == len(NAMES)
    assert all(host.paths and host.names for host in HOSTS)
    for host in EVERY_HOST:
        patterns = [path.pattern for path in host.paths]
        assert len({*patterns}) == len(patterns)


def test_only_paths_whose_format_is_there_are_listed():
    assert {path.format for path in ANYWHERE} <= FORMATS.keys()
    assert {p.format for host in HOSTS for p in host.paths} <= FORMATS.keys()
    assert {p.format for p in spoken(EVERY_PATH, {"gemini"})} == {"gemini"}
    four = {"anthropic", "openai_chat", "openai_responses", "gemini"}
    assert {path.format for path in EVERY_PATH} == four
    assert spoken(EVERY_PATH, four) == tuple(EVERY_PATH)


def test_what_passes_says_why_and_nothing_else_does():
    for path in EVERY_PATH:
        assert bool(path.why) is (path.purpose == "pass")
        assert path.gets in EVERY_WORD and path.pattern.startswith("/")


def models(path, among):
    fitting = found(path, among)
    return fitting and (fitting[0].purpose, fitting[0].format, fitting[1])


GOOGLE = "/v1/projects/p/locations/global/publishers"


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("api.openai.com", "/v1/chat/completions", ("messages", "openai_chat", "")),
        ("api.openai.com", "/v1/responses?x=1", ("messages", "openai_responses", "")),
        ("api.openai.com", "/v1/responses/compact", ("pass", "openai_responses", "")),
        ("api.openai.com", "/v1/responses/input_tokens", ("count", "openai_responses", "")),
        ("api.openai.com", "/v1/responses/resp_1/cancel", None),
        ("api.openai.com", "/v1/batches", ("pass", "openai_chat", "")),
        ("api.openai.com", "/v1/embeddings", None),
        ("api.openai.com", "/v1/messages", None),
        ("api.openai.com", "/x/v1/responses", None),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=k",
            ("messages", "gemini", "gemini-2.5-pro"),
        ),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.5-pro:countTokens",
            ("count", "gemini", "gemini-2.5-pro"),
        ),
        ("generativelanguage.googleapis.com", "/v1beta/models/x:embedContent", None),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/openai/chat/completions",
            ("messages", "openai_chat", ""),
        ),
        (
            "us-east5-aiplatform.googleapis.com",
            f"{GOOGLE}/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict",
            ("messages", "anthropic", "claude-sonnet-4-5@20250929"),
        ),
        (
            "aiplatform.googleapis.com",
            f"{GOOGLE}/anthropic/models/count-tokens:rawPredict",
            ("count", "anthropic", ""),
        ),
        (
            "aiplatform.googleapis.com",
            f"{GOOGLE}/google/models/gemini-3.1-pro:generateContent",
            ("messages", "gemini", "gemini-3.1-pro"),
        ),
        ("aiplatform.googleapis.com", f"{GOOGLE}/mistralai/models/m:rawPredict", None),
        (
            "me.openai.azure.com",
            "/openai/deployments/gpt-5/chat/completions?api-version=2025-01-01",
            ("messages", "openai_chat", "gpt-5"),
        ),
        ("me.openai.azure.com", "/openai/v1/responses", ("messages", "openai_responses", "")),
        ("me.services.ai.azure.com", "/anthropic/v1/messages", ("messages", "anthropic", "")),
        (
            "bedrock-mantle.us-east-1.api.aws",
            "/anthropic/v1/messages",
            ("messages", "anthropic", ""),
        ),
        ("openrouter.ai", "/api/v1/messages", ("messages", "anthropic", "")),
        ("openrouter.ai", "/api/v1/chat/completions", ("messages", "openai_chat", "")),
        ("api.deepseek.com", "/chat/completions", ("messages", "openai_chat", "")),
        ("api.deepseek.com", "/anthropic/v1/messages", ("messages", "anthropic", "")),
        ("api.moonshot.cn", "/anthropic/v1/messages/", ("messages", "anthropic", "")),
        ("open.bigmodel.cn", "/api/paas/v4/chat/completions", ("messages", "openai_chat", "")),
        ("api.z.ai", "/api/anthropic/v1/messages", ("messages", "anthropic", "")),
        ("api.mistral.ai", "/v1/chat/completions", ("messages", "openai_chat", "")),
    ],
)  # fmt: skip
def test_what_a_path_is_for(host, path, expected):
    """Of the whole table, whether a format is there or not."""
    (paths,) = (h.paths for h in EVERY_HOST if any(like(host, name) for name in h.names))
    assert models(path, paths) == expected


def like(name, known):
    return name == known or ("*" in known and all(
        map(label_fits, known.split("."), name.split("."))
    ) and known.count(".") == name.count("."))  # fmt: skip


@given(st.text(max_size=60))
def test_any_path_is_looked_up_without_an_error(path):
    for host in EVERY_HOST:
        fitting = found(path, host.paths)
        assert fitting is None or isinstance(fitting[0], Path)
