"""OpenAI Responses: where definitions are, and a text at the end of the prompt."""

import json

import pytest

from pichay_core.wire.format import Clearing
from pichay_core.wire.openai_responses import outline
from pichay_core.wire.openai_responses_front import (
    asked,
    definition,
    definitions,
    manages,
    offered,
    searches,
    told,
)
from tests.responses_items import body

SAID = "Told to the model."
TOOLS = [
    {"type": "function", "name": "Read", "description": "long"},
    {"type": "web_search"},
    {"type": "custom", "name": "exec"},
    {"type": "namespace", "name": "mcp__x", "tools": []},
    {"type": "function", "name": "Bash"},
]


def dumped(value):
    return json.dumps(value).encode()


def test_each_function_is_found_where_it_stands():
    raw = dumped(TOOLS)
    found = {name: json.loads(raw[p.start : p.end]) for name, p in definitions(raw).items()}
    assert found == {"Read": TOOLS[0], "Bash": TOOLS[4]}


@pytest.mark.parametrize("tools", [None, {}, "x", [], [TOOLS[0], TOOLS[0]]])
def test_tools_that_are_no_list_of_different_names_have_no_definitions(tools):
    assert definitions(dumped(tools)) == {}


def test_a_tool_of_ours_stands_behind_the_clients():
    ours = definition("memory_fault", "Brings \u00e9 back.", b'{"type":"object"}')
    assert json.loads(offered(dumped(TOOLS), [ours])) == [
        *TOOLS,
        {
            "type": "function",
            "name": "memory_fault",
            "description": "Brings \u00e9 back.",
            "parameters": {"type": "object"},
            "strict": False,
        },
    ]
    assert offered(b"[ ]", [b"{}", b"{}"]) == b"[{},{} ]"
    assert offered(b"[ {} ]", [b"{}"]) == b"[ {},{} ]"
    assert offered(b"null", [ours]) == b"null"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("You help.", "You help.\n\n" + SAID),
        ("", SAID),
        ([], [{"type": "input_text", "text": SAID}]),
        (
            [{"type": "input_text", "text": "a"}],
            [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": SAID}],
        ),
        (None, None),
        (3, 3),
    ],
)
def test_a_text_stands_at_the_end_of_the_prompt(before, after):
    assert json.loads(told(dumped(before), SAID)) == after


def test_the_rest_of_a_prompt_stays_byte_for_byte():
    assert told(rb'"\u0061\/"', "b") == rb'"\u0061\/' + b'\\n\\nb"'


def test_the_provider_clears_nothing_and_what_the_client_asks_of_it_is_known():
    compaction = [{"type": "compaction", "compact_threshold": 1000}]
    assert manages(outline(body([], context_management=compaction)))
    assert not manages(outline(body([], context_management=None)))
    assert not manages(outline(body([])))
    assert asked(outline(body([])), Clearing(1, 2, 3)) is None
    assert not searches(dumped([{"type": "tool_search"}]))
