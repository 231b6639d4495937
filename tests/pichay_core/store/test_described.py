import json

import pytest

from pichay_core.store.asking import ask, open_for_questions
from pichay_core.store.described import ALL, ANSWERS, TABLES, named
from pichay_core.store.described.shapes import TYPES, columns
from pichay_core.store.schema import open_for_writing
from pichay_core.store.views import VIEWS
from tests.recorded import demo

PYTHON = {"integer": int, "real": float, "text": str, "blob": bytes}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return open_for_writing(tmp_path_factory.mktemp("fresh") / "db")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "db"
    demo(path).conn.close()
    return open_for_questions(path)


def own(names):
    return sorted(name for name in names if not name.startswith("_"))


def test_every_table_and_view_of_a_database_is_described_once(fresh):
    assert sorted(one.name for one in TABLES) == own(fresh.table_names())
    assert sorted(one.name for one in ANSWERS) == own(fresh.view_names()) == sorted(VIEWS)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_every_column_is_described_once_in_the_order_in_which_it_stands(fresh, one):
    assert [column.name for column in one.columns] == [c.name for c in fresh[one.name].columns]


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.name)
def test_a_column_of_a_table_has_the_type_that_is_said_and_is_null_only_if_that_is_said(fresh, one):
    there = [(c.name, c.type.lower(), not (c.notnull or c.is_pk)) for c in fresh[one.name].columns]
    assert [(c.name, c.type, bool(c.null)) for c in one.columns] == there


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_recorded_values_are_of_the_type_that_is_said_and_null_only_if_that_is_said(recording, one):
    answer = ask(recording, one.query)
    rows = list(answer.rows)
    assert answer.columns == [column.name for column in one.columns]
    for at, column in enumerate(one.columns):
        types = {type(row[at]) for row in rows}
        assert types <= {PYTHON[column.type], *([type(None)] if column.null else [])}, column


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_description_says_what_it_should(one):
    assert one.sentence.endswith((".", "...")) and "|" not in one.sentence
    assert all(c.type in TYPES and c.meaning for c in one.columns)
    assert {one.session, one.at} - {None} <= {column.name for column in one.columns}
    assert bool(one.question) == bool(one.order) == (one in ANSWERS)
    for column in one.columns:
        unit = {"tokens": "tokens", "dollars": "dollars", "bytes": "bytes"}
        ending = column.name.rpartition("_")[2]
        if ending in unit and column.type in ("integer", "real"):
            assert column.unit.startswith(unit[ending]), column


def test_what_is_described_is_found_by_its_name():
    assert named("Turns") is named("turns") is not None
    assert named("turn") is None


def test_a_column_may_be_said_in_two_lines():
    (first, second) = columns("a text | | one\n  more | never\nb blob* | x | two |")
    assert (first.name, first.meaning, first.null) == ("a", "one more", "never")
    assert (second.type, second.conversation, second.null) == ("blob", True, "")
    (third,) = columns("c text~ | | a reason |")
    assert (third.type, third.conversation, third.quoting) == ("text", False, True)


def test_json_columns_hold_json(recording):
    for one in TABLES:
        for column in one.columns:
            if column.unit == "JSON":
                for (value,) in ask(recording, f"select {column.name} from {one.name}").rows:
                    assert value is None or json.loads(value) is not None
