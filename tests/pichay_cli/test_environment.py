from pathlib import Path

import pytest

from pichay_cli.clients import client_of
from pichay_cli.environment import through_proxy, to_base_url

BUNDLE = Path("/state/bundle.pem")
LOCAL = "localhost,127.0.0.1,::1"
INTERCEPTED = {
    "HTTPS_PROXY": "http://127.0.0.1:4000",
    "https_proxy": "http://127.0.0.1:4000",
    "HTTP_PROXY": "http://127.0.0.1:4000",
    "http_proxy": "http://127.0.0.1:4000",
    "NO_PROXY": LOCAL,
    "no_proxy": LOCAL,
    "NODE_USE_ENV_PROXY": "1",
    "NODE_EXTRA_CA_CERTS": "/state/bundle.pem",
    "SSL_CERT_FILE": "/state/bundle.pem",
    "REQUESTS_CA_BUNDLE": "/state/bundle.pem",
    "CURL_CA_BUNDLE": "/state/bundle.pem",
    "GIT_SSL_CAINFO": "/state/bundle.pem",
    "CODEX_CA_CERTIFICATE": "/state/bundle.pem",
}


def test_every_variable_that_some_client_reads_is_set():
    assert through_proxy({"PATH": "/bin"}, 4000, BUNDLE) == INTERCEPTED


def test_what_the_user_does_not_proxy_stays_unproxied_in_both_spellings():
    own = {"NO_PROXY": ".corp, 127.0.0.1", "no_proxy": "db.corp,.corp"}
    both = ".corp,127.0.0.1,db.corp,localhost,::1"
    assert through_proxy(own, 4000, BUNDLE) == INTERCEPTED | {"NO_PROXY": both, "no_proxy": both}


def test_reverse_sets_the_base_url_and_nothing_else():
    assert to_base_url({}, 4000) == ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"}, ())


def test_reverse_keeps_the_path_of_the_users_base_url():
    own = {"ANTHROPIC_BASE_URL": "https://gateway.corp/anthropic/"}
    told, _ = to_base_url(own, 4000)
    assert told == {"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000/anthropic"}


def test_reverse_is_not_sought_through_a_proxy_of_the_users():
    told, _ = to_base_url({"http_proxy": "http://corp:3128"}, 4000)
    assert told == {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000",
        "NO_PROXY": LOCAL,
        "no_proxy": LOCAL,
    }


HERE = "http://127.0.0.1:4000"


@pytest.mark.parametrize(
    ("command", "own", "told"),
    [
        ("claude", {"OPENAI_API_KEY": "k"}, {"ANTHROPIC_BASE_URL": HERE}),
        ("gemini", {}, {"GOOGLE_GEMINI_BASE_URL": HERE}),
        ("qwen", {}, {"OPENAI_BASE_URL": f"{HERE}/v1"}),
        (
            "qwen",
            {"OPENAI_BASE_URL": "https://dashscope.example/compatible-mode/v1"},
            {"OPENAI_BASE_URL": f"{HERE}/compatible-mode/v1"},
        ),
        ("aider", {}, {"ANTHROPIC_API_BASE": HERE}),
        ("aider", {"OPENAI_API_KEY": "k"}, {"OPENAI_API_BASE": f"{HERE}/v1"}),
        ("openhands", {}, {"LLM_BASE_URL": HERE}),
        ("pi", {}, {}),
        ("python", {}, {"ANTHROPIC_BASE_URL": HERE}),
        ("python", {"OPENAI_API_KEY": "k"}, {"OPENAI_BASE_URL": f"{HERE}/v1"}),
        ("python", {"GEMINI_API_KEY": "k"}, {"GOOGLE_GEMINI_BASE_URL": HERE}),
        (
            "python",
            {"ANTHROPIC_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:8000/v1"},
            {"OPENAI_BASE_URL": f"{HERE}/v1"},
        ),
        (
            "opencode",
            {},
            {
                "OPENCODE_CONFIG_CONTENT": '{"provider":{"anthropic":{"options":'
                f'{{"baseURL":"{HERE}/v1"}}}}}}}}'
            },
        ),
    ],
)
def test_reverse_tells_each_client_in_its_own_variable(command, own, told):
    assert to_base_url(own, 4000, client_of(command)) == (told, ())


def test_codex_is_told_in_its_arguments():
    assert to_base_url({}, 4000, client_of("/opt/bin/codex")) == (
        {},
        ("-c", f'openai_base_url="{HERE}/v1"'),
    )
