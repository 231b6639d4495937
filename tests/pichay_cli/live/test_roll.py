import pytest

from pichay_cli.live.roll import View, around, ordered, pressed
from pichay_core.store.figures import Net
from pichay_core.store.glance import SessionLine

NOW = 1_000.0
ORDER = ("a", "b", "c")


def line(name, started=0.0, last=0.0):
    return SessionLine(
        name, "main", "model", 1, started, last, None, None, Net(), 0, 0, False, False
    )


@pytest.mark.parametrize(
    ("key", "marked", "chosen"),
    [
        ("down", "a", "b"),
        ("down", "c", "c"),
        ("up", "b", "a"),
        ("up", "a", "a"),
        ("first", "c", "a"),
        ("last", "a", "c"),
        ("down", "gone", "a"),
    ],
)
def test_the_arrows_choose_and_stop_at_the_ends(key, marked, chosen):
    assert pressed(View(), key, ORDER, marked) == View(chosen)


def test_one_is_opened_and_all_are_seen_again():
    opened = pressed(View(), "open", ORDER, "b")
    assert opened == View("b", True)
    assert pressed(opened, "down", ORDER, "b") == View("c", True)
    assert pressed(opened, "all", ORDER, "b") == View("b", False)


def test_where_there_is_no_session_there_is_nothing_to_choose():
    assert pressed(View(), "down", (), None) == View()
    assert pressed(View(), "open", (), None) == View()


def test_q_is_the_end():
    assert pressed(View(), "quit", ORDER, "a").over


def test_live_sessions_stand_first_and_keep_their_order():
    first, second = line("first", 10.0, NOW - 60), line("second", 20.0, NOW - 1)
    idle, older = line("idle", 900.0, NOW - 500), line("older", 5.0, NOW - 600)
    found = ordered([older, first, idle, second], NOW)
    assert [one.id for one in found] == ["second", "first", "idle", "older"]
    assert ordered([idle, second, older, line("first", 10.0, NOW)], NOW) != found
    assert [one.id for one in ordered([line("first", 10.0, NOW), second], NOW)] == [
        "second",
        "first",
    ]


def test_of_many_sessions_those_near_the_marked_one_are_drawn():
    many = [line(str(number)) for number in range(500)]
    shown, at = around(many, "300", 40)
    assert (shown[at].id, len(shown)) == ("300", 40)
    assert around(many, None, 40) == (many[:40], 0)
    assert around(many, "499", 40) == (many[460:], 39)
    assert around(many[:3], "2", 40) == (many[:3], 2)
