import pytest

from pichay_core.store.activity import Activity, Tally, Thrash, activity
from pichay_core.store.schema import open_for_writing
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, flushed, held, losing, paged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def test_everything_that_happened_is_counted_by_kind_and_reason(path):
    assert activity(paged(path).db) == Activity(
        happened={
            "collected": (Tally("ephemeral", 1, 1_500),),
            "evicted": (Tally("", 2, 21_000),),
            "faulted": (Tally("refetch", 1, 9_000),),
            "flushed": (Tally("batch", 1, 22_500),),
            "pinned": (Tally("", 1),),
        },
        outcomes=(("as_is", Tally("", 3)), ("edited", Tally("", 2))),
        flushes=(Tally("batch", 1),),
        pins_now=1,
        prefix_breaks=1,
        flush_breaks=1,
    )


def test_a_prefix_that_no_flush_broke_is_told_apart(path):
    made = paged(path)
    one = made.session("c" * 32, turn=1, requests=1)
    made.turn(one, 1, (10, 0, 90, 5), prefix_broken=1)
    found = activity(made.db)
    assert (found.prefix_breaks, found.flush_breaks) == (2, 1)


def test_flushes_that_paid_back_are_counted_if_that_is_recorded(path):
    made = flushed(path)
    assert (activity(made.db).paid_back, activity(made.db, Scope("77b1" + "0" * 28)).paid_back) == (
        1, None,
    )  # fmt: skip
    made.db["flushes"].drop()
    assert activity(made.db).paid_back is None


def test_what_was_held_back_passed_frozen_or_refused_has_its_reason(path):
    found = activity(held(path).db)
    assert found.held == (Tally("thinking binds history", 2, 12_300),)
    assert found.reasons("passed") == (Tally("not JSON", 2), Tally("too big", 1))
    assert found.frozen == (Tally("refused by the provider", 1),)
    assert found.refusals == (Tally("api.anthropic.com", 1),)
    assert found.outcomes == (
        ("as_is", Tally("", 2)),
        ("observed", Tally("subscription login", 1)),
    )
    assert (found.count("failed"), found.count("warned"), found.count("evicted")) == (1, 1, 0)


def test_a_refetch_of_what_a_refetch_brought_is_counted_as_again(path):
    found = activity(losing(path).db)
    assert (found.count("faulted", "refetch"), found.refaults) == (4, 3)


def test_one_sessions_activity_leaves_out_the_others_and_what_has_no_session(path):
    made = held(path)
    other = made.session("b" * 32)
    made.event(other, 1, "evicted", "p", 5)
    made.page(other, "p", "x.py", pin_strength=1.0)
    found = activity(made.db, Scope(other))
    assert found == Activity(happened={"evicted": (Tally("", 1, 5),)}, pins_now=1)


def test_activity_since_a_time_leaves_out_what_was_before(path):
    made = paged(path)
    found = activity(made.db, Scope(since=NOW - 565))
    assert {kind: found.count(kind) for kind in found.happened} == {"faulted": 1, "pinned": 1}


def test_nothing_happened_in_an_empty_recording(path):
    assert activity(open_for_writing(path)) == Activity()


@pytest.mark.parametrize(
    ("refetches", "refaults", "evictions", "thrash"),
    [
        (0, 0, 0, Thrash.NONE),
        (0, 0, 50, Thrash.NONE),
        (1, 0, 2, Thrash.SOME),
        (2, 2, 2, Thrash.SOME),
        (3, 0, 13, Thrash.SOME),
        (3, 0, 12, Thrash.THRASHING),
        (4, 1, 40, Thrash.SOME),
        (4, 4, 40, Thrash.THRASHING),
    ],
)
def test_thrashing_is_three_refetches_at_a_quarter_of_evictions_or_a_tenth_again(
    refetches, refaults, evictions, thrash
):
    happened = {
        "faulted": (Tally("refetch", refetches), Tally("refresh", 100)),
        "evicted": (Tally("", evictions),),
    }
    assert Activity(happened=happened, refaults=refaults).thrash() is thrash


def test_where_episodes_are_recorded_they_alone_say_whether_it_thrashes(path):
    made = losing(path)
    made.db.execute("update turns set working_curve = '{}'")
    assert (activity(made.db).episodes, activity(made.db).thrash()) == (0, Thrash.SOME)
    made.episode("a" * 32, 1, [("p", 3)])
    assert (activity(made.db).episodes, activity(made.db).thrash()) == (1, Thrash.OVER)
    made.db.execute("update episodes set ended = null, ended_at = null")
    assert (activity(made.db).episodes, activity(made.db).thrash()) == (1, Thrash.THRASHING)
    assert Activity(episodes=0).thrash() is Thrash.NONE
