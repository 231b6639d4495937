import pytest

from pichay_core.hosts import ANYWHERE, paths_of
from pichay_core.wire.formats import FORMATS
from pichay_proxy.routes import Route, route_of

ANTHROPIC = paths_of("api.anthropic.com")


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
    route = route_of(method, path, ANTHROPIC)
    assert (route and route.purpose) == purpose


def test_a_gateway_of_the_users_own_may_put_something_in_front_of_the_path():
    route = route_of("POST", "/anthropic/v1/messages?beta=true")
    assert route is not None and route.purpose == "messages"
    assert route_of("POST", "/anthropic/v1/messagesX") is None


def test_every_path_leads_to_the_wire_format_that_it_names():
    for path in ANYWHERE:
        filled = path.pattern.replace("/...", "/x").replace("{model}", "m")
        route = route_of("POST", filled)
        assert route is not None and route.format is FORMATS[path.format]
        assert (route.purpose, route.why) == (path.purpose, path.why)


def test_a_model_that_the_path_names_is_known_and_a_key_in_the_query_is_not_kept():
    path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:rawPredict?key=secret"
    assert route_of("POST", path) == Route(
        "/.../publishers/anthropic/models/{model}:rawPredict",
        "messages",
        FORMATS["anthropic"],
        "claude-x@1",
    )


@pytest.mark.parametrize(("query", "unanswerable"), [
    ("?alt=sse", False), ("?key=x&alt=sse", False), ("", True), ("?alt=json", True),
])  # fmt: skip
def test_a_stream_that_is_no_stream_of_events_cannot_be_answered(query, unanswerable):
    path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent" + query
    assert route_of("POST", path).unanswerable == unanswerable
