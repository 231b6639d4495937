"""What is read of the episodes of thrash."""

import pytest

from pichay_core.events import Recovered
from pichay_core.model import Usage
from pichay_core.store.accounts import Accounts
from pichay_core.store.episodes import Answer, CameBack, EpisodeStory, episodes
from pichay_core.store.schema import open_for_writing
from pichay_core.store.scope import Scope
from pichay_core.wire.report import Report
from tests.builders import RecordedProxy, Talk, rules
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


# -- as it is recorded --------------------------------------------------------------------

EAGER = rules("every-turn", tau=1, pin_half_life=0)


def thrashing(tmp_path, turns=12, quiet=0):
    """A session in which three files are read in turn, each reply billed; then one of short
    results."""
    proxy, talk = RecordedProxy(tmp_path / "db", EAGER), Talk()
    for turn in range(turns + quiet):
        talk.read(f"{'abc'[turn % 3]}.py", "text " * 2_000 if turn < turns else f"{turn}")
        proxy.send(talk)
        proxy.replied(Report(Usage(input=50, cache_read=20_000, cache_write_5m=3_000, output=9)))
    return proxy


def test_an_episode_that_lasts_has_a_row_that_grows_with_it(tmp_path):
    proxy = thrashing(tmp_path, 9)
    (early,) = _told(proxy)
    proxy = thrashing(tmp_path / "more", 16)
    (late,) = _told(proxy)
    assert (early.start, early.noticed, early.ended) == (late.start, late.noticed, None)
    assert 0 < early.faults < late.faults
    assert 0 < early.cost_tokens < late.cost_tokens
    assert late.answer.held > 0 and late.answer.tau == 4
    assert {back.name for back in late.pages} == {"Read a.py", "Read b.py", "Read c.py"}
    assert sum(back.times for back in late.pages) == late.faults


def _told(proxy):
    proxy.settle()
    found = episodes(proxy.library._db)
    proxy.stop()
    return found


def test_when_it_is_over_the_row_says_so(tmp_path):
    proxy = thrashing(tmp_path, 12, 30)
    (found,) = _told(proxy)
    (over,) = [e for r in proxy.records for e in getattr(r, "events", ()) if type(e) is Recovered]
    assert (over.start, over.faults, over.tokens, over.bounced) == (
        found.start, found.faults, found.tokens, found.bounced,
    )  # fmt: skip
    assert found.ended is not None and found.ended > over.last
    assert found.ended_at is not None


def test_it_costs_what_the_refetches_cost_that_the_flushes_are_charged_with(tmp_path):
    proxy = thrashing(tmp_path, 9)
    sums = "select sum(faulted_tokens), sum(faulted_dollars) from flushes"
    ((charged, dollars),) = proxy.rows(sums)
    (found,) = _told(proxy)
    assert found.cost_tokens == pytest.approx(charged)
    assert found.dollars == pytest.approx(dollars)


def test_a_session_that_does_not_thrash_has_no_row(tmp_path):
    assert _told(thrashing(tmp_path, 3)) == ()


def accounted(path, records, times):
    """The rows of these records, each accounted for so often: the database refused but the last."""
    db = open_for_writing(path)
    accounts = Accounts(db)
    for record in records:
        accounts.write(record)
        db.conn.commit()
        for _ in range(times):
            db.conn.rollback()
            accounts.account(record)
        db.conn.commit()
    return [list(db[table].rows) for table in ("turns", "flushes", "episodes")]


def test_what_the_database_refused_for_a_while_is_accounted_for_once(tmp_path):
    proxy = thrashing(tmp_path, 16, 8)
    _told(proxy)
    once = accounted(tmp_path / "once", proxy.records, 1)
    assert once[-1][0]["cost_tokens"] > 0
    assert accounted(tmp_path / "again", proxy.records, 2) == once
