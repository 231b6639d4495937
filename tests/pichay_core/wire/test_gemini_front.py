import json

import pytest

from pichay_core.birth.definitions import short
from pichay_core.cooperate.tools import definitions as ours
from pichay_core.wire import gemini

SCHEMA = {"type": "object", "properties": {"p": {"type": "array", "items": {"type": "string"}}}}
ONE = {"name": "one", "description": "d", "parametersJsonSchema": SCHEMA}
TWO = {"name": "two", "parametersJsonSchema": SCHEMA}
OLD = {"name": "old", "parameters": {"type": "OBJECT"}}
MINE = gemini.definition("mine", 'a "b"', json.dumps(SCHEMA).encode())


def tools(*lists: object) -> bytes:
    return json.dumps([{"functionDeclarations": one} for one in lists]).encode()


def test_a_definition_is_one_of_a_function():
    assert json.loads(MINE) == {
        "name": "mine", "description": 'a "b"', "parametersJsonSchema": SCHEMA,
    }  # fmt: skip


def test_each_definition_is_found_where_it_stands():
    text = tools([ONE], [TWO, OLD])
    found = gemini.definitions(text)
    assert {name: json.loads(text[at.start : at.end]) for name, at in found.items()} == {
        "one": ONE, "two": TWO, "old": OLD,
    }  # fmt: skip


@pytest.mark.parametrize("text", [b"{}", b'[{"googleSearch":{}}]', tools([ONE], [ONE])])
def test_tools_that_are_no_functions_of_different_names_have_no_definitions(text):
    assert gemini.definitions(text) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'[ {"functionDeclarations":[ {"name":"a"} ]} ]',
         b'[ {"functionDeclarations":[ {"name":"a"},%b ]} ]'),
        (b'[{"functionDeclarations":[]},{"googleSearch":{}}]',
         b'[{"functionDeclarations":[%b]},{"googleSearch":{}}]'),
        (b'[{"function_declarations":[{"name":"a"}]}]',
         b'[{"function_declarations":[{"name":"a"},%b]}]'),
        (b'[ {"googleSearch":{}} ]',
         b'[ {"googleSearch":{}},{"functionDeclarations":[%b]} ]'),
        (b"[]", b'[{"functionDeclarations":[%b]}]'),
    ],
)  # fmt: skip
def test_ours_stand_behind_the_last_of_the_client_s(before, after):
    assert gemini.offered(before, [MINE]) == after % MINE
    assert gemini.offered(before, []) is before
    assert gemini.offered(before, [MINE, MINE]) == after % (MINE + b"," + MINE)


def test_a_client_that_speaks_the_provider_s_dialect_gets_ours_in_it():
    [_, mine] = json.loads(gemini.offered(tools([OLD]), [MINE]))[0]["functionDeclarations"]
    assert mine["parameters"] == {
        "type": "OBJECT", "properties": {"p": {"type": "ARRAY", "items": {"type": "STRING"}}},
    }  # fmt: skip
    assert "parametersJsonSchema" not in mine
    assert MINE in gemini.offered(tools([OLD, ONE]), [MINE])


def test_all_tools_of_ours_can_be_said_in_the_dialect():
    said = json.loads(gemini.offered(tools([OLD]), ours(gemini)))[0]["functionDeclarations"]
    known = {"type", "properties", "items", "description", "required"}
    schemas = [one["parameters"] for one in said]
    while schemas:
        one = schemas.pop()
        assert one.keys() <= known
        assert one["type"].isupper()
        schemas += [
            *one.get("properties", {}).values(),
            *([one["items"]] if "items" in one else ()),
        ]


def test_a_definition_can_be_shortened():
    described = {**SCHEMA["properties"]["p"], "description": "long " * 200}
    long = {
        **ONE,
        "description": "One. " * 200,
        "parametersJsonSchema": {**SCHEMA, "properties": {"p": described}},
    }
    found = short(json.dumps(long).encode())
    assert found is not None
    assert json.loads(found)["description"] == "One."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b'{"parts":[ {"text":"a"} ],"role":"user"}',
            b'{"parts":[ {"text":"a"},%b ],"role":"user"}',
        ),
        (b'{"role":"user","parts":{"text":"a"}}', b'{"role":"user","parts":[{"text":"a"},%b]}'),
        (b'{"parts":[]}', b'{"parts":[%b]}'),
        (b'{"text":"a"}', b'{"parts":[{"text":"a"},%b]}'),
        (b'[{"text":"a"}]', b'[{"text":"a"},%b]'),
    ],
)
def test_a_text_is_the_last_part_of_the_system_prompt(before, after):
    assert gemini.told(before, "b") == after % b'{"text":"b"}'


def test_a_prompt_of_one_string_stays_one():
    assert gemini.told(b'"a"', "b") == b'"a\\n\\nb"'


@pytest.mark.parametrize("system", [b"null", b"{}", b'{"parts":"a"}', b"1"])
def test_what_is_no_prompt_stays_as_it_came(system):
    assert gemini.told(system, "b") == system


def test_the_provider_neither_searches_nor_clears():
    assert not gemini.searches(tools([ONE]))
