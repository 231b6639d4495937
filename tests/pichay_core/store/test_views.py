import sqlite3

import pytest
from sqlite_utils import Database

from pichay_core.store import figures, stories
from pichay_core.store.activity import activity
from pichay_core.store.asking import ask, open_for_questions
from pichay_core.store.described import ALL
from pichay_core.store.schema import migrations, open_for_reading, open_for_writing
from pichay_core.store.scope import Scope
from pichay_core.store.views import VIEWS
from tests.pichay_cli.builders import NOW, cooperating, flushed, held, losing
from tests.recorded import demo

MADE = {"flushed": flushed, "cooperating": cooperating, "losing": losing, "held": held}


@pytest.fixture(params=[*MADE, "demo"])
def path(request, tmp_path):
    path = tmp_path / "pichay.db"
    if request.param == "demo":
        demo(path).conn.close()
    else:
        MADE[request.param](path).db.conn.close()
    return path


def asked(path, sql):
    answer = ask(open_for_questions(path), sql)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def as_view(net):
    priced = net.priced or None
    return {
        "requests": net.requests,
        "legs": net.legs,
        "billed": net.settled,
        "priced": net.priced,
        "sent_tokens": net.actual.sent,
        "untouched_sent_tokens": net.untouched.sent,
        "saved_tokens": net.saved_tokens,
        "output_tokens": net.actual.output,
        "untouched_output_tokens": net.untouched.output,
        "dollars": priced and pytest.approx(net.dollars),
        "untouched_dollars": priced and pytest.approx(net.untouched_dollars),
        "saved_dollars": priced and pytest.approx(net.saved_dollars),
    }


def test_session_net_says_of_each_session_what_the_verbs_say(path):
    db = open_for_reading(path)
    expected = [
        {
            "session": one.id,
            "kind": one.kind,
            "parent": one.parent,
            "model": one.model,
            "mode": one.mode,
            "started_at": one.started_at,
            "last_at": one.last_at,
            "turns": one.turns,
            **as_view(one.net),
            "evictions": one.evictions,
            "faults": one.faults,
        }
        for one in figures.sessions(db)
    ]
    found = asked(path, "select * from session_net order by last_at desc, session")
    assert [{k: v for k, v in row.items() if k not in ("client", "project")} for row in found] == (
        expected
    )


def test_the_days_add_up_to_the_net_of_all(path):
    found = asked(path, "select * from daily_net")
    net = as_view(figures.net(open_for_reading(path)))
    for name, value in net.items():
        amounts = [row[name] for row in found if row[name] is not None]
        assert (sum(amounts) if amounts else None) == (value if amounts else None)


def test_flush_outcomes_says_of_each_flush_what_its_story_says(path):
    db = open_for_reading(path)
    for session in figures.sessions(db):
        scope = f"where session = '{session.id}' order by turn"
        found = asked(path, f"select * from flush_outcomes {scope}")
        told = stories.flushes(db, session.id)
        for row, story in zip(found, told, strict=True):
            assert {name: row[name] for name in row if hasattr(story, name)} == {
                name: getattr(story, name) for name in row if hasattr(story, name)
            }
            assert set(row) - {"session"} <= set(dir(story))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_asks_of_each_row_only_what_a_whole_key_finds(tmp_path, name):
    db = open_for_writing(tmp_path / "db")
    plan = db.conn.execute(f"explain query plan select * from {name}").fetchall()
    each = {step for step, _, _, what in plan if what.startswith("CORRELATED")}
    found = [what for _, parent, _, what in plan if parent in each]
    assert [what for what in found if "autoindex" not in what] == []


def test_faults_are_those_that_are_counted(path):
    db = open_for_reading(path)
    done = activity(db)
    found = asked(path, "select how, count(*) count, sum(tokens) tokens from faults group by how")
    assert {(row["how"], row["count"], row["tokens"]) for row in found} == {
        (tally.why, tally.count, tally.tokens) for tally in done.reasons("faulted")
    }
    lives = asked(path, "select total(faults) faults from page_lives")[0]["faults"]
    known = asked(path, "select count(*) count from faults where tool is not null")[0]["count"]
    assert lives == known


def test_the_last_window_is_that_of_the_session(path):
    for session in figures.sessions(open_for_reading(path)):
        sql = f"select * from window_fill where session = '{session.id}' order by request desc"
        found = asked(path, f"{sql} limit 1")
        assert [row["window_tokens"] for row in found] == (
            [session.window] if session.window is not None else []
        )


def test_the_prefix_hits_are_those_of_the_net(path):
    db = open_for_reading(path)
    found = asked(path, "select * from prefix_hits")
    assert {row["session"] for row in found} == {
        one.id for one in figures.sessions(db) if one.net.settled
    }
    for row in found:
        net = figures.net(db, Scope(row["session"]))
        sent = net.actual.sent
        assert row["cache_read_tokens"] == net.actual.cache_read
        assert row["cache_write_tokens"] == net.actual.cache_write
        assert row["hit_rate"] == (net.actual.cache_read / sent if sent else None)
        of = net.untouched
        assert row["untouched_hit_rate"] == (of.cache_read / of.sent if of.sent else None)
    assert sum(row["broken"] for row in found) == activity(db).prefix_breaks


def test_a_page_costs_its_tokens_for_each_turn_it_stood_in_the_window(path):
    lives = asked(path, "select * from page_lives")
    costs = asked(path, "select * from tool_costs")
    assert sum(row["token_turns"] for row in costs) == sum(
        page["tokens"] * (page["turns_resident"] + 1) for page in lives
    )
    assert sum(row["pages"] for row in costs) == len(lives)
    assert all(page["turns_resident"] >= 0 for page in lives if page["state"] == "resident")


def test_an_episode_that_lasts_has_lasted_until_now(tmp_path):
    made = flushed(tmp_path / "db")
    session = "3f2a" + "0" * 28
    row = {"session": session, "start": 2, "noticed": 3, "request": 3, "at": NOW - 100}
    row |= {"faults": 3, "tokens": 9_000, "bounced": 1, "pages": "{}"}
    made.db["episodes"].insert(row)
    made.db["episodes"].insert(row | {"start": 1, "ended": 1, "ended_at": NOW - 90, "dollars": 0.5})
    found = asked(tmp_path / "db", "select lasts, turns, dollars from thrash_episodes order by 1")
    assert found == [
        {"lasts": 0, "turns": 1, "dollars": 0.5},
        {"lasts": 1, "turns": 3, "dollars": None},
    ]


def schema_version(path):
    return sqlite3.connect(path).execute("pragma schema_version").fetchone()


def test_a_database_has_the_views_of_this_version_whenever_it_is_opened_for_writing(tmp_path):
    path = tmp_path / "db"
    db = open_for_writing(path)
    db.conn.execute("drop view session_net")
    db.conn.execute("drop view faults")
    db.conn.execute("create view faults as select 1")
    db.conn.execute("create view mine as select 2")
    db.conn.close()
    assert set(open_for_writing(path).view_names()) == {*VIEWS, "mine"}
    assert asked(path, "select * from faults") == []
    assert asked(path, "select * from mine") == [{"2": 2}]


def test_views_that_are_as_they_should_be_are_left_alone(tmp_path):
    open_for_writing(tmp_path / "db").conn.close()
    before = schema_version(tmp_path / "db")
    open_for_writing(tmp_path / "db").conn.close()
    assert schema_version(tmp_path / "db") == before


@pytest.mark.parametrize("next_", migrations.names[1:])
def test_a_recording_of_any_earlier_version_is_asked_like_one_of_this(tmp_path, next_):
    path = tmp_path / "db"
    db = Database(path)
    migrations.apply(db, stop_before=next_)
    for table in db.table_names():
        if not table.startswith("_"):
            columns = db[table].columns
            db[table].insert({c.name: b"x" if c.type == "BLOB" else 1 for c in columns})
    db.conn.close()
    before = path.read_bytes()
    connection = open_for_questions(path)
    for one in ALL:
        answer = ask(connection, one.query)
        assert set(answer.columns) == {column.name for column in one.columns}
        assert len(list(answer.rows)) <= 1
    assert len(asked(path, "select * from session_net where turns = 1")) == 1
    assert path.read_bytes() == before
