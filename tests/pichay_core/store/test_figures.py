import pytest

from pichay_core.store.figures import Net, Tokens, net, recorded, sessions
from pichay_core.store.schema import open_for_reading, open_for_writing
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, Recording, held, losing, paged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def test_the_net_adds_up_what_was_billed_beside_the_estimate(path):
    found = net(paged(path).db)
    assert found == Net(
        requests=5,
        settled=5,
        actual=Tokens(45, 104_000, 121_000, 2_000),
        untouched=Tokens(45, 260_000, 92_000, 2_100),
        priced=5,
        dollars=pytest.approx(0.51),
        untouched_dollars=pytest.approx(0.76),
    )
    assert found.saved_tokens == 127_000
    assert found.saved_dollars == pytest.approx(0.25)


def test_a_loss_is_negative(path):
    found = net(losing(path).db)
    assert (found.saved_tokens, found.saved_dollars) == (-31_010, pytest.approx(-0.22))


def test_a_model_without_a_price_is_named_and_adds_no_dollars(path):
    made = held(path)
    made.turn("a" * 32, 4, (10, 0, 100, 5), dollars=(0.5, 0.75))
    found = net(made.db)
    assert (found.unpriced, found.settled, found.priced) == (("claude-next",), 3, 1)
    assert (found.dollars, found.untouched_dollars) == (0.5, 0.75)


def test_a_request_in_flight_counts_but_adds_no_tokens(path):
    made = Recording(path)
    made.turn(made.session(), 1)
    assert net(made.db) == Net(requests=1)


def test_an_hour_long_cache_write_is_a_cache_write(path):
    made = Recording(path)
    made.turn(made.session(), 1, (1, 2, 3, 4), cache_write_1h_tokens=5)
    assert net(made.db).actual == Tokens(1, 2, 8, 4)


def test_an_empty_recording_adds_up_to_nothing(path):
    db = open_for_writing(path)
    assert (recorded(db), net(db), sessions(db)) == (False, Net(), ())


def test_a_file_whose_tables_are_not_made_yet_holds_nothing(path):
    path.touch()
    assert not recorded(open_for_reading(path))


def test_traffic_without_a_session_is_something_recorded(path):
    made = Recording(path)
    made.event(None, None, "passed", why="not JSON")
    assert recorded(made.db)


def test_the_scope_is_one_session_or_a_time(path):
    made = paged(path)
    assert net(made.db, Scope("77b1" + "0" * 28)).requests == 1
    assert net(made.db, Scope(since=NOW - 575)).requests == 2
    assert net(made.db, Scope("77b1" + "0" * 28, NOW)).requests == 0


def test_sessions_come_newest_first_with_their_own_figures(path):
    first, second = sessions(paged(path).db)
    assert (first.id[:4], first.kind, first.turns, first.requests) == ("3f2a", "main", 4, 4)
    assert (first.window, first.evictions, first.faults) == (55_010, 2, 1)
    assert (first.net.saved_tokens, first.net.requests) == (127_000, 4)
    assert (second.kind, second.parent, second.window) == ("subagent", first.id, 8_005)
    assert (second.evictions, second.faults, second.net.saved_tokens) == (0, 0, 0)


def test_the_window_is_that_of_the_last_settled_request(path):
    made = paged(path)
    made.turn("3f2a" + "0" * 28, 5)
    assert sessions(made.db, limit=1)[0].window == 55_010


def test_a_session_without_a_settled_request_has_no_window(path):
    made = Recording(path)
    made.session()
    (found,) = sessions(made.db)
    assert (found.window, found.net) == (None, Net())


def test_sessions_in_scope_are_those_seen_since(path):
    made = paged(path)
    assert [s.kind for s in sessions(made.db, scope=Scope(since=NOW - 3_600))] == ["main"]
    assert [s.kind for s in sessions(made.db, scope=Scope("77b1" + "0" * 28))] == ["subagent"]
