"""What stands before the messages: where definitions are, a text at the end of the prompt."""

import json

import pytest

from pichay_core.wire.anthropic_front import definitions, mentions, searches, told

SAID = "Told to the model."
MARKED = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
TOOLS = [{"name": "Read", "description": "long"}, {"name": "Bash", "cache_control": {"a": 1}}]


def dumped(value):
    return json.dumps(value).encode()


def test_each_definition_is_found_where_it_stands():
    raw = dumped(TOOLS)
    found = {name: json.loads(raw[p.start : p.end]) for name, p in definitions(raw).items()}
    assert found == {"Read": TOOLS[0], "Bash": TOOLS[1]}


@pytest.mark.parametrize("tools", [None, {}, "x", [], [{"name": "A"}, {"name": "A"}]])
def test_tools_that_are_no_list_of_different_names_have_no_definitions(tools):
    assert definitions(dumped(tools)) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("You help.", [{"type": "text", "text": "You help."}, {"type": "text", "text": SAID}]),
        ([], [{"type": "text", "text": SAID}]),
        ([MARKED], [MARKED, {"type": "text", "text": SAID}]),
        (None, None),
        (3, 3),
    ],
)  # fmt: skip
def test_a_text_is_the_last_block_of_the_system_prompt(before, after):
    assert json.loads(told(dumped(before), SAID)) == after


def test_the_first_block_of_a_prompt_stays_byte_for_byte():
    first = rb'{"text":"x-anthropic-billing-header: \u0061","type":"text"}'
    assert told(b"[ " + first + b" ]", SAID).startswith(b"[ " + first)


def test_a_toolset_has_no_name_and_hides_nobody():
    toolset = {"type": "mcp_toolset", "mcp_server_name": "wiki"}
    assert definitions(dumped([toolset, *TOOLS, toolset])).keys() == {"Read", "Bash"}


@pytest.mark.parametrize("version", ["bm25_20251119", "regex_20251119", "any_20301231"])
def test_the_providers_search_is_known_by_its_type(version):
    assert searches(dumped([*TOOLS, {"type": f"tool_search_tool_{version}", "name": "s"}]))


@pytest.mark.parametrize(
    "tools",
    [
        None,
        [],
        TOOLS,
        [{"name": "tool_search_tool_bm25"}],
        [{"name": "a", "description": "Like tool_search_tool_bm25_20251119."}],
        ["tool_search_tool_bm25_20251119"],
    ],
)
def test_nothing_else_is_a_search(tools):
    assert not searches(dumped(tools))


REFERENCE = {"type": "tool_reference", "tool_name": "Found"}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ([{"type": "tool_use", "id": "a", "name": "Read", "input": {"name": "Bash"}}], {"Read"}),
        ([{"type": "tool_result", "tool_use_id": "a", "content": [REFERENCE]}], {"Found"}),
        (
            [{"type": "tool_search_tool_result", "tool_use_id": "s",
              "content": {"tool_references": [REFERENCE, {**REFERENCE, "tool_name": "More"}]}}],
            {"Found", "More"},
        ),
        ([{"type": "text", "text": '{"type":"tool_use","name":"Read"}'}], set()),
        ("tool_use Read", set()),
        ([{"type": "tool_use"}, {"type": "tool_use", "name": 3}, None, "tool_use"], set()),
        ([], set()),
        (None, set()),
    ],
)  # fmt: skip
def test_a_message_mentions_the_tools_that_it_calls_or_refers_to(content, names):
    assert mentions(dumped({"role": "user", "content": content})) == names
