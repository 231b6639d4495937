"""A recording of any earlier version: migrated with every row, and read as it is.

The recordings are made up by ``scripts/recording``, as far as their tables have columns for it.
"""

import hashlib
import os
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from pichay_cli import main
from pichay_core.store.asking import ask, open_for_questions
from pichay_core.store.schema import migrations, open_for_writing
from tests.pichay_core.store.test_totals import assert_kept

ROOT = Path(__file__).parents[3]
VERSIONS = migrations.names[1:]
"""Each stands for the recordings in which it was not applied yet."""
SUMS = {"event_totals", "turn_totals"}


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """Makes a recording as it was before a migration; returns its path."""
    folder = tmp_path_factory.mktemp("versions")

    def made(migration):
        path = folder / f"{migration}.db"
        if not path.exists():
            db = Database(path)
            migrations.apply(db, stop_before=migration)
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str(ROOT / "scripts"))
                from recording_parts.making import fill
                from recording_parts.size import Size

                assert len([*fill(db, Size(6, 120, 1_500, 700))]) == 6
            db.conn.close()
        return path

    return made


def copied(path, tmp_path):
    copy = tmp_path / "pichay.db"
    copy.write_bytes(path.read_bytes())
    return copy


def contents(path):
    db = Database(path)
    names = [name for name in db.table_names() if not name.startswith("_")]
    return {name: list(db[name].rows) for name in names}


def assert_same_rows(before, path):
    after = contents(path)
    for name in before.keys() - SUMS:
        same = [{column: row[column] for column in before[name][0]} for row in after[name]]
        assert same == before[name], name
    db = Database(path)
    assert_kept(db)
    assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    assert db["turn_totals"].count


@pytest.mark.parametrize("next_", VERSIONS)
def test_every_row_of_an_older_recording_is_there_after_it_is_migrated(older, tmp_path, next_):
    path = copied(older(next_), tmp_path)
    before = contents(path)
    assert all(before[name] for name in ("sessions", "turns", "pages", "events", "contents"))
    open_for_writing(path).conn.close()
    assert_same_rows(before, path)


VERBS = (
    ("stats",),
    ("stats", "--json"),
    ("stats", "--since", "900d"),
    ("stats", "--session", "last"),
    ("stats", "--live"),
    ("sessions",),
    ("show", "last"),
    ("top",),
)


@pytest.mark.parametrize("next_", VERSIONS)
def test_every_verb_reads_an_older_recording_as_it_is(older, tmp_path, monkeypatch, next_):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    path = copied(older(next_), tmp_path)
    digest = hashlib.sha256(path.read_bytes()).digest()
    path.chmod(0o400)
    handle = next(iter(Database(path)["pages"].rows_where("state = 'evicted'")))["handle"]
    for verb in (*VERBS, ("page", handle)):
        done = CliRunner().invoke(main, [*verb, "--database", str(path)], catch_exceptions=False)
        assert (done.exit_code, bool(done.output.strip())) == (0, True), (verb, done.output)
    assert hashlib.sha256(path.read_bytes()).digest() == digest


ASKED = ("event_totals", "turn_totals", "session_net", "flush_outcomes")


@pytest.mark.parametrize("next_", VERSIONS)
def test_an_older_recording_adds_up_to_the_same_before_it_is_migrated(older, tmp_path, next_):
    path = copied(older(next_), tmp_path)
    before = [asked(path, name) for name in ASKED]
    assert all(before[:3])
    open_for_writing(path).conn.close()
    for rows, again in zip(before, [asked(path, name) for name in ASKED], strict=True):
        for one, other in zip(rows, again, strict=True):
            assert one == pytest.approx(other)


def asked(path, name):
    with closing(open_for_questions(path)) as connection:
        return sorted(ask(connection, f"select * from {name}").rows)


_HALTED = """
    import sys, time
    from pathlib import Path
    from pichay_core.store.schema import migrations, open_for_writing

    step = migrations.steps[int(sys.argv[2])]

    def halted(db):
        step(db)
        print("there", flush=True)
        time.sleep(60)

    halted.__name__ = step.__name__
    migrations.steps[int(sys.argv[2])] = halted
    open_for_writing(Path(sys.argv[1]))
"""
_OPENED = """
    import sys
    from pathlib import Path
    from pichay_core.store.schema import open_for_writing

    open_for_writing(Path(sys.argv[1])).conn.close()
"""


def process(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("step", [1, 4, len(VERSIONS)])
def test_a_migration_that_was_killed_leaves_a_recording_that_can_be_migrated(older, tmp_path, step):
    path = copied(older(VERSIONS[0]), tmp_path)
    before = contents(path)
    child = process(_HALTED, path, step)
    assert child.stdout is not None and child.stdout.readline() == b"there\n"
    child.kill()
    child.wait()
    assert contents(path)["events"] == before["events"]
    open_for_writing(path).conn.close()
    assert_same_rows(before, path)


def test_two_processes_may_migrate_a_recording_at_once(older, tmp_path):
    path = copied(older(VERSIONS[0]), tmp_path)
    before = contents(path)
    both = [process(_OPENED, path) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert_same_rows(before, path)
