"""``scripts/recording``: a recording that is made up holds together as a real one does."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from pichay_core.store import figures
from pichay_core.store.activity import activity
from pichay_core.store.library import Library
from pichay_core.store.schema import open_for_reading

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture(scope="module")
def parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import recording_parts.making
        import recording_parts.size

        yield recording_parts


@pytest.fixture(scope="module")
def made(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "pichay.db"
    parts.making.make(path, parts.size.SMALL)
    return path


def contents(path):
    db = Database(path)
    return {name: list(db[name].rows) for name in db.table_names() if not name.startswith("_")}


def test_the_same_seed_gives_the_same_rows(parts, made, tmp_path):
    parts.making.make(tmp_path / "again.db", parts.size.SMALL)
    parts.making.make(tmp_path / "other.db", parts.size.SMALL, seed=2)
    assert contents(tmp_path / "again.db") == contents(made) != contents(tmp_path / "other.db")


def test_it_has_as_many_rows_as_were_asked_for(parts, made):
    size, db = parts.size.SMALL, open_for_reading(made)
    assert (db["sessions"].count, db["turns"].count) == (size.sessions, size.turns)
    assert size.events <= db["events"].count < 1.1 * size.events
    assert size.pages < db["pages"].count < 1.5 * size.pages
    assert all(db[name].count for name in ("contents", "flushes", "asides", "heard", "episodes"))


def test_what_left_left_with_a_flush_and_what_is_billed_was_sent(made):
    db = open_for_reading(made)
    assert not list(
        db.query("""select * from pages where moved is not null and not exists (
            select 1 from flushes where flushes.session = pages.session and turn = moved)""")
    )
    assert not list(
        db.query("""select * from turns where input_tokens is not null and
            input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens <>
            front_tokens + talk_tokens + thought_tokens + read_tokens + query_tokens
                + run_tokens + write_tokens + stub_tokens""")
    )


def test_every_figure_has_something_to_tell(made):
    db = open_for_reading(made)
    net, done = figures.net(db), activity(db)
    assert net.dollars and net.unpriced and net.legs
    assert {"refetch", "refresh", "widen"} <= {tally.why for tally in done.reasons("faulted")}


def test_its_sessions_can_be_gone_on_with(made):
    library = Library(made)
    named = open_for_reading(made).query("select distinct identity from sessions")
    loaded = [library.sessions(row["identity"]) for row in named]
    library.close()
    assert sum(map(len, loaded)) == 12
    assert all(session.table.entries and session.messages for one in loaded for session in one)
