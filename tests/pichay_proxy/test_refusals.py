import json

import pytest

from pichay_proxy.refusals import LONGEST_QUOTE, may_be_ours


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
        (PLATFORMS.encode(), UNKNOWN),
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


OPENAIS = [
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: call_1",
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
    "'tool_calls'.",
    "Missing required parameter: 'messages[3].content[0].type'.",
    "The `reasoning_content` in the thinking mode must be passed back to the API.",
    "No tool output found for function call call_1.",
    "No tool call found for function call output with call_id call_1.",
    "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
    "The encrypted content gAAA could not be verified. Reason: Encrypted content is broken.",
    "Invalid value: 'x'. Supported values are: 'y'. (input[7].content)",
    "Invalid schema for function 'read': schema must be an object",
]
GEMINIS = [
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn.",
    "Function call is missing a thought_signature in functionCall parts.",
    "Invalid JSON payload received. Unknown name \"outputs\" at 'contents[2].parts[0]'",
    "* GenerateContentRequest.contents[3].parts: contents.parts must not be empty.",
]


def openais(message, kind="invalid_request_error", code=None):
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


def geminis(message, status="INVALID_ARGUMENT", code=400):
    return json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


@pytest.mark.parametrize("message", OPENAIS)
def test_a_rule_of_openai_that_is_broken_may_be_our_doing(message):
    assert may_be_ours(400, openais(message)) == message
    assert may_be_ours(400, openais(message, None, 400)) == message


@pytest.mark.parametrize("message", GEMINIS)
def test_a_rule_of_gemini_that_is_broken_may_be_our_doing(message):
    assert may_be_ours(400, geminis(message)) == message


def test_an_error_in_a_list_is_one():
    """As Google answers where a stream was asked for."""
    assert may_be_ours(400, b"[" + geminis(GEMINIS[0]) + b"]") == GEMINIS[0]
    assert may_be_ours(400, b"[]") is None


@pytest.mark.parametrize("kind", ["BadRequestError", "invalid_request_message_order"])
def test_an_error_that_is_not_wrapped_is_one(kind):
    """As servers of one's own say it, and Mistral."""
    said = {"object": "error", "message": OPENAIS[0], "type": kind, "param": None, "code": 400}
    assert may_be_ours(400, json.dumps(said).encode()) == OPENAIS[0]


def test_what_the_provider_behind_a_gateway_says_counts():
    raw = geminis(GEMINIS[0]).decode()
    error = {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}
    said = may_be_ours(400, json.dumps({"error": error}).encode())
    assert said == f"Provider returned error {raw}"


def test_a_feature_that_vertex_does_not_know_may_be_our_doing_whatever_its_shape():
    words = "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header"
    for text in (body(words), geminis(words), b"[" + geminis(words) + b"]"):
        assert may_be_ours(400, text) == words


@pytest.mark.parametrize(
    "text",
    [
        openais("This model's maximum context length is 8192 tokens (messages[3])"),
        openais("Your input exceeds the context window of this model.", code="x"),
        openais("Unsupported value: 'temperature'", code="unsupported_value"),
        openais(OPENAIS[0], "server_error"),
        geminis("API key not valid. Please pass a valid API key."),
        geminis("The input token count exceeds the maximum number of tokens allowed (contents[9])"),
        geminis(GEMINIS[0], "UNAVAILABLE", 503),
    ],
)
def test_another_error_of_theirs_is_the_clients_to_hear(text):
    assert may_be_ours(400, text) is None


def test_of_a_provider_that_sends_back_what_it_was_sent_the_beginning_is_kept():
    echo = "tool_use ids were found without tool_result blocks: " + "a secret " * 1000
    for text in (body(echo), openais(echo), body(f"context_management: {echo}")):
        assert len(may_be_ours(400, text)) == LONGEST_QUOTE
