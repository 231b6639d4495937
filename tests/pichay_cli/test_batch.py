"""Many files at once: which ones, in what order, and what goes wrong with some of them."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import click
import pytest

from pichay_cli.batch import Troubles, Waiting, chosen, worked
from pichay_cli.engines import Done, each
from pichay_cli.probe import measured
from pichay_cli.replaying import Given
from pichay_cli.sources import Foreign, find, history_folders, own_history, recording
from pichay_core.store.schema import open_for_writing
from pichay_core.traces import NotATrace
from tests.pichay_core.traces.samples import SAMPLES

SESSION = SAMPLES["claude-code"]

MEASURED = partial(measured, Given())


def length(path: Path) -> int:
    """What the tests do with a file. A file of a certain name is the end of the process."""
    if path.stem == "deadly":
        os._exit(9)
    if path.stem == "odd":
        raise KeyError("odd")
    if path.stem == "slow":
        time.sleep(0.3)
    return len(path.read_bytes())


def named(path: Path, about: str = "nothing") -> str:
    return f"{path.name}: {about}"


@pytest.fixture
def folder(tmp_path):
    """Three files, the later the larger."""
    for number in (1, 2, 3):
        (tmp_path / f"{number}.json").write_text("x" * number)
    return tmp_path


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_folders_are_searched_for_what_recordings_are_called(tmp_path):
    names = ("a.jsonl", "b.JSON", "c.jsonl.zst", "d.json.gz", "e.db", ".deep/.er/f.sqlite")
    wanted = [touch(tmp_path / name) for name in names]
    for name in ("notes.md", "pichay.db-wal", "g.py", "jsonl"):
        touch(tmp_path / name)
    (tmp_path / "folder.json").mkdir()
    assert find([tmp_path]) == sorted(wanted)


def test_a_file_is_taken_as_it_is_called_and_none_twice(tmp_path):
    notes, session = touch(tmp_path / "notes.md"), touch(tmp_path / "a.jsonl")
    assert find([notes, session, tmp_path]) == [notes, session]


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(click.ClickException, match=r"nowhere does not exist\. Name a recording"):
        find([tmp_path / "nowhere"])


def test_own_history_is_where_the_agents_keep_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_folders({}) == [tmp_path / ".claude/projects", tmp_path / ".codex/sessions"]
    moved = {"CLAUDE_CONFIG_DIR": str(tmp_path / "c"), "CODEX_HOME": str(tmp_path / "x")}
    assert history_folders(moved) == [tmp_path / "c/projects", tmp_path / "x/sessions"]
    assert own_history(moved) == []
    (tmp_path / "x/sessions").mkdir(parents=True)
    assert own_history(moved) == [tmp_path / "x/sessions"]


def test_without_a_path_and_a_history_it_is_said_what_to_name(tmp_path, monkeypatch):
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(click.ClickException, match=r"Name files or folders: pichay probe PATH"):
        chosen([], "probe")
    (tmp_path / "projects").mkdir()
    assert chosen([], "probe") == [tmp_path / "projects"]
    assert chosen([tmp_path], "probe") == [tmp_path]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("package.json", b'{"name": "it"}', Foreign),
        ("list.json", b'["a", 1]', Foreign),
        ("empty.jsonl", b"", Foreign),
        ("archive.gz", gzip.compress(b"no JSON", mtime=0), Foreign),
        ("broken.json", b'{"name": ', NotATrace),
        ("broken.jsonl", b"nonsense", NotATrace),
        ("cut.jsonl.gz", gzip.compress(SESSION, mtime=0)[:-20], NotATrace),
    ],
)
def test_a_file_that_keeps_what_its_name_promised_is_foreign_else_broken(
    tmp_path, name, data, error
):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NotATrace) as raised:
        recording(tmp_path / name)
    assert raised.type is error
    assert not str(raised.value).startswith(name.partition(".")[0])


def test_a_session_is_named_by_its_file(tmp_path):
    path = tmp_path / "sess.jsonl.gz"
    path.write_bytes(gzip.compress(SAMPLES["swe-agent"]))
    assert recording(path).conversations[0].id == "sess"


def test_a_database_without_our_tables_is_foreign(tmp_path):
    ours, other = tmp_path / "ours.db", tmp_path / "other.db"
    open_for_writing(ours).close()
    open_for_writing(other).execute("drop table pages").connection.close()
    for path, error in ((ours, NotATrace), (other, Foreign)):
        with pytest.raises(NotATrace) as raised:
            recording(path)
        assert raised.type is error


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_files(folder, jobs):
    files = find([folder])
    heard: list[Path] = []
    found = list(each(files, length, jobs, heard.append))
    assert found == [Done(path, size) for path, size in zip(files, (1, 2, 3), strict=True)]
    assert sorted(heard) == files


def test_the_largest_file_is_started_first(folder):
    heard: list[Path] = []
    list(each(find([folder]), length, 1, heard.append))
    assert [path.stem for path in heard] == ["3", "2", "1"]


def test_few_files_wait_at_a_time(tmp_path):
    files = [touch(tmp_path / f"{number}.json") for number in range(30)]
    finished: list[Path] = []
    results = each(files, length, 1, finished.append)
    next(results)
    assert len(finished) == 1
    results.close()


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_wrong_with_a_file_stops_no_other(folder, jobs):
    odd, gone = touch(folder / "odd.json"), folder / "gone.json"
    files = [*find([folder]), gone]
    errors = {done.path: done.error for done in each(files, length, jobs)}
    assert errors.pop(gone) == "No such file or directory"
    assert errors.pop(odd) == "KeyError: 'odd' (a fault in Pichay, or of the machine)"
    assert set(errors.values()) == {None}


def test_a_process_that_dies_costs_its_file_only(folder):
    deadly = touch(folder / "deadly.json")
    touch(folder / "slow.json")
    found = {done.path: done for done in each(find([folder]), length, 2)}
    assert found.pop(deadly).error == (
        "the process that worked on it died (perhaps of too little memory)"
    )
    assert sorted(done.result for done in found.values()) == [0, 1, 2, 3]


def test_no_files_are_no_work():
    assert list(each([], length, 4)) == []


def test_only_a_named_file_that_is_no_recording_is_an_error(tmp_path, capsys):
    for name in ("a.json", "b.json", "c.json", "d.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "ok.jsonl").write_bytes(SESSION)
    troubles = Troubles()
    found = list(worked([tmp_path], MEASURED, 1, None, troubles))
    assert ([path.name for path, _ in found], troubles.exit_code) == (["ok.jsonl"], 0)
    troubles.say()
    said = capsys.readouterr().err
    named = ", ".join(f"{tmp_path}/{name}.json" for name in "abc")
    assert said == f"Skipped: 4 files are no recordings ({named}, 1 more)\n"
    troubles = Troubles()
    assert list(worked([tmp_path / "a.json"], MEASURED, 1, None, troubles)) == []
    assert troubles.exit_code == 1
    assert troubles.errors[0].startswith(f"{tmp_path}/a.json: JSON, but neither an object")


def test_progress_is_shown_on_a_terminal_only(folder, capsys, monkeypatch):
    files = [touch(folder / f"more{number}.json") for number in range(30)]
    waiting = Waiting(files)
    waiting.finished(files[0])
    waiting.close()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    waiting = Waiting(files)
    for path in files:
        waiting.finished(path)
    waiting.close()
    shown = capsys.readouterr()
    assert "30 files" in shown.err
    assert "100%" in shown.err
    assert shown.out == ""


INTERRUPTED = """
from pathlib import Path
from pichay_cli.engines import each
import time
def wait(path):
    path.touch()
    time.sleep(60)
if __name__ == "__main__":
    list(each([Path("a"), Path("b")], wait, 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_ends_all_processes_at_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    running = subprocess.Popen(
        [sys.executable, str(script)], cwd=tmp_path,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not ((tmp_path / "a").exists() and (tmp_path / "b").exists()):
        assert time.monotonic() < deadline, "the two processes did not begin"
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert said.count("Traceback") <= 1
    assert said.rstrip().endswith("KeyboardInterrupt")


def test_without_dask_it_is_said_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(click.ClickException, match=r"pip install 'pichay\[dask\]'"):
        list(each(find([folder]), length, dask="tcp://127.0.0.1:1"))


def test_a_cluster_that_is_not_there_is_named(folder, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("pichay_cli.engines._CONNECT_SECONDS", 1)
    with pytest.raises(click.ClickException, match=r"no Dask scheduler at tcp://127\.0\.0\.1:1"):
        list(each(find([folder]), length, dask="tcp://127.0.0.1:1"))


def test_a_cluster_of_two_processes_gives_what_one_process_gives(tmp_path):
    distributed = pytest.importorskip("distributed")
    for number, name in enumerate(("claude-code", "codex-rollout", "pi")):
        (tmp_path / f"{number}.jsonl").write_bytes(SAMPLES[name])
    (tmp_path / "broken.jsonl").write_text("nonsense")
    (tmp_path / "package.json").write_text(json.dumps({"name": "it"}))
    files = find([tmp_path])
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        found = list(each(files, MEASURED, dask=cluster.scheduler_address))
    assert found == list(each(files, MEASURED))
    assert [done.error is None for done in found] == [True, True, True, False, False]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_told_about_a_file_reaches_the_work_on_it(folder, jobs):
    files = find([folder])
    found = each(files, named, jobs, told={files[0]: "it", files[2]: "other"})
    assert [done.result for done in found] == ["1.json: it", "2.json: nothing", "3.json: other"]
