from pichay_core.policies import POLICIES, Moment
from pichay_core.policies.fifo import fifo
from pichay_core.policies.working_set import working_set
from pichay_core.table import Entry
from tests.builders import page, run_call


def aged(*born: int) -> list[Entry]:
    return [Entry(page(f"p{n}-{b}", run_call("x")), born=b) for n, b in enumerate(born)]


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
