import json
import sqlite3

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_core.store.schema import open_for_writing
from tests.pichay_cli.builders import cooperating, held, losing, paged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


@pytest.fixture
def pichay(tmp_path, monkeypatch):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def test_the_net_figure_comes_first(pichay, path):
    paged(path)
    done = pichay("stats", "--database", path)
    assert done.exit_code == 0
    shown = [row for row in done.output.splitlines() if row.strip()]
    assert shown[0] == "  Net against untouched (estimate) · all sessions"
    assert shown[1].startswith("   $0.25 saved · 33 %    127.0k input tokens saved · 36 %")


def test_live_without_a_terminal_prints_once(pichay, path):
    paged(path)
    shown = pichay("stats", "--live", "--database", path).output
    assert shown.count("$0.25 saved") == 1
    for title in ("Net", "Window", "Paging", "Events"):
        assert f"{title} " in shown or f"{title}\n" in shown
    assert "Enter" not in shown


def test_nothing_recorded_yet_says_how_to_start(pichay, path):
    said = "Nothing is recorded yet. Start an agent with: pichay run -- claude\n"
    assert pichay("stats").output == said
    open_for_writing(path)
    assert pichay("stats", "--database", path).output == said
    assert pichay("sessions", "--database", path).output == said


def test_json_holds_the_same_figures(pichay, path):
    losing(path)
    found = json.loads(pichay("stats", "--json", "--database", path).output)
    assert found["net"]["tokens"]["sent"] == {
        "with": 62_020,
        "without": 31_010,
        "difference": 31_010,
        "percent": 100.0,
    }
    assert found["net"]["dollars"]["difference"] == pytest.approx(0.22)
    assert found["net"]["estimate"] is True
    assert found["activity"]["thrash"] == "thrashing"
    assert found["activity"]["events"]["faulted"] == [
        {"why": "refetch", "count": 4, "tokens": 4000}
    ]
    assert [session["id"] for session in found["sessions"]] == ["a" * 32]


def test_json_holds_what_the_model_did_of_itself(pichay, path):
    cooperating(path)
    found = json.loads(pichay("stats", "--json", "--database", path).output)
    assert (found["net"]["requests"], found["net"]["requests_in_the_clients_place"]) == (4, 2)
    told = found["cooperation"]
    assert told["asked"][0] == {"why": "memory_fault", "count": 3, "tokens": 6_300}
    assert told["in_the_clients_place"] == {
        "requests": 2,
        "tokens": 105_020,
        "dollars": pytest.approx(0.05),
    }


def test_json_of_an_unknown_price_has_no_dollars(pichay, path):
    held(path)
    found = json.loads(pichay("stats", "--json", "--database", path).output)["net"]
    assert (found["dollars"], found["models_without_price"]) == (None, ["claude-next"])


def test_json_of_nothing_is_all_nought(pichay):
    found = json.loads(pichay("stats", "--json").output)
    assert (found["net"]["requests"], found["activity"]["events"], found["sessions"]) == (0, {}, [])


def test_one_session_is_named_by_a_beginning_or_last(pichay, path):
    paged(path)
    for name in ("3f", "last"):
        shown = pichay("stats", "--session", name, "--database", path).output
        assert "(estimate) · session 3f2a0000\n" in shown


@pytest.mark.parametrize("since", ["2h", "3d", "2020-01-31T09:00", "2020-01-31T09:00:00+02:00"])
def test_since_takes_a_duration_or_an_iso_time(pichay, path, since):
    paged(path)
    assert pichay("stats", "--since", since, "--database", path).exit_code == 0


def test_a_wrong_time_says_what_may_be_typed(pichay):
    done = pichay("stats", "--since", "yesterday")
    assert (done.exit_code, "Say 2h, 3d or 2026-01-31T09:00." in done.output) == (2, True)


def test_live_and_json_do_not_go_together(pichay):
    done = pichay("stats", "--live", "--json")
    assert (done.exit_code, "--live and --json do not go together." in done.output) == (2, True)


def test_a_database_of_a_newer_pichay_is_an_error_that_says_so(pichay, path):
    made = paged(path)
    made.db.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at) values (?, ?, ?)",
        ["pichay", "tables_of_tomorrow", "2030-01-01"],
    )
    for verb in (["stats"], ["sessions"], ["show", "last"], ["page", "X"], ["purge", "last"]):
        done = pichay(*verb, "--database", path)
        assert done.exit_code == 1
        assert done.output == (
            f"Error: {path} was written by a newer Pichay: upgrade, or name another with "
            "--database.\n"
        )


def test_a_database_of_something_else_is_an_error_that_says_so(pichay, path):
    sqlite3.connect(path).execute("create table foreigners (id)")
    done = pichay("stats", "--database", path)
    assert done.exit_code == 1
    assert "holds other tables, not Pichay's" in done.output


def test_a_file_that_is_no_database_is_an_error_that_says_so(pichay, path):
    path.write_text("This is a letter to a friend, and no database at all." * 40)
    done = pichay("stats", "--database", path)
    assert done.exit_code == 1
    assert "is not a database Pichay can read" in done.output


def test_a_named_database_must_be_there(pichay, path):
    done = pichay("stats", "--database", path)
    assert (done.exit_code, "does not exist" in done.output) == (2, True)
