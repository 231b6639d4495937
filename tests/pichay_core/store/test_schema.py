import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlite_utils import Database

from pichay_core.store.schema import (
    Unusable,
    migrations,
    open_for_reading,
    open_for_writing,
    problem_with,
)

FIRST = {"sessions", "turns", "pages", "contents", "events", "messages", "calibrations"}
SUMS = {"event_totals", "turn_totals"}
TABLES = FIRST | {"flushes", "asides", "heard", "episodes", "definitions"} | SUMS


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def tables(db) -> set[str]:
    return {name for name in db.table_names() if not name.startswith(("_", "sqlite_"))}


def test_a_new_database_holds_every_table(tmp_path):
    assert tables(open_for_writing(tmp_path / "db")) == TABLES


def test_the_file_is_for_its_owner_only_and_so_are_the_files_beside_it(tmp_path):
    db = open_for_writing(tmp_path / "made" / "db")
    db.execute("insert into calibrations values ('m', 1.0, 0)")
    db.conn.commit()
    assert mode(tmp_path / "made") == 0o700
    assert {p.name: mode(p) for p in (tmp_path / "made").iterdir()} == dict.fromkeys(
        ("db", "db-wal", "db-shm"), 384
    )


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    open_for_writing(tmp_path / "db").conn.close()
    (tmp_path / "db").chmod(0o644)
    open_for_writing(tmp_path / "db")
    assert mode(tmp_path / "db") == 0o600


def test_an_empty_file_is_made_a_database(tmp_path):
    (tmp_path / "db").touch()
    assert problem_with(tmp_path / "db") is None
    assert tables(open_for_writing(tmp_path / "db")) == TABLES


def test_each_migration_is_applied_once(tmp_path):
    for _ in range(3):
        db = open_for_writing(tmp_path / "db")
        db.conn.close()
    db = open_for_writing(tmp_path / "db")
    applied = [row[0] for row in db.execute("select name from _sqlite_migrations")]
    assert sorted(applied) == sorted(migrations.names)


def test_rows_survive_a_second_opening(tmp_path):
    db = open_for_writing(tmp_path / "db")
    db.execute("insert into calibrations values ('m', 1.5, 3)")
    db.conn.commit()
    db.conn.close()
    again = open_for_writing(tmp_path / "db")
    assert list(again.query("select * from calibrations")) == [
        {"model": "m", "multiplier": 1.5, "samples": 3}
    ]


def older(path, migration):
    """A database as it was before that migration, with a row in every table."""
    db = Database(path)
    migrations.apply(db, stop_before=migration)
    for name in sorted(tables(db)):
        columns = db[name].columns
        db[name].insert({c.name: b"x" if c.type == "BLOB" else 1 for c in columns})
    return db


def version_1(path):
    """A database as version 0.1 made it, with a row in every table."""
    db = older(path, "the_ledger_of_each_flush")
    assert tables(db) == FIRST
    return db


def contents(db):
    return {name: list(db[name].rows) for name in tables(db)}


@pytest.mark.parametrize("next_", migrations.names[1:])
def test_a_database_of_any_earlier_version_is_migrated_and_keeps_every_row(tmp_path, next_):
    old = older(tmp_path / "db", next_)
    before = contents(old)
    assert all(len(rows) == 1 for rows in before.values())
    old.conn.close()
    db = open_for_writing(tmp_path / "db")
    assert tables(db) == TABLES
    for name, (row,) in before.items():
        (after,) = db[name].rows
        assert {column: after[column] for column in row} == row
        assert {after[column] for column in after.keys() - row.keys()} <= {None, 0, "", "anthropic"}
    assert {db[name].count for name in TABLES - SUMS - before.keys()} <= {0}
    assert {db[name].count for name in SUMS} == {1}


def test_what_an_old_turn_says_of_edits_its_session_says_after_the_migration(tmp_path):
    old = version_1(tmp_path / "db")
    for outcome, edited in (("edited", 1), ("retried", 1), ("as-is", 0)):
        path = tmp_path / f"{outcome}.db"
        copy = sqlite3.connect(path)
        old.conn.backup(copy)
        copy.execute("update turns set outcome = ?", (outcome,))
        copy.commit()
        copy.close()
        assert [row["edited"] for row in open_for_writing(path)["sessions"].rows] == [edited]


@pytest.mark.parametrize("begin", ["fresh", "old"])
def test_many_may_open_a_database_at_once(tmp_path, begin):
    for round_ in range(5):
        path = tmp_path / f"{round_}.db"
        if begin == "old":
            version_1(path).conn.close()
        ready = threading.Barrier(4)

        def opened(path=path, ready=ready):
            ready.wait()
            return tables(open_for_writing(path))

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(opened) for _ in range(4)]
            assert [done.result() for done in asked] == [TABLES] * 4


def test_a_database_of_version_1_can_be_read_before_it_is_migrated(tmp_path):
    old = version_1(tmp_path / "db")
    before = contents(old)
    old.conn.close()
    db = open_for_reading(tmp_path / "db")
    assert (tables(db), contents(db)) == (FIRST, before)


def test_version_1_refuses_a_database_of_this_version(tmp_path, monkeypatch):
    open_for_writing(tmp_path / "db").conn.close()
    monkeypatch.setattr(migrations, "steps", migrations.steps[:1])
    for open_ in (open_for_writing, open_for_reading):
        with pytest.raises(Unusable, match="written by a newer Pichay: upgrade"):
            open_(tmp_path / "db")


def test_it_is_written_ahead_and_waits_for_locks(tmp_path):
    db = open_for_writing(tmp_path / "db")
    pragma = {n: db.execute(f"pragma {n}").fetchone()[0] for n in ("journal_mode", "busy_timeout")}
    assert pragma == {"journal_mode": "wal", "busy_timeout": 10_000}


@pytest.mark.parametrize("open_", [open_for_writing, open_for_reading])
def test_a_newer_database_is_refused_and_left_alone(tmp_path, open_):
    db = open_for_writing(tmp_path / "db")
    db.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at) "
        "values ('pichay', 'of_the_future', 'then')"
    )
    db.conn.commit()
    db.conn.close()
    before = (tmp_path / "db").read_bytes()
    with pytest.raises(Unusable, match=r"written by a newer Pichay: upgrade, or .*--database"):
        open_(tmp_path / "db")
    assert (tmp_path / "db").read_bytes() == before


@pytest.mark.parametrize("open_", [open_for_writing, open_for_reading])
def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path, open_):
    other = sqlite3.connect(tmp_path / "db")
    other.execute("create table photos (id)")
    other.commit()
    other.close()
    before = (tmp_path / "db").read_bytes()
    with pytest.raises(Unusable, match=r"holds other tables, not Pichay's: .*--database"):
        open_(tmp_path / "db")
    assert (tmp_path / "db").read_bytes() == before


@pytest.mark.parametrize("open_", [open_for_writing, open_for_reading])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, open_):
    (tmp_path / "db").write_text("Dear diary, " * 500)
    with pytest.raises(Unusable, match=r"is not a database Pichay can read: .*--database"):
        open_(tmp_path / "db")
    assert (tmp_path / "db").read_text().startswith("Dear diary")


def test_a_recording_in_a_folder_that_cannot_be_written_to_is_no_broken_one(tmp_path):
    open_for_writing(tmp_path / "db").conn.close()
    (tmp_path / "db-wal").mkdir()
    with pytest.raises(Unusable, match=r"cannot be opened: it must be .* folder that SQLite may"):
        open_for_reading(tmp_path / "db")


@pytest.mark.parametrize("open_", [open_for_writing, open_for_reading])
def test_a_folder_is_refused(tmp_path, open_):
    with pytest.raises(Unusable, match="--database"):
        open_(tmp_path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unusable, match=r"cannot write .*--database"):
        open_for_writing(tmp_path / "file" / "db")


def test_reading_does_not_make_a_database(tmp_path):
    with pytest.raises(Unusable, match=r"there is no database .* yet: run an agent first"):
        open_for_reading(tmp_path / "db")
    assert list(tmp_path.iterdir()) == []


def test_who_reads_cannot_write(tmp_path):
    open_for_writing(tmp_path / "db").conn.close()
    db = open_for_reading(tmp_path / "db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("delete from sessions")


def test_a_path_with_signs_of_a_url_is_a_path(tmp_path):
    path = tmp_path / "a b?c#d%20.db"
    open_for_writing(path).conn.close()
    assert problem_with(path) is None
    assert tables(open_for_reading(path)) == TABLES
