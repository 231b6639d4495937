"""What stands before the messages: where definitions are, a text at the end of the prompt."""

import json

import pytest

from pichay_core.wire.anthropic_front import definitions, told

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
