import pytest

from pichay_core.store import figures
from pichay_core.store.activity import Thrash, activity
from pichay_core.store.glance import Back, glance, lines
from pichay_core.store.now import Held, standing
from pichay_core.store.running import Running
from pichay_core.store.schema import open_for_reading, open_for_writing
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, older, paged
from tests.pichay_cli.live_recordings import MAIN, OLD, SIDE, TURNS, busy


@pytest.fixture
def db(tmp_path):
    return busy(tmp_path / "x.db").db


def seen(db, *arguments):
    running = Running()
    running.follow(db)
    return glance(db, running, lines(db), *arguments)


def test_a_session_from_near_has_its_windows_as_they_were_billed(db):
    near = standing(db, MAIN)
    last = near.sent[-1]
    assert len(near.sent) == TURNS
    assert (last.turn, last.window, last.cached, last.flushed) == (24, 30_010, 0, True)
    assert near.fill == pytest.approx(0.15005)
    assert near.sent[-2].hit == pytest.approx(124_000 / 129_010)


def test_what_the_window_held_is_of_the_last_request(db):
    kinds = {"front": 15_000, "talk": 8_000, "thought": 1_500, "read": 15_000, "query": 4_000,
             "run": 2_500, "write": 600, "stub": 300}  # fmt: skip
    assert standing(db, MAIN).held == Held(kinds, 9_000, 41_000)


def test_what_is_resident_and_was_not_used_for_sixteen_turns_is_outside_of_the_working_set(db):
    near = standing(db, MAIN)
    assert (near.resident, near.unused, near.pins) == (25_000, 12_000, 1)


def test_refetches_are_counted_against_what_moved_out_in_the_last_turns(db):
    near = standing(db, MAIN)
    assert (near.refetched, near.moved) == (3, 3)


def test_a_session_that_is_not_there_cannot_be_seen(db):
    assert standing(db, "nobody") is None


def test_the_main_session_seen_last_is_looked_at_unless_one_is_chosen(db):
    assert seen(db).near.session == MAIN
    assert seen(db, SIDE).near.session == SIDE


def test_the_figures_are_of_all_unless_one_is_opened(db):
    assert seen(db, SIDE).net.requests == TURNS + 2
    opened = seen(db, SIDE, True)
    assert (opened.session, opened.net.requests) == (SIDE, 1)
    assert {event.session for event in opened.events} == {SIDE}


@pytest.mark.parametrize("session", [None, MAIN, SIDE])
@pytest.mark.parametrize("since", [None, NOW - 400, NOW - 30])
def test_its_figures_are_those_of_stats(db, session, since):
    running, scope = Running(since), Scope(session, since)
    running.follow(db)
    found = glance(db, running, lines(db, Scope(None, since)), session, session is not None)
    assert (found.net, found.activity) == (figures.net(db, scope), activity(db, scope))
    counted = found.activity.episodes or 0, found.activity.lasting
    assert (found.thrashing.count, found.thrashing.lasting) == counted
    told = [(one.id, one.net, one.window, one.evictions, one.faults) for one in found.sessions]
    every = figures.sessions(db, scope=Scope(None, since))
    assert told == [(one.id, one.net, one.window, one.evictions, one.faults) for one in every]


def test_a_line_says_how_a_session_stands(db):
    lines = {one.id: one for one in seen(db).sessions}
    assert lines[MAIN].thrashing
    assert (lines[MAIN].window, lines[MAIN].limit, lines[MAIN].faults) == (30_010, 200_000, 3)
    assert (lines[OLD].frozen, lines[OLD].limit, lines[OLD].thrashing) == (True, 200_000, False)


def test_pages_that_bounced_are_told_by_name(db):
    assert seen(db).back == Back(3, 3, 1, (("Read src/app.py", 2),))


def test_episodes_are_counted_and_the_last_told(db):
    thrashing = seen(db).thrashing
    assert (thrashing.count, thrashing.lasting, thrashing.dollars) == (2, 1, 0.21)
    assert [one.start for one in thrashing.last] == [12, 21]
    assert seen(db, SIDE, True).thrashing.count == 0
    assert seen(db).activity.thrash() is Thrash.THRASHING


def test_traffic_that_was_only_let_through_is_no_event_to_look_at(db):
    assert "passed" not in {event.kind for event in seen(db).events}


def test_a_recording_without_the_columns_is_seen_as_far_as_it_goes(tmp_path):
    older(tmp_path / "older.db")
    found = seen(open_for_reading(tmp_path / "older.db"))
    assert found.near.held is None
    assert (found.near.limit, found.near.sent[-1].window) == (200_000, 110)
    assert (found.thrashing.count, found.back) == (0, Back())


def test_turns_from_before_the_columns_hold_nothing_that_is_known(tmp_path):
    assert seen(paged(tmp_path / "x.db").db).near.held is None


def test_an_empty_recording_has_nothing_near(tmp_path):
    found = seen(open_for_writing(tmp_path / "x.db"))
    assert (found.near, found.sessions, found.events) == (None, (), ())
