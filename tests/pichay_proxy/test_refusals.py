import json

import pytest

from pichay_proxy.refusals import may_be_ours


def body(message, kind="invalid_request_error"):
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


OURS = [
    "messages.3: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
    "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
    "messages.5.content.1.thinking.signature: Invalid `signature` in `thinking` block",
    "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    "messages: text content blocks must be non-empty",
    "messages.0.content.0.tool_result.x: Extra inputs are not permitted",
    "messages: roles must alternate between 'user' and 'assistant'",
]

NOT_OURS = [
    "prompt is too long: 210000 tokens > 200000 maximum",
    "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens",
    "Your credit balance is too low to access the Anthropic API.",
    "model: claude-nothing",
    "",
]


@pytest.mark.parametrize("message", OURS)
def test_a_refusal_that_names_a_rule_of_structure_may_be_ours(message):
    assert may_be_ours(400, body(message)) == message


@pytest.mark.parametrize("message", NOT_OURS)
def test_a_refusal_of_the_clients_own_doing_is_not(message):
    assert may_be_ours(400, body(message)) is None


@pytest.mark.parametrize("status", [200, 401, 403, 404, 413, 422, 429, 500, 529])
def test_no_other_status_is(status):
    assert may_be_ours(status, body(OURS[0])) is None


@pytest.mark.parametrize("kind", ["rate_limit_error", "overloaded_error", "api_error", ""])
def test_no_other_kind_of_error_is(kind):
    assert may_be_ours(400, body(OURS[0], kind)) is None


@pytest.mark.parametrize(
    "text",
    [b"", b"tool_use", b"[]", b"{}", b'{"error":"tool_use"}', b'{"error":{"message":7}}', b"\xff"],
)
def test_no_body_of_another_shape_is(text):
    assert may_be_ours(400, text) is None


UNKNOWN = "context_management: Extra inputs are not permitted"
PLATFORMS = json.dumps({"message": UNKNOWN})
BETA = "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (body(UNKNOWN), UNKNOWN),
        (body(BETA), BETA),
        (PLATFORMS.encode(), PLATFORMS),
        (
            json.dumps({"error": {"message": UNKNOWN, "type": "None", "code": "400"}}).encode(),
            UNKNOWN,
        ),
        (UNKNOWN.encode(), UNKNOWN),
    ],
    ids=["the provider's", "its header's", "a platform's", "a gateway's", "plain"],
)
def test_what_we_may_have_asked_for_is_refused_in_words_of_any_shape(text, said):
    assert may_be_ours(400, text) == said
    assert may_be_ours(403, text) is None


def test_a_request_that_is_too_long_is_so_whatever_it_asks_for():
    assert may_be_ours(400, body("prompt is too long, says context_management")) is None


def test_what_else_an_error_says_does_not_matter():
    text = body(OURS[0]).replace(b'"type": "error"', b'"type": "error", "request_id": "req_1"')
    assert may_be_ours(400, text) == OURS[0]
