import os
import pty

import pytest

from pichay_cli.live.keys import Keyboard, meanings


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (b"\x1b[A", "up"),
        (b"\x1bOA", "up"),
        (b"k", "up"),
        (b"\x1b[B", "down"),
        (b"j", "down"),
        (b"\r", "open"),
        (b"\x1b[C", "open"),
        (b"a", "all"),
        (b"\x1b[D", "all"),
        (b"g", "first"),
        (b"\x1b[4~", "last"),
        (b"q", "quit"),
    ],
)
def test_a_key_means_one_thing(typed, meant):
    assert meanings(typed) == ((meant,), b"")


def test_keys_that_come_together_are_all_told():
    assert meanings(b"\x1b[B\x1b[Bj\rq") == (("down", "down", "down", "open", "quit"), b"")


def test_what_means_nothing_is_passed_over():
    assert meanings(b"x\x1b[5~yj") == (("down",), b"")


@pytest.mark.parametrize("cut", [1, 2])
def test_a_key_that_came_in_parts_is_the_same_key(cut):
    whole = b"\x1b[B"
    found, begun = meanings(whole[:cut])
    assert found == ()
    assert meanings(begun + whole[cut:]) == (("down",), b"")


def test_without_a_terminal_waiting_is_all_there_is():
    assert Keyboard().wait(0.0) == ()


def test_keys_are_told_one_by_one_and_are_not_shown():
    ours, theirs = pty.openpty()
    keys = Keyboard(theirs)
    assert keys.wait(0.0) == ()
    os.write(ours, b"j\x1b")
    assert keys.wait(1.0) == ("down",)
    os.write(ours, b"[A")
    assert keys.wait(1.0) == ("up",)
    os.close(theirs)
    os.close(ours)
