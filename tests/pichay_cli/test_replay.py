"""The verbs ``replay`` and ``compare``, on recordings made here."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli import main
from tests.pichay_core.traces.samples import claude_code

ARGUMENTS = ("--jobs", "1", "--model", "claude-opus-4-5")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    (tmp_path / "one.jsonl").write_bytes(claude_code())
    (tmp_path / "two.jsonl").write_bytes(claude_code())
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_a_replay_says_what_every_session_came_to(folder):
    result = run("replay", folder, *ARGUMENTS, "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [s["requests"] for s in said["sessions"]] == [2, 2]
    assert said["overall"]["requests"] == 4
    assert said["overall"]["net"] == 1.0


def test_a_replay_is_shown_as_a_table(folder):
    result = run("replay", folder, *ARGUMENTS)
    assert "2 sessions" in result.stdout
    assert "No session lost more than 1 %." in result.stdout


def test_a_broken_file_is_reported_and_skipped_and_the_exit_code_says_so(folder):
    (folder / "broken.jsonl").write_bytes(b'{"type": "user", ')
    result = run("replay", folder, *ARGUMENTS, "--json")
    assert result.exit_code == 1
    assert "broken.jsonl" in result.stderr
    assert len(json.loads(result.stdout)["sessions"]) == 2


def test_a_replay_is_priced_at_the_users_own_prices(folder):
    model = "claude-opus-4-5"
    kinds = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
    plain = json.loads(run("replay", folder, *ARGUMENTS, "--json").stdout)["overall"]["cost"]
    own = folder / "home" / "prices.json"
    own.write_text(json.dumps({model: dict.fromkeys(kinds, 1)}))
    flat = json.loads(run("replay", folder, *ARGUMENTS, "--json").stdout)["overall"]
    assert flat["cost"] == flat["tokens"] != plain
    own.write_text("{")
    for verb in ("replay", "compare"):
        refused = run(verb, folder, *ARGUMENTS)
        assert refused.exit_code == 1
        assert "prices.json" in refused.output


def test_a_model_nobody_knows_is_refused_with_names_that_exist(folder):
    result = run("replay", folder, "--model", "other-1")
    assert result.exit_code == 2
    assert "claude-opus-4-5" in result.output


def test_an_unknown_policy_is_refused_with_those_that_exist(folder):
    result = run("replay", folder, "--policy", "other")
    assert result.exit_code == 2
    assert "fifo" in result.output


def test_a_comparison_begins_with_the_paper_and_ends_with_the_bound(folder):
    result = run("compare", folder, *ARGUMENTS)
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    assert result.exit_code == 0
    assert "paper, no marker" in lines[1]
    assert any(line.split()[:2] == ["cost-optimal", "bound"] for line in lines)


def test_a_comparison_as_data_holds_every_plan(folder):
    said = json.loads(run("compare", folder, *ARGUMENTS, "--json").stdout)
    names = {(plan["policy"], plan["schedule"], plan["tau"]) for plan in said["plans"]}
    assert ("fifo", "break-even", 1) in names
    assert said["sessions"] == 2
    assert said["bound"]["net"] <= 1.0
