"""Thrash: when an episode begins, when it ends, and what it holds."""

from dataclasses import replace
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.events import Collected, Evicted, Faulted
from pichay_core.model import FaultKind, Handle, PageId
from pichay_core.table import Entry, PageTable
from pichay_core.thrash import WINDOW, Episode, Watch, watch_of
from tests.builders import page, read_call

TOKENS = 1_000


def out(name):
    return Evicted(PageId(name), Handle("h"), TOKENS, 4)


def collected(name):
    return Collected(PageId(name), Handle("h"), TOKENS, 4, "ephemeral")


def back(name, by, kind=FaultKind.REFETCH):
    return Faulted(kind, PageId(name), PageId(by), TOKENS, 3)


def watches(turns):
    """What is known after each of these turns, and the quiet ones between them."""
    watch = Watch()
    yield watch
    for turn in range(1, max(turns, default=0) + 1):
        watch = watch.after(turn, turns.get(turn, ()))
        yield watch


def watched(turns):
    *_, last = watches(turns)
    return last


def episodes(turns):
    """All of them, in order; the last may last still."""
    found, last = [], None
    for watch in watches(turns):
        if watch.last is not last:
            found.append(watch.last)
        last = watch.last
    return [*found, *([watch.current] if watch.current else [])]


def spans(turns):
    return [(one.start, one.end, one.faults) for one in episodes(turns)]


CYCLE = {
    1: [out("a1"), out("b1"), out("c1")],
    2: [back("a1", "a2")],
    3: [back("b1", "b2"), out("a2")],
    4: [back("c1", "c2"), out("b2")],
    5: [back("a2", "a3"), out("c2")],
}


def test_an_episode_is_what_came_back_from_the_first_refetch_to_the_last():
    (found,) = episodes(CYCLE)
    assert (found.start, found.end, found.faults, found.tokens) == (2, 5, 4, 4 * TOKENS)


def test_a_page_that_came_back_twice_has_bounced():
    (found,) = episodes(CYCLE)
    assert found.bounced == 1
    assert found.returns == {"a3": 2, "b2": 1, "c2": 1}


def test_one_wrong_flush_is_no_thrash_however_much_of_it_comes_back():
    flush = [out(name) for name in "abcdefgh"]
    returns = {n: [back(name, f"{name}2")] for n, name in enumerate("abcdefgh", 2)}
    assert episodes({1: flush} | returns) == []


def test_it_begins_with_the_next_eviction_once_the_bound_is_reached():
    burst = {1: [out(n) for n in "abc"], 2: [back("a", "a2"), back("b", "b2"), back("c", "c2")]}
    assert spans(burst) == []
    assert spans(burst | {3: [collected("d")]}) == [(2, 2, 3)]


def test_two_refetches_are_no_pattern():
    two = {1: [out("a"), out("b")], 2: [back("a", "x"), back("b", "y"), out("x")]}
    assert episodes(two) == []
    assert episodes(two | {3: [back("x", "z"), out("y")]}) != []


def test_few_refetches_among_many_evictions_are_no_thrash():
    few = [back(n, n + "2") for n in "abc"]
    assert episodes({1: [out(str(n)) for n in range(12)], 2: [*few, out("x")]}) == []
    assert episodes({1: [out(str(n)) for n in range(11)], 2: [*few, out("x")]}) != []


@pytest.mark.parametrize("kind", [FaultKind.REFRESH, FaultKind.WIDEN, FaultKind.RECALL])
def test_only_refetches_count(kind):
    asked = [back(n, n + "2", kind) for n in "abcdef"]
    assert episodes({1: [out("a")], 2: asked, 3: [out("b")]}) == []


def test_refetches_that_lie_further_apart_than_the_window_are_no_thrash():
    turns = (1, 1 + WINDOW, 1 + 2 * WINDOW, 1 + 3 * WINDOW)
    assert episodes({turn: [back("a", "b"), out("b")] for turn in turns}) == []


def test_an_episode_ends_when_a_window_stays_under_the_bound_and_another_may_follow():
    later = {turn + 2 * WINDOW: events for turn, events in CYCLE.items()}
    assert spans(CYCLE | later) == [(2, 5, 4), (2 + 2 * WINDOW, 5 + 2 * WINDOW, 4)]
    watch = watched(CYCLE | later)
    assert (watch.last.end, watch.last.over, watch.current.over) == (5, 3 + WINDOW, None)


def test_it_is_over_at_the_latest_when_it_said_so_if_nothing_comes_back():
    assert watched(CYCLE).until == 3 + WINDOW
    quiet = CYCLE | {3 + WINDOW: ()}
    assert watched(CYCLE | {2 + WINDOW: ()}).current is not None
    assert watched(quiet).current is None


def test_how_long_a_page_had_been_unused_is_told_by_the_table_before():
    table = PageTable().with_entries([Entry(page("a1", read_call("a.py")), last_use=2)])
    watch = Watch().after(9, [back("a1", "a2")], table)
    assert [one.unused for busy in watch.recent for one in busy.back] == [7]


def test_who_comes_back_after_a_long_pause_does_not_make_it_longer():
    away = [
        replace(back(n, n + "2"), away=turns) for n, turns in zip("abc", (7, 64, 65), strict=True)
    ]
    watch = watched({1: [out("x")], 2: [*away, out("y")]})
    assert watch.current.unused == 64


def test_a_quiet_session_is_remembered_by_nothing():
    assert watched({50: ()}) == Watch()
    assert watched(CYCLE | {5 + 3 * WINDOW: ()}).recent == ()


def test_what_is_written_of_a_watch_and_read_is_the_same_value():
    for watch in watches(CYCLE | {5 + WINDOW: (), 6 + WINDOW: [out("d")]}):
        assert watch_of(watch.as_text()) == watch
    assert watch_of(None) == Watch()


def test_a_watch_is_a_value():
    watch = watched(CYCLE)
    before = Watch(watch.current, watch.last, watch.recent)
    watch.after(6, [back("b2", "b3"), out("a3")])
    assert watch == before


@st.composite
def sessions(draw):
    names, turns = count(), {}
    for turn in range(1, draw(st.integers(1, 60)) + 1):
        moved = [out(f"m{next(names)}") for _ in range(draw(st.integers(0, 2)))]
        came = [back(f"f{next(names)}", f"g{next(names)}") for _ in range(draw(st.integers(0, 2)))]
        turns[turn] = [*came, *moved]
    return turns


@given(sessions())
def test_episodes_are_in_order_and_no_refetch_is_counted_twice(turns):
    found = episodes(turns)
    whole = sum(isinstance(event, Faulted) for events in turns.values() for event in events)
    assert sum(one.faults for one in found) <= whole
    assert all(one.start <= one.end for one in found)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(one.faults == sum(one.returns.values()) for one in found)


def test_an_episode_without_returns_has_bounced_nothing():
    assert Episode(1, 1, 0, 0).bounced == 0
