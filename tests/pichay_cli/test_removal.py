"""``prune`` and ``purge``: what they say, ask and take away."""

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.removal import finish
from pichay_core.store import upkeep
from pichay_core.store.schema import open_for_reading, open_for_writing
from tests.pichay_cli.builders import Recording, paged

ONE = "3f2a" + "0" * 28
YEAR_2000 = 946_684_800


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


@pytest.fixture
def pichay(path):
    def run(*arguments, answer=None):
        return CliRunner().invoke(main, [*arguments, "--database", str(path)], input=answer)

    return run


def test_purge_takes_one_session_away_after_asking(path, pichay):
    made = paged(path)
    done = pichay("purge", "3f2a", answer="y\n")
    assert done.exit_code == 0
    assert done.output == (
        f"Take away 1 session, 4 turns, 4 pages, 2 contents, 6 events of {ONE}? [y/N]: y\n"
        "Taken away: 1 session, 4 turns, 4 pages, 2 contents, 6 events.\n"
        f"Its subagent or fork stays: {'77b1' + '0' * 28}\n"
    )
    assert made.db["sessions"].count == 1


@pytest.mark.parametrize(("flushes", "said"), [(1, "1 flush"), (2, "2 flushes")])
def test_the_flushes_of_a_session_go_with_it(path, pichay, flushes, said):
    made = paged(path)
    for turn in range(flushes):
        made.flush(ONE, turn)
    assert f" 6 events, {said}.\n" in pichay("purge", "3f2a", "--yes").output
    assert made.db["flushes"].count == 0


def test_what_the_client_was_not_shown_goes_with_its_session(path, pichay):
    made = paged(path)
    made.aside(ONE, 3)
    made.heard(ONE, 0)
    done = pichay("purge", "3f2a", "--yes")
    assert " 6 events, 1 aside, 1 message of the client's.\n" in done.output
    assert (made.db["asides"].count, made.db["heard"].count) == (0, 0)


def test_whoever_does_not_agree_loses_nothing(path, pichay):
    made = paged(path)
    done = pichay("purge", "3f2a", answer="n\n")
    assert (done.exit_code, made.db["sessions"].count) == (1, 2)


def test_prune_takes_the_old_sessions_away(path, pichay):
    made = paged(path)
    made.session("old", last_at=YEAR_2000)
    made.db["sessions"].update(ONE, {"last_at": 4e9})
    made.db["sessions"].update("77b1" + "0" * 28, {"last_at": 4e9})
    done = pichay("prune", "--older-than", "30d", "--yes")
    assert (done.exit_code, done.output) == (0, "Taken away: 1 session.\n")
    assert made.db["sessions"].count == 2


def test_pruning_twice_finds_nothing_the_second_time(path, pichay):
    made = Recording(path)
    made.turn(made.session(last_at=4e9), 1)
    assert pichay("prune", "--older-than", "30d").output == "There is nothing older than that.\n"


def test_a_file_in_use_is_said_to_keep_what_was_taken_away(path, pichay, capsys):
    made = paged(path)
    made.db.conn.execute("pragma busy_timeout = 50")
    reader = open_for_reading(path)
    rows = reader.conn.execute("select * from turns")
    rows.fetchone()
    finish(made.db, upkeep.purge(made.db, ONE))
    assert "Another Pichay is using the file" in capsys.readouterr().out
    reader.conn.close()
    assert pichay("prune", "--older-than", "30000d").output == "There is nothing older than that.\n"
    assert b"src/app.py" not in path.read_bytes()


def test_an_age_must_be_named_and_make_sense(path, pichay):
    open_for_writing(path)
    assert "Missing option '--older-than'" in pichay("prune").output
    done = pichay("prune", "--older-than", "a while")
    assert "'a while' is not a duration. Say 30d, 12h or 45m." in done.output


def test_purging_an_unknown_session_is_an_error(path, pichay):
    paged(path)
    done = pichay("purge", "zz", "--yes")
    assert (done.exit_code, done.output[:31]) == (1, "Error: There is no session zz. ")


def test_an_empty_recording_is_not_made_into_a_full_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    done = CliRunner().invoke(main, ["purge", "last"])
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [])
