"""What mitmdump, started by hand, says about options that Pichay cannot work with."""

import os
import sqlite3
import subprocess
import sys

import pytest

from pichay_cli.launch import addon_path
from pichay_core.store.schema import open_for_writing

pytestmark = pytest.mark.e2e

WRONG = {
    "no number": ("pichay_tau=x", "pichay_tau: not an integer: x"),
    "no such option": ("pichay_tua=4", "pichay_tua is not an option; there are: pichay_"),
    "requests streamed": ("stream_large_bodies=1m", "unset it (responses are streamed anyway)"),
    "a newer database": ("pichay_database={newer}", "written by a newer Pichay: upgrade, or name"),
    "spans without an endpoint": ("pichay_otel=true", "set OTEL_EXPORTER_OTLP_ENDPOINT"),
    "another database": ("pichay_database={other}", "holds other tables, not Pichay's"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("databases")
    newer, other = (folder / name for name in ("newer.db", "other.db"))
    db = open_for_writing(newer)
    db.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at) "
        "values ('pichay', 'of_next_year', '')"
    )
    db.conn.commit()
    db.conn.close()
    with sqlite3.connect(other) as db:
        db.execute("create table recipes (name text)")
    return {"newer": newer, "other": other}


@pytest.fixture(scope="module")
def started(folder, files):
    """All of them, started together: each ends by itself."""
    (folder / "unset").mkdir()
    processes = {
        what: _mitmdump(folder, setting.format(**files)) for what, (setting, _) in WRONG.items()
    }
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


def _mitmdump(folder, setting):
    # What the script "mitmdump" does.
    run = "import sys; from mitmproxy.tools.main import mitmdump; sys.exit(mitmdump())"
    command = [sys.executable, "-c", run, "--listen-host", "127.0.0.1", "-p", "0"]
    command += ["--set", f"confdir={folder / 'confdir'}", "-s", str(addon_path()), "--set", setting]
    environment = os.environ | {"PICHAY_HOME": str(folder / "unset")}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("what", WRONG)
def test_a_start_that_cannot_work_ends_and_says_what_to_do(started, what):
    said, _ = started[what].communicate(timeout=60)
    told = [line for line in said.splitlines() if "] pichay: " in line]
    assert started[what].returncode == 1
    assert WRONG[what][1] in said
    assert len(told) == 1
    assert "Traceback" not in said


def test_a_refused_database_is_left_as_it_was(started, files):
    for process in started.values():
        process.wait(60)
    with sqlite3.connect(files["other"]) as db:
        assert db.execute("select name from sqlite_master").fetchall() == [("recipes",)]
