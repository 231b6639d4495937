import os
import shlex
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from pichay_cli.launch import accepts, port_is_free
from pichay_cli.run import _report
from pichay_cli.trust import server
from pichay_core.store.schema import open_for_writing

from .builders import newer
from .conftest import PICHAY

FETCH = """
import os, sys, urllib.request
for name in ("NO_PROXY", "no_proxy"):
    del os.environ[name]
print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())
"""


def script(folder, name, text):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_no_command_is_an_error_with_an_example(pichay):
    done = pichay("run")
    assert done.returncode == 2
    assert "for example: pichay run -- claude" in done.stderr


def test_a_command_that_is_not_there_is_127_and_nothing_is_started(pichay, tmp_path):
    done = pichay("run", "--", "no-such-agent")
    assert (done.returncode, done.stderr) == (
        127,
        "Error: The command no-such-agent was not found. Install it, or name it by its path.\n",
    )
    assert not (tmp_path / "home" / "certificates").exists()


def test_a_command_that_is_not_a_program_is_126(pichay, tmp_path):
    file = tmp_path / "notes"
    file.touch()
    done = pichay("run", file)
    assert done.returncode == 126
    assert "chmod +x" in done.stderr


def test_a_state_folder_that_cannot_be_made_says_what_to_do(pichay, tmp_path):
    done = pichay("run", "--", "true", PICHAY_HOME=str(tmp_path / ("x" * 300)))
    assert done.returncode == 1
    assert "Set PICHAY_HOME to a folder that you may write to." in done.stderr


@pytest.mark.parametrize("part", ["logs", "certificates"])
def test_a_state_folder_that_cannot_be_written_to_says_what_to_do(pichay, tmp_path, confdir, part):
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / part).touch()
    done = pichay("run", "--confdir", confdir, "--", "true")
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {home / part} cannot be written to (File exists). "
        "Set PICHAY_HOME to a folder that you may write to.\n"
    )


def test_an_agent_that_ran_for_long_and_asked_no_model_is_told_of(tmp_path, capsys):
    _report(tmp_path / "none.db", time.time() - 5)
    assert capsys.readouterr().err == ""
    _report(tmp_path / "none.db", time.time() - 60)
    assert capsys.readouterr().err == (
        "pichay: no request to a model came through the proxy; `pichay doctor` looks for the "
        "reason\n"
    )


@pytest.mark.e2e
def test_an_agent_runs_where_a_newer_pichay_has_recorded(pichay, tmp_path, confdir):
    recording = tmp_path / "home" / "pichay.db"
    open_for_writing(recording).conn.close()
    newer(recording)
    before = recording.read_bytes()
    own = recording.with_name(f"pichay-{version('pichay')}.db")
    done = pichay("run", "--confdir", confdir, "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == (
        f"pichay: {recording} was written by a newer Pichay, so this one records in {own.name} "
        f"beside it: upgrade, or look at it with --database {own}"
    )
    assert own.exists()
    assert recording.read_bytes() == before
    named = pichay("run", "--confdir", confdir, "--database", recording, "--", "true")
    assert named.returncode == 1
    assert "written by a newer Pichay: upgrade, or name another" in named.stderr


@pytest.mark.e2e
def test_one_pichay_does_not_go_through_another(pichay, confdir, tmp_path):
    inner = shlex.join([*PICHAY, "run", "--confdir", str(confdir), "--", "echo", "ran"])
    done = pichay("run", "--confdir", confdir, "--", "sh", "-c", inner)
    assert done.returncode == 1
    assert "This shell goes through a Pichay already (127.0.0.1:" in done.stderr
    assert done.stdout == ""


@pytest.mark.e2e
def test_the_agent_has_its_own_output_arguments_and_exit_code(pichay, tmp_path, confdir):
    agent = script(
        tmp_path,
        "claude",
        'test -r "$SSL_CERT_FILE" || exit 1\n'
        'echo "$@ $CLAUDE_CODE_ATTRIBUTION_HEADER $HTTPS_PROXY"; exit 3',
    )
    done = pichay("run", "--confdir", confdir, agent, "-p", "--help", ANTHROPIC_API_KEY="k")
    assert done.returncode == 3
    *words, proxy = done.stdout.split()
    assert words == ["-p", "--help", "0"]
    assert "CLAUDE_CODE_ATTRIBUTION_HEADER=0 is set: " in done.stderr
    assert f"{proxy.removeprefix('http://')}; recorded in {tmp_path}/home/pichay.db" in done.stderr
    assert port_is_free(int(proxy.rpartition(":")[2]))


@pytest.mark.e2e
def test_whom_the_users_own_list_vouches_for_is_reached_through_the_proxy(
    pichay, confdir, tmp_path_factory
):
    from pichay_cli.certificates import authority

    own = tmp_path_factory.mktemp("own")
    (own / "list.pem").write_text(authority(own))
    with server(own) as port:
        done = pichay(
            *("run", "--confdir", confdir, "--", sys.executable, "-c", FETCH),
            f"https://127.0.0.1:{port}/",
            SSL_CERT_FILE=str(own / "list.pem"),
        )
    assert (done.returncode, done.stdout) == (0, "ok\n\n")


@pytest.mark.e2e
def test_in_reverse_the_agent_is_given_a_base_url_and_nothing_else(pichay, confdir):
    done = pichay("run", "--reverse", "--confdir", confdir, "--", "env")
    given = {line.partition("=")[0] for line in done.stdout.splitlines()} - {*os.environ, "_"}
    assert (done.returncode, given) == (0, {"ANTHROPIC_BASE_URL"})


@pytest.mark.e2e
def test_in_reverse_codex_is_told_in_its_arguments_which_come_before_the_users(
    pichay, confdir, tmp_path
):
    codex = script(tmp_path, "codex", 'echo "$@"')
    done = pichay("run", "--reverse", "--confdir", confdir, "--", codex, "exec", "hello")
    *told, url, verb, prompt = done.stdout.split()
    assert (told, verb, prompt) == (["-c"], "exec", "hello")
    assert url.startswith('openai_base_url="http://127.0.0.1:') and url.endswith('/v1"')
    assert "for https://api.openai.com; recorded in" in done.stderr
    assert "Codex: a WebSocket passes unread" in done.stderr


@pytest.fixture
def agent(environment, confdir):
    """A pichay and, under it, a shell that tells its proxy and then reads lines to run."""
    shell = 'echo "$HTTPS_PROXY"; while read line; do eval "$line"; done'
    with subprocess.Popen(
        [*PICHAY, "run", "--confdir", str(confdir), "--", "sh", "-c", shell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


@pytest.mark.e2e
def test_a_sigterm_ends_the_agent_and_leaves_nothing_behind(agent):
    port = int(agent.stdout.readline().rpartition(":")[2])
    agent.stdin.write("trap 'exit 9' TERM; echo trapped\n")
    agent.stdin.flush()
    agent.stdout.readline()
    agent.send_signal(signal.SIGTERM)
    agent.stdin.write("\n")
    agent.stdin.flush()
    assert agent.wait(30) == 9
    assert port_is_free(port)


@pytest.mark.e2e
def test_an_agent_whose_pichay_was_killed_keeps_its_proxy_until_it_ends(agent):
    port = int(agent.stdout.readline().rpartition(":")[2])
    agent.kill()
    agent.wait()
    time.sleep(0.5)
    assert accepts(("127.0.0.1", port))
    agent.stdin.close()
    deadline = time.monotonic() + 20
    while not port_is_free(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
