from dataclasses import replace

import pytest

from pichay_core.store import figures, running
from pichay_core.store.activity import activity
from pichay_core.store.running import Running
from pichay_core.store.scope import Scope
from tests.pichay_cli import builders
from tests.pichay_cli.live_recordings import MAIN, busy

RECORDINGS = [
    busy,
    builders.paged,
    builders.flushed,
    builders.losing,
    builders.held,
    builders.cooperating,
    builders.born,
]


@pytest.fixture(params=[1, 3, 512])
def still_open(request, monkeypatch):
    """So many requests are added up anew each time."""
    monkeypatch.setattr(running, "OPEN", request.param)


def followed(db, since=None):
    found = Running(since)
    while found.follow(db) < 1:
        pass
    return found


def same(net, other):
    return replace(net, dollars=0.0, untouched_dollars=0.0) == replace(
        other, dollars=0.0, untouched_dollars=0.0
    ) and (net.dollars, net.untouched_dollars) == pytest.approx(
        (other.dollars, other.untouched_dollars)
    )


def agrees(found, db, session=None, since=None):
    """The sums are those that are asked for all at once."""
    ours, theirs = found.activity(session), activity(db, Scope(session, since))
    assert same(found.net(session), figures.net(db, Scope(session, since)))
    kinds = ours.happened.keys() - {"tls_failed"}
    assert kinds == theirs.happened.keys() - {"tls_failed"}
    for kind in kinds:
        assert set(ours.reasons(kind)) == set(theirs.reasons(kind))
    for name in ("outcomes", "held", "flushes", "frozen", "refusals"):
        assert set(getattr(ours, name)) == set(getattr(theirs, name)), name
    assert (ours.paid_back, ours.prefix_breaks, ours.flush_breaks) == (
        theirs.paid_back,
        theirs.prefix_breaks,
        theirs.flush_breaks,
    )


@pytest.mark.parametrize("recording", RECORDINGS)
def test_what_is_kept_agrees_with_what_is_asked_at_once(tmp_path, recording, still_open):
    db = recording(tmp_path / "x.db").db
    found = followed(db)
    agrees(found, db)
    for session in [row["id"] for row in db["sessions"].rows]:
        agrees(found, db, session)


def test_so_it_does_from_a_time_on(tmp_path):
    db, since = busy(tmp_path / "x.db").db, builders.NOW - 300
    agrees(followed(db, since), db, since=since)


def test_a_big_recording_is_read_in_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "STEP", 4)
    db, found, shares = busy(tmp_path / "x.db").db, Running(), []
    while not shares or shares[-1] < 1:
        shares.append(found.follow(db))
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    agrees(found, db)


def test_rows_that_come_are_added_and_a_late_bill_is_seen(tmp_path, still_open):
    made = builders.paged(tmp_path / "x.db")
    found, one = followed(made.db), "3f2a" + "0" * 28
    made.turn(one, 5)
    made.event(one, 5, "evicted", "p2", 700, handle="BBBBBBBB", age=3)
    found.follow(made.db)
    agrees(found, made.db)
    bill = {"input_tokens": 10, "cache_read_tokens": 5, "cache_write_5m_tokens": 7}
    made.db["turns"].update((one, 5), {**bill, "cache_write_1h_tokens": 0, "output_tokens": 3})
    found.follow(made.db)
    agrees(found, made.db)
    assert found.window(one).tokens == 22


def test_what_is_taken_out_of_the_recording_counts_no_more(tmp_path, still_open):
    made = busy(tmp_path / "x.db")
    found = followed(made.db)
    for table in ("turns", "events", "pages", "flushes", "episodes"):
        made.db.conn.execute(f"delete from {table} where session = ?", [MAIN])
    made.db.conn.execute("delete from sessions where id = ?", [MAIN])
    found.follow(made.db)
    agrees(found, made.db)
    assert found.net(MAIN) == figures.Net()


def test_returns_follow_a_page_from_copy_to_copy(tmp_path):
    back = followed(busy(tmp_path / "x.db").db).returns(MAIN)
    assert back.times == {(MAIN, "b2"): 1, (MAIN, "a3"): 2}
    assert (back.again, dict(back.away)) == (1, {2: 1, 3: 2})
