"""What is known in advance, and a policy that knows it."""

import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.pager import Limits
from pichay_core.policies import POLICIES, Moment
from pichay_core.policies.cost import fault, rent, window
from pichay_core.replay import FORESIGHT, Setup, bound, replay
from pichay_core.replay.foresight import clairvoyant, foresee, foreseeing
from pichay_core.schedule import SCHEDULES
from pichay_core.table import Entry, PageTable
from pichay_core.traces import read
from pichay_core.turn import Rules
from tests.builders import NOTE, Talk, page, read_call
from tests.pichay_core.replay.conversations import reading
from tests.strategies import brief_law, law

FIFO = Rules(POLICIES["fifo"], SCHEDULES["every-turn"], Limits())
PLAIN = Setup(FIFO, "claude-opus-4-5", head=20_000)
KNOWING = Setup(FIFO, "claude-opus-4-5", head=20_000, foresight=foreseeing)


def told(talk: Talk):
    return read("talk", json.dumps({"messages": talk.messages}).encode()).conversations[0]


def turns(talk: Talk, edits: bool = True):
    return sorted(map(list, foresee(told(talk), PLAIN, edits).values()))


def test_what_is_read_again_with_the_same_content_is_foreseen():
    assert turns(Talk().read("a").read("b").read("a").read("a")) == [[4], [5]]


def test_what_is_read_again_with_other_content_is_another_page():
    assert turns(Talk().read("a").read("b").read("a", "new " * 900)) == []


def test_a_note_that_nothing_has_changed_asks_for_the_page_it_points_to():
    assert turns(Talk().read("a").read("b").read("a", NOTE)) == [[4]]


def test_a_change_of_a_file_asks_for_its_last_read_alone_and_only_if_edits_count():
    talk = Talk().read("a").read("a", "new " * 900).edit("a").edit("a")
    assert turns(talk) == [[4, 5]]
    assert turns(talk, edits=False) == []


def test_output_of_a_command_is_never_asked_for_again():
    assert turns(Talk().run("make").run("make")) == []


def test_what_a_shell_only_read_is_asked_for_again():
    assert turns(Talk().run("ls").run("ls")) != []


def test_it_is_no_policy_of_live_traffic():
    assert FORESIGHT
    assert FORESIGHT.keys() & POLICIES.keys() == set()


def test_a_setup_without_foresight_decides_by_its_rules():
    assert PLAIN.policy_for(told(Talk().read("a"))) is POLICIES["fifo"]


@law
@given(
    ahead=st.lists(st.one_of(st.none(), st.integers(1, 200)), max_size=8),
    sizes=st.lists(st.integers(500, 200_000), min_size=8, max_size=8),
    sent=st.integers(0, 300_000),
)
def test_a_page_leaves_if_and_only_if_waiting_for_it_costs_more_than_the_fault(ahead, sizes, sent):
    pages = [Entry(page(f"p{n}", read_call(f"f{n}"), size=sizes[n])) for n in range(len(ahead))]
    future = {e.page.id: [5, 10 + n] for e, n in zip(pages, ahead, strict=True) if n}
    now = Moment(10, table=PageTable().with_entries(pages), sent=sent)
    leaving = clairvoyant(future)(pages, now)
    costly = {
        e.page.id
        for e, n in zip(pages, ahead, strict=True)
        if n is None or n * rent(e, now) > fault(e, now, window(now, 0))
    }
    assert {e.page.id for e in leaving} == costly
    order = [future.get(e.page.id, [0, inf])[1] for e in leaving]
    assert order == sorted(order, reverse=True)


@brief_law
@given(names=st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=12))
def test_it_never_faults_on_what_was_cheaper_to_keep(names):
    """Twelve turns of 9,000 bytes cost less to keep than one request to ask for them."""
    report = replay(reading([9_000] * len(names), names), KNOWING)
    assert report.faults.get("refetch", 0) == 0
    assert report.doubt == 0


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_bound_holds_for_those_who_know_the_future_too(schedule):
    talk = reading([9_000] * 30, [f"f{n % 9}" for n in range(30)])
    rules = Rules(POLICIES["fifo"], SCHEDULES[schedule], Limits())
    setup = Setup(rules, "claude-opus-4-5", head=20_000, foresight=foreseeing)
    assert bound(talk, setup) <= replay(talk, setup).cost * (1 + 1e-9)
