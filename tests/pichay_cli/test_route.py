import click
import pytest

from pichay_cli.clients import client_of
from pichay_cli.route import Route, route


def test_without_a_proxy_of_the_users_the_way_is_straight():
    assert route({}, None, reverse=False) == Route()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("value", ["http://corp:3128/", "corp:3128"])
def test_a_proxy_of_the_users_is_gone_through(name, value):
    assert route({name: value}, None, reverse=False) == Route(
        mode="upstream:http://corp:3128",
        proxy=("corp", 3128),
        notes=("going on through your proxy http://corp:3128",),
    )


def test_a_password_is_a_secret_and_nowhere_else():
    way = route({"HTTPS_PROXY": "http://ann:p%40ss@corp"}, None, reverse=False)
    assert way == Route(
        mode="upstream:http://corp:80",
        secrets=("upstream_auth=ann:p@ss",),
        proxy=("corp", 80),
        notes=("going on through your proxy http://corp:80",),
    )


def test_the_variables_of_an_earlier_start_on_this_port_are_no_proxy_of_the_users():
    own = {"HTTPS_PROXY": "http://127.0.0.1:8080"}
    assert route(own, 8080, reverse=False) == Route()
    assert route(own, None, reverse=False).mode == "upstream:http://127.0.0.1:8080"


@pytest.mark.parametrize("value", ["socks5://corp:1080", "http://", "http://corp:port"])
def test_a_proxy_that_cannot_be_gone_through_is_an_error_with_advice(value):
    with pytest.raises(click.ClickException, match="Correct HTTPS_PROXY"):
        route({"HTTPS_PROXY": value}, None, reverse=False)


def test_an_error_never_shows_a_password():
    with pytest.raises(click.ClickException) as caught:
        route({"HTTPS_PROXY": "socks5://ann:secret@corp:1080"}, None, reverse=False)
    assert "secret" not in caught.value.message


def test_reverse_stands_for_the_api_or_for_the_users_gateway():
    assert route({}, None, reverse=True) == Route(mode="reverse:https://api.anthropic.com:443")
    own = {"ANTHROPIC_BASE_URL": "http://[::1]:9000/anthropic"}
    assert route(own, None, reverse=True) == Route(mode="reverse:http://[::1]:9000")


@pytest.mark.parametrize(
    ("command", "own", "upstream"),
    [
        ("claude", {"OPENAI_API_KEY": "k"}, "https://api.anthropic.com:443"),
        ("codex", {"ANTHROPIC_API_KEY": "k"}, "https://api.openai.com:443"),
        ("gemini", {}, "https://generativelanguage.googleapis.com:443"),
        ("qwen", {"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "http://localhost:11434"),
        ("aider", {"OPENAI_API_KEY": "k"}, "https://api.openai.com:443"),
        ("vibe", {}, "https://api.mistral.ai:443"),
        ("my-agent", {}, "https://api.anthropic.com:443"),
        ("my-agent", {"OPENAI_API_KEY": "k"}, "https://api.openai.com:443"),
    ],
)
def test_reverse_stands_for_the_api_that_a_client_means(command, own, upstream):
    way = route(own, None, reverse=True, client=client_of(command))
    assert way.mode == f"reverse:{upstream}"


def test_reverse_does_not_write_over_what_the_user_says_to_opencode():
    own = {"OPENCODE_CONFIG_CONTENT": "{}"}
    with pytest.raises(click.ClickException, match="OPENCODE_CONFIG_CONTENT is set already"):
        route(own, None, reverse=True, client=client_of("opencode"))
    assert route(own, None, reverse=False, client=client_of("opencode")) == Route()


def test_reverse_says_that_it_leaves_the_users_proxy_out():
    way = route({"HTTPS_PROXY": "corp:3128"}, None, reverse=True)
    assert way.notes == ("--reverse does not go through HTTPS_PROXY",)


def test_a_gateway_that_would_not_be_paged_is_named():
    own = {"ANTHROPIC_BASE_URL": "https://gateway.corp/v1"}
    assert route(own, None, reverse=False).notes == (
        "ANTHROPIC_BASE_URL names gateway.corp: page it with --reverse, "
        "or with --host gateway.corp",
    )


def test_a_server_on_this_machine_is_paged_by_reverse_alone():
    own = {"OPENAI_BASE_URL": "http://localhost:11434/v1"}
    assert route(own, None, reverse=False).notes == (
        "OPENAI_BASE_URL names localhost: page it with --reverse",
    )


def test_a_gateway_that_is_paged_is_not_named():
    known = {"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}
    assert route(known, None, reverse=False).notes == ()
    own = {"ANTHROPIC_BASE_URL": "https://gateway.corp/v1"}
    assert route(own, None, reverse=False, hosts=("Gateway.corp",)).notes == ()
