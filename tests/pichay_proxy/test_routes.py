import pytest

from pichay_core.wire import anthropic
from pichay_proxy.routes import HOSTS, ROUTES, route_of


@pytest.mark.parametrize(
    ("method", "path", "purpose"),
    [
        ("POST", "/v1/messages", "messages"),
        ("POST", "/v1/messages?beta=true", "messages"),
        ("POST", "/v1/messages/", "messages"),
        ("POST", "/v1/messages/count_tokens", "count"),
        ("POST", "/v1/messages/count_tokens?beta=true", "count"),
        ("POST", "/v1/messages/batches", "pass"),
        ("POST", "/v1/messages/batches?beta=true", "pass"),
        ("GET", "/v1/messages", None),
        ("HEAD", "/api/hello", None),
        ("POST", "/v1/messages/batches/b1/cancel", None),
        ("POST", "/v1/complete", None),
        ("POST", "/v1/messagesX", None),
        ("POST", "/V1/MESSAGES", None),
        ("POST", "/proxy/v1/messages", None),
        ("POST", "//v1/messages", None),
        ("POST", "/v1/messages%2Fcount_tokens", None),
        ("POST", "/v1/models?x=/v1/messages", None),
        ("POST", "", None),
    ],
)
def test_which_paths_are_looked_at(method, path, purpose):
    route = route_of(method, path)
    assert (route and route.purpose) == purpose


def test_a_gateway_of_the_users_own_may_put_something_in_front_of_the_path():
    route = route_of("POST", "/anthropic/v1/messages?beta=true", prefixed=True)
    assert route is not None and route.purpose == "messages"
    assert route_of("POST", "/anthropic/v1/messagesX", prefixed=True) is None


def test_every_route_speaks_a_wire_format():
    assert {route.format for route in ROUTES} == {anthropic}


def test_only_the_provider_itself_is_decrypted_by_default():
    assert HOSTS == ("api.anthropic.com",)
