import json
import os
import shutil

import click
import pytest
from click.testing import CliRunner

from pichay_cli.demo import demo, stage
from pichay_cli.demo.plan import Failure, Plan
from pichay_cli.demo.reply import error
from pichay_cli.demo.stage import Scratch
from pichay_cli.demo.upstream import Upstream
from pichay_core.store.schema import open_for_writing


@pytest.fixture
def scratch(tmp_path):
    finished = Scratch(tmp_path)
    finished.steps.write_text('{"prompt": "x"}\n{"totals": {"requests": 0}}\n')
    open_for_writing(finished.database).close()
    return finished


def upstream():
    return Upstream(lambda _: pytest.fail("nobody asks"))


def test_without_the_extra_the_demo_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("pichay_cli.demo.EXTRA", ("anthropic", "no_such_package_here"))
    result = CliRunner().invoke(demo)
    assert result.exit_code == 1
    assert "pip install 'pichay[demo]'" in result.output


def test_a_speed_that_is_none_is_refused():
    assert CliRunner().invoke(demo, ["--speed", "0"]).exit_code == 2


def test_the_agent_gets_the_proxy_and_nothing_of_the_user_s_own_way_out(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("ALL_PROXY", "socks5://10.0.0.1:1080")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    variables = {"HTTPS_PROXY": "http://127.0.0.1:8", "NO_PROXY": "127.0.0.1", "SSL_CERT_FILE": "f"}
    given = stage._client_environment(variables, "https://127.0.0.1:9")
    assert {name: value for name, value in given.items() if "PROXY" in name.upper()} == {
        "HTTPS_PROXY": "http://127.0.0.1:8"
    }
    assert {name: value for name, value in given.items() if name.startswith("ANTHROPIC")} == {
        "ANTHROPIC_BASE_URL": "https://127.0.0.1:9",
        "ANTHROPIC_API_KEY": "sk-ant-demo-not-a-key",
    }
    assert given["SSL_CERT_FILE"] == "f"


def test_a_run_in_which_all_went_well_is_no_error(scratch):
    stage._require_success(scratch, upstream())


@pytest.mark.parametrize("ending", ["", '{"prompt": "x"}\n', '{"totals": ', "[]\n", "\n"])
def test_an_agent_that_did_not_finish_is_an_error_with_its_last_words(scratch, ending):
    scratch.steps.write_text(ending)
    scratch.complaints.write_text("Traceback\nRuntimeError: it hurts\n")
    with pytest.raises(click.ClickException, match="did not finish") as raised:
        stage._require_success(scratch, upstream())
    assert "agent: Traceback\nRuntimeError: it hurts" in raised.value.message


def test_a_request_that_went_past_the_proxy_or_got_lost_is_an_error(scratch):
    scratch.steps.write_text(json.dumps({"totals": {"requests": 3}}))
    with pytest.raises(click.ClickException, match="3 requests and Pichay 0, the upstream got 0"):
        stage._require_success(scratch, upstream())


async def test_a_refused_request_is_an_error(scratch):
    failure = Failure(1, 400, error("invalid_request_error", "no"))
    app = Upstream(lambda _: pytest.fail("nobody asks"), Plan(failures=(failure,)))
    scope = {"type": "http", "method": "POST", "path": "/v1/messages", "query_string": b""}
    events = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    async def receive():
        return next(events)

    async def send(_event):
        pass

    await app(scope | {"http_version": "1.1", "headers": []}, receive, send)
    with pytest.raises(click.ClickException, match="refused 1 of the agent's requests"):
        stage._require_success(scratch, app)


def test_a_run_that_recorded_nothing_is_an_error(scratch):
    scratch.database.unlink()
    with pytest.raises(click.ClickException, match="nothing was recorded"):
        stage._require_success(scratch, upstream())


def test_the_user_s_own_state_folder_is_named_again_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("PICHAY_HOME", "mine")
    with stage._home(tmp_path):
        assert os.environ["PICHAY_HOME"] == str(tmp_path)
    assert os.environ["PICHAY_HOME"] == "mine"


def test_the_scratch_folder_is_gone_afterwards_unless_it_is_kept(capsys):
    with stage.scratch_folder(keep=False) as folder:
        assert folder.is_dir()
    assert not folder.exists()
    with stage.scratch_folder(keep=True) as folder:
        pass
    assert folder.is_dir()
    assert capsys.readouterr().err == f"kept in {folder}\n"
    folder.rmdir()
    with stage.scratch_folder(keep=True) as folder:
        (folder / "pichay.db").touch()
    said = capsys.readouterr().err
    assert said.endswith(f"look at it: pichay stats --database {folder / 'pichay.db'}\n")
    shutil.rmtree(folder)
