from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Call, Key, Kind, Span, State
from pichay_core.policies import POLICIES, Moment
from pichay_core.policies.cost import cost
from pichay_core.policies.fifo import fifo
from pichay_core.policies.lru import lru
from pichay_core.policies.priors import RATES
from pichay_core.policies.size import size
from pichay_core.policies.working_set import working_set
from pichay_core.table import Entry, PageTable
from tests.builders import page, read_call, run_call, write_call
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


# -- cost -------------------------------------------------------------------------------------


def read_page(name: str, turn: int, size: int = 2_000, **changed: Any) -> Entry:
    found = Entry(page(name, read_call(name), size=size), born=turn, last_use=turn)
    return replace(found, **changed)


def edit_of(name: str, turn: int) -> Entry:
    return Entry(page(f"edit {name} {turn}", write_call(name), size=50), born=turn, last_use=turn)


def leaving(entries: Sequence[Entry], turn: int, tau: int = 1, sent: int = 60_000) -> list[str]:
    """Names of the pages that leave, of all that are in the window."""
    table = PageTable().with_entries(entries)
    movable = [e for e in entries if e.state is State.RESIDENT and e.page.bytes > 500]
    return [e.page.id for e in cost(movable, Moment(turn, tau, table=table, sent=sent))]


OUT = st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=8)
"""When reads came in that are out since turn 10, and whether they were refetched."""


def sessions(out: Sequence[tuple[int, bool]], refetched: bool) -> list[Entry]:
    gone = [
        read_page(f"o{n}", born, state=State.EVICTED, moved=10) for n, (born, _) in enumerate(out)
    ]
    back = [
        replace(read_page(f"o{n}", 11, faults=1), page=page(f"o{n} again", read_call(f"o{n}")))
        for n, (_, again) in enumerate(out)
        if again and refetched
    ]
    return [*gone, *back]


def test_the_output_of_a_command_leaves_at_once():
    assert leaving([Entry(page("p", run_call("x")), born=1)], 2) == ["p"]


def test_what_was_never_asked_for_before_leaves_at_once():
    grep = Call("c", "Grep", "x", Kind.QUERY, "x", Key("Grep", "x"))
    assert leaving([Entry(page("p", grep), born=1)], 2) == ["p"]


def test_a_file_that_is_being_changed_stays_and_leaves_when_that_is_over():
    talk = [read_page("a", 1), edit_of("a", 5)]
    assert leaving(talk, 5) == []
    assert leaving(talk, 60) == ["a"]


def test_an_older_read_of_the_same_file_is_not_what_an_edit_needs():
    first = replace(read_page("a", 1), page=page("first", read_call("a", Span(1, 9))))
    assert leaving([first, read_page("a", 2), edit_of("a", 5)], 5) == ["first"]


@law
@given(turn=st.integers(2, 80), size=st.integers(600, 90_000), faults=st.integers(0, 4))
def test_a_page_with_more_faults_never_leaves_before_an_equal_one(turn, size, faults):
    one, other = (read_page(name, 1, size) for name in ("calm", "asked"))
    out = leaving([one, replace(other, faults=faults)], turn)
    assert out in ([], ["calm"], ["calm", "asked"])


@law
@given(turn=st.integers(2, 80), size=st.integers(600, 90_000), more=st.integers(50, 90_000))
def test_of_pages_that_stand_alike_the_larger_leaves_first(turn, size, more):
    out = leaving([read_page("small", 1, size), read_page("large", 1, size + more)], turn)
    assert out in ([], ["large"], ["large", "small"])


@law
@given(
    born=st.integers(1, 79), later=st.integers(0, 79), size=st.integers(600, 90_000),
    tau=st.integers(1, 8),
)  # fmt: skip
def test_what_lies_unused_for_longer_leaves_if_the_fresher_does(born, later, size, tau):
    fresh = min(80, born + later)
    out = leaving([read_page("stale", born, size), read_page("fresh", fresh, size)], 80, tau)
    assert "fresh" not in out or "stale" in out
    assert not out or 80 - born >= tau


@law
@given(sent=st.integers(0, 200_000), more=st.integers(0, 200_000), pages=tables())
def test_the_larger_the_window_the_more_stays(sent, more, pages):
    assert set(leaving(pages, 21, sent=sent + more)) <= set(leaving(pages, 21, sent=sent))


@law
@given(out=OUT, size=st.integers(600, 60_000), since=st.integers(12, 30))
def test_faults_in_the_session_make_it_more_careful(out, size, since):
    candidate = read_page("c", since, size)
    calm = leaving([*sessions(out, refetched=False), candidate], 31)
    asked = leaving([*sessions(out, refetched=True), candidate], 31)
    assert "c" not in asked or "c" in calm


@law
@given(size=st.integers(600, 60_000), since=st.integers(12, 30), out=st.integers(1, 60))
def test_pages_that_were_never_missed_make_it_bolder(size, since, out):
    candidate = read_page("c", since, size)
    gone = sessions([(8, False)] * out, refetched=False)
    assert "c" not in leaving([candidate], 31) or "c" in leaving([*gone, candidate], 31)


def test_enough_faults_change_what_it_does():
    candidate = read_page("c", 11, 5_000)
    out = [(8, True)] * 60
    assert leaving([*sessions(out, refetched=False), candidate], 12) == ["c"]
    assert "c" not in leaving([*sessions(out, refetched=True), candidate], 12)


@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_the_rates_fall_with_age_so_that_one_turn_ahead_is_far_enough(rates):
    assert list(rates) == sorted(rates, reverse=True)
