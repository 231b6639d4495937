"""What a report is made of, against the rows that it is read from."""

import json
from dataclasses import replace

import pytest

from pichay_core.store import figures
from pichay_core.store.closeup import PARTS, close_up
from pichay_core.store.cost import Cost
from pichay_core.store.report import course, interesting, report
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Scope
from pichay_core.store.suggestions import Finding, Suggestion, _uncalled
from tests.pichay_cli.builders import NOW, Recording, flushed, held, losing, older, paged

PAGED = "3f2a" + "0" * 28


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def long(path, requests=50):
    """A session whose windows are all of another size."""
    made = Recording(path)
    one = made.session(turn=requests, requests=requests)
    for request in range(1, requests + 1):
        read = 1_000 * (1 + request * 7 % 11)
        parts = {f"{part}_tokens": 10 * at for at, part in enumerate(PARTS, 1)}
        made.turn(
            one, request, (10, read, 500, 5), (10, 2 * read, 500, 5), (0.01, 0.03),
            **parts, window_limit=200_000, working_tokens=50, pinned_tokens=request,
            resident_tokens=60, working_curve=json.dumps({"1": request, "2": 2 * request}),
        )  # fmt: skip
        made.page(one, f"p{request}", "a.py")
        made.event(one, request, "evicted", f"p{request}", 100)
    return made, one


def test_the_course_ends_with_the_net(path):
    made = paged(path)
    net, last = figures.net(made.db), course(made.db)[-1]
    assert (last.requests, last.tokens, last.untouched_tokens) == (
        net.settled, net.actual.sent, net.untouched.sent,
    )  # fmt: skip
    assert (last.dollars, last.untouched_dollars) == pytest.approx(
        (net.dollars, net.untouched_dollars)
    )


@pytest.mark.parametrize("most", [1, 2, 7, 30, 50, 80])
def test_a_course_in_fewer_points_has_none_that_is_not_in_the_whole(path, most):
    made, _ = long(path)
    whole, thinned = course(made.db), course(made.db, most=most)
    assert [point.requests for point in whole] == list(range(1, 51))
    assert {*thinned} <= {*whole}
    assert (thinned[0], thinned[-1]) == (whole[0], whole[-1])
    assert len(thinned) <= most + 2


def test_what_stood_in_a_window_adds_up_to_it(path):
    made, one = long(path)
    for moment in close_up(made.db, one).moments:
        assert [*moment.parts] == [*PARTS]
        assert sum(moment.parts.values()) == pytest.approx(moment.window)


def test_a_long_session_is_told_in_its_largest_windows_and_leaves_no_request_out(path):
    made, one = long(path)
    whole, thinned = close_up(made.db, one), close_up(made.db, one, most=12)
    assert (whole.thinned, thinned.thinned) == (False, True)
    assert len(thinned.moments) <= 12
    told = [range(moment.first, moment.last + 1) for moment in thinned.moments]
    assert [request for each in told for request in each] == list(range(1, 51))
    windows = {moment.request: moment.window for moment in whole.moments}
    for moment, each in zip(thinned.moments, told, strict=True):
        assert moment.window == windows[moment.request] == max(windows[one] for one in each)
    assert thinned.happenings == whole.happenings
    assert sum(one.count for one in thinned.happenings) == 50


def test_the_curve_is_the_mean_over_all_requests(path):
    made, one = long(path, 4)
    seen = close_up(made.db, one)
    assert (seen.curve, seen.resident) == ({1: 2.5, 2: 5.0}, 60)


def test_the_untouched_size_goes_on_over_a_request_that_would_not_have_been_made(path):
    made, one = long(path, 3)
    made.turn(one, 4, (10, 9_000, 0, 5), (0, 0, 0, 0), (0.01, 0.0))
    *_, before, last = close_up(made.db, one).moments
    assert last.untouched == before.untouched


def test_an_episode_is_told_by_the_requests_of_its_turns(path):
    made, one = long(path, 9)
    made.db["episodes"].insert(EPISODE | {"session": one})
    (band,) = close_up(made.db, one).bands
    assert (band.first, band.last, band.episode.dollars) == (3, 6, 0.25)


EPISODE = {
    "start": 3, "noticed": 4, "ended": 6, "request": 4, "at": NOW - 500, "ended_at": NOW - 400,
    "faults": 5, "tokens": 9_000, "bounced": 1, "pages": json.dumps({"p1": 3, "p2": 1}), "tau": 8,
    "pins": 2, "held": 1, "cost_tokens": 70_000.0, "dollars": 0.25,
}  # fmt: skip


def test_sessions_worth_a_look_are_each_named_once_with_all_that_they_are(path):
    made = losing(path)
    made.session("5a" * 16, last_at=NOW - 5)
    made.turn("5a" * 16, 1, (10, 0, 50_000, 500), (10, 0, 90_000, 500), (0.9, 1.4), at=NOW - 5)
    found = {s.id[:2]: why for s, why in interesting(figures.sessions(made.db), ())}
    assert found == {
        "5a": ("the costliest", "the greatest saving", "the newest"),
        "aa": ("the greatest loss",),
    }


def test_a_session_that_is_asked_for_is_the_only_one_seen_closely(path):
    made = paged(path)
    (chosen,) = report(made.db, Scope(PAGED)).chosen
    assert (chosen.figures.id, chosen.why) == (PAGED, ("the one asked for",))


def test_nothing_is_suggested_where_all_went_well(path):
    assert report(paged(path).db).suggestions == ()


def test_what_lost_money_is_found_with_its_figures(path):
    made = losing(path)
    made.flush("a" * 32, 1, why="every-turn", saved_dollars=0.01, rewritten_dollars=0.06)
    made.flush("a" * 32, 2, why="cold")
    found = {one.finding: one for one in report(made.db).suggestions}
    assert found == {
        Finding.LOST: Suggestion(
            Finding.LOST, 1, "", ("a" * 32,), pytest.approx(0.22), pytest.approx(31_010.0)
        ),
        Finding.SCHEDULE: Suggestion(
            Finding.SCHEDULE, 1, "every-turn", (), pytest.approx(0.05), -5_500.0
        ),
    }


def test_thrash_is_found_with_what_came_back(path):
    made = paged(path)
    made.db["episodes"].insert(EPISODE | {"session": PAGED})
    (found,) = report(made.db).suggestions
    names = ("Read src/app.py (3)", "Read src/io.py (1)")
    assert found == Suggestion(Finding.THRASHED, 1, "", names, 0.25, 70_000.0)


def test_pages_that_came_back_are_found_where_no_episode_was_recorded(path):
    made = losing(path)
    for _ in range(3):
        made.event("a" * 32, 2, "faulted", "p1", 1_000, "refetch", by="x", away=1)
    found = [o for o in report(made.db).suggestions if o.finding is Finding.CAME_BACK]
    assert found == [Suggestion(Finding.CAME_BACK, 4, "", ("Read f1.py (4)",), None, 4_000.0)]


def test_what_was_not_paged_is_found_with_its_reason(path):
    found = {
        one.finding: (one.count, one.why, one.names) for one in report(held(path).db).suggestions
    }
    assert found == {
        Finding.OBSERVED: (1, "subscription login", ()),
        Finding.FROZEN: (1, "refused by the provider", ("a" * 32,)),
        Finding.UNPRICED: (1, "", ("claude-next",)),
        Finding.REFUSED: (1, "", ("api.anthropic.com",)),
        Finding.FAILED: (1, "KeyError", ()),
    }  # fmt: skip


def test_a_tool_that_nobody_calls_is_found_once_it_was_there_often_enough():
    idle = Cost("Browser", sessions=3, definition_tokens=900, sent=90_000, dollars=0.4)
    called, seldom = replace(idle, what="Read", calls=1), replace(idle, what="Ask", sessions=2)
    rest = replace(idle, what="prompt", rest=True)
    (found,) = _uncalled([idle, called, seldom, rest])
    assert found == Suggestion(Finding.UNCALLED, 1, "", ("Browser",), 0.4, 90_000)


def test_an_older_recording_has_a_report_too(path):
    older(path)
    found = report(open_for_reading(path), also=("file",))
    (chosen,) = found.chosen
    assert (chosen.course.moments[0].window, chosen.course.moments[0].parts) == (110, {})
    assert (chosen.course.curve, chosen.course.bands, found.episodes) == ({}, (), ())


def test_what_is_from_before_does_not_count(path):
    made = flushed(path)
    found = report(made.db, Scope(since=NOW - 565))
    assert found.net.settled == found.course[-1].requests == 1
