import os
import pty
import select
import subprocess
import sys
import time

import pytest

from pichay_cli.live import live_panel
from tests.pichay_cli.builders import NOW, Recording, cooperating, held, paged
from tests.pichay_cli.screens import screen, text

PICHAY = (sys.executable, "-c", "from pichay_cli import main; main(prog_name='pichay')")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


SMALL = """
  Net against untouched (estimate) · all sessions

   $0.25 saved · 33 %    127.0k input tokens saved · 36 %

                   with  without  difference
  money           $0.51    $0.76      -$0.25   -33 %
  input tokens   225.0k   352.0k     -127.0k   -36 %
    fresh            45       45           0     0 %
    cache read   104.0k   260.0k     -156.0k   -60 %
    cache write  121.0k    92.0k      +29.0k   +32 %
  output tokens    2.0k     2.1k        -100  -4.8 %

  Window of session 3f2a0000 by request: 55.0k, at most 70.0k
  ▅█▆▇

  Events
  3f2a0000  turn 3  evicted    Read src/app.py  9.0k tokens, page AAAAAAAA
  3f2a0000  turn 3  evicted    Read src/io.py  12.0k tokens, page BBBBBBBB
  3f2a0000  turn 3  collected  Bash ls -la  1.5k tokens, ephemeral, page CCCCCC…
  3f2a0000  turn 4  refetch    Read src/app.py  9.0k tokens back after 1 turn
  3f2a0000  turn 4  pinned     Read src/app.py
"""


def test_a_small_terminal_shows_the_net_the_window_and_the_last_events(path):
    paged(path)
    assert screen(live_panel(path, NOW), 80, 23) == SMALL


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("height", [14, 24, 40, 60])
@pytest.mark.parametrize("recording", [paged, held, cooperating])
def test_the_live_screen_is_never_larger_than_the_terminal(path, recording, width, height):
    recording(path)
    rows = screen(live_panel(path, NOW), width, height).splitlines()
    assert len(rows) < height
    assert max(map(len, rows)) <= width


def test_where_there_is_no_terminal_everything_is_shown(path):
    held(path)
    shown = text(live_panel(path, NOW), 80)
    for title in ("Net", "Window", "Events", "Paging", "Not paged", "Sessions"):
        assert f"\n  {title}" in shown


def test_a_recording_that_is_not_there_yet_says_how_to_start(path):
    said = "\n  Nothing is recorded yet. Start an agent with: pichay run -- claude\n"
    assert text(live_panel(path, NOW)) == said
    Recording(path)
    assert text(live_panel(path, NOW)) == said


@pytest.fixture
def watching(path):
    """Starts ``stats --live`` on a terminal of its own; gives the process and our end of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PICHAY, "stats", "--live", "--database", str(path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"},
        start_new_session=True,
        preexec_fn=_own_the_terminal,
    )
    os.close(theirs)
    yield process, ours
    process.kill()
    process.wait()
    os.close(ours)


@pytest.fixture
def recording(path):
    made = Recording(path)
    made.turn(made.session(), 1, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 0.75))
    return made


def test_the_screen_follows_the_recording_and_ctrl_c_leaves_the_last_one(recording, watching):
    process, terminal = watching
    _read_until(terminal, "$0.25 saved")
    recording.turn("a" * 32, 2, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 1.0))
    _read_until(terminal, "$0.75 saved")
    os.write(terminal, b"\x03")
    last = _read_until(terminal, "\x1b[?25h")
    assert process.wait(20) == 0
    assert "$0.75 saved" in last
    assert "Traceback" not in last


def _own_the_terminal():
    """Make the terminal the one whose Ctrl-C reaches the process."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(terminal, wanted, seconds=20):
    seen, until = "", time.monotonic() + seconds
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
        assert ready, f"not seen within {seconds} seconds: {wanted}; seen: {seen}"
        seen += os.read(terminal, 65_536).decode(errors="replace")
    return seen
