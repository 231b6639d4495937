"""What stands before the messages, as it is sent."""

import json
from dataclasses import replace

import pytest

from pichay_core.birth.choice import Birth
from pichay_core.birth.front import AS_IT_CAME, front
from pichay_core.birth.protocol import PROTOCOL
from pichay_core.wire import jsontext
from tests.builders import Course, Talk
from tests.definitions import MCP, SEARCH, USUAL, asks, deferred_in, shortened_in, tool

SHORT = Birth(way="short", names=frozenset({"Bash", "Workflow", "Absent"}))
DEFERRED = replace(SHORT, way="deferred")


def made(birth, offered=USUAL, **fields):
    request = Course().request(asks(Talk(), offered, **fields))
    found = front(request, birth)
    return found, jsontext.splice(request.outline.body, found.edits), request.outline.body


def test_the_named_definitions_go_in_short_and_all_else_as_it_came():
    found, sent, body = made(SHORT)
    assert shortened_in(sent) == {"Bash", "Workflow"}
    assert found.definitions == len(body) - len(sent) > 0
    before, after = json.loads(body), json.loads(sent)
    assert after | {"tools": before["tools"]} == before
    kept = [one for one in after["tools"] if one["name"] not in SHORT.names]
    assert kept == [one for one in before["tools"] if one["name"] not in SHORT.names]


def test_what_has_become_whole_goes_as_it_came():
    _, sent, _ = made(replace(SHORT, whole=frozenset({"Bash"})))
    assert shortened_in(sent) == {"Workflow"}
    assert made(replace(SHORT, whole=SHORT.names))[0] == AS_IT_CAME


def test_deferred_definitions_are_sent_whole_with_a_word_to_the_provider():
    found, sent, body = made(DEFERRED, [SEARCH, *USUAL])
    assert deferred_in(sent) == {"Bash", "Workflow"}
    after = [{k: v for k, v in one.items() if k != "defer_loading"}
             for one in json.loads(sent)["tools"]]  # fmt: skip
    assert after == json.loads(body)["tools"]
    sizes = [len(json.dumps(one)) for one in USUAL if one["name"] in DEFERRED.names]
    assert found.definitions == sum(sizes)


def test_a_deferred_definition_that_was_looked_up_is_deferred_on_but_no_saving():
    found, sent, _ = made(replace(DEFERRED, called=DEFERRED.names), [SEARCH, *USUAL])
    assert deferred_in(sent) == {"Bash", "Workflow"}
    assert found.definitions == 0


def test_nothing_is_deferred_once_the_client_sends_no_search():
    assert made(DEFERRED)[0] == AS_IT_CAME


@pytest.mark.parametrize("birth", [SHORT, DEFERRED])
@pytest.mark.parametrize(
    "offered",
    [None, [], {}, "x", [MCP, MCP], [*USUAL, tool("Bash")], [SEARCH, *USUAL, tool("Read")], [None]],
)
def test_tools_that_cannot_be_told_apart_go_as_they_came(birth, offered):
    assert made(birth, offered)[0] == AS_IT_CAME


def test_a_session_that_was_told_has_the_text_last_in_its_prompt():
    found, sent, _ = made(Birth(told=True))
    assert json.loads(sent)["system"][-1]["text"] == PROTOCOL
    assert found.protocol > 0 == found.definitions
    assert made(None)[0] == AS_IT_CAME
