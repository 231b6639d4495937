import pytest

from pichay_cli.demo.rules import complaint

MARKER = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def text(words="hi", **fields):
    return {"type": "text", "text": words, **fields}


def call(name="toolu_1"):
    return {"type": "tool_use", "id": name, "name": "Read", "input": {}}


def result(name="toolu_1", **fields):
    return {"type": "tool_result", "tool_use_id": name, "content": "ok", **fields}


def request(*contents, **fields):
    roles = ("user", "assistant")
    messages = [
        {"role": roles[index % 2], "content": content} for index, content in enumerate(contents)
    ]
    return {"model": "m", "max_tokens": 1, "messages": messages, **fields}


@pytest.mark.parametrize(
    "fine",
    [
        request("hi"),
        request("hi", [call()], [result()]),
        request("hi", [text(), call("a"), call("b")], [result("b"), result("a"), text()]),
        request([text(cache_control=HOUR)], "x", [text(cache_control=MARKER)]),
        request("hi", [call()], [result(content=[])]),
        request("hi", [call()], [{"type": "tool_result", "tool_use_id": "toolu_1"}]),
    ],
)
def test_what_the_provider_accepts_is_accepted(fine):
    assert complaint(fine) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([], "not valid JSON"),
        ({"model": "m", "messages": []}, "max_tokens: Field required"),
        (request(), "at least one message is required"),
        (request(5), "messages.0.content: Input should be a valid list"),
        (
            {"model": "m", "max_tokens": 1, "messages": [{"role": "robot", "content": ""}]},
            "messages.0.role",
        ),
        (
            {"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": "a"}]},
            'first message must use the "user" role',
        ),
        (
            request("hi", tools=[{"name": "Read"}, {"name": "Read"}]),
            "tools: Tool names must be unique.",
        ),
        (request(""), "messages: text content blocks must be non-empty"),
        (request("hi", system=""), "system: text content blocks must be non-empty"),
        (request(" \n"), "messages: text content blocks must contain non-whitespace text"),
        (
            request([text("", cache_control=MARKER)]),
            "cache_control cannot be set for empty text blocks",
        ),
        (
            request("hi", [call()], [result(content=[text("")])]),
            "messages: text content blocks must be non-empty",
        ),
        (
            request([text(cache_control=MARKER)] * 5),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            request([text(cache_control=MARKER)] * 4, cache_control=MARKER),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            request([text(cache_control=MARKER), text(cache_control=HOUR)]),
            "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come "
            "after a ttl='5m' cache_control block",
        ),
        (
            request("hi", [call()], "no"),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately "
            "after: toolu_1.",
        ),
        (
            request("hi", [call()]),
            "`tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        (
            request("hi", [call()], [text(), result()]),
            "`tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        (
            request("hi", "there", [result()]),
            "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            "toolu_1.",
        ),
        (
            request([result()]),
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks",
        ),
        (
            request("hi", [call()], [result(), result()]),
            "each tool_use must have a single result. Found multiple `tool_result` blocks with "
            "id: toolu_1",
        ),
        (
            request("hi", [call()], [result()], [call()], [result()]),
            "messages: `tool_use` ids must be unique",
        ),
    ],
)
def test_what_the_provider_refuses_is_refused_in_its_words(wrong, words):
    assert words in (complaint(wrong) or "nothing")


def test_neighbours_of_one_role_are_one_message():
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [call("a")]},
        {"role": "assistant", "content": [call("b")]},
        {"role": "user", "content": [result("a")]},
        {"role": "user", "content": [result("b")]},
    ]
    assert complaint({"model": "m", "max_tokens": 1, "messages": messages}) is None
