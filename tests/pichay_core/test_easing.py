"""Thrash answered: what the pager changes while pages bounce, and when it is as before."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pichay_core.easing import NO_EASE, STRONG, Ease, ease_of
from pichay_core.events import Collected, Eased, Evicted, Faulted, Flushed, Recovered, Thrashed
from pichay_core.model import PageId
from pichay_core.pager import Limits, Prefix, Seen, advance
from pichay_core.policies import POLICIES
from pichay_core.rewrite import Rewritten
from pichay_core.schedule import SCHEDULES, Pending, Window
from pichay_core.session import Match
from pichay_core.table import Entry, PageTable, Pin
from pichay_core.thrash import Busy, Episode, Return, Watch
from pichay_core.turn import Rules
from pichay_proxy.outcomes import undecided
from pichay_proxy.sessions import LiveSessions
from tests.builders import Course, Proxy, RecordedProxy, Talk, body, known, page, read_call

LIMITS = Limits(tau=2)
BOUNCED = {PageId("a3"): 2, PageId("b2"): 1}
BACK = (Busy(8, 1, (Return(PageId("a1"), PageId("a3"), 100, 6),) * 3),)
LASTS = Watch(Episode(3, 9, 3, 300, BOUNCED, unused=6))
OVER = Watch(last=replace(LASTS.current, over=20))


def eager(tau=1, half_life=0, schedule="every-turn", eases=True) -> Rules:
    limits = Limits(tau, 500, 1, half_life, eases=eases)
    return Rules(POLICIES["fifo"], SCHEDULES[schedule], limits)


def cycle(turns: int, files: str = "abc") -> list[bytes]:
    """Requests in which the same files are read again and again."""
    talk, sent = Talk(), []
    for turn in range(turns):
        sent.append(body(talk.read(f"{files[turn % len(files)]}.py", "text " * 2_000)))
    return sent


def played(given: Rules, requests):
    course = Course(given)
    return [course.take(one) for one in requests]


def all_of(turns, *kinds):
    return [event for turn in turns for event in turn.events if isinstance(event, kinds)]


# -- what is changed ----------------------------------------------------------------------


def test_nothing_is_changed_while_no_page_has_bounced():
    once = replace(LASTS.current, returns={PageId("a2"): 1, PageId("b2"): 1, PageId("c2"): 1})
    assert ease_of(Watch(once), 9, LIMITS) == NO_EASE
    assert ease_of(Watch(last=replace(once, over=20)), 21, LIMITS) == NO_EASE
    assert ease_of(Watch(), 9, LIMITS) == NO_EASE


def test_while_pages_bounce_flushes_wait_and_pages_stay_beyond_the_longest_pause():
    assert ease_of(LASTS, 9, LIMITS) == Ease(tau=7, holds=True)
    assert Ease(tau=7).within(LIMITS).tau == 7
    assert Ease(tau=7).within(Limits(tau=9)).tau == 9


def test_where_thrash_is_only_watched_nothing_is_changed():
    assert ease_of(LASTS, 9, replace(LIMITS, eases=False)) == NO_EASE


@pytest.mark.parametrize(
    ("turn", "tau"), [(20, 7), (35, 7), (36, 3), (51, 3), (52, 1), (68, 0), (5_000, 0)]
)
def test_when_it_is_over_what_was_widened_halves_with_every_window(turn, tau):
    assert ease_of(OVER, turn, LIMITS) == Ease(tau)


def test_a_session_that_has_bounced_is_answered_at_once_the_next_time():
    again = replace(OVER, current=Episode(90, 92, 3, 300, {PageId("z"): 1}, unused=4))
    assert ease_of(again, 92, LIMITS) == Ease(5, holds=True)


pendings = st.builds(
    Pending,
    tokens=st.integers(1, 10**6),
    cold=st.booleans(),
    threshold=st.just(1),
    rewrite=st.sampled_from([0.0, 0.5, 10_000.0]),
)


@given(pendings)
def test_what_waits_costs_something(pending):
    waits = Ease(holds=True).holds_back(pending)
    assert waits == (not pending.cold and pending.rewrite > 0)
    assert not NO_EASE.holds_back(pending)


SIZE = 200_000
ROOM, FULL = Window(SIZE // 2, SIZE), Window(SIZE * 2 // 3, SIZE)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("window", [FULL, Window(SIZE, SIZE), Window(SIZE // 2)])
def test_where_no_room_is_known_a_turn_is_as_if_nothing_had_bounced(schedule, window):
    assert _left(LASTS, schedule, window) == _left(Watch(), schedule, window)
    assert _left(OVER, schedule, window) == _left(Watch(), schedule, window)


@pytest.mark.parametrize("window", [FULL, Window(SIZE // 2)])
def test_where_no_room_is_known_no_answer_is_told_and_no_pin_holds_longer(window):
    assert _answer(ROOM) == ([Eased(7, 1, 24)], [STRONG])
    assert _answer(window) == ([], [1.0])


def _answer(window: Window):
    """What is told of an answer where one lasts, and the pins of the page that bounces."""
    name = next(iter(BOUNCED))
    back = Entry(page(name, read_call(name)), born=8, last_use=8, pin=Pin(1.0, 8))
    given = Seen(9, newest=frozenset({name}), window=window)
    table = PageTable().with_entries([back])
    watch = replace(LASTS, current=replace(LASTS.current, end=8), recent=BACK)
    policy, schedule = POLICIES["fifo"], SCHEDULES["every-turn"]
    after = advance(table, given, policy, schedule, LIMITS, b"0" * 16, watch)
    pins = [entry.pin.strength for entry in after.table.pinned() if entry.pin]
    return [event for event in after.events if isinstance(event, Eased)], pins


def test_where_there_is_room_a_flush_waits_and_what_was_used_stays():
    assert _left(Watch(), "every-turn", ROOM) == ("every-turn", ["old", "used"])
    assert _left(LASTS, "every-turn", ROOM) == (None, [])
    assert _left(OVER, "every-turn", ROOM) == ("every-turn", ["old"])


def _left(watch: Watch, schedule: str, window: Window):
    """Why there was a flush, and which pages left with it."""
    pages = (("old", 2), ("used", 18), ("new", 22))
    entries = [Entry(page(n, read_call(n)), born=at, last_use=at) for n, at in pages]
    prefix = Prefix(tokens=9_000, behind=9_000)
    given = Seen(22, newest=frozenset({PageId("new")}), prefix=prefix, window=window)
    table = PageTable().with_entries(entries)
    after = advance(table, given, POLICIES["fifo"], SCHEDULES[schedule], LIMITS, b"0" * 16, watch)
    return after.flushed, [name for name in after.table.entries if after.table[name].out]


# -- in a session -------------------------------------------------------------------------


def test_an_episode_is_told_when_it_begins_when_it_is_answered_and_when_it_is_over():
    turns = played(eager(), cycle(12) + [body(quiet) for quiet in _quiet(12, 30)])
    began, eased, over = (all_of(turns, kind) for kind in (Thrashed, Eased, Recovered))
    assert (len(began), len(eased), len(over)) == (1, 1, 1)
    assert eased[0] == Eased(tau=4, pins=0, until=eased[0].until)
    assert (over[0].start, over[0].bounced) == (began[0].start, over[0].faults - 3)
    assert over[0].faults < len(all_of(played(eager(eases=False), cycle(12)), Faulted))


def _quiet(before: int, turns: int):
    talk = Talk()
    for turn in range(before):
        talk.read(f"{'abc'[turn % 3]}.py", "text " * 2_000)
    for turn in range(turns):
        yield talk.read(f"new{turn}.py", "short")


def test_what_is_held_back_says_so_and_leaves_later():
    turns = played(eager(), cycle(12) + [body(quiet) for quiet in _quiet(12, 60)])
    waited = [turn.held for turn in turns if turn.held.why == "thrashing"]
    assert waited and all(held.pages and held.tokens for held in waited)
    over = next(n for n, turn in enumerate(turns) if all_of([turn], Recovered))
    assert all_of(turns[over + 1 :], Flushed)


def test_the_pins_of_what_came_back_hold_longer():
    watch = Watch(Episode(1, 2, 3, 300, BOUNCED, unused=1))
    course = Course(eager(half_life=16))
    for one in cycle(6):
        course.take(one)
    pinned = next(course.session.table.pinned())
    returns = {pinned.page.id: 2}
    course.session = replace(
        course.session, watch=replace(watch, current=replace(watch.current, returns=returns))
    )
    talk = cycle(7)
    turn = course.take(talk[-1])
    assert turn.session.table[pinned.page.id].pin.strength == STRONG
    assert [one.pins for one in all_of([turn], Eased)] == [1]


def test_where_pins_are_switched_off_none_is_made():
    turns = played(eager(half_life=0), cycle(20))
    assert all_of(turns, Thrashed)
    assert not list(turns[-1].session.table.pinned())


def test_a_retry_and_a_request_that_is_only_observed_say_nothing_of_thrash():
    course, requests = Course(eager()), cycle(9)
    for one in requests:
        course.take(one)
    watch = course.session.watch
    assert course.take(requests[-1]).session.watch == watch


def test_a_fork_knows_that_pages_bounced_and_begins_no_episode_in_the_middle():
    live = LiveSessions()
    parent = known(watch=LASTS, turn=20)
    fork = live.forked(Match(parent, 1, "edited")).session
    assert fork.id != parent.id
    assert fork.watch == OVER


def test_an_episode_that_was_only_observed_is_over_when_pages_begin_to_leave():
    course = Course(replace(eager(), edit=False, mode="observe"))
    for one in cycle(9):
        course.take(one)
    lasting = course.session.watch.current
    assert lasting is not None
    course.rules = replace(eager(), mode="page")
    turn = course.take(cycle(10)[-1])
    assert [(e.start, e.faults) for e in all_of([turn], Recovered)] == [
        (lasting.start, lasting.faults)
    ]
    assert turn.session.watch.current is None


def test_an_episode_is_over_where_its_session_is_frozen():
    proxy, requests = Proxy(eager()), cycle(11)
    for one in requests[:9]:
        proxy.send(one)
    lasting = proxy.session.watch.current
    assert lasting is not None
    proxy.sessions.replace(replace(proxy.session, frozen="3 failures"))
    for one in requests[9:]:
        proxy.send(one)
        assert proxy.last.after.watch.current is None
    assert [(e.start, e.faults) for e in proxy.events(Recovered)] == [
        (lasting.start, lasting.faults)
    ]


def test_what_was_not_carried_out_is_not_remembered():
    before, after = known(watch=LASTS), known(watch=OVER)
    assert undecided(after, before, Rewritten(b"")).watch == LASTS


# -- laws ---------------------------------------------------------------------------------

reads = st.lists(st.sampled_from(["a", "b", "c", "d", "short"]), min_size=6, max_size=40)
rulings = st.builds(
    eager,
    tau=st.integers(1, 4),
    half_life=st.sampled_from([0, 2, 16]),
    schedule=st.sampled_from(["every-turn", "batch", "auto"]),
)
pauses = st.lists(st.sampled_from([10.0, 10.0, 10.0, 400.0]), min_size=40, max_size=40)


def told(names) -> list[bytes]:
    talk = Talk()
    texts = (talk.read(f"{n}.py", "ok" if n == "short" else f"{n} " * 4_000) for n in names)
    return [body(one) for one in texts]


@settings(max_examples=20, deadline=None)
@given(reads, rulings, pauses)
def test_while_an_episode_is_answered_nothing_leaves_that_costs_anything(names, ruling, pauses):
    course = Course(ruling)
    for one, pause in zip(told(names), pauses, strict=False):
        watch, turn = course.session.watch, course.take(one, pause)
        if ease_of(watch, turn.session.turn, ruling.limits).holds:
            assert all(flush.rewrite == 0 for flush in all_of([turn], Flushed))


@settings(max_examples=20, deadline=None)
@given(reads, rulings)
def test_a_page_that_is_pinned_never_leaves(names, ruling):
    course = Course(ruling)
    for one in told(names):
        pinned = {entry.page.id for entry in course.session.table.pinned()}
        gone = {event.page for event in all_of([course.take(one)], Evicted, Collected)}
        still = {entry.page.id for entry in course.session.table.pinned()}
        assert not gone & (pinned & still)


@settings(max_examples=20, deadline=None)
@given(reads, rulings)
def test_the_same_session_is_answered_in_the_same_way(names, ruling):
    one, other = (played(ruling, told(names)) for _ in range(2))
    assert [(t.body, t.events, t.held) for t in one] == [(t.body, t.events, t.held) for t in other]


@pytest.mark.parametrize("at", [4, 8, 12, 25, 40])
def test_a_restart_at_any_time_of_an_episode_changes_nothing_that_is_sent(tmp_path, at):
    requests = cycle(12) + [body(quiet) for quiet in _quiet(12, 30)]
    steady = Proxy(eager())
    first = [_unnamed(steady.send(one)) for one in requests]
    proxy = RecordedProxy(tmp_path / "db", eager())
    again = [_unnamed(proxy.send(one)) for one in requests[:at]]
    proxy = proxy.restart()
    again += [_unnamed(proxy.send(one)) for one in requests[at:]]
    proxy.stop()
    assert again == first
    assert proxy.last.after.watch == steady.last.after.watch


def _unnamed(sent: bytes) -> bytes:
    """Without the names of pages, which another secret makes others."""
    return re.sub(rb"Page [A-Z2-7]{8}", b"Page", sent)
