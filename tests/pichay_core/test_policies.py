import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.policies import POLICIES, Moment
from pichay_core.policies.fifo import fifo
from pichay_core.policies.lru import lru
from pichay_core.policies.size import size
from pichay_core.policies.working_set import working_set
from pichay_core.table import Entry
from tests.builders import page, read_call, run_call
from tests.strategies import law


def aged(*born: int) -> list[Entry]:
    return [Entry(page(f"p{n}-{b}", run_call("x")), born=b, last_use=b) for n, b in enumerate(born)]


def test_fifo_is_the_policy_of_the_paper_and_is_known_by_name():
    assert POLICIES["fifo"] is fifo


def test_fifo_takes_what_is_at_least_tau_turns_old():
    assert [e.born for e in fifo(aged(1, 5, 6, 7, 10), Moment(10, 4))] == [1, 5, 6]


def test_fifo_takes_the_oldest_first_whatever_the_order_given():
    assert [e.born for e in fifo(aged(3, 1, 2), Moment(10, 4))] == [1, 2, 3]


def test_fifo_keeps_the_order_of_those_that_came_in_together():
    given = aged(2, 1, 2, 1)
    assert [e.page.id for e in fifo(given, Moment(10, 4))] == ["p1-1", "p3-1", "p0-2", "p2-2"]


def test_use_does_not_make_a_page_younger_to_fifo():
    used = [Entry(page("p", run_call("x")), born=1, last_use=9, uses=5)]
    assert fifo(used, Moment(10, 4)) == used


def test_fifo_of_nothing_is_nothing():
    assert fifo([], Moment(10, 4)) == []


def test_what_was_used_in_the_last_tau_turns_is_in_the_working_set():
    used = [Entry(page(f"p{n}", run_call("x")), born=1, last_use=n) for n in (9, 3, 6, 7)]
    assert [e.last_use for e in working_set(used, Moment(10, 4))] == [3, 6]


@st.composite
def tables(draw: st.DrawFn) -> list[Entry]:
    """Pages as a session may hold them, in order of admission."""
    born = sorted(draw(st.lists(st.integers(1, 20), max_size=12)))
    return [
        Entry(
            page(f"p{n}", draw(st.sampled_from([run_call("x"), read_call(f"f{n}")])),
                 size=4 * draw(st.integers(1, 9_000))),
            born=turn,
            last_use=draw(st.integers(turn, 20)),
            faults=draw(st.integers(0, 2)),
        )
        for n, turn in enumerate(born)
    ]  # fmt: skip


@pytest.mark.parametrize("name", POLICIES)
@law
@given(pages=tables(), tau=st.integers(1, 8), keep=st.integers(0, 20_000))
def test_what_leaves_is_among_what_may_each_once_and_at_least_tau_turns_old(name, pages, tau, keep):
    leaving = [e.page.id for e in POLICIES[name](pages, Moment(20, tau, keep))]
    old = {e.page.id for e in pages if 20 - e.born >= tau}
    assert len(leaving) == len(set(leaving))
    assert set(leaving) <= old


@pytest.mark.parametrize("policy", [lru, size])
@law
@given(pages=tables(), keep=st.integers(0, 20_000))
def test_an_allocation_is_never_exceeded(policy, pages, keep):
    gone = {e.page.id for e in policy(pages, Moment(21, 1, keep))}
    assert sum(e.page.tokens for e in pages if e.page.id not in gone) <= keep


@pytest.mark.parametrize("policy", [lru, size])
@law
@given(pages=tables(), tau=st.integers(1, 8), one=st.integers(0, 9_000), more=st.integers(0, 9_000))
def test_what_an_allocation_keeps_a_larger_one_keeps_too(policy, pages, tau, one, more):
    small = {e.page.id for e in policy(pages, Moment(20, tau, one))}
    large = {e.page.id for e in policy(pages, Moment(20, tau, one + more))}
    assert large <= small


@pytest.mark.parametrize("policy", [lru, size])
@law
@given(pages=tables())
def test_nothing_leaves_while_everything_fits(policy, pages):
    assert policy(pages, Moment(21, 1, sum(e.page.tokens for e in pages))) == []


def test_lru_keeps_what_was_used_last_and_the_least_recently_used_leaves_first():
    used = [
        Entry(page(f"p{n}", read_call("x")), born=1, last_use=use)
        for n, use in enumerate((9, 3, 8, 2))
    ]
    assert [e.last_use for e in lru(used, Moment(10, 1, 2_000))] == [2, 3]


def test_of_pages_used_in_the_same_turn_lru_keeps_those_that_came_in_last():
    assert [e.page.id for e in lru(aged(1, 2, 3), Moment(10, 1, 2_000))] == ["p0-1"]


def test_size_keeps_the_smallest_and_the_largest_leaves_first():
    sizes = (4_000, 40_000, 800, 12_000)
    given = [Entry(page(f"p{n}", run_call("x"), size=size), born=1) for n, size in enumerate(sizes)]
    assert [e.page.bytes for e in size(given, Moment(10, 1, 1_200))] == [40_000, 12_000]
