"""Every rule with a conversation that breaks it, and a twin that keeps it."""

import json
from typing import Any

import pytest

from pichay_core.wire import anthropic
from pichay_core.wire.rules import marker_problems, problems

type Json = dict[str, Any]

FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def says(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def call(name: str) -> Json:
    return {"type": "tool_use", "id": name, "name": "Read", "input": {}}


def result(name: str, **more: object) -> Json:
    return {"type": "tool_result", "tool_use_id": name, "content": "text", **more}


def text(words: str = "words", **more: object) -> Json:
    return {"type": "text", "text": words, **more}


def marked(*ttls: Json) -> Json:
    return user(*(text(cache_control=ttl) for ttl in ttls))


def checked(*messages: Json, check: Any = problems, **head: object) -> frozenset[str]:
    body = json.dumps({"messages": messages, **head}).encode()
    outline = anthropic.outline(body)
    read = [anthropic.read(outline.raw(at)) for at in range(len(messages))]
    return check(anthropic.head(outline), read)


ASK = user(text())
UNANSWERED = "tool_use ids were found without tool_result blocks immediately after: a"
UNASKED = "unexpected tool_use_id found in tool_result blocks: b"
TOO_MANY = "A maximum of 4 blocks with cache_control may be provided"
WRONG_ORDER = "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"

RULES: dict[str, tuple[list[Json], list[Json], set[str]]] = {
    "a call is answered": (
        [ASK, says(call("a")), user(text())],
        [ASK, says(call("a")), user(result("a"))],
        {UNANSWERED},
    ),
    "a call is answered in the very next message": (
        [ASK, says(call("a")), user(text()), user(result("a"))],
        [ASK, says(call("a")), user(result("a")), user(text())],
        {UNANSWERED, UNASKED.replace(": b", ": a")},
    ),
    "each of several calls is answered": (
        [ASK, says(call("a"), call("b")), user(result("b"))],
        [ASK, says(call("a"), call("b")), user(result("b"), result("a"))],
        {UNANSWERED},
    ),
    "a result answers a call of the message before": (
        [ASK, says(call("a")), user(result("a"), result("b"))],
        [ASK, says(call("a"), call("b")), user(result("a"), result("b"))],
        {UNASKED},
    ),
    "a result does not stand first": (
        [user(result("b"))],
        [user(text())],
        {UNASKED},
    ),
    "results come before other content": (
        [ASK, says(call("a")), user(text(), result("a"))],
        [ASK, says(call("a")), user(result("a"), text())],
        {"messages.2: tool_result blocks must come before other content"},
    ),
    "results stand together": (
        [ASK, says(call("a"), call("b")), user(result("a"), text(), result("b"))],
        [ASK, says(call("a"), call("b")), user(result("a"), result("b"), text())],
        {"messages.2: tool_result blocks must come before other content"},
    ),
    "ids of calls are unique": (
        [ASK, says(call("a")), user(result("a")), says(call("a")), user(result("a"))],
        [ASK, says(call("a")), user(result("a")), says(call("b")), user(result("b"))],
        {"tool_use ids must be unique: a"},
    ),
    "a call has one result": (
        [ASK, says(call("a")), user(result("a"), result("a"))],
        [ASK, says(call("a")), user(result("a"))],
        {"messages.2: each tool_use must have a single result"},
    ),
    "a text is not empty": (
        [user(text(""))],
        [user(text("."))],
        {"messages.0: text content blocks must be non-empty"},
    ),
    "a text is more than white space": (
        [ASK, says(text(" \n\t"))],
        [ASK, says(text(" \n."))],
        {"messages.1: text content blocks must be non-empty"},
    ),
    "there are at most four markers": (
        [marked(FIVE, FIVE, FIVE), marked(FIVE, FIVE)],
        [marked(FIVE, FIVE, FIVE), marked(FIVE)],
        {TOO_MANY},
    ),
    "a longer time to live comes first": (
        [marked(HOUR, FIVE), marked(HOUR)],
        [marked(HOUR, HOUR), marked(FIVE)],
        {WRONG_ORDER},
    ),
}


@pytest.mark.parametrize(("broken", "kept", "expected"), RULES.values(), ids=RULES)
def test_a_rule_is_broken_by_the_one_and_kept_by_its_twin(broken, kept, expected):
    assert checked(*broken) == expected
    assert checked(*kept) == frozenset()


def test_a_conversation_may_end_with_a_call_or_hold_nothing():
    assert checked(ASK, says(call("a"))) == frozenset()
    assert checked() == frozenset()


def test_a_call_of_the_providers_own_tools_needs_no_result():
    server = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    assert checked(ASK, says(server, found, text()), ASK) == frozenset()


def test_markers_of_tools_system_and_the_request_count_too():
    system = [text(cache_control=FIVE)]
    tools = [{"name": "Read", "cache_control": FIVE}]
    three = marked(FIVE, FIVE)
    assert checked(three, system=system, tools=tools) == frozenset()
    assert checked(three, system=system, tools=tools, cache_control=FIVE) == {TOO_MANY}


def test_every_marker_inside_a_result_counts():
    inner = [text(cache_control=FIVE), text(cache_control=FIVE)]
    messages = [ASK, says(call("a")), user(result("a", content=inner, cache_control=FIVE))]
    assert checked(*messages, marked(FIVE)) == frozenset()
    assert checked(*messages, marked(FIVE, FIVE)) == {TOO_MANY}


def test_the_order_of_markers_is_that_of_the_prefix_tools_system_messages():
    assert checked(marked(FIVE), tools=[{"name": "T", "cache_control": HOUR}]) == frozenset()
    assert checked(marked(HOUR), system=[text(cache_control=FIVE)]) == {WRONG_ORDER}
    assert checked(marked(FIVE), cache_control=HOUR) == {WRONG_ORDER}


def test_one_marker_too_many_and_two_too_many_break_the_same_rule():
    five, six = marked(*[FIVE] * 5), marked(*[FIVE] * 6)
    assert checked(five) == checked(six)


def test_the_rules_on_markers_are_a_part_of_all_rules():
    messages = [marked(FIVE, HOUR), says(call("a")), user(text(""))]
    both = checked(*messages)
    assert checked(*messages, check=marker_problems) == {WRONG_ORDER} < both


def test_a_message_says_something():
    assert checked(ASK, says(), ASK) == {"messages.1: all messages must have non-empty content"}
