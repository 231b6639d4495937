import pytest

from pichay_core.store import upkeep
from pichay_core.store.schema import open_for_reading
from pichay_core.store.upkeep import Removed
from tests.pichay_cli.builders import NOW, held, paged

ONE = "3f2a" + "0" * 28
TWO = "77b1" + "0" * 28
LISTED = ("events", "messages", "flushes", "asides", "heard")
TABLES = ("sessions", "turns", "pages", "contents", *LISTED)


@pytest.fixture
def made(tmp_path):
    """Two sessions that share the content of a page."""
    found = paged(tmp_path / "pichay.db")
    found.page(TWO, "q1", "src/io.py", "DDDDDDDD", "three\n")
    found.message(ONE, 0)
    found.flush(ONE, 3)
    found.aside(ONE, 2, leg=1)
    found.aside(ONE, 2, leg=2)
    found.heard(ONE, 0)
    return found


def test_every_table_with_rows_of_a_session_is_among_those_that_go(made):
    of_session = {name for name in made.db.table_names() if "session" in made.db[name].columns_dict}
    assert of_session == set(upkeep._OF_SESSION)


def left(db):
    return {name: db[name].count for name in TABLES}


def test_a_purged_session_goes_with_all_its_rows_and_contents_of_its_own(made):
    expected = Removed(*(1, 4, 4, 1), events=6, messages=1, flushes=1, asides=2, heard=1)
    assert upkeep.of_session(made.db, ONE) == expected
    assert upkeep.purge(made.db, ONE) == expected
    one_of_each = dict.fromkeys(("sessions", "turns", "pages", "contents"), 1)
    assert left(made.db) == one_of_each | dict.fromkeys(LISTED, 0)


def test_content_that_another_session_refers_to_stays(made):
    upkeep.purge(made.db, ONE)
    assert [row["digest"] for row in made.db["contents"].rows] == ["digest of three\n"]


def test_counting_changes_nothing(made):
    before = left(made.db)
    upkeep.of_session(made.db, ONE)
    upkeep.older_than(made.db, NOW)
    assert left(made.db) == before


def test_pruning_takes_the_sessions_not_seen_since(made):
    assert upkeep.prune(made.db, NOW - 3_600) == Removed(sessions=1, turns=1, pages=1)
    assert [row["id"] for row in made.db["sessions"].rows] == [ONE]


def test_pruning_takes_old_events_that_belong_to_no_session(tmp_path):
    db = held(tmp_path / "pichay.db").db
    assert upkeep.prune(db, NOW - 85) == Removed(events=2)
    assert [row["why"] for row in db["events"].rows_where("session is null")] == ["too big", None]


def test_what_was_taken_away_is_not_in_the_file_any_more(tmp_path):
    made = paged(tmp_path / "pichay.db")
    label = "src/a-very-secret-name.py"
    made.page(ONE, "p9", label)
    made.aside(ONE, 2, results='["a very secret answer"]')
    upkeep.purge(made.db, ONE)
    assert upkeep.give_back(made.db)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert (label.encode() in files, b"a very secret answer" in files) == (False, False)


def test_a_file_that_another_is_reading_is_left_as_it_is(made):
    reader = open_for_reading(made.path)
    rows = reader.conn.execute("select * from turns")
    rows.fetchone()
    made.db.conn.execute("pragma busy_timeout = 50")
    upkeep.purge(made.db, ONE)
    assert not upkeep.give_back(made.db)


def test_the_subagents_of_a_session_are_known(made):
    assert (upkeep.children(made.db, ONE), upkeep.children(made.db, TWO)) == ((TWO,), ())


def test_purging_what_is_not_there_takes_nothing(made):
    assert upkeep.purge(made.db, "nobody") == Removed()
