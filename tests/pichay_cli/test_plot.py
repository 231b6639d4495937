"""The picture of compared plans: what is in the file, and what is refused before the work."""

import subprocess
import sys
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner

from pichay_cli import main, plot
from pichay_cli.compare_view import Row, compare_picture
from pichay_cli.plot import Dot, Look, Picture, draw
from pichay_cli.replaying import PAPER, Plan
from pichay_core.replay import Report
from tests.pichay_core.traces.samples import claude_code

DOTS = [
    Dot("untouched", 1.0, 1.0, Look.UNTOUCHED),
    Dot("one plan", 0.7, 0.8),
    Dot("another", 0.7, 0.81, Look.DEFAULT),
    Dot("the paper's", 0.65, 1.2, Look.PAPER),
]
PICTURE = Picture("Cost", "2 sessions", DOTS, 0.66)


def test_a_png_is_a_png(tmp_path):
    draw(PICTURE, tmp_path / "it.png")
    assert (tmp_path / "it.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_an_svg_of_the_same_values_is_the_same_and_says_no_date(tmp_path):
    draw(PICTURE, tmp_path / "one.svg")
    draw(PICTURE, tmp_path / "two.SVG")
    one, two = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.SVG"))
    assert one == two
    assert b"date>" not in one
    assert ElementTree.fromstring(one).tag.endswith("svg")


def test_an_svg_names_every_plan(tmp_path):
    draw(PICTURE, tmp_path / "it.svg")
    shown = (tmp_path / "it.svg").read_text()
    for name in ("untouched", "one plan", "another", "the paper's", "2 sessions",
                 "input cost, untouched = 1", "mean window, untouched = 1"):  # fmt: skip
        assert f"<!-- {name} -->" in shown


def test_no_state_of_the_library_is_used_or_changed(tmp_path):
    said = f"""
import sys
from pathlib import Path
import matplotlib
from pichay_cli.plot import Picture, draw
before = matplotlib.rcParams["svg.hashsalt"]
draw(Picture("", "", [], 0.5), Path({str(tmp_path / "it.svg")!r}))
print(matplotlib.rcParams["svg.hashsalt"] == before, "matplotlib.pyplot" in sys.modules)
"""
    assert alone(said) == "True False"


def alone(program):
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "it.png").mkdir()
    with pytest.raises(click.ClickException, match=r"it\.png"):
        draw(PICTURE, tmp_path / "it.png")


def test_plans_that_come_to_the_same_share_a_dot_and_the_special_ones_are_marked():
    saved = Report(requests=2, cost=8, untouched_cost=10, tokens=7, untouched_tokens=10, peak=3)
    lost = Report(requests=2, cost=12, untouched_cost=10, tokens=6, untouched_tokens=10)
    plans = [Plan("fifo", "batch", 4), Plan("working-set", "batch", 4)]
    rows = [Row(PAPER, (lost,)), *(Row(plan, (saved,)) for plan in plans)]
    picture = compare_picture(rows, 0.5, "")
    assert [(dot.name, dot.look) for dot in picture.dots] == [
        ("untouched", Look.UNTOUCHED),
        ("fifo · every-turn · tau 4 · no marker (the paper)", Look.PAPER),
        ("fifo, working-set · batch · tau 4", Look.OTHER),
    ]
    assert picture.about == "1 session, 2 requests, each at its own model's prices"
    (default,) = compare_picture([Row(Plan(), (saved,))], 0.5, "gpt-5.5").dots[1:]
    assert (default.look, default.context, default.net) == (Look.DEFAULT, 0.7, 0.8)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_bytes(claude_code())
    return path


def compare(recording, *arguments):
    named = ("compare", recording, "--jobs", "1", "--model", "claude-opus-4-5", *arguments)
    return CliRunner().invoke(main, list(map(str, named)))


def test_a_comparison_can_be_drawn(recording, tmp_path):
    done = compare(recording, "--plot", tmp_path / "it.png", "--json")
    assert (done.exit_code, done.stderr) == (0, f"Drawn: {tmp_path}/it.png\n")
    assert (tmp_path / "it.png").stat().st_size > 1_000


def test_another_ending_is_refused_with_the_two_that_are_drawn(recording, tmp_path):
    done = compare(recording, "--plot", tmp_path / "it.pdf")
    assert done.exit_code == 2
    assert "it.pdf must end in .png or .svg" in done.output


def test_a_folder_that_is_not_there_is_named_before_the_work(recording, tmp_path):
    done = compare(recording, "--plot", tmp_path / "nowhere" / "it.png")
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_without_the_library_it_is_said_what_to_install_before_the_work(
    recording, tmp_path, monkeypatch
):
    monkeypatch.setattr(plot, "find_spec", lambda _name: None)
    done = compare(recording, "--plot", tmp_path / "it.png")
    assert done.exit_code == 1
    assert "pip install 'pichay[plot]'" in done.output
    assert not (tmp_path / "it.png").exists()


def test_the_library_is_imported_only_when_a_picture_is_drawn():
    said = "import sys, pichay_cli.compare; print('matplotlib' in sys.modules)"
    assert alone(said) == "False"
