"""Which definitions go out in full."""

import pytest

from pichay_core.birth.choice import Birth
from pichay_core.birth.profile import (
    CHOICES,
    LEAST_JUDGED,
    MOST_MISSED,
    WAYS,
    Earlier,
    has_search,
    profiled,
)
from tests.builders import BINDING, SONNET, Course, Talk
from tests.definitions import MCP, SEARCH, SERVER, USUAL, asks, tool, tools

READER = Earlier(frozenset({"Read"}))
TOLD = Birth(told=True)


def request(offered=USUAL, **fields):
    return Course().request(asks(Talk(), offered, **fields))


def born(offered=USUAL, earlier=(READER,), asked="auto", **fields):
    return profiled(TOLD, asked, request(offered, **fields), earlier)


def test_what_an_earlier_session_used_goes_in_full_and_the_others_in_short():
    found = born()
    assert (found.way, found.names) == ("short", {"Edit", "Grep", "Bash", "Workflow"})
    assert found.why == "unused in 1 earlier session"
    assert found.told


def test_what_any_earlier_session_used_counts():
    found = born(earlier=[READER, Earlier(frozenset({"Grep", "Edit"}))])
    assert found.names == {"Bash", "Workflow"}
    assert found.why == "unused in 2 earlier sessions"


@pytest.mark.parametrize("earlier", [[], [Earlier(frozenset())]])
def test_without_a_session_that_used_a_tool_all_go_in_full(earlier):
    assert born(earlier=earlier) == Birth(told=True, why="no earlier session")


def test_a_tool_that_the_request_demands_goes_in_full():
    found = born(tool_choice={"type": "tool", "name": "Workflow"})
    assert "Workflow" not in found.names
    assert born(tool_choice={"type": "auto"}).names == born().names


def test_a_tool_that_the_request_refers_to_goes_in_full():
    talk = Talk()
    talk.messages[0]["content"] = [
        {"type": "tool_result", "tool_use_id": "a", "content": [
            {"type": "tool_reference", "tool_name": "Grep"}]},
        {"type": "text", "text": "Go on."},
    ]  # fmt: skip
    found = profiled(TOLD, "auto", Course().request(asks(talk)), [READER])
    assert found.names == {"Edit", "Bash", "Workflow"}


def test_when_all_are_used_there_is_nothing_to_leave_out():
    used = Earlier(frozenset(one["name"] for one in USUAL))
    assert born(earlier=[used]) == Birth(told=True, why="nothing to leave out")


@pytest.mark.parametrize(
    "odd",
    [
        SERVER,
        MCP,
        tool("Odd", defer_loading=True),
        tool("Odd", strict=True),
        tool("Odd", input_schema=...),
        tool("Odd", name=...),
        tool("Odd", name=None),
        {"name": "Odd", "description": "Small.", "input_schema": {"type": "object"}},
        "Odd",
        None,
        [],
    ],
)
def test_what_is_not_a_plain_tool_of_the_client_goes_as_it_came(odd):
    assert born([*USUAL, odd]).names == born().names


def test_two_toolsets_without_a_name_keep_nobody_from_being_short():
    assert born([MCP, *USUAL, MCP]).names == born().names


@pytest.mark.parametrize("offered", [None, [], {}, "x", 3, [*USUAL, tool("Read")]])
def test_tools_that_are_no_list_of_different_names_go_as_they_came(offered):
    assert born(offered) == Birth(told=True, why="nothing to leave out")


def test_three_hundred_tools_go_in_short():
    many = tools(*(f"tool_{number}" for number in range(300)))
    assert len(born(many).names) == 300


def served(missed, others):
    judged = [Earlier(frozenset({"Read"}), reduced=True, missed=True)] * missed
    return judged + [Earlier(frozenset({"Read"}), reduced=True)] * others


def test_a_profile_that_misses_too_often_is_not_asked():
    half = round(LEAST_JUDGED * MOST_MISSED)
    assert born(earlier=served(half, LEAST_JUDGED - half)).way == "short"
    assert born(earlier=served(half + 1, LEAST_JUDGED - half - 1)).why == "missed too often"
    assert born(earlier=served(LEAST_JUDGED - 1, 0)).way == "short"


def test_sessions_that_got_everything_in_full_do_not_judge_a_profile():
    assert born(earlier=[*served(2, 0), *[READER] * 9]).way == "short"


@pytest.mark.parametrize(
    ("asked", "searched", "way", "why"),
    [
        ("auto", True, "deferred", "unused in 1 earlier session"),
        ("auto", False, "short", "unused in 1 earlier session"),
        ("short", True, "short", "unused in 1 earlier session"),
        ("defer", True, "deferred", "unused in 1 earlier session"),
        ("defer", False, "whole", "no tool search"),
        ("whole", True, "whole", "asked for"),
        ("whole", False, "whole", "asked for"),
    ],
)
def test_the_way_is_what_the_user_asked_for_and_the_client_allows(asked, searched, way, why):
    found = born([SEARCH, *USUAL] if searched else USUAL, asked=asked)
    assert (found.way, found.why) == (way, why)


def test_every_choice_has_its_ways():
    assert WAYS.keys() == {(asked, searched) for asked in CHOICES for searched in (True, False)}


def test_a_tool_with_a_cache_marker_is_never_deferred():
    marked = tool("Marked", cache_control={"type": "ephemeral"})
    assert "Marked" not in born([SEARCH, *USUAL, marked]).names
    assert "Marked" in born([*USUAL, marked]).names


@pytest.mark.parametrize(
    ("model", "works"),
    [(SONNET, True), (BINDING, True), ("claude-haiku-4-5", False), ("glm-5", False)],
)
def test_a_search_counts_where_the_model_is_known_to_have_one(model, works):
    assert has_search(request([SEARCH, *USUAL], model=model)) is works
    assert not has_search(request(model=model))
