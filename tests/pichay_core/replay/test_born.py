"""What recorded conversations are given at their birth, and what that costs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.choice import Birth
from pichay_core.birth.protocol import PROTOCOL
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.replay import TOLD, Begun, Setup, births, bound, replay, replay_each, with_tools
from pichay_core.replay.born import LEAST_HEAD
from pichay_core.replay.run import replayed
from pichay_core.schedule import SCHEDULES
from pichay_core.tokens import tokens_of_bytes
from pichay_core.turn import Rules
from pichay_core.wire import jsontext
from tests.definitions import tool
from tests.pichay_core.replay.conversations import reading
from tests.strategies import brief_law

MODEL = "claude-opus-4-5"
NAMES = ("Read", "Bash", "Workflow")
OFFERED = jsontext.encode([tool(name) for name in NAMES])
READER = frozenset({"Read"})
RULES = Rules(POLICIES["fifo"], SCHEDULES["auto"], Limits())
ALONE = replace(RULES, evicts=False)


def begun(at, used=READER, project="p", client="c", kind="main", tools=OFFERED):
    return Begun(client, project, kind, MODEL, at, frozenset(used), tools)


def names(*all_begun):
    return [set(birth.names) for birth in births(all_begun)]


def setup(birth=TOLD, head=20_000, rules=ALONE):
    return Setup(rules, MODEL, head=head, birth=lambda _: birth)


def short(*left_out):
    return Birth(told=True, way="short", names=frozenset(left_out))


def talk(sizes=(2_000,) * 6, tools=OFFERED, **more):
    return replace(reading(sizes, **more), tools=tools)


def fronts(told, setup):
    return [one.ahead for one in replayed(told, setup, setup.rules.schedule)]


def test_a_conversation_leaves_out_what_those_before_it_in_its_project_did_not_use():
    assert names(begun(1), begun(2), begun(3, used={"Bash"}), begun(4)) == [
        set(), {"Bash", "Workflow"}, {"Bash", "Workflow"}, {"Workflow"},
    ]  # fmt: skip


def test_the_order_is_that_of_time_not_that_of_files():
    assert names(begun(2), begun(1)) == [{"Bash", "Workflow"}, set()]


@pytest.mark.parametrize(
    "other",
    [{"project": "q"}, {"client": "d"}, {"kind": "subagent"}, {"used": ()}, {"at": None}],
)
def test_others_teach_nothing(other):
    first = begun(**({"at": 1} | other))
    assert names(first, begun(2)) == [set(), set()]


def test_without_a_time_or_known_definitions_nothing_is_left_out():
    assert names(begun(1), begun(None), begun(2, tools=None)) == [set(), set(), set()]


def test_a_profile_that_misses_too_often_is_not_asked_any_more():
    """Each uses what the ones before it did not."""
    tools = jsontext.encode([tool(f"t{n}") for n in range(8)])
    found = births([begun(n, {f"t{n}"}, tools=tools) for n in range(8)])
    assert [bool(birth.names) for birth in found] == [False, *[True] * 4, *[False] * 3]


def test_named_definitions_are_those_of_main_conversations_that_call_one_of_them():
    plain = reading([2_000])
    assert with_tools(plain, OFFERED).tools == OFFERED
    assert with_tools(plain, None) is plain
    own = replace(plain, tools=b"[]")
    assert with_tools(own, OFFERED) is own
    agent = replace(plain, kind="subagent")
    assert with_tools(agent, OFFERED) is agent
    assert with_tools(plain, jsontext.encode([tool("other")])) is plain


def test_the_front_is_smaller_by_what_is_left_out_from_the_first_request_to_the_last():
    told = talk()
    every = fronts(told, setup(short("Bash", "Workflow")))
    assert len({one.sent for one in every}) == 1
    first = every[0]
    assert first.whole == 20_000
    assert first.protocol == pytest.approx(tokens_of_bytes(len(PROTOCOL), MODEL), abs=12)
    assert 0 < first.definitions < tokens_of_bytes(len(OFFERED), MODEL)
    assert first.sent == 20_000 - first.definitions + first.protocol


def test_definitions_that_the_bill_has_no_room_for_are_taken_to_be_smaller():
    """Half of them fit."""
    told, size = talk(), tokens_of_bytes(len(OFFERED), MODEL)
    wanted = short("Bash", "Workflow")
    roomy = fronts(told, setup(wanted))[0]
    tight = fronts(told, setup(wanted, head=LEAST_HEAD + size // 2))[0]
    assert (roomy.squeezed, tight.squeezed) == (False, True)
    assert tight.definitions == pytest.approx(roomy.definitions / 2, abs=2)
    assert fronts(told, setup(wanted, head=10))[0].definitions == 0


def test_a_conversation_that_is_joined_late_is_given_nothing():
    whole = reading([2_000] * 3)
    late = replace(whole.steps[2], keeps=0, new=whole.steps[0].new + whole.steps[1].new)
    told = replace(whole, steps=(late,), tools=OFFERED)
    assert fronts(told, setup(short("Bash")))[0].birth is None


def test_a_miss_is_counted_once_and_the_definition_comes_back_when_the_cache_is_cold():
    told = talk((2_000,) * 6, pauses={4: 4_000})
    every = fronts(told, setup(short("Read")))
    assert [one.missed for one in every] == [0, 1, 0, 0, 0, 0, 0]
    assert [one.definitions > 0 for one in every] == [*[True] * 4, *[False] * 3]
    report = replay(told, setup(short("Read")))
    assert report.misses == 1
    assert report.net < report.net_missed


def test_what_comes_back_is_billed():
    told = talk((2_000,) * 6, pauses={4: 4_000})
    stays, returns = (replay(told, setup(short(name))) for name in ("Bash", "Read"))
    assert returns.definitions == stays.definitions * 4 // 7
    assert returns.tokens + returns.definitions == stays.tokens + stays.definitions
    assert stays.breaks == returns.breaks


def test_without_anything_given_a_replay_is_what_it_was():
    told = talk()
    plain, nothing = Setup(ALONE, MODEL, head=20_000), setup(None)
    assert replay(told, plain) == replay(told, nothing)
    assert replay(told, plain).net == 1.0


def test_plans_with_and_without_birth_are_replayed_together():
    setups = [setup(rules=RULES), Setup(RULES, MODEL, head=20_000), setup(short("Bash"))]
    told = talk((9_000,) * 20)
    assert replay_each([told], setups) == tuple(replay(told, one) for one in setups)
    assert bound(told, setups[0]) == bound(told, setups[1])


def test_what_the_model_is_told_costs_as_what_stands_first():
    """Written once, read from then on."""
    report = replay(talk((100,) * 4), setup())
    told = fronts(talk((100,) * 4), setup())[0].protocol
    assert report.protocol == pytest.approx(told * (1.25 + 4 * 0.1))
    assert report.cost - report.untouched_cost == pytest.approx(report.protocol)


@brief_law
@given(
    sizes=st.lists(st.integers(0, 20_000), min_size=1, max_size=8),
    pauses=st.dictionaries(st.integers(0, 7), st.sampled_from([400, 4_000]), max_size=3),
    left_out=st.sets(st.sampled_from(NAMES)),
    head=st.integers(4_096, 40_000),
    model=st.sampled_from([MODEL, "claude-opus-5-5", "claude-sonnet-4-5"]),
)
def test_birth_alone_never_costs_more_than_what_the_model_is_told(
    sizes, pauses, left_out, head, model
):
    """As long as the window is one that the provider caches at all."""
    told = talk(sizes, pauses=pauses)
    report = replay(told, replace(setup(short(*left_out), head=head + 4_096), model=model))
    assert report.cost - report.untouched_cost <= report.protocol * (1 + 1e-9)
