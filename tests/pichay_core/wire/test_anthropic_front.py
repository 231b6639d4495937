"""What stands before the messages: definitions in short, a text at the end of the prompt."""

import json

import pytest

from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.anthropic_front import definitions, replaced, told

SAID = "Told to the model."
MARKED = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}


def outline(**fields):
    return anthropic.outline(json.dumps({"messages": [], **fields}).encode())


def spliced(seen, edits):
    return json.loads(jsontext.splice(seen.body, edits))


TOOLS = [{"name": "Read", "description": "long"}, {"name": "Bash", "cache_control": {"a": 1}}]


def test_a_definition_is_replaced_where_it_stands_and_the_others_stay():
    seen = outline(tools=TOOLS, system="x")
    new = spliced(seen, replaced(seen, {"Read": b'{"name":"Read"}', "Gone": b"{}"}))
    assert new == {"messages": [], "tools": [{"name": "Read"}, TOOLS[1]], "system": "x"}


def test_nothing_new_leaves_the_very_same_bytes():
    seen = outline(tools=TOOLS)
    assert jsontext.splice(seen.body, replaced(seen, {})) is seen.body


@pytest.mark.parametrize("tools", [None, {}, "x", [], [{"name": "A"}, {"name": "A"}]])
def test_tools_that_are_no_list_of_different_names_have_no_definitions(tools):
    assert definitions(outline(tools=tools)) == {}


def test_no_tools_at_all_have_no_definitions():
    assert definitions(outline()) == {}


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
    seen = outline(system=before)
    assert spliced(seen, told(seen, SAID))["system"] == after


def test_where_there_is_no_prompt_nothing_is_told():
    seen = outline()
    assert jsontext.splice(seen.body, told(seen, SAID)) is seen.body


def test_the_first_block_of_a_prompt_stays_byte_for_byte():
    first = rb'{"text":"x-anthropic-billing-header: \u0061","type":"text"}'
    body = b'{"messages":[],"system":[ ' + first + b" ]}"
    seen = anthropic.outline(body)
    assert b"[ " + first in jsontext.splice(body, told(seen, SAID))
