import pytest

from pichay_core.store.activity import activity
from pichay_core.store.running import Returns, Running
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Scope
from tests.pichay_cli import builders
from tests.pichay_cli.live_recordings import MAIN, SIDE, busy


def followed(db, since=None):
    found = Running(since)
    found.follow(db)
    return found


def test_returns_follow_a_page_from_copy_to_copy(tmp_path):
    back = followed(busy(tmp_path / "x.db").db).returns(MAIN)
    assert back.times == {(MAIN, "b2"): 1, (MAIN, "a3"): 2}
    assert dict(back.away) == {2: 1, 3: 2}


def test_a_refetch_that_comes_is_added_once_to_what_was_there(tmp_path):
    made = busy(tmp_path / "x.db")
    found = followed(made.db)
    made.page(MAIN, "a4", "src/app.py", faults=3)
    made.event(MAIN, 24, "faulted", "a3", 9_000, "refetch", by="a4", away=7)
    for _ in range(2):
        found.follow(made.db)
        assert found.returns(MAIN).times == {(MAIN, "b2"): 1, (MAIN, "a4"): 3}
        assert dict(found.returns().away) == {2: 1, 3: 2, 7: 1}
    assert found.returns() == followed(made.db).returns()


def test_from_a_time_on_a_page_had_come_back_before_that(tmp_path):
    found = followed(busy(tmp_path / "x.db").db, builders.NOW - 400)
    assert found.returns() == Returns({(MAIN, "a3"): 2}, {3: 1})


def test_what_is_taken_out_of_the_recording_counts_no_more(tmp_path):
    made = busy(tmp_path / "x.db")
    found = followed(made.db)
    for table in ("turns", "events", "pages", "flushes", "episodes"):
        made.db.conn.execute(f"delete from {table} where session = ?", [MAIN])
    made.db.conn.execute("delete from sessions where id = ?", [MAIN])
    found.follow(made.db)
    assert found.returns() == found.returns(MAIN) == Returns()


@pytest.mark.parametrize("session", [None, MAIN, SIDE])
def test_what_came_back_again_is_what_the_sums_say(tmp_path, session):
    db = busy(tmp_path / "x.db").db
    times = followed(db).returns(session).times.values()
    assert sum(max(0, one - 1) for one in times) == activity(db, Scope(session)).refaults


def test_a_refetch_is_found_by_an_index(tmp_path):
    db = busy(tmp_path / "x.db").db
    asked = []
    db.conn.set_trace_callback(asked.append)
    followed(db)
    db.conn.set_trace_callback(None)
    (sql,) = [one for one in asked if "refetch" in one]
    plan = [row[3] for row in db.conn.execute(f"explain query plan {sql}")]
    assert "events_faulted" in plan[0], plan


def test_a_recording_without_the_index_is_followed_all_the_same(tmp_path):
    builders.older(tmp_path / "older.db")
    assert followed(open_for_reading(tmp_path / "older.db")).returns() == Returns()
