"""Tool definitions in short."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.definitions import LEAST_BYTES, LEAST_SHARE, LONGEST_SENTENCE, short

LONG = "Reads a file from the disk. " + "And there is much more to say of it. " * 40
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "Where it stands. " * 20},
        "mode": {"type": "string", "enum": ["text", "bytes"], "description": "How."},
        "lines": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        "options": {"anyOf": [{"type": "object"}, {"type": "null"}]},
    },
    "required": ["path"],
    "additionalProperties": False,
}
TOOL = {"name": "Read", "description": LONG, "input_schema": SCHEMA}


def dumped(tool):
    return json.dumps(tool, ensure_ascii=False).encode()


def shortened(**changed):
    found = short(dumped(TOOL | changed))
    return None if found is None else json.loads(found)


def test_a_short_definition_keeps_name_first_sentence_and_what_the_arguments_are_called():
    assert shortened() == {
        "name": "Read",
        "description": "Reads a file from the disk.",
        "input_schema": {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "mode": {"type": "string", "enum": ["text", "bytes"]},
                "lines": {"type": "array", "items": {}},
                "options": {},
            },
            "required": ["path"],
        },
    }


def test_it_is_a_pure_function_of_the_full_one():
    assert short(dumped(TOOL)) == short(dumped(TOOL))


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "bash_20250124"},
        {"type": "mcp_toolset", "mcp_server_name": "wiki"},
        {"defer_loading": True},
        {"strict": True},
        {"name": ""},
        {"input_schema": {"type": "string"}},
        {"input_schema": None},
        {"something_new": 1},
    ],
)
def test_what_the_client_does_not_run_itself_or_we_do_not_know_goes_as_it_came(changed):
    assert shortened(**changed) is None


def test_small_definitions_go_as_they_came():
    small = dumped({"name": "Now", "description": "The time.", "input_schema": {"type": "object"}})
    assert len(small) <= LEAST_BYTES
    assert short(small) is None


def test_what_hardly_gets_smaller_goes_as_it_came():
    names = {f"argument_{n}": {"type": "string"} for n in range(100)}
    bulky = TOOL | {"input_schema": {"type": "object", "properties": names}}
    assert short(dumped(bulky)) is None


def test_a_cache_marker_and_the_order_of_the_fields_stay():
    marked = {"cache_control": {"type": "ephemeral", "ttl": "1h"}, **TOOL, "type": "custom"}
    found = short(dumped(marked))
    assert found is not None
    assert json.loads(found)["cache_control"] == marked["cache_control"]
    assert list(json.loads(found)) == list(marked)


@given(st.text(min_size=1, max_size=2000))
def test_whatever_the_description_the_short_one_is_short_and_says_how_it_begins(description):
    found = shortened(description=description + LONG)
    assert found is None or len(found["description"]) <= LONGEST_SENTENCE + 1
    if found is not None:
        begins = found["description"].removesuffix("…")
        assert (description + LONG).strip().startswith(begins)


@given(st.dictionaries(st.text(max_size=20), st.from_type(dict[str, int] | str | None)))
def test_any_object_is_a_definition_that_does_not_raise(fields):
    raw = dumped(fields | {"description": LONG})
    found = short(raw)
    assert found is None or len(found) <= LEAST_SHARE * len(raw)
