import io
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.datasette import metadata, yaml
from pichay_cli.formats import as_size, write_csv, write_json, write_jsonl, write_tsv
from pichay_cli.sql_view import MOST_ROWS, answer_sheet
from pichay_core.store.asking import Answer
from pichay_core.store.described import ALL
from tests.pichay_cli.builders import paged
from tests.pichay_cli.conftest import PICHAY
from tests.pichay_cli.screens import text


@pytest.fixture
def path(tmp_path):
    paged(tmp_path / "pichay.db").db.conn.close()
    return tmp_path / "pichay.db"


@pytest.fixture
def sql(path, environment):
    def run(*arguments, **environment):
        words = ["sql", *arguments, "--database", str(path)]
        return CliRunner().invoke(main, words, env=environment)

    return run


FAULTS = "select how, label, tokens, 0.1 + 0.2 part, null empty, x'00ff' raw from faults"


def test_an_answer_is_a_table_with_numbers_to_the_right(sql):
    assert sql(FAULTS).output == (
        "how      label       tokens  part  empty  raw\n"
        "refetch  src/app.py    9000   0.3   null  <2 bytes>\n"
    )


def test_a_table_for_a_pipe_is_as_wide_as_it_is(sql):
    assert sql(f"select '{'x' * 500}' as long, 1 as one").output == (
        f"{'long':500}  one\n{'x' * 500}    1\n"
    )


def test_an_answer_without_rows_is_its_columns(sql):
    assert sql("select * from episodes limit 0").output.startswith("session  start  noticed")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "jsonl",
            '{"how": "refetch", "label": "src/app.py", "tokens": 9000, '
            '"part": 0.30000000000000004, "empty": null, "raw": "<2 bytes>"}\n',
        ),
        (
            "csv",
            "how,label,tokens,part,empty,raw\n"
            "refetch,src/app.py,9000,0.30000000000000004,,<2 bytes>\n",
        ),
        (
            "tsv",
            "how\tlabel\ttokens\tpart\tempty\traw\n"
            "refetch\tsrc/app.py\t9000\t0.30000000000000004\t\t<2 bytes>\n",
        ),
    ],
)
def test_an_answer_is_written_for_other_programs(sql, form, expected):
    assert sql(FAULTS, "--format", form).output == expected


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_list(sql, count):
    found = sql(f"select id from pages order by id limit {count}", "--format", "json").output
    assert json.loads(found) == [{"id": f"p{number}"} for number in range(1, count + 1)]


def test_a_text_of_several_lines_alone_is_written_as_it_is(sql):
    assert sql("select content(digest) from pages where id = 'p1'").output == "one\ntwo\n"


def test_a_question_that_is_wrong_is_told_what_to_do(sql):
    found = sql("select handel from pages")
    assert (found.exit_code, found.output) == (
        1,
        "Error: no such column: handel. Did you mean handle?\n",
    )
    assert "begin with SELECT" in sql("").output


def test_without_a_question_every_table_and_view_is_listed_in_a_line(sql):
    lines = sql().output.splitlines()
    for one in ALL:
        assert any(line.split()[:1] == [one.name] and one.sentence[:40] in line for line in lines)


def test_the_schema_names_every_column(sql):
    found = sql("--schema").output
    assert all(f"\n  {one.name}\n" in found for one in ALL)
    one = sql("--schema", "flushes").output
    assert "paid_back" in one and "\n  turns\n" not in one
    assert "tokens: that left the window" in sql("--schema", "flushes", COLUMNS="80").output
    assert "There is no table or view flushs" in sql("--schema", "flushs").output


def test_where_nothing_is_recorded_that_is_said(environment):
    found = CliRunner().invoke(main, ["sql", "select 1"])
    assert (found.exit_code, "Nothing is recorded yet" in found.output) == (1, True)


def test_an_empty_file_is_asked_like_a_recording_of_nothing(sql, path, tmp_path):
    path.write_bytes(b"")
    assert sql("select count(*) turns from turns, faults").output == "turns\n    0\n"
    assert sql("--datasette", str(tmp_path / "d.yml")).exit_code == 0
    assert sql("select * from session_net").output.startswith("session  kind")


ANSWER = (("session", "tokens"), [("a" * 32, 1), ("b" * 32, None)])


def test_a_row_that_is_wider_than_the_screen_is_a_record():
    assert text(answer_sheet(Answer(*ANSWER), 80), 80) == (
        f"{'session':32}  tokens\n{'a' * 32}       1\n{'b' * 32}    null\n2 rows\n"
    )
    assert text(answer_sheet(Answer(*ANSWER), 39), 39) == (
        f"session  {'a' * 30}\n         aa\ntokens   1\n\n"
        f"session  {'b' * 30}\n         bb\ntokens   null\n\n2 rows\n"
    )


def test_a_screen_gets_the_first_rows_of_many():
    rows = ((number,) for number in range(10**9))
    drawn = text(answer_sheet(Answer(("n",), rows), 80))
    assert drawn.splitlines()[-2:] == [
        str(MOST_ROWS - 1),
        "the first 1,000 rows; --format csv writes all of them",
    ]


def test_ctrl_c_ends_a_long_question(path, environment):
    endless = (
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    )
    asking = subprocess.Popen(
        [*PICHAY, "sql", endless, "--database", str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not os.path.exists(f"/proc/{asking.pid}/fd") or not opened(asking.pid, path):
        assert asking.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    asking.send_signal(signal.SIGINT)
    out, said = asking.communicate(timeout=20)
    assert (asking.returncode, out, said.strip()) == (1, "", "Aborted!")


def opened(pid, path):
    folder = f"/proc/{pid}/fd"
    return any(os.path.realpath(f"{folder}/{fd}") == str(path) for fd in os.listdir(folder))


def test_who_serves_it_with_datasette_is_told_how(sql, path, tmp_path):
    with sqlite3.connect(path) as db:
        db.execute("drop view faults")
    found = sql("--datasette", str(tmp_path / "d.yml"))
    assert f"datasette {path} -m {tmp_path / 'd.yml'}" in found.output
    assert "Did the flushes pay for themselves?" in (tmp_path / "d.yml").read_text()
    names = [row[0] for row in sqlite3.connect(path).execute("select name from sqlite_master")]
    assert "faults" in names


@pytest.mark.parametrize(
    ("name", "key"),
    [("work", "work"), ("2026", '"2026"'), ("my: db", '"my: db"'), ("on", '"on"')],
)
def test_datasette_finds_a_recording_of_any_name(name, key):
    assert f"\ndatabases:\n  {key}:\n    tables:\n" in yaml(metadata(name))


MANY = "with n(i) as (select 1 union all select i + 1 from n limit 300000) select i from n"


@pytest.mark.parametrize("question", [["sql", MANY, "--format", "csv"], ["export"]])
def test_a_reader_that_has_enough_is_told_nothing(path, environment, question):
    asking = subprocess.Popen(
        [*PICHAY, *question, "--database", str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    asking.stdout.close()
    assert asking.stderr.read() == b""
    asking.wait(20)
    asking.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
@pytest.mark.parametrize("question", ["select 1", MANY])
def test_a_full_disk_is_told_in_a_line(path, environment, question):
    words = [*PICHAY, "sql", question, "--format", "csv", "--database", str(path)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            words, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20
        )
    said = "Error: The output cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("write", [write_json, write_jsonl, write_csv, write_tsv])
def test_no_value_moves_the_cursor_of_a_screen(write):
    screen, hostile = _Terminal(), "a\x1b[2J\x9b2J\x7f\u2028b"
    write(screen, ["label"], [[hostile]], as_size)
    assert all(letter.isprintable() or letter == "\n" for letter in screen.getvalue())
    if write in (write_json, write_jsonl):
        (row,) = [json.loads(line) for line in screen.getvalue().splitlines() if "label" in line]
        assert row == {"label": hostile}


def test_a_pipe_gets_separated_values_as_they_are():
    out = io.StringIO()
    write_csv(out, ["label"], [["a\x1bb"]], as_size)
    assert out.getvalue() == "label\na\x1bb\n"
