"""What is read of the episodes of thrash."""

import pytest

from pichay_core.store.episodes import Answer, CameBack, EpisodeStory, episodes
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, Recording


@pytest.fixture
def made(tmp_path):
    return Recording(tmp_path / "pichay.db")


def test_an_episode_is_told_with_what_came_back_by_name_and_what_was_answered(made):
    one = made.session()
    made.page(one, "p1", "src/a.py")
    made.episode(one, 3, [("gone", 1), ("p1", 2)])
    assert episodes(made.db) == (
        EpisodeStory(
            session=one,
            start=3,
            noticed=4,
            ended=20,
            request=4,
            at=NOW - 560,
            ended_at=NOW - 400,
            faults=3,
            tokens=12_000,
            bounced=1,
            pages=(CameBack("p1", "Read src/a.py", 2), CameBack("gone", "gone", 1)),
            cost_tokens=15_000.0,
            dollars=0.045,
            answer=Answer(tau=8, pins=2, held=5),
        ),
    )


def test_one_sessions_episodes_leave_out_the_others(made):
    one, other = made.session(), made.session("b" * 32)
    for session in (one, other):
        made.page(session, f"p{session[0]}", "a.py")
        made.episode(session, 1, [(f"p{session[0]}", 3)])
    (found,) = episodes(made.db, Scope(other))
    assert (found.session, found.pages) == (other, (CameBack("pb", "Read a.py", 3),))


def test_what_was_over_before_is_left_out_and_what_lasts_is_not(made):
    over, lasting, ended = (made.session(letter * 32) for letter in "abc")
    made.episode(over, 1, [("p", 3)], ended_at=NOW - 300)
    made.episode(lasting, 1, [("p", 3)], ended=None, ended_at=None)
    made.episode(ended, 1, [("p", 3)], ended=None, ended_at=None)
    made.db["sessions"].update(ended, {"last_at": NOW - 300})
    assert [one.session for one in episodes(made.db, Scope(since=NOW - 100))] == [lasting]
    assert len(episodes(made.db)) == 3


def test_an_older_recording_has_none(made):
    made.db["episodes"].drop()
    assert episodes(made.db) == ()
