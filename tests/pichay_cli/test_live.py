import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from itertools import chain
from pathlib import Path

import pytest
from rich.console import Console

from pichay_cli.live import live_panel, watch_until
from pichay_core.store.scope import Scope
from tests.pichay_cli.builders import NOW, Recording, cooperating, held, paged
from tests.pichay_cli.live_recordings import MAIN, OLD, busy
from tests.pichay_cli.screens import screen, text

PICHAY = (sys.executable, "-c", "from pichay_cli import main; main(prog_name='pichay')")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


SCREENS = Path(__file__).parent / "live_screens"


@pytest.mark.parametrize("size", [(60, 40), (80, 24), (80, 40), (120, 40), (200, 50)])
def test_the_screen_is_exactly_this(path, size):
    busy(path)
    width, height = size
    expected = (SCREENS / f"{width}x{height}.txt").read_text()
    assert screen(live_panel(path, NOW), width, height) == expected


def test_one_session_fills_a_small_screen(path):
    busy(path)
    shown = screen(live_panel(path, NOW, Scope(MAIN)), 80, 24)
    assert shown == (SCREENS / "80x24-opened.txt").read_text()


def test_without_a_terminal_it_is_plain_text_with_everything_in_it(path):
    busy(path)
    assert text(live_panel(path, NOW), 80) == (SCREENS / "piped.txt").read_text()


def test_no_colour_vanishes_on_a_light_or_a_dark_background(path):
    busy(path)
    console = Console(width=120, height=60, force_terminal=True, color_system="truecolor")
    segments = chain(*console.render_lines(live_panel(path, NOW)))
    styles = [segment.style for segment in segments if segment.style]
    colours = {style.color.name for style in styles if style.color}
    assert colours == {"green", "red", "yellow", "blue", "magenta", "cyan"}
    assert {style.bgcolor for style in styles} == {None}


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("height", [14, 24, 40, 60])
@pytest.mark.parametrize("recording", [paged, held, cooperating, busy])
def test_the_live_screen_is_never_larger_than_the_terminal(path, recording, width, height):
    recording(path)
    rows = screen(live_panel(path, NOW), width, height).splitlines()
    assert len(rows) < height
    assert max(map(len, rows)) <= width


def test_where_there_is_no_terminal_everything_is_shown(path):
    held(path)
    shown = text(live_panel(path, NOW), 80)
    for title in ("Net", "Window", "Events", "Paging", "Not paged"):
        assert f"\n  {title}" in shown


def test_a_recording_that_is_not_there_yet_says_how_to_start(path):
    said = "\n  Nothing is recorded yet. Start an agent with: pichay run -- claude\n"
    assert text(live_panel(path, NOW)) == said
    Recording(path)
    assert text(live_panel(path, NOW)) == said


def test_an_episode_that_is_over_is_not_told_as_thrashing(path):
    made = busy(path)
    made.db.execute("update episodes set ended = 24, ended_at = at")
    shown = text(live_panel(path, NOW), 120)
    assert " thrash    over · " in shown
    assert "thrashing" not in shown


def test_pages_of_one_name_are_told_as_one(path):
    made = busy(path)
    made.page(MAIN, "d2", "src/app.py", faults=1)
    for page, new in (("d1", "d2"), ("d2", "d3")):
        made.event(MAIN, 24, "faulted", page, 100, "refetch", by=new, away=1)
    made.page(MAIN, "d3", "src/app.py", faults=2)
    shown = text(live_panel(path, NOW), 120)
    assert shown.count("Read src/app.py 4×") == 1
    assert "Read src/app.py 2×" not in shown


def test_what_a_window_holds_adds_up_to_what_was_billed(path):
    made = Recording(path)
    held = {"front_tokens": 3_000, "talk_tokens": 1_000}
    made.turn(made.session(), 1, (0, 0, 8_000, 5), window_limit=200_000, **held)
    assert "█ front 6.0k · ▓ talk 2.0k" in text(live_panel(path, NOW), 80)


def test_a_request_in_flight_moves_nothing_on_the_screen(path):
    made = busy(path)
    before = text(live_panel(path, NOW), 80)
    made.turn(MAIN, 25, at=NOW)
    assert "without a bill" not in text(live_panel(path, NOW), 80)
    assert len(text(live_panel(path, NOW), 80).splitlines()) == len(before.splitlines())
    for request in (26, 27):
        made.turn(MAIN, request, at=NOW)
    assert "3 requests without a bill" in text(live_panel(path, NOW), 80)


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_none(path, variable):
    busy(path)
    ours, theirs = pty.openpty()
    given = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", **variable}
    with os.fdopen(theirs, "w") as screen_end:
        subprocess.run(
            [*PICHAY, "stats", "--database", str(path)], stdout=screen_end, env=given, check=True
        )
        said = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "Net against untouched" in said
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|4[0-7]|38;|48;)", said)


def test_a_terminal_without_the_characters_gets_others_like_them(path):
    busy(path)
    shown = subprocess.run(
        [*PICHAY, "stats", "--live", "--database", str(path)],
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "ascii"},
        capture_output=True, check=True,
    ).stdout.decode("ascii")  # fmt: skip
    assert "|----------|----|---" in shown
    assert "  at most 129.0k" in shown
    assert "?" not in shown


@pytest.fixture
def watching(path):
    """Starts ``stats --live`` on a terminal of its own; gives the process and our end of it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        [*PICHAY, "stats", "--live", "--database", str(path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**_without(os.environ, "COLUMNS", "LINES"), "TERM": "xterm"},
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


def test_a_screen_of_another_size_is_drawn_anew_from_its_first_line(recording, watching):
    _, terminal = watching
    _read_until(terminal, "$0.25 saved")
    termios.tcsetwinsize(terminal, (30, 40))
    # What a narrower terminal has broken into more lines could not be erased line by line.
    _, _, after = _read_until(terminal, "\x1b[2J\x1b[H").partition("\x1b[2J\x1b[H")
    drawn = _read_until(terminal, "$0.25 saved", seen=after)
    assert "\x1b[1A" not in drawn
    recording.turn("a" * 32, 2, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 1.0))
    assert "\x1b[2J" not in _read_until(terminal, "$0.75 saved")


def test_the_last_screen_shows_what_was_recorded_before_the_end(path, recording, capsys):
    def over():
        recording.turn("a" * 32, 2, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 1.0))
        return True

    watch_until(path, over)
    assert "$0.75 saved" in capsys.readouterr().out


def test_keys_choose_a_session_and_q_leaves_the_terminal_as_it_was(path, watching):
    made = busy(path)
    made.db.conn.commit()
    process, terminal = watching
    _read_until(terminal, " of 6b02aa00, turn 24")
    for key, wanted in (
        (b"j", " of 6b02bb00, turn 1"),
        (b"\x1b[A", " of 6b02aa00, turn 24"),
        (b"G\r", f"· session {OLD[:8]}"),
        (b"a", "all sessions: 3"),
    ):
        os.write(terminal, key)
        _read_until(terminal, wanted)
    assert not termios.tcgetattr(terminal)[3] & termios.ICANON
    os.write(terminal, b"q")
    _read_until(terminal, "\x1b[?25h")
    assert process.wait(20) == 0
    assert termios.tcgetattr(terminal)[3] & (termios.ICANON | termios.ECHO)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_the_terminal_as_it_was(recording, watching, ending):
    process, terminal = watching
    _read_until(terminal, "$0.25 saved")
    process.send_signal(ending)
    _read_until(terminal, "\x1b[?25h")
    assert process.wait(20) == 128 + ending
    assert _as_it_was(terminal)


def test_what_is_stopped_gives_the_terminal_back_and_takes_it_again(recording, watching):
    process, terminal = watching
    _read_until(terminal, "$0.25 saved")
    # Nobody could wake a process that has no shell, so the system does not let it stop.
    process.send_signal(signal.SIGTSTP)
    # Both may come in one piece.
    _, _, after = _read_until(terminal, "\x1b[?25h").partition("\x1b[?25h")
    _read_until(terminal, "\x1b[?25l", seen=after)
    recording.turn("a" * 32, 2, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 1.0))
    _read_until(terminal, "$0.75 saved")
    os.write(terminal, b"q")
    _read_until(terminal, "\x1b[?25h")
    assert process.wait(20) == 0
    assert _as_it_was(terminal)


def _as_it_was(terminal):
    both = termios.ICANON | termios.ECHO
    return termios.tcgetattr(terminal)[3] & both == both


def _without(variables, *names):
    return {name: value for name, value in variables.items() if name not in names}


def _own_the_terminal():
    """Make the terminal the one whose Ctrl-C reaches the process."""
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(terminal, wanted, seconds=20, seen=""):
    """Return all that was read until *wanted* came, and what was *seen* before."""
    until = time.monotonic() + seconds
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
        assert ready, f"not seen within {seconds} seconds: {wanted}; seen: {seen}"
        seen += os.read(terminal, 65_536).decode(errors="replace")
    return seen
