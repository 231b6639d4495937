import pytest

from pichay_core.store import stories
from pichay_core.store.eventful import latest_events
from pichay_core.store.figures import Tokens
from pichay_core.store.schema import open_for_writing
from pichay_core.store.scope import Scope
from pichay_core.store.stories import EventStory, PageStory, TurnStory
from tests.pichay_cli.builders import NOW, Recording, held, paged

ONE = "3f2a" + "0" * 28
TWO = "77b1" + "0" * 28


@pytest.fixture
def db(tmp_path):
    return paged(tmp_path / "pichay.db").db


def test_a_session_is_found_by_any_beginning_of_its_id(db):
    assert stories.matching(db, "3f") == (ONE,)
    assert stories.matching(db, TWO) == (TWO,)
    assert stories.matching(db, "") == (ONE, TWO)
    assert stories.matching(db, "%") == ()


def test_a_whole_id_is_never_ambiguous(tmp_path):
    made = Recording(tmp_path / "x.db")
    made.session("ab")
    made.session("abc")
    assert stories.matching(made.db, "ab") == ("ab",)


def test_the_newest_session_is_the_main_one_seen_last(tmp_path):
    made = Recording(tmp_path / "x.db")
    assert stories.newest(made.db) is None
    made.session("side", kind="side", last_at=NOW)
    assert stories.newest(made.db) == "side"
    made.session("old", last_at=NOW - 90)
    made.session("new", last_at=NOW - 80)
    assert stories.newest(made.db) == "new"


def test_requests_come_in_order_with_both_bills(db):
    found = stories.turns(db, ONE)
    assert [turn.request for turn in found] == [1, 2, 3, 4]
    assert found[2] == TurnStory(
        request=3,
        turn=3,
        at=NOW - 570,
        outcome="edited",
        why=None,
        status=200,
        removed_tokens=23_010,
        thinking_tokens=0,
        cleared_tokens=0,
        pending_tokens=0,
        flushed="batch",
        held_tokens=0,
        held_why=None,
        prefix_broken=True,
        actual=Tokens(10, 12_000, 40_000, 500),
        untouched=Tokens(10, 70_000, 5_000, 500),
        dollars=0.16,
        untouched_dollars=0.05,
    )


def test_a_request_in_flight_has_no_bill(tmp_path):
    found = stories.turns(held(tmp_path / "x.db").db, "a" * 32)[2]
    assert (found.actual, found.untouched, found.dollars, found.status) == (None, None, None, None)


def test_events_know_their_page_by_its_call(db):
    found = stories.events(db, ONE)
    assert [event.kind for event in found] == [
        *("flushed", "evicted", "evicted", "collected", "faulted", "pinned")
    ]
    assert found[1] == EventStory(
        id=2,
        session=ONE,
        request=3,
        turn=3,
        at=NOW - 570,
        kind="evicted",
        why=None,
        tokens=9_000,
        detail={"handle": "AAAAAAAA", "age": 4},
        page="Read src/app.py",
        handle="AAAAAAAA",
    )


def test_an_event_of_a_page_that_is_not_recorded_has_its_id(tmp_path):
    made = Recording(tmp_path / "x.db")
    made.event(made.session(), 1, "evicted", "p9", 5)
    assert stories.events(made.db, "a" * 32)[0].page == "p9"


def test_the_events_of_one_page_are_its_own(db):
    assert [event.kind for event in stories.events(db, ONE, "p1")] == ["evicted", "faulted"]


def test_the_latest_events_come_in_order(db):
    assert [event.kind for event in latest_events(db, 2)] == ["faulted", "pinned"]
    assert latest_events(db, 2, Scope(TWO)) == ()


def test_a_page_is_found_by_its_handle_in_any_case(db):
    assert stories.pages(db, "aaaaaaaa") == (
        PageStory(
            session=ONE,
            id="p1",
            handle="AAAAAAAA",
            tool="Read",
            label="src/app.py",
            kind="read",
            digest="digest of one\ntwo\n",
            bytes=8,
            lines=2,
            tokens=1_000,
            state="evicted",
            stale=False,
            born=1,
            last_use=1,
            uses=0,
            faults=0,
            moved=3,
            pin_strength=None,
            pin_since=None,
            kept=True,
        ),
    )
    assert stories.pages(db, "ZZZZZZZZ") == ()


def test_a_handle_of_a_fork_names_the_page_of_the_session_seen_last_first(tmp_path):
    made = paged(tmp_path / "x.db")
    fork = made.session("f" * 32, kind="fork", parent=ONE, last_at=NOW)
    made.page(fork, "p1", "src/app.py", "AAAAAAAA")
    assert [page.session for page in stories.pages(made.db, "AAAAAAAA")] == [fork, ONE]


def test_the_content_of_a_page_is_what_was_kept(db):
    assert stories.content(db, "digest of one\ntwo\n") == b"one\ntwo\n"
    assert stories.content(db, "digest of nothing") is None


def test_an_empty_recording_has_no_stories(tmp_path):
    db = open_for_writing(tmp_path / "x.db")
    assert (stories.turns(db, "x"), stories.events(db, "x")) == ((), ())


def test_the_latest_events_of_a_session_are_those_of_its_last_requests(tmp_path):
    made = Recording(tmp_path / "x.db")
    one, two = made.session(), made.session("b" * 32)
    for request in range(1, 6):
        made.event(one, request, "advised", tokens=request)
        made.event(two, request, "advised", tokens=100)
    made.event(one, None, "warned", why="no slot for a marker")
    latest = latest_events(made.db, 3, Scope(one))
    assert [(event.kind, event.tokens) for event in latest] == [
        ("advised", 4),
        ("advised", 5),
        ("warned", None),
    ]
