import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest

from pichay_cli.launch import Plan, accepts, addon_path, arguments, log_file, port_is_free, started
from pichay_cli.options import Options


def test_the_addon_is_found_and_not_imported():
    assert addon_path().name == "pichay_addon.py"
    assert "pichay_addon" not in sys.modules


def test_a_secret_is_never_on_the_command_line():
    plan = Plan(0, Path("/confdir"), settings=("tau=1",), secrets=("upstream_auth=ann:secret",))
    assert arguments(plan) == [
        *("--listen-host", "127.0.0.1", "-p", "0", "--mode", "regular"),
        *("--set", "confdir=/confdir", "--set", "flow_detail=0"),
        *("--set", "termlog_verbosity=warn", "--set", "tcp_timeout=3600", "--set", "tau=1"),
        *("-s", str(addon_path())),
    ]


def test_a_log_is_kept_only_if_something_was_said_and_of_those_only_the_newest(environment):
    with log_file() as empty:
        assert empty.exists()
    assert not empty.exists()
    for _ in range(25):
        with log_file() as log:
            log.write_text("something")
    kept = sorted(log.parent.iterdir())
    assert len(kept) == 20
    assert kept[-1] == log


def test_a_port_in_use_is_named_with_the_way_to_choose_another(environment, confdir):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not port_is_free(port)
        with (
            pytest.raises(click.ClickException, match=rf"Port {port} .* in use.*--port NUMBER"),
            started(Options(port=port, confdir=confdir), {}),
        ):
            pass


def test_a_proxy_of_the_users_that_is_gone_is_an_error_before_anything_starts(environment, confdir):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        gone = f"127.0.0.1:{unheard.getsockname()[1]}"
        with (
            pytest.raises(click.ClickException, match=f"{gone}, but nothing answers.*unset"),
            started(Options(confdir=confdir), {"HTTPS_PROXY": gone}),
        ):
            pass


@pytest.mark.e2e
def test_inside_the_port_serves_and_afterwards_no_process_is_left(environment, confdir):
    with log_file() as log, started(Options(confdir=confdir), {}, log) as proxy:
        assert accepts(("127.0.0.1", proxy.port))
        assert proxy.variables["HTTPS_PROXY"] == f"http://127.0.0.1:{proxy.port}"
        assert os.getsid(proxy.process.pid) == proxy.process.pid
    assert proxy.process.returncode == 0
    assert port_is_free(proxy.port)


@pytest.mark.e2e
@pytest.mark.parametrize("wrong", ["pichay_tau=four", "pichay_no_such=1"])
def test_an_option_that_mitmproxy_would_drop_in_silence_is_refused(environment, confdir, wrong):
    with (
        pytest.raises(click.ClickException) as caught,
        log_file() as log,
        started(Options(settings=(wrong,), confdir=confdir), {}, log),
    ):
        pass
    assert "ended at start with code 1: " in caught.value.message
    assert wrong.partition("=")[0] in caught.value.message
    assert log.exists()


@pytest.mark.e2e
def test_the_port_is_told_only_once_every_script_is_loaded(confdir, tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(1)\nopen(__file__ + '.loaded', 'w').close()\n")
    ours, theirs = socket.socketpair()
    command = ["-p", "0", "--listen-host", "127.0.0.1", "--set", f"confdir={confdir}", "-s", slow]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pichay_cli.mitmdump", *command], stdin=theirs.fileno()
    ) as process:
        theirs.close()
        with ours:
            ours.sendall(b"[]\n")
            assert int(ours.recv(64)) > 0
            assert Path(f"{slow}.loaded").exists()
        assert process.wait(30) == 0


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.mark.e2e
def test_a_proxy_of_the_users_is_gone_through_with_its_password(environment, confdir):
    guarded = Options(confdir=confdir, settings=("proxyauth=ann:s e@cret",))
    with (
        HTTPServer(("127.0.0.1", 0), Hello) as server,
        log_file() as log,
        started(guarded, {}, log) as corporate,
        started(
            Options(confdir=confdir),
            {"HTTPS_PROXY": f"http://ann:s%20e%40cret@127.0.0.1:{corporate.port}"},
            log,
        ) as proxy,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        connection.request("GET", f"http://127.0.0.1:{server.server_port}/")
        answer = connection.getresponse().read()
        server.shutdown()
    assert answer == b"hello"


@pytest.mark.e2e
def test_mitmdump_stops_when_the_last_who_needs_it_is_gone(environment, confdir):
    starts = (
        "import json, os, sys, time\n"
        "from pathlib import Path\n"
        "from pichay_cli.launch import started\n"
        "from pichay_cli.options import Options\n"
        "with started(Options(confdir=Path(sys.argv[1])), {}) as proxy:\n"
        "    print(json.dumps([proxy.process.pid, proxy.port]), flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", starts, str(confdir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as starter:
        _, port = json.loads(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
        # mitmdump holds the other end of standard error, so reading ends when it ends.
        starter.stderr.read()
    assert port_is_free(port)
