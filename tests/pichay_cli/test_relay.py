import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RELAY = """
import os, sys
from pichay_cli.relay import Relay
print("relay", os.getpid(), flush=True)
held, _ = os.pipe()
with Relay() as relay:
    code = relay.run(sys.argv[1:], os.environ, held)
print("code", code, flush=True)
"""
COUNTS = """
import signal, sys, time
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: got.append(number))
print("ready", flush=True)
while not got:
    time.sleep(0.01)
time.sleep(0.2)
print("got", *map(int, got), flush=True)
sys.exit(7)
"""


def relayed(*command):
    return [sys.executable, "-c", RELAY, *command]


def said(process, start):
    """The next line of *process* that begins with *start*."""
    for line in process.stdout:
        if line.startswith(start):
            return line.split()
    raise AssertionError(f"no line {start!r}")


@pytest.fixture
def spawned():
    started = []

    def spawn(command, **options):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True, **options
        )
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill $$", 143)]
)
def test_the_exit_code_is_the_agents_own_or_128_and_the_signal(spawned, script, code):
    process = spawned(relayed("sh", "-c", script))
    assert said(process, "code") == ["code", str(code)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_sent_to_us_alone_reaches_the_agent_once(spawned, number):
    process = spawned(relayed(sys.executable, "-c", COUNTS))
    said(process, "ready")
    process.send_signal(number)
    assert said(process, "got") == ["got", str(int(number))]
    assert said(process, "code") == ["code", "7"]


def test_a_signal_that_is_ignored_here_is_ignored_in_the_agent(spawned):
    ignores = "trap '' HUP; exec \"$@\""
    process = spawned(["sh", "-c", ignores, "sh", *relayed("sh", "-c", "kill -HUP $$; exit 4")])
    assert said(process, "code") == ["code", "4"]


def test_before_there_is_an_agent_a_signal_ends_us_in_good_order(spawned):
    begun = (
        "import time\nfrom pichay_cli.relay import Relay\n"
        "with Relay():\n try:\n  print('begun', flush=True); time.sleep(30)\n"
        " finally:\n  print('undone', flush=True)"
    )
    process = spawned([sys.executable, "-c", begun])
    said(process, "begun")
    process.send_signal(signal.SIGTERM)
    assert said(process, "undone") == ["undone"]
    assert process.wait(10) == 143


def under_terminal(*command):
    """*command* in front of a terminal; what is written to the process is typed there."""
    return [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *command]


def test_ctrl_c_reaches_the_agent_once_and_does_not_end_us(spawned):
    command = under_terminal(*relayed(sys.executable, "-c", COUNTS))
    process = spawned(command, stdin=subprocess.PIPE)
    said(process, "ready")
    process.stdin.write("\x03")
    process.stdin.flush()
    # The terminal echoes the key.
    assert said(process, "^C") == ["^Cgot", str(int(signal.SIGINT))]
    assert said(process, "code") == ["code", "7"]
    process.stdin.close()


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads process states in /proc")
def test_an_agent_that_stops_itself_stops_us_and_goes_on_with_us(spawned):
    process = spawned(
        under_terminal(*relayed("sh", "-c", "kill -STOP $$; exit 6")), stdin=subprocess.PIPE
    )
    relay = int(said(process, "relay")[1])
    deadline = time.monotonic() + 10
    while state(relay) != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(relay, signal.SIGCONT)
    assert said(process, "code") == ["code", "6"]
    process.stdin.close()
