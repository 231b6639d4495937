import csv
import errno
import io
import json
import stat

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.parquet import write_parquet
from pichay_core.store.described import ALL, TABLES
from tests.pichay_cli.builders import NOW, cooperating, paged
from tests.recorded import demo

HAPPENED = [one.name for one in TABLES if not one.inner]
EMPTY = ("flushes", "episodes", "definitions")
SECOND = "77b1" + "0" * 28


@pytest.fixture
def path(tmp_path):
    made = paged(tmp_path / "pichay.db")
    made.message("3f2a" + "0" * 28, 7)
    made.db.conn.close()
    return tmp_path / "pichay.db"


@pytest.fixture
def export(path, environment):
    def run(*arguments):
        words = ["export", "--database", str(path), *map(str, arguments)]
        return CliRunner().invoke(main, words)

    return run


def rows(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def tables(result):
    return list(dict.fromkeys(row["table"] for row in rows(result)))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_happened_is_written_as_lines_that_name_their_table(export):
    assert tables(export()) == [name for name in HAPPENED if name not in EMPTY]


def test_the_rows_of_one_table_are_its_columns(export):
    (first, *_) = rows(export("--table", "pages"))
    said = {column.name for column in next(one for one in TABLES if one.name == "pages").columns}
    assert set(first) == said - {"arguments", "summary", "key_target"}
    assert (first["id"], first["tokens"]) == ("p1", 1000)


def test_what_the_agent_read_stays_here_unless_it_is_asked_for(tmp_path, environment):
    made = cooperating(tmp_path / "db")
    made.page("c0" * 16, "p9", "a.py", "GGGGGGGG", digest="d9", arguments='["a secret"]')
    made.text("d9", "a secret\n")
    made.aside("c0" * 16, 3, reply='["a secret"]')
    made.db.conn.close()
    words = ["export", "--database", str(tmp_path / "db")]
    words += [word for one in ALL for word in ("--table", one.name)]
    plain, whole = (CliRunner().invoke(main, [*words, *more]) for more in ([], ["--content"]))
    assert "a secret" not in plain.output and "The table is in order" not in plain.output
    texts = [row["text"] for row in rows(whole) if row["table"] == "contents"]
    assert texts == ["the turns", "a secret\n"]
    assert whole.output.count("a secret") == 3 and "The table is in order" in whole.output


def test_what_a_reason_quotes_stays_here_too(tmp_path, environment):
    """The model says why it lets a page go, a provider why it refuses: in words of the talk."""
    quoted = "9c" * 16
    made, quote = paged(tmp_path / "db"), "tool_use: the launch code is 0000"
    made.session(quoted, frozen=f"provider refused our edit: {quote}", held=f"thinking: {quote}")
    made.turn(quoted, 1, outcome="retried", why=quote)
    made.turn(quoted, 2, outcome="observed", why=f"failed: {quote}", held_why=f"frozen: {quote}")
    made.event(quoted, 1, "released", "p1", why=quote)
    made.event(quoted, 1, "released", "p2", why="summarized")
    made.event(quoted, 1, "failed", why=f"ValueError: {quote}")
    made.db.conn.close()
    words = ["export", "--database", str(tmp_path / "db")]
    words += [word for one in ALL for word in ("--table", one.name)]
    plain, whole = (CliRunner().invoke(main, [*words, *more]) for more in ([], ["--content"]))
    assert (plain.output.count("launch"), whole.output.count("launch")) == (0, 11)
    said = [row.get("why") for row in rows(plain) if row["table"] == "events"]
    assert {"", "summarized", "ValueError"} <= set(said)
    (session,) = (r for r in rows(plain) if r["table"] == "sessions" and r["id"] == quoted)
    assert (session["frozen"], session["held"]) == ("provider refused our edit", "thinking")


def test_what_handles_are_made_from_is_never_exported(export):
    assert all("secret" not in row for row in rows(export("--content", "--table", "sessions")))


def test_content_is_exported_with_what_happened_when_it_is_asked_for(export):
    assert "contents" in tables(export("--content")) and "messages" not in tables(
        export("--content")
    )


def test_hashes_are_hexadecimal(export):
    assert [row["digest"] for row in rows(export("--table", "messages"))] == ["07"]


def test_one_session_is_exported_alone(export):
    found = rows(export("--session", "77b1"))
    assert {row.get("session") or row["id"] for row in found} == {SECOND}
    assert len(found) == 2
    texts = rows(export("--session", "3f2a", "--table", "contents", "--content"))
    assert sorted(row["text"] for row in texts) == ["one\ntwo\n", "three\n"]
    assert rows(export("--session", "77b1", "--table", "contents", "--content")) == []


def test_rows_since_a_time_are_exported_alone(export):
    since = ["--since", "2025-06-15T14:30:00+00:00"]
    assert NOW - 7_200 < 1749997800 < NOW - 600
    found = rows(export(*since))
    assert {row.get("session") or row["id"] for row in found} == {"3f2a" + "0" * 28}
    assert {row["table"] for row in found} == {"sessions", "turns", "pages", "events"}


@pytest.mark.parametrize("option", [("--since", "2h"), ("--session", "last")])
def test_what_is_of_the_whole_recording_is_not_narrowed(export, option):
    found = export("--table", "daily_net", *option)
    assert (found.exit_code, f"leave out {option[0]}" in found.output) == (2, True)


def test_a_folder_gets_a_private_file_for_each_table(export, tmp_path):
    assert export("--format", "csv", "--out", tmp_path / "made").exit_code == 0
    files = sorted((tmp_path / "made").iterdir())
    assert [file.name for file in files] == sorted(f"{name}.csv" for name in HAPPENED)
    assert (mode(tmp_path / "made"), {mode(file) for file in files}) == (0o700, {0o600})
    with (tmp_path / "made" / "pages.csv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [
            "src/app.py", "src/io.py", "ls -la", "src/app.py",
        ]  # fmt: skip


def test_a_file_is_private_even_if_it_was_not(export, tmp_path):
    (tmp_path / "x.jsonl").write_text("old")
    (tmp_path / "x.jsonl").chmod(0o644)
    assert export("--out", tmp_path / "x.jsonl").exit_code == 0
    assert mode(tmp_path / "x.jsonl") == 0o600
    assert json.loads((tmp_path / "x.jsonl").read_text().splitlines()[0])["table"] == "sessions"


def test_nothing_beside_a_file_is_touched(export, tmp_path):
    """Where anybody may write, a link of the name of what is not done yet could lead anywhere."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "x.jsonl.part").symlink_to(tmp_path / "mine")
    assert export("--out", tmp_path / "x.jsonl").exit_code == 0
    assert ((tmp_path / "mine").read_text(), mode(tmp_path / "x.jsonl")) == ("mine", 0o600)
    there = {path.name for path in tmp_path.iterdir()} - {"pichay.db"}
    assert there >= {"mine", "x.jsonl", "x.jsonl.part"} and not any(
        name.startswith("x.jsonl.") and name != "x.jsonl.part" for name in there
    )


def test_one_table_as_csv_goes_to_standard_output(export):
    assert export("--format", "csv", "--table", "session_net").output.startswith("session,kind,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv"], "name a folder with --out"),
        (["--format", "csv", "--out", "x.csv"], "name a folder with --out"),
        (["--format", "parquet"], "name one with --out"),
        (["--format", "csv", "--out", "x.jsonl"], "named as jsonl and asked for as csv"),
        (["--out", "x.csv"], "name a folder with --out"),
        (["--table", "turn"], "There is no table or view turn. There are sessions, turns,"),
        (["--out", "no/such/folder/x.jsonl"], "cannot be written: No such file"),
    ],
)
def test_what_does_not_fit_is_told_what_to_do(export, arguments, said):
    found = export(*arguments)
    assert found.exit_code != 0
    assert said in " ".join(found.output.split())


def test_where_nothing_is_recorded_that_is_said(environment):
    found = CliRunner().invoke(main, ["export"])
    assert (found.exit_code, "Nothing is recorded yet" in found.output) == (1, True)


def test_parquet_says_what_it_needs(export, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "arro3.io", None)
    found = export("--format", "parquet", "--out", tmp_path / "made")
    assert (found.exit_code, "pip install 'pichay[parquet]'" in found.output) == (1, True)


@pytest.mark.parametrize("rows_", [2, 10_000])
def test_parquet_holds_the_same_rows_in_batches_of_any_size(
    export, path, tmp_path, monkeypatch, rows_
):
    arro3 = pytest.importorskip("arro3.io")
    monkeypatch.setattr("pichay_cli.parquet.BATCH_ROWS", rows_)
    path.unlink()
    demo(path).conn.close()
    names = [word for one in ALL for word in ("--table", one.name)]
    assert (
        export("--format", "parquet", "--content", "--out", tmp_path / "p", *names).exit_code == 0
    )
    found = rows(export("--content", *names))
    for one in ALL:
        read = arro3.read_parquet(str(tmp_path / "p" / f"{one.name}.parquet")).read_all()
        columns = {name: read[name].to_pylist() for name in read.column_names}
        expected = [row for row in found if row["table"] == one.name]
        assert read.num_rows == len(expected)
        for name, values in columns.items():
            plain = [value.hex() if isinstance(value, bytes) else value for value in values]
            assert plain == [row[name] for row in expected], (one.name, name)


class _Full(io.BytesIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_parquet_on_a_full_disk_is_an_error_like_any():
    column = TABLES[0].columns[0]
    with pytest.raises(OSError, match="No space left"):
        write_parquet(_Full(), [column], [["a"]])
