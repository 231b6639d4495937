import os
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = "from pichay_cli import main; main()"


@pytest.fixture
def places(tmp_path):
    """A folder to be in, one for temporary files, one for a home."""
    made = [tmp_path / name for name in ("cwd", "tmp", "home")]
    for folder in made:
        folder.mkdir()
    return made


@pytest.fixture
def environment(places):
    _, tmp, home = places
    bare = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return bare | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TMPDIR": str(tmp),
        "HOME": str(home),
        "PICHAY_HOME": str(home / "state"),
    }


def left(places):
    return [path for folder in places for path in folder.rglob("*")]


@pytest.mark.e2e
def test_the_demo_shows_what_it_promises_and_leaves_nothing_behind(places, environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "demo", "--speed", "50"],
        cwd=places[0],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "net saving",
        "evicted",
        "1 recall",
        "1 refetch",
        "let 1 go",
        "2 set",
        "over 46 requests",
    ):
        assert words in done.stdout
    assert done.stderr == ""
    assert left(places) == []


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing_behind(places, environment, number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", "--speed", "0.2"],
        cwd=places[0],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "scripted model" in process.stdout.readline()
        time.sleep(1)
        process.send_signal(number)
        assert process.wait(30) in (1, 128 + number)
    assert left(places) == []
