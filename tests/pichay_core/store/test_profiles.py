"""What is read back of earlier sessions, for a profile."""

import json

import pytest

from pichay_core.birth.profile import LATEST, Earlier
from pichay_core.store.profiles import _ALIKE, _USED, earlier_sessions
from pichay_core.store.schema import open_for_writing
from tests.builders import known

SESSION = known("new", client="c", project="/p", kind="main")


def row(db, table, **given):
    names = {c.name: ("" if c.type == "TEXT" else 0) for c in db[table].columns}
    db[table].insert(names | given)


def session(db, name, used=("Read",), **given):
    usual = {"client": "c", "project": "/p", "kind": "main", "birth": None, "last_at": 1.0}
    row(db, "sessions", id=name, **(usual | given))
    for number, tool in enumerate(used):
        row(db, "pages", session=name, id=f"{name}{number}", tool=tool)


@pytest.fixture
def db(tmp_path):
    return open_for_writing(tmp_path / "db")


def test_nothing_is_known_of_a_project_without_sessions(db):
    assert earlier_sessions(db, SESSION) == []


def test_each_earlier_session_tells_what_it_used_the_latest_first(db):
    session(db, "a", ["Read", "Read", "Bash"], last_at=1.0)
    session(db, "b", ["Edit"], last_at=2.0)
    assert earlier_sessions(db, SESSION) == [
        Earlier(frozenset({"Edit"})),
        Earlier(frozenset({"Read", "Bash"})),
    ]


@pytest.mark.parametrize(
    "other",
    [{"client": "d"}, {"project": "/q"}, {"project": ""}, {"kind": "subagent"}, {"used": ()}],
)
def test_others_and_those_that_used_nothing_are_left_out(db, other):
    session(db, "a", **other)
    assert earlier_sessions(db, SESSION) == []


def test_a_session_does_not_learn_from_itself(db):
    session(db, "new")
    assert earlier_sessions(db, SESSION) == []


def test_how_a_session_was_born_and_what_it_missed_is_told(db):
    for way, called in (("short", []), ("short", ["Bash"]), ("deferred", []), ("whole", [])):
        birth = {"way": way, "names": ["Bash"], "called": called}
        session(db, f"{way}{called}", last_at=len(db["sessions"].columns), birth=json.dumps(birth))
    found = {(one.reduced, one.missed) for one in earlier_sessions(db, SESSION)}
    assert found == {(True, False), (True, True), (False, False)}


def test_without_a_project_the_shape_must_be_the_same(db):
    session(db, "a", project="", shape="shape")
    session(db, "b", project="", shape="another")
    assert len(earlier_sessions(db, known("new", client="c", kind="main", shape="shape"))) == 1


def test_only_the_latest_count(db):
    for number in range(LATEST + 2):
        session(db, f"s{number}", [f"T{number}"], last_at=float(number))
    found = earlier_sessions(db, SESSION)
    assert len(found) == LATEST
    assert not {"T0", "T1"} & frozenset[str]().union(*(one.used for one in found))


@pytest.mark.parametrize("question", [_ALIKE, _USED])
def test_an_index_answers_while_an_agent_waits(db, question):
    names = ("project", "client", "kind", "session", "shape", "most")
    plan = db.conn.execute(f"explain query plan {question}", dict.fromkeys(names, "1"))
    steps = [step[-1] for step in plan]
    assert all("COVERING INDEX" in step or "sessions_project" in step for step in steps if
               step.startswith(("SCAN", "SEARCH")))  # fmt: skip
    assert not any("TEMP B-TREE" in step for step in steps)
