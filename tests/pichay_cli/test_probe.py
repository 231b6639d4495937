"""``pichay probe``: figures of recordings, and what it says of files that are none."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.probe_view import drawing, saved
from pichay_cli.replaying import Given, Plan
from pichay_cli.saving import Saving, added, saving
from pichay_core import traces
from pichay_core.probe import Probe, measure, together
from pichay_core.replay import Report
from pichay_core.traces import Conversation, Trace
from tests.pichay_cli.screens import text
from tests.pichay_core.replay.conversations import reading_lines
from tests.pichay_core.traces.samples import SAMPLES


@pytest.fixture
def folder(tmp_path):
    """One recording of each format."""
    for name, data in SAMPLES.items():
        (tmp_path / f"{name}.json").write_bytes(data)
    return tmp_path


def probe(*arguments):
    return CliRunner().invoke(main, ["probe", "--jobs", "1", *map(str, arguments)])


def test_each_format_is_shown_and_all_of_them_together(folder):
    done = probe(folder)
    assert (done.exit_code, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    assert shown[1].startswith("  14 recordings · 14 conversations · ")
    assert {name for name in SAMPLES if any(row.startswith(f"  {name} ") for row in shown)} == set(
        SAMPLES
    )


def test_every_figure_of_the_paper_stands_beside_ours(folder):
    shown = probe(folder).stdout
    for figure in ("79.4 %", "75 %", "84.4x", "12.8x", "11.0 %", "0.0254 %"):
        assert figure in shown
    assert "unused tool definitions" in shown
    assert "not recorded" in shown


def test_json_holds_the_same_figures(folder):
    found = json.loads(probe("--json", folder).stdout)
    expected = {name: measure(traces.read(name, data)) for name, data in SAMPLES.items()}
    assert set(found["formats"]) == set(SAMPLES)
    assert found["overall"]["results"] == together(expected.values()).results
    codex = found["formats"]["codex-rollout"]
    assert codex["bytes"]["result"] == len(b"one\ntwo")
    assert codex["amplification"]["main"] == {
        "conversations": 1, "median": 1.0, "p75": 1.0, "p90": 1.0,
    }  # fmt: skip
    assert codex["waste"]["unused_tool_definitions"] is None


def test_a_broken_file_is_reported_and_the_others_are_measured(folder):
    (folder / "broken.jsonl").write_text("nonsense")
    (folder / "package.json").write_text("{}")
    done = probe(folder)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].startswith("  14 recordings")
    broken, foreign = done.stderr.splitlines()
    assert broken.startswith(f"Skipped {folder}/broken.jsonl: neither JSON")
    assert foreign == f"Skipped: 1 file is no recording ({folder}/package.json)"


def test_json_stays_json_when_a_file_is_broken(folder):
    (folder / "broken.jsonl").write_text("nonsense")
    done = probe(folder, "--json")
    assert (done.exit_code, json.loads(done.stdout)["overall"]["recordings"]) == (1, 14)


def test_where_nothing_can_be_read_nothing_is_drawn(tmp_path):
    path = tmp_path / "it.txt"
    path.write_text("a letter to a friend")
    done = probe(path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Skipped {path}: neither JSON")


def test_without_a_path_the_users_own_history_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    nothing = probe()
    assert nothing.exit_code == 1
    assert "Name files or folders: pichay probe PATH" in nothing.stderr
    project = tmp_path / "claude/projects/-home-me-it"
    project.mkdir(parents=True)
    (project / "s.jsonl").write_bytes(SAMPLES["claude-code"])
    done = probe()
    assert (done.exit_code, "claude-code" in done.stdout) == (0, True)


def test_a_path_that_is_not_there_is_an_error_that_says_so(tmp_path):
    done = probe(tmp_path / "nowhere")
    assert (done.exit_code, "nowhere does not exist" in done.stderr) == (1, True)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_figure_is_cut_off(width):
    formats = {name: measure(traces.read(name, data)) for name, data in SAMPLES.items()}
    large = Probe(recordings=174, requests=15_115, results=16_833)
    many = {name: one.plus(large) for name, one in formats.items()}
    assert "…" not in text(drawing(many), width - 2)


def test_what_pichay_would_have_saved_stands_before_the_tools():
    one = measure(traces.read("it", SAMPLES["pi"]))
    shown = text(drawing({"pi": one}, saved="saved: a lot"))
    places = [shown.index(part) for part in ("The paper's rule", "saved: a lot", "Results by tool")]
    assert places == sorted(places)


def test_what_pichay_would_have_saved_is_a_replay_of_the_default_plan(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_bytes(reading_lines([9_000] * 40))
    found = json.loads(probe(path, "--json").stdout)
    arguments = ["replay", str(path), "--json", "--jobs", "1"]
    replayed = json.loads(CliRunner().invoke(main, arguments).stdout)["overall"]
    saved = found["overall"]["saved"]
    assert replayed.items() <= saved.items()
    assert saved["net"] < 1
    assert saved["plan"] == Plan(birth=True).name
    assert saved["assumed"] == {"recordings": 0, "model": "claude-opus-4-5"}
    assert found["formats"]["claude-code"]["saved"] == saved
    shown = probe(path).stdout
    assert "What Pichay would have saved" in shown
    assert f"${saved['dollars']['dollars']:.2f}" in shown
    assert "not known" not in shown


def test_a_recording_of_an_unknown_model_is_priced_as_a_named_one_and_says_so(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_bytes(reading_lines([9_000] * 10).replace(b"claude-opus-4-5", b"other-1"))
    assumed = json.loads(probe(path, "--json").stdout)["overall"]["saved"]
    assert assumed["assumed"]["recordings"] == 1
    assert "1 recording of a model whose cache is not known: taken as" in probe(path).stdout
    named = probe(path, "--model", "claude-sonnet-4-5")
    saved = json.loads(probe(path, "--model", "claude-sonnet-4-5", "--json").stdout)
    assert saved["overall"]["saved"]["assumed"]["recordings"] == 0
    assert "is not known" not in named.stdout


def test_where_there_are_no_tool_results_there_is_nothing_to_save():
    assert saving(Trace("it", (Conversation("a", "main", ()),)), Given()) == Saving()
    assert saved(Saving()) is None


def test_the_models_of_one_recording_are_priced_each_for_itself():
    one, other = (
        traces.read("s", reading_lines([9_000] * 10).replace(b"claude-opus-4-5", model))
        for model in (b"claude-sonnet-4-5", b"other-1")
    )
    both = Trace("it", (*one.conversations, *other.conversations))
    apart = added([saving(one, Given()), saving(other, Given())])
    assert saving(both, Given()) == Saving(1, 1, apart.report)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_figure_of_what_would_have_been_saved_is_cut_off(width):
    report = Report(requests=123_456, cost=1e9, untouched_cost=2e9, tokens=10**9, peak=999_949,
                    untouched_tokens=2 * 10**9, untouched_peak=999_949, priced=12_345,
                    dollars=12_345.6, untouched_dollars=23_456.7, evicted=12_345)  # fmt: skip
    assert "…" not in text(saved(Saving(329, 50, report)), width - 2)
