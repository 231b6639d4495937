"""What the model did of itself, counted from the events of a recording."""

import pytest

from pichay_core.store.activity import Tally, activity
from pichay_core.store.cooperation import Cooperation, cooperation
from pichay_core.store.figures import net, sessions
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, cooperating, older, paged

ONE = "c0" * 16


@pytest.fixture
def made(tmp_path):
    return cooperating(tmp_path / "pichay.db")


def test_what_the_model_did_is_counted(made):
    assert cooperation(made.db) == Cooperation(
        asked=(
            Tally("memory_fault", 3, 6_300),
            Tally("memory_release", 1, 60),
            Tally("tag anchor", 1, 0),
        ),
        refused=(Tally("unknown page", 1, 30),),
        recalled=2,
        recalled_tokens=6_000,
        released=2,
        pinned=1,
        collapsed=1,
        collapsed_messages=24,
        collapsed_tokens=31_000,
        advised=(Tally("advisory", 1, 66_000), Tally("involuntary", 1, 101_000)),
        unsaid=1,
    )


def test_a_page_that_a_fault_pinned_was_not_pinned_by_the_model(made):
    made.event(ONE, 9, "faulted", "p2", 500, "refetch", by="p8", away=1)
    made.event(ONE, 9, "pinned", "p8", strength=1.0)
    assert cooperation(made.db).pinned == 1


def test_a_session_that_asked_for_nothing_has_nothing_to_tell(tmp_path, made):
    quiet = paged(tmp_path / "quiet.db")
    assert (cooperation(quiet.db).any, cooperation(made.db).any) == (False, True)


def test_the_scope_is_one_session_or_a_time(made):
    assert not cooperation(made.db, Scope("nobody")).any
    assert cooperation(made.db, Scope(ONE)) == cooperation(made.db)
    assert not cooperation(made.db, Scope(since=NOW)).any


def test_requests_of_ours_are_told_apart_and_part_of_the_net(made):
    found = net(made.db)
    assert (found.requests, found.legs, found.settled) == (4, 2, 6)
    assert (found.legs_sent, found.legs_dollars) == (105_020, pytest.approx(0.05))
    assert found.saved_dollars == pytest.approx(0.25)
    assert sessions(made.db)[0].requests == 4
    assert [tally.count for _, tally in activity(made.db).outcomes] == [4]


def test_a_recording_of_an_earlier_version_tells_of_no_requests_of_ours(tmp_path):
    older(tmp_path / "old.db")
    db = open_for_reading(tmp_path / "old.db")
    assert (net(db).legs, sessions(db)[0].requests, cooperation(db).any) == (0, 1, False)
    assert [tally.count for _, tally in activity(db).outcomes] == [1]
