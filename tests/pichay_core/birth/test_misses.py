"""What becomes of definitions that were left out."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.choice import Birth
from pichay_core.events import Called, Restored, Shortened
from pichay_core.warmth import COLD_MARGIN
from tests.builders import BINDING, SONNET, Course, Talk, result, rules, thought, use, user
from tests.definitions import SEARCH, USUAL, asks, deferred_in, front_of, shortened_in
from tests.strategies import law

LEFT_OUT = frozenset({"Bash", "Workflow", "Grep"})
SHORT = Birth(told=True, way="short", names=LEFT_OUT, why="unused in 1 earlier session")
COLD = 300 + COLD_MARGIN + 1


def course(birth=SHORT):
    return Course(replace(rules(), birth=birth))


def happened(turn, *kinds):
    return [event for event in turn.events if isinstance(event, kinds)]


def called(tool="Bash", think=False):
    return Talk().call(tool, "done", think=think, what="x")


def test_a_birth_in_short_is_told_once():
    given = course()
    (told,) = happened(given.take(asks(Talk())), Shortened)
    assert (told.why, told.tools) == (SHORT.why, 3)
    assert told.tokens > 0
    assert happened(given.take(asks(called("Read"))), Shortened) == []


@pytest.mark.parametrize("offered", [[], None, [*USUAL, USUAL[0]]])
def test_where_nothing_is_left_out_nothing_is_told(offered):
    assert happened(course().take(asks(Talk(), offered)), Shortened) == []


def test_a_first_call_of_a_short_tool_is_a_miss_and_its_definition_stays_short():
    given = course()
    first = given.take(asks(Talk()))
    turn = given.take(asks(called()))
    (miss,) = happened(turn, Called)
    assert (miss.tool, given.session.birth.called) == ("Bash", {"Bash"})
    assert miss.tokens > 0
    assert front_of(turn.body) == front_of(first.body)
    assert happened(given.take(asks(called().call("Bash", "again"))), Called) == []


def test_a_call_of_a_tool_that_is_sent_in_full_is_none():
    given = course()
    given.take(asks(Talk()))
    assert happened(given.take(asks(called("Read"))), Called) == []


def test_a_definition_that_was_missed_is_sent_in_full_once_the_cache_is_cold():
    given = course()
    given.take(asks(Talk()))
    given.take(asks(called()))
    turn = given.take(asks(called().ask("go on")), after=COLD)
    assert happened(turn, Restored) == [Restored("Bash", "cold", miss_tokens(turn))]
    assert shortened_in(turn.body) == {"Workflow", "Grep"}
    assert given.session.birth.names == LEFT_OUT
    last = given.take(asks(called().ask("go on").ask("and on")))
    assert front_of(last.body) == front_of(turn.body)


def miss_tokens(turn):
    return happened(turn, Restored)[0].tokens


def test_another_model_has_nothing_cached_either():
    given = course()
    given.take(asks(Talk()))
    given.take(asks(called()))
    turn = given.take(asks(called().ask("go on"), model="claude-haiku-4-5"))
    assert shortened_in(turn.body) == {"Workflow", "Grep"}


def test_more_tools_of_the_client_are_no_reason_to_break_a_warm_cache():
    given = course()
    given.take(asks(Talk()))
    given.take(asks(called()))
    late = {"name": "Late", "input_schema": {"type": "object"}, "defer_loading": True}
    turn = given.take(asks(called().ask("go on"), [*USUAL, late]))
    assert shortened_in(turn.body) == LEFT_OUT


@pytest.mark.parametrize(("think", "left"), [(True, LEFT_OUT), (False, {"Workflow", "Grep"})])
def test_what_thinking_is_bound_to_never_changes(think, left):
    given = course()
    given.take(asks(Talk(), model=BINDING))
    given.take(asks(called(think=think), model=BINDING))
    turn = given.take(asks(called(think=think).ask("go on"), model=BINDING), after=COLD)
    assert shortened_in(turn.body) == left


def test_a_call_that_the_client_demands_gets_its_definition_at_once_and_that_is_our_break():
    given = course()
    given.take(asks(Talk()))
    forced = {"type": "tool", "name": "Grep"}
    turn = given.take(asks(called("Read"), tool_choice=forced))
    assert [event.why for event in happened(turn, Restored)] == ["forced"]
    assert shortened_in(turn.body) == {"Bash", "Workflow"}
    assert turn.facts.flushed
    later = given.take(asks(called("Read").ask("go on")))
    assert shortened_in(later.body) == {"Bash", "Workflow"}
    assert not later.facts.flushed


def test_a_retry_changes_nothing():
    given = course()
    given.take(asks(Talk()))
    body = asks(called())
    first, again = given.take(body), given.take(body, after=COLD)
    assert (again.body, again.events) == (first.body, ())


def test_a_definition_that_the_provider_looked_up_is_deferred_on():
    given = course(replace(SHORT, way="deferred"))
    offered = [SEARCH, *USUAL]
    first = given.take(asks(Talk(), offered))
    talk = Talk()
    found = {"type": "tool_search_tool_search_result",
             "tool_references": [{"type": "tool_reference", "tool_name": "Workflow"}]}  # fmt: skip
    talk.messages += [
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_bm25",
             "input": {"query": "flow"}},
            {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found},
            use("toolu_1", "Workflow", what="x")]},
        user([result("toolu_1", "done")]),
    ]  # fmt: skip
    turn = given.take(asks(talk, offered))
    assert [event.tool for event in happened(turn, Called)] == ["Workflow"]
    assert turn.front.definitions < first.front.definitions
    cold = given.take(asks(talk.ask("go on"), offered), after=COLD)
    assert front_of(cold.body) == front_of(turn.body) == front_of(first.body)
    assert deferred_in(cold.body) == LEFT_OUT


steps = st.lists(
    st.tuples(
        st.sampled_from(["Read", "Edit", "Bash", "Grep", "Workflow", "Unknown"]),
        st.booleans(),
        st.sampled_from([1.0, 100.0, COLD]),
        st.sampled_from([None, None, None, "Grep", "Read", "Workflow"]),
        st.sampled_from(["next", "next", "next", "again", "rewind"]),
    ),
    max_size=8,
)


@law
@given(steps, st.sampled_from([SONNET, BINDING]), st.sampled_from(["short", "deferred"]))
def test_the_front_changes_only_when_that_is_due(taken, model, way):
    """Cold, or demanded; and never before thinking that is bound to it."""
    given_course = course(replace(SHORT, way=way))
    offered = [SEARCH, *USUAL]
    talk = Talk()
    last = given_course.take(asks(talk, offered, model=model))
    for tool, think, after, forced, how in taken:
        if how == "next":
            talk.call(tool, "done", think=think, what="x")
        elif how == "rewind":
            talk.to(max(1, len(talk.messages) - 2))
        choice = {"type": "tool", "name": forced} if forced else None
        body = asks(talk, offered, model=model, tool_choice=choice)
        turn = given_course.take(body, after=after)
        restored = happened(turn, Restored)
        changed = front_of(turn.body) != front_of(last.body)
        assert changed == bool(restored)
        assert all(after == COLD or event.tool == forced for event in restored)
        thinks = any("signature" in str(m["content"]) for m in json.loads(body)["messages"])
        assert not (changed and model == BINDING and thinks)
        last = turn


def test_thinking_of_a_model_that_binds_nothing_is_no_reason_to_wait():
    given = course()
    given.take(asks(Talk()))
    talk = called(think=True)
    assert thought(1) in talk.messages[1]["content"]
    given.take(asks(talk))
    turn = given.take(asks(talk.ask("go on")), after=COLD)
    assert shortened_in(turn.body) == {"Workflow", "Grep"}
