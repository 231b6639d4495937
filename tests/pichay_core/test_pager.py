"""One turn of the pager: what may leave, when, and what is said of it."""

from dataclasses import replace

import pytest

from pichay_core.admission import Arrival
from pichay_core.events import Collected, Evicted, Faulted, Flushed, Pinned, Stripped, Unpinned
from pichay_core.model import Handle, PageId, Span, State
from pichay_core.pager import Held, Limits, Prefix, Seen, advance
from pichay_core.policies import POLICIES
from pichay_core.presence import mark_gone
from pichay_core.schedule import SCHEDULES
from pichay_core.stubs import handle_of, stub_bytes
from pichay_core.table import SMALLEST_GAIN, Entry, PageTable, Pin
from pichay_core.thinking import Thinking
from tests.builders import page, read_call, run_call

SECRET = b"0" * 16
NOW = 10

FOUR = Limits(tau=4)


def old(name, call=None, **changed):
    at = {"born": 1, "last_use": 1} | {k: changed.pop(k) for k in ("pin", "state") if k in changed}
    return Entry(page(name, call or read_call(name), **changed), **at)


def turn(*entries, schedule="every-turn", limits=None, **seen):
    return advance(
        PageTable().with_entries(entries),
        Seen(**({"turn": NOW} | seen)),
        POLICIES["fifo"],
        SCHEDULES[schedule],
        limits or Limits(tau=4),
        SECRET,
    )


def left(advanced) -> list[str]:
    return [name for name, entry in advanced.table.entries.items() if entry.out]


# -- what may leave -----------------------------------------------------------------------


def test_what_is_old_and_addressable_is_evicted_and_what_is_ephemeral_is_collected():
    after = turn(old("a"), old("make", run_call("make")))
    assert [(e.page.id, e.state) for e in after.table.entries.values()] == [
        ("a", State.EVICTED),
        ("make", State.COLLECTED),
    ]
    flushed, evicted, collected = after.events
    a, make = after.table.entries.values()
    tokens = old("a").gain + old("make", run_call("make")).gain
    assert replace(flushed, saves=0, paid=0) == Flushed("every-turn", 2, tokens)
    assert evicted == Evicted(PageId("a"), a.handle, a.gain, 9)
    assert collected == Collected(PageId("make"), make.handle, make.gain, 9, "ephemeral")
    assert (a.moved, make.moved) == (NOW, NOW)


@pytest.mark.parametrize(
    "entry",
    [
        old("error", error=True),
        old("opaque", opaque=True),
        old("cleared", cleared=True),
        old("small", size=500),
        old("hardly bigger than its stub", size=501),
        old("pinned", pin=Pin(1.0, 1)),
        old("young"),
    ],
    ids=lambda e: e.page.id,
)
def test_what_never_leaves(entry):
    entry = replace(entry, born=NOW - 3) if entry.page.id == "young" else entry
    after = turn(entry)
    assert left(after) == []
    assert (after.flushed, after.pending) == (None, 0)


def test_the_newest_results_never_leave_however_old_the_turn_says_they_are():
    assert left(turn(old("a"), old("b"), newest=frozenset({PageId("b")}))) == ["a"]


@pytest.mark.parametrize(("age", "leaves"), [(3, []), (4, ["a"]), (5, ["a"])])
def test_a_page_stays_at_least_tau_turns(age, leaves):
    assert left(turn(replace(old("a"), born=NOW - age))) == leaves


def test_a_page_leaves_only_if_it_is_four_times_as_big_as_its_stub():
    size = SMALLEST_GAIN * stub_bytes(page("a", read_call("a"), size=800))
    assert left(turn(old("a", size=size))) == ["a"]
    assert left(turn(old("a", size=size - 1))) == []


def test_a_page_of_the_minimum_size_stays_and_one_byte_more_leaves():
    limits = Limits(min_bytes=2000)
    assert left(turn(old("a", size=2000), old("b", size=2001), limits=limits)) == ["b"]


def test_a_copy_of_which_a_later_resident_copy_shows_all_is_collected():
    whole, part = old("whole"), old("part", read_call("whole", Span(5, 9)))
    after = turn(part, replace(whole, born=NOW))
    (event,) = [e for e in after.events if not isinstance(e, Flushed)]
    assert (event.page, event.why) == ("part", "superseded")
    assert after.table["part"].state is State.COLLECTED


def test_a_copy_of_which_a_later_copy_shows_a_part_is_evicted():
    after = turn(old("whole"), replace(old("part", read_call("whole", Span(5, 9))), born=NOW))
    assert after.table["whole"].state is State.EVICTED


def test_a_failed_read_supersedes_nothing():
    failed = replace(old("failed", read_call("a"), error=True), born=NOW)
    assert turn(old("a"), failed).table["a"].state is State.EVICTED


# -- once out -----------------------------------------------------------------------------


def test_what_is_out_stays_out_with_the_same_handle():
    first = turn(old("a"))
    again = advance(
        first.table, Seen(99), POLICIES["fifo"], SCHEDULES["every-turn"], Limits(tau=4), SECRET
    )
    assert again.table == first.table
    assert again.events == ()


def test_a_handle_depends_on_page_and_secret_only():
    handle = handle_of(PageId("a"), SECRET)
    assert turn(old("a")).table["a"].handle == handle
    assert turn(old("b"), old("a"), turn=77).table["a"].handle == handle
    assert handle_of(PageId("a"), b"1" * 16) != handle


# -- when ---------------------------------------------------------------------------------


def test_a_batch_waits_until_it_is_full_and_then_takes_all():
    one = old("a").gain
    limits = Limits(flush_tokens=3 * one)
    few = turn(old("a"), old("b"), schedule="batch", limits=limits)
    assert (left(few), few.pending, few.flushed) == ([], 2 * one, None)
    full = turn(old("a"), old("b"), old("c"), schedule="batch", limits=limits)
    assert (left(full), full.pending, full.flushed) == (["a", "b", "c"], 0, "batch")


def test_a_cold_cache_is_a_free_moment_for_a_batch_of_one():
    after = turn(old("a"), schedule="batch", cold=True)
    assert (left(after), after.flushed) == (["a"], "cold")


def test_a_cold_cache_with_nothing_to_move_is_no_flush():
    assert turn(schedule="batch", cold=True).flushed is None


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_while_a_turn_is_held_nothing_leaves_and_what_would_have_is_said(schedule):
    after = turn(old("a"), schedule=schedule, cold=True, hold="client compaction")
    assert left(after) == []
    assert after.held == Held(1, old("a").gain, "client compaction")
    assert turn(hold="client compaction").held == Held()


def test_what_thinking_is_bound_to_is_held_back_and_the_rest_leaves():
    after = turn(old("a"), old("b"), bound=frozenset({PageId("a")}))
    assert left(after) == ["b"]
    assert after.held == Held(1, old("a").gain, "thinking binds history")


def test_what_is_bound_does_not_count_as_pending():
    after = turn(old("a"), schedule="batch", bound=frozenset({PageId("a")}))
    assert after.pending == 0


BOUND = frozenset({PageId("a")})


def thought(tokens, first=1):
    return Thinking(blocks=2, tokens=tokens, first=first, upto=9)


def test_what_thinking_is_bound_to_leaves_where_the_thinking_may_go_with_it():
    after = turn(old("a"), old("b"), bound=BOUND, thinking=thought(30))
    assert (left(after), after.given_up, after.held) == (["a", "b"], thought(30), Held())
    assert after.events[1] == Stripped(2, 30, 1, 9)


@pytest.mark.parametrize(("tokens", "leaves"), [(0, ["b"]), (1, [])])
def test_no_more_thinking_is_given_up_than_leaves_of_what_is_bound_to_it(tokens, leaves):
    gain = old("b").gain
    after = turn(old("b"), bound=frozenset({PageId("b")}), thinking=thought(gain + tokens))
    assert left(after) == leaves
    assert after.held.pages == len(leaves) ^ 1


def test_thinking_is_given_up_for_no_page_that_may_leave_without_it():
    after = turn(old("b"), bound=BOUND, thinking=thought(30))
    assert (left(after), after.given_up) == (["b"], None)


def test_where_all_together_must_wait_what_is_free_may_leave_alone():
    """Giving the thinking up would write 90,000 tokens again, the free page none."""
    prefix = Prefix(tokens=100_000, behind=900, anchor=5, frames={
        PageId("a"): (2, 0), PageId("b"): (6, 0),
    })  # fmt: skip
    seen = {"bound": BOUND, "thinking": thought(30), "prefix": prefix}
    after = turn(old("a"), old("b"), schedule="break-even", **seen)
    assert (left(after), after.given_up) == (["b"], None)
    assert after.held == Held(1, old("a").gain, "thinking binds history")


def test_a_page_gains_what_it_holds_less_its_stub():
    entry = old("a", size=4000)
    assert entry.gain == 1000 - 1000 * stub_bytes(entry.page) // 4000
    assert old("a", size=1).gain == 0


# -- pins ---------------------------------------------------------------------------------


def refetch(after, name, at, content="a"):
    """The next turn, in which a read of ``a`` comes in."""
    seen = Seen(at, (Arrival(page(name, read_call("a"), content), at),))
    return advance(
        after.table, seen, POLICIES["fifo"], SCHEDULES["every-turn"], Limits(tau=4), SECRET
    )


def wait(after, at, limits=None):
    return advance(
        after.table,
        Seen(at),
        POLICIES["fifo"],
        SCHEDULES["every-turn"],
        limits or Limits(tau=4),
        SECRET,
    )


def test_a_pinned_page_stays_for_a_half_life_and_then_leaves():
    after = refetch(turn(old("a")), "again", 11)
    assert [type(e) for e in after.events] == [Faulted, Pinned]
    assert left(wait(after, 11 + 16)) == ["a"]
    ended = wait(after, 11 + 17)
    assert left(ended) == ["a", "again"]
    assert ended.events[0] == Unpinned(PageId("again"), "decayed")


def test_a_second_fault_doubles_the_time():
    after = refetch(turn(old("a")), "p1", 11)
    after = refetch(wait(after, 30), "p2", 31)
    assert after.table["p2"].pin == Pin(2.0, 31)
    assert "p2" not in left(wait(after, 31 + 32))
    assert "p2" in left(wait(after, 31 + 33))


def test_a_changed_read_starts_afresh():
    after = refetch(turn(old("a")), "p1", 11)
    after = refetch(after, "p2", 12, content="changed")
    assert Unpinned(PageId("p1"), "changed") in after.events
    assert after.table["p2"].pin is None
    assert left(wait(after, 16)) == ["a", "p1", "p2"]


def test_where_pins_are_off_nothing_is_pinned_and_nothing_said_of_it():
    seen = Seen(11, (Arrival(page("again", read_call("a"), "a"), 11),))
    off = Limits(pin_half_life=0)
    after = advance(
        turn(old("a")).table, seen, POLICIES["fifo"], SCHEDULES["every-turn"], off, SECRET
    )
    assert [type(e) for e in after.events] == [Faulted]
    assert left(wait(after, 15, off)) == ["a", "again"]


def test_pins_that_were_set_before_end_when_they_are_switched_off():
    after = turn(old("a", pin=Pin(8.0, 9)), limits=Limits(pin_half_life=0))
    assert after.events[0] == Unpinned(PageId("a"), "decayed")
    assert left(after) == ["a"]


# -- arrivals -----------------------------------------------------------------------------


def test_a_history_that_is_joined_late_is_paged_at_once():
    arrivals = tuple(Arrival(page(str(n), read_call(str(n))), n) for n in range(1, NOW + 1))
    after = turn(arrivals=arrivals)
    assert left(after) == ["1", "2", "3", "4", "5", "6"]
    assert [e.age for e in after.events if isinstance(e, Evicted)] == [9, 8, 7, 6, 5, 4]


def test_a_turn_changes_nothing_it_was_given():
    table = PageTable().with_entries([old("a")])
    before = dict(table.entries)
    advance(table, Seen(NOW), POLICIES["fifo"], SCHEDULES["every-turn"], Limits(tau=4), SECRET)
    assert table.entries == before


# -- pages that are no longer sent --------------------------------------------------------


def test_a_page_that_is_not_sent_is_gone_and_returns_as_it_was():
    entries = [
        old("resident"),
        replace(old("evicted"), state=State.EVICTED, handle=Handle("HANDLE01")),
        replace(old("make", run_call("make")), state=State.COLLECTED, handle=Handle("HANDLE02")),
    ]
    table = PageTable().with_entries(entries)
    gone = mark_gone(table, frozenset())
    assert {e.state for e in gone.entries.values()} == {State.GONE}
    assert mark_gone(gone, frozenset(table.entries)) == table


def test_a_page_that_is_gone_is_neither_moved_nor_asked_for():
    gone = old("a", state=State.GONE)
    after = turn(gone, arrivals=(Arrival(page("new", read_call("a"), "a"), NOW),))
    assert left(after) == []
    assert not [e for e in after.events if isinstance(e, Faulted)]


# -- what a flush is expected to bring --------------------------------------------------------


def test_a_flush_says_what_it_saves_on_every_request_and_what_it_costs_once():
    """Two pages of 925 tokens net that could leave from turn 5 on, 6,000 tokens behind the
    anchor: each request saves a tenth of the pages, what is left is written for 1.15 more."""
    pages, prefix = [old("a"), old("b")], Prefix(tokens=9_000, behind=6_000, anchor=3)
    framed = replace(prefix, frames={PageId("a"): (3, 0), PageId("b"): (5, 0)})
    flushed = turn(*pages, prefix=framed).events[0]
    tokens = 2 * pages[0].gain
    assert flushed == Flushed(
        "every-turn",
        pages=2,
        tokens=tokens,
        saves=round(0.1 * tokens),
        rewrite=round(1.15 * (6_000 - tokens)),
        paid=round(0.1 * tokens * (NOW - 1 - 4 + 1)),
    )


def test_a_flush_writes_again_from_the_first_thinking_on_and_none_of_what_it_gives_up():
    """The anchor stands behind the thinking, so the cache is read up to the first message."""
    frames = {PageId("a"): (5, 0)}
    prefix = Prefix(tokens=9_000, behind=6_000, anchor=3, frames=frames)
    page, given = old("a"), {"bound": BOUND, "thinking": thought(200)}
    (flushed, _, _) = turn(page, prefix=prefix, **given).events
    assert flushed.rewrite == round(1.15 * (9_000 - page.gain - 200))
    assert (flushed.tokens, flushed.saves) == (page.gain, round(0.1 * (page.gain + 200)))
    given["thinking"] = thought(200, first=3)
    (flushed, _, _) = turn(page, prefix=prefix, **given).events
    assert flushed.rewrite == round(1.15 * (6_000 - page.gain - 200))


def test_a_flush_of_a_cold_cache_is_expected_to_cost_nothing():
    prefix = Prefix(tokens=9_000)
    warm, cold = (turn(old("a"), prefix=prefix, cold=c).events[0] for c in (False, True))
    assert (warm.rewrite > 0, cold.rewrite) == (True, 0)
    assert cold.saves == warm.saves > 0
