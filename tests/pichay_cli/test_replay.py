"""The verbs ``replay`` and ``compare``, on recordings made here."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.compare import plans
from pichay_cli.compare_view import Row, compare_sheet
from pichay_cli.replay_view import replay_sheet
from pichay_cli.replaying import PAPER, POLICY_NAMES, Plan
from pichay_core.replay import Report
from pichay_core.schedule import SCHEDULES
from tests.pichay_cli.screens import text
from tests.pichay_core.replay.conversations import reading_lines
from tests.pichay_core.traces.samples import claude_code

ARGUMENTS = ("--jobs", "1", "--model", "claude-opus-4-5", "--no-birth")


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
    assert "every-turn (paper)" in lines[1]
    assert any(line.split()[:2] == ["cost-optimal", "bound"] for line in lines)


def test_a_comparison_as_data_holds_every_plan(folder):
    said = json.loads(run("compare", folder, *ARGUMENTS, "--json").stdout)
    names = {(plan["policy"], plan["schedule"], plan["tau"]) for plan in said["plans"]}
    assert (Plan().policy, Plan().schedule, Plan().tau) in names
    assert len(said["plans"]) == len(plans())
    assert said["sessions"] == 2
    assert said["bound"]["net"] <= 1.0
    assert all(plan["thrash"]["episodes"] == 0 for plan in said["plans"])


def test_what_is_compared_fits_on_a_screen_and_holds_each_policy_and_each_schedule():
    compared = plans()
    assert compared[0] == PAPER
    assert Plan() in compared
    assert len(compared) == len(set(compared)) <= 30
    assert {plan.policy for plan in compared} == set(POLICY_NAMES)
    assert {plan.schedule for plan in compared} == set(SCHEDULES)


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({"policies": ("fifo",)}, len(SCHEDULES) * 2),
        ({"schedules": ("cold",)}, len(POLICY_NAMES) * 2),
        ({"taus": (2,)}, len(POLICY_NAMES) * len(SCHEDULES)),
        ({"policies": ("fifo",), "schedules": ("cold", "batch"), "taus": (1, 2, 3)}, 6),
        ({"policies": ("fifo", "fifo"), "schedules": ("cold",), "taus": (1, 1)}, 1),
    ],
)
def test_what_is_asked_for_is_compared_in_all_combinations_after_the_paper(asked, rows):
    compared = plans(**asked)
    assert (compared[0], len(compared)) == (PAPER, 1 + rows)


def test_options_of_a_comparison_may_be_said_again(folder):
    chosen = ("--policy", "fifo", "--schedule", "cold", "--schedule", "batch", "--tau", "2")
    said = json.loads(run("compare", folder, *ARGUMENTS, *chosen, "--json").stdout)
    names = [(p["policy"], p["schedule"], p["tau"], p["boundary_marker"]) for p in said["plans"]]
    assert names == [
        ("fifo", "every-turn", 4, False), ("fifo", "cold", 2, True), ("fifo", "batch", 2, True),
    ]  # fmt: skip


LONG = Report(
    requests=12_345, cost=123_456.0, untouched_cost=100_000.0, tokens=99, untouched_tokens=100,
    peak=999_949, flushes=12_345, breaks=12_345, evicted=123_456, collected=12_345, edits=12_345,
    faults={"refetch": 12_345}, thrash=12_345,
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_figure_of_a_comparison_is_cut_off(width):
    longest = Plan("clairvoyant", "break-even", 16)
    rows = [Row(plan, (LONG,)) for plan in (PAPER, Plan(), longest)]
    assert "…" not in text(compare_sheet(rows, 0.66), width - 2)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_figure_of_a_replay_is_cut_off(width):
    shown = text(replay_sheet("it", [(Path("s"), LONG)], LONG), width - 2)
    assert "…" not in shown


def test_a_replay_that_thrashes_says_so():
    report = Report(requests=3, evicted=7, thrash=2, thrash_tokens=19_712, bounced=1)
    shown = text(replay_sheet("it", [(Path("s"), report)], report), 120)
    assert "Thrash: 2 episodes in which refetches brought back 19.7k tokens, 1 page twice or " in (
        " ".join(shown.split())
    )


def test_a_replay_says_what_it_costs_at_list_prices():
    report = Report(requests=3, priced=2, dollars=1.5, untouched_dollars=2.0)
    shown = text(replay_sheet("it", [(Path("s"), report)], report), 120)
    assert "At list prices $1.50 instead of $2.00 for the 2 requests with a price" in shown
    free = text(replay_sheet("it", [(Path("s"), Report(requests=1))], Report(requests=1)), 120)
    assert "tokens only" in free


def test_without_a_marker_a_replay_is_the_first_row_of_a_comparison(tmp_path):
    (tmp_path / "one.jsonl").write_bytes(reading_lines([9_000] * 12))
    rows = json.loads(run("compare", tmp_path, *ARGUMENTS, "--json").stdout)["plans"]
    paper = ("--policy", "fifo", "--schedule", "every-turn", "--tau", "4")
    bare = run("replay", tmp_path, *ARGUMENTS, *paper, "--no-boundary", "--json")
    marked = run("replay", tmp_path, *ARGUMENTS, *paper, "--json")
    assert json.loads(bare.stdout)["overall"].items() <= rows[0].items()
    assert json.loads(marked.stdout)["overall"]["cost"] < rows[0]["cost"]
