from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pichay_cli.options import Options, launch_options


@click.command()
@launch_options(port=None)
@click.pass_context
def verb(ctx, options):
    ctx.obj.append(options)


def parsed(*arguments):
    found = []
    result = CliRunner().invoke(verb, arguments, obj=found)
    return (found[0] if found else None), result.output


def test_what_is_not_given_is_not_passed_on():
    options, _ = parsed()
    assert options == Options()
    assert options.addon_settings() == ()


def test_what_is_given_is_passed_on_under_the_addons_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, _ = parsed(
        *("--mode", "observe", "--tools", "whole", "--policy", "fifo", "--schedule", "every-turn"),
        *("--flush-tokens", "9000", "--keep-tokens", "7000"),
        *("--tau", "2", "--min-bytes", "100", "--pin-half-life", "8"),
        *("--host", "a.corp", "--host", "b.corp", "--allow-subscription", "--database", "x.db"),
        "--http-fallback",
    )
    assert options.addon_settings() == (
        "pichay_mode=observe",
        "pichay_tools=whole",
        "pichay_policy=fifo",
        "pichay_schedule=every-turn",
        "pichay_flush_tokens=9000",
        "pichay_keep_tokens=7000",
        "pichay_tau=2",
        "pichay_min_bytes=100",
        "pichay_pin_half_life=8",
        "pichay_hosts=a.corp",
        "pichay_hosts=b.corp",
        "pichay_allow_subscription=true",
        "pichay_http_fallback=true",
        f"pichay_database={tmp_path / 'x.db'}",
    )


def test_the_recording_is_pichays_own_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    assert Options().recording() == tmp_path / "pichay.db"
    assert Options(database=Path("/x.db")).recording() == Path("/x.db")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--mode", "x"),
        ("--tools", "x"),
        ("--policy", "x"),
        ("--schedule", "x"),
        ("--tau", "0"),
        ("--port", "65536"),
        ("--set", "novalue"),
    ],
)
def test_a_wrong_option_is_named(wrong):
    options, output = parsed(*wrong)
    assert options is None
    assert f"Invalid value for '{wrong[0]}'" in output


def test_what_may_go_out_shorter_is_passed_on():
    options, _ = parsed("--diffs", "--oversize-bytes", "20000")
    assert options.addon_settings() == ("pichay_oversize_bytes=20000", "pichay_diffs=true")
    options, _ = parsed("--oversize-bytes", "0")
    assert options.addon_settings() == ("pichay_oversize_bytes=0",)


@pytest.mark.parametrize("size", ["19999", "-1", "x"])
def test_a_size_above_which_too_much_would_be_cut_is_refused(size):
    options, output = parsed("--oversize-bytes", size)
    assert options is None
    assert "Invalid value for '--oversize-bytes'" in output
