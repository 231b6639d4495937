import sqlite3

import pytest

from pichay_core.store.asking import BadQuestion, ask, open_for_questions
from pichay_core.store.schema import open_for_writing
from tests.pichay_cli.builders import paged


@pytest.fixture
def connection(tmp_path):
    paged(tmp_path / "db").db.conn.close()
    return open_for_questions(tmp_path / "db")


def problem(connection, sql):
    with pytest.raises(BadQuestion) as raised:
        list(ask(connection, sql).rows)
    return str(raised.value)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from turns",
        "update sessions set kind = 'x'",
        "create table mine (x)",
        "create temp table mine (x)",
        "attach 'other.db' as other",
        "pragma query_only = off",
        "pragma journal_mode = delete",
        "vacuum",
        "begin",
        "drop view session_net",
    ],
)
def test_a_question_changes_nothing(connection, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert problem(connection, sql) == "A recording is only read here: ask with SELECT."
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("select * from turn", "no such table: turn. Did you mean turns?"),
        ("select * from sesion_net", "Did you mean session_net or sessions?"),
        ("select handel from pages", "no such column: handel. Did you mean handle?"),
        ("select p.handel from pages p", "no such column: p.handel. Did you mean handle?"),
        ("select contents(digest) from pages", "Did you mean content?"),
    ],
)
def test_what_could_be_meant_is_said(connection, sql, meant):
    assert problem(connection, sql).endswith(meant)


def test_any_other_mistake_is_told_with_where_to_look(connection):
    said = problem(connection, "selct 1")
    assert said.startswith('near "selct": syntax error.') and "pichay sql --schema" in said
    assert "One statement at a time" in problem(connection, "select 1; select 2")


def test_names_of_columns_and_rows_are_the_answer(connection):
    answer = ask(connection, "select state, count(*) count from pages group by 1")
    assert (answer.columns, list(answer.rows)) == (
        ["state", "count"],
        [("collected", 1), ("evicted", 2), ("resident", 1)],
    )
    assert ask(connection, "pragma table_info(turns)").columns[1] == "name"


def test_a_kept_text_is_read_only_when_it_is_asked_for(connection):
    sql = "select content(digest) from pages where handle = ?".replace("?", "'{}'")
    assert list(ask(connection, sql.format("AAAAAAAA")).rows) == [("one\ntwo\n",)]
    assert list(ask(connection, sql.format("CCCCCCCC")).rows) == [(None,)]
    assert list(ask(connection, "select content(null), content(7)").rows) == [(None, None)]


def test_half_a_pair_in_a_kept_text_is_shown_as_a_question_mark(tmp_path):
    made = paged(tmp_path / "db")
    with made.db.conn:
        made.db.conn.execute("update sessions set project = cast(x'61eda080' as text)")
    answer = ask(open_for_questions(tmp_path / "db"), "select project from sessions limit 1")
    assert [text.rstrip("\ufffd") for (text,) in answer.rows] == ["a"]


def test_an_empty_recording_can_be_asked(tmp_path):
    open_for_writing(tmp_path / "db").conn.close()
    found = list(ask(open_for_questions(tmp_path / "db"), "select * from session_net").rows)
    assert found == []


def test_a_recording_that_is_written_to_can_be_asked(tmp_path):
    made = paged(tmp_path / "db")
    made.db.conn.execute("begin immediate")
    connection = open_for_questions(tmp_path / "db")
    assert list(ask(connection, "select count(*) from sessions").rows) == [(2,)]
    assert isinstance(made.db.conn, sqlite3.Connection)
