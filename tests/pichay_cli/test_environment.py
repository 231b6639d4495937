from pathlib import Path

from pichay_cli.environment import needs, through_proxy, to_base_url

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
    assert to_base_url({}, 4000) == {"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"}


def test_reverse_keeps_the_path_of_the_users_base_url():
    own = {"ANTHROPIC_BASE_URL": "https://gateway.corp/anthropic/"}
    assert to_base_url(own, 4000) == {"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000/anthropic"}


def test_reverse_is_not_sought_through_a_proxy_of_the_users():
    assert to_base_url({"http_proxy": "http://corp:3128"}, 4000) == {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000",
        "NO_PROXY": LOCAL,
        "no_proxy": LOCAL,
    }


def test_claude_code_with_a_key_sends_no_attribution_and_the_reason_is_told():
    (need,) = needs("/opt/bin/claude", {"ANTHROPIC_API_KEY": "k"})
    assert (need.name, need.value) == ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0")
    assert need.because


def test_a_client_needs_nothing_without_its_key_nor_against_the_users_choice():
    assert needs("claude", {}) == ()
    own = {"ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_ATTRIBUTION_HEADER": "1"}
    assert needs("claude", own) == ()
    assert needs("codex", {"ANTHROPIC_API_KEY": "k"}) == ()
