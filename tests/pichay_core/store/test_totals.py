"""The sums that the database keeps are what its rows come to, whatever happens to them."""

from collections.abc import Iterable
from dataclasses import asdict

import pytest
from sqlite_utils import Database

from pichay_core.model import Usage
from pichay_core.store import figures, totals, upkeep
from pichay_core.store.activity import activity
from pichay_core.store.births import births
from pichay_core.store.cooperation import cooperation
from pichay_core.store.schema import open_for_writing
from pichay_core.store.scope import EVERYTHING, Scope
from pichay_core.wire.report import Report
from tests.builders import RecordedProxy, Talk, rules, worked
from tests.pichay_cli.builders import NOW, born, cooperating, flushed, held, losing, paged

MADE = (born, cooperating, flushed, held, losing, paged)
DAY = 86_400.0


def assert_kept(db: Database) -> None:
    for table, summed in totals.SUMMED.items():
        kept = sorted(db.execute(f"select * from {table}").fetchall())
        rows = sorted(db.execute(summed).fetchall())
        assert len(kept) == len(rows)
        for one, other in zip(kept, rows, strict=True):
            assert one == pytest.approx(other)


@pytest.fixture(params=MADE, ids=lambda make: make.__name__)
def recording(request, tmp_path):
    return request.param(tmp_path / "pichay.db")


def test_the_sums_are_what_the_rows_come_to(recording):
    assert_kept(recording.db)


def test_a_sum_follows_its_turn_when_it_is_billed_and_when_its_outcome_changes(recording):
    recording.db.execute("update turns set outcome = 'refused', why = 'x', input_tokens = 7")
    assert_kept(recording.db)


def test_the_sums_go_with_what_is_taken_away(recording):
    upkeep.prune(recording.db, NOW - 3_600)
    assert_kept(recording.db)
    for row in list(recording.db["sessions"].rows):
        upkeep.purge(recording.db, row["id"])
        assert_kept(recording.db)
    upkeep.prune(recording.db, NOW + DAY)
    assert not recording.db["event_totals"].count + recording.db["turn_totals"].count


USAGE = Usage(10, 9_000, 400, 0, 60)


def played(proxy: RecordedProxy, talk: Talk, lengths: Iterable[int]) -> None:
    """Send what a talk was at these lengths; every fifth reply is lost."""
    whole = list(talk.messages)
    for count, length in enumerate(lengths):
        talk.messages = whole[:length]
        proxy.send(talk)
        if count % 5 != 4:
            proxy.replied(Report(USAGE))
    talk.messages = whole


def test_the_sums_of_real_traffic_are_what_its_rows_come_to(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules(flush_tokens=4000))
    talk = worked().read("0.py").read("1.py").idle(3).read("0.py")
    played(proxy, talk, range(1, len(talk.messages), 2))
    proxy = proxy.restart()
    played(proxy, talk, [9, 11, len(talk.messages)])
    other = RecordedProxy(tmp_path / "db", rules(flush_tokens=4000))
    for both in (proxy, other):
        played(both, talk.idle(1), [len(talk.messages)])
        both.settle()
    proxy.stop()
    other.stop()
    db = open_for_writing(tmp_path / "db")
    kinds = {row["kind"] for row in db["event_totals"].rows}
    assert {"evicted", "faulted", "pinned", "rewound"} <= kinds
    assert db.execute("select sum(requests) from turn_totals").fetchone() == (db["turns"].count,)
    assert_kept(db)


def rounded(value):
    match value:
        case float():
            return round(value, 9)
        case dict():
            return {name: rounded(one) for name, one in value.items()}
        case list() | tuple():
            return [rounded(one) for one in value]
        case _:
            return value


def everything(db, scope):
    found = (
        figures.net(db, scope),
        figures.sessions(db, 9, scope),
        activity(db, scope),
        births(db, scope),
        cooperation(db, scope),
    )
    return rounded([asdict(one) for one in (*found[1], *found[:1], *found[2:])])


SCOPES = (EVERYTHING, Scope("3f2a" + "0" * 28), Scope(since=NOW - 595), Scope(since=NOW - 9_000))


@pytest.mark.parametrize("scope", SCOPES)
def test_every_figure_is_the_same_from_sums_and_from_rows(recording, scope):
    db = recording.db
    kept = everything(db, scope)
    for name in ("event", "turn"):
        db.execute(f"alter table {name}_totals rename to {name}_before")
    assert everything(db, scope) == kept
