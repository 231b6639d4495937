from collections.abc import Sequence
from pathlib import Path

import pytest
from mitmproxy import exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.test import taddons

from pichay_core.birth.oversize import LEAST
from pichay_core.birth.shorter import Births
from pichay_core.modes import AUTO, MODES
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES
from pichay_proxy.options import (
    LONGEST_TIMEOUT,
    add_options,
    lengthen_timeout,
    settings_of,
    unusable,
)
from tests.builders import SONNET


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    with taddons.context() as context:
        context.options.add_option("stream_large_bodies", str | None, None, "")
        context.options.add_option("body_size_limit", str | None, None, "")
        yield context


@pytest.fixture
def options(context):
    add_options(Loader(context.master))
    return context.options


def test_nothing_given_means_the_cores_own_defaults(options, tmp_path):
    settings = settings_of(options)
    assert settings.rules.limits == Limits()
    assert settings.rules.policy is POLICIES["fifo"]
    assert settings.rules.schedule is SCHEDULES["auto"]
    assert settings.rules.edit
    assert settings.mode == AUTO
    assert settings.hosts == frozenset()
    assert not settings.allow_subscription
    assert settings.database == tmp_path / "home" / "pichay.db"


@pytest.mark.parametrize(
    ("mode", "allowed", "credential", "runs"),
    [
        (AUTO, False, "api key", "full"),
        (AUTO, False, "subscription", "observe"),
        (AUTO, True, "subscription", "full"),
        ("page", False, "subscription", "observe"),
        ("page", True, "subscription", "page"),
        ("birth", False, "bearer", "birth"),
        ("observe", True, "api key", "observe"),
    ],
)
def test_a_request_gets_the_mode_of_its_credential_unless_the_user_chose_one(
    options, mode, allowed, credential, runs
):
    options.update(pichay_mode=mode, pichay_allow_subscription=allowed)
    assert settings_of(options).mode_for(credential, SONNET) == runs


def test_what_is_given_holds(options, tmp_path):
    options.update(
        pichay_tau=1,
        pichay_min_bytes=0,
        pichay_flush_tokens=7,
        pichay_keep_tokens=9,
        pichay_pin_half_life=0,
        pichay_mode="observe",
        pichay_schedule="every-turn",
        pichay_hosts=["LLM.Example.com", " other.example "],
        pichay_max_body_mb=1,
        pichay_allow_subscription=True,
        pichay_database=str(tmp_path / "x.db"),
    )
    settings = settings_of(options)
    assert settings.rules.limits == Limits(1, 0, 7, 0, 9)
    assert settings.rules.schedule is SCHEDULES["every-turn"]
    assert settings.mode == "observe"
    assert settings.hosts == {"llm.example.com", "other.example"}
    assert settings.largest_body == 1024 * 1024
    assert settings.allow_subscription
    assert settings.database == tmp_path / "x.db"


def test_a_relative_path_and_a_tilde_are_resolved(options, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    options.update(pichay_database="x.db")
    assert settings_of(options).database == tmp_path / "x.db"
    options.update(pichay_database="~/x.db")
    assert settings_of(options).database == Path("/home/ann/x.db")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("pichay_tau", 0, "pichay_tau must be 1 or more, not 0"),
        ("pichay_min_bytes", -1, "pichay_min_bytes must be 0 or more, not -1"),
        ("pichay_flush_tokens", 0, "pichay_flush_tokens must be 1 or more, not 0"),
        ("pichay_keep_tokens", -1, "pichay_keep_tokens must be 0 or more, not -1"),
        ("pichay_pin_half_life", -1, "pichay_pin_half_life must be 0 or more, not -1"),
        ("pichay_max_body_mb", 0, "pichay_max_body_mb must be 1 or more, not 0"),
        ("pichay_mode", "off", "pichay_mode must be auto or observe or .*full, not 'off'"),
        ("pichay_policy", "best", "pichay_policy must be .*fifo.*, not 'best'"),
        (
            "pichay_schedule",
            "x",
            "pichay_schedule must be auto or batch or break-even or .*, not 'x'",
        ),
        ("pichay_hosts", ["https://x.example"], "bare host names"),
        ("pichay_hosts", ["x.example:443"], "bare host names"),
        ("pichay_hosts", [""], "bare host names"),
        ("stream_large_bodies", "1m", "stream_large_bodies .* unset it"),
        ("body_size_limit", "1m", "body_size_limit .* unset it"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_do(options, name, value, said):
    options.update(**{name: value})
    with pytest.raises(exceptions.OptionsError, match=said):
        settings_of(options)


def test_a_state_folder_that_cannot_be_made_is_refused_with_what_to_do(
    options, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(exceptions.OptionsError, match="Set PICHAY_HOME to"):
        settings_of(options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["pichay_tau=x"], "pichay_tau: not an integer: x"),
        (["pichay_tau"], "Option is required: pichay_tau"),
        (["pichay_tau=1", "pichay_tau=2"], "multiple values for pichay_tau"),
        (["pichay_mode"], "Option is required: pichay_mode"),
        (["pichay_allow_subscription=maybe"], 'must be "true", "false"'),
        (["pichay_tua=1"], "pichay_tua is not an option; there are: pichay_allow_subscription"),
    ],
)
def test_what_was_set_before_the_script_came_is_looked_at(context, given, said):
    context.options.set(*given, defer=True)
    add_options(Loader(context.master))
    assert said in (unusable(context.options) or "")


def test_a_value_of_a_wrong_type_in_the_configuration_file_is_looked_at(context):
    context.options.update_defer(pichay_tau="four")
    add_options(Loader(context.master))
    assert "pichay_tau" in (unusable(context.options) or "")


def test_what_can_be_used_is_in_use_afterwards(context):
    given = ("pichay_tau=2", "pichay_hosts=a.example", "pichay_hosts=b.example", "later_option=1")
    context.options.set(*given, "pichay_allow_subscription", defer=True)
    context.options.update_defer(pichay_min_bytes=7)
    add_options(Loader(context.master))
    assert unusable(context.options) is None
    settings = settings_of(context.options)
    assert (settings.rules.limits.tau, settings.rules.limits.min_bytes) == (2, 7)
    assert settings.hosts >= {"a.example", "b.example"}
    assert settings.allow_subscription
    assert set(context.options.deferred) == {"later_option"}


def test_options_may_be_added_twice_as_on_a_reload(context, caplog):
    add_options(Loader(context.master))
    add_options(Loader(context.master))
    assert caplog.text == ""


def test_every_option_says_what_it_is(options):
    ours = [option for name, option in options.items() if name.startswith("pichay_")]
    assert all(option.help.endswith(".") for option in ours)
    assert {option.typespec for option in ours} == {int, str, bool, Sequence[str]}


@pytest.mark.parametrize(("chosen", "holds"), [(None, LONGEST_TIMEOUT), (60, 60)])
def test_a_model_may_think_for_an_hour_unless_the_user_says_otherwise(context, chosen, holds):
    context.options.add_option("tcp_timeout", int, 600, "")
    if chosen:
        context.options.update(tcp_timeout=chosen)
    lengthen_timeout()
    assert context.options.tcp_timeout == holds


def test_what_may_go_out_shorter_is_chosen_by_mode_and_options(options):
    options.update(pichay_diffs=True, pichay_oversize_bytes=20_000)
    settings = settings_of(options)
    found = {name: settings.births_for(mode) for name, mode in MODES.items()}
    everything = Births(duplicates=True, diffs=True, oversize=20_000)
    assert found == {
        "observe": Births(),
        "birth": everything,
        "page": Births(),
        "server": everything,
        "full": everything,
    }


def test_diffs_and_cuts_are_off_unless_they_are_asked_for(options):
    assert settings_of(options).births_for(MODES["full"]) == Births(duplicates=True)


@pytest.mark.parametrize("size", [-1, 1, LEAST - 1])
def test_a_size_above_which_too_much_would_be_cut_is_refused_with_what_to_do(options, size):
    options.update(pichay_oversize_bytes=size)
    said = f"pichay_oversize_bytes must be {LEAST} or more, or 0 to send every result whole"
    with pytest.raises(exceptions.OptionsError, match=said):
        settings_of(options)
