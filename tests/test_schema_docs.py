"""docs/schema.md and docs/datasette.yml say what a database holds, and answers what they show."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from docs_parts.schema import EXAMPLE

from pichay_cli.datasette import DATABASE, metadata, yaml
from pichay_core.store.described import ALL, ANSWERS
from tests.recorded import demo

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "schema.md"


@pytest.fixture
def recording(tmp_path):
    demo(tmp_path / "pichay.db").conn.close()
    return tmp_path / "pichay.db"


def test_what_every_example_answers_is_looked_up():
    page = PAGE.read_text("utf-8")
    assert len(EXAMPLE.findall(page)) == page.count("```sql") > 5


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_the_page_has_a_heading_for_every_table_and_view_and_a_row_for_every_column(one):
    page = PAGE.read_text("utf-8")
    (section,) = page.split(f"\n### {one.name}\n")[1:]
    rows = [line for line in re.split(r"\n##+ ", section)[0].splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [column.name for column in one.columns]


def test_every_line_for_datasette_is_a_name_with_a_json_value_or_with_lines_below_it():
    for line in yaml(metadata()).splitlines()[1:]:
        name, _, value = line.strip().partition(":")
        assert name.replace("_", "").isalnum()
        assert value == "" or json.loads(value) is not None


def test_the_queries_for_datasette_have_answers(recording):
    queries = metadata()["databases"][DATABASE]["queries"]
    assert len(queries) == len(ANSWERS)
    db = sqlite3.connect(recording)
    for query in queries.values():
        assert db.execute(query["sql"]).description
    (row,) = db.execute(queries["session_net_answer"]["sql"]).fetchall()
    assert row[0].startswith("20") and row[1] == "6b027390c7e001"
