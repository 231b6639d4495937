"""``pichay show``: the story of a session, exactly, and what is left out of it."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.gauges import sparks
from pichay_cli.show.story import drawing
from pichay_cli.show.telling import telling
from tests.pichay_cli.builders import NOW, Recording, flushed, paged
from tests.pichay_cli.screens import text

ONE = "3f2a" + "0" * 28
LONG = "a" * 32


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


@pytest.fixture
def pichay(path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, [*arguments, "--database", str(path)])

    return run


def shown(made, session, width=80, every=False):
    return text(drawing(telling(made.db, session), NOW, every), width)


def thrashing(path):
    """A session of 40 requests: two flushes, what left came back and left again, an episode."""
    made = Recording(path)
    one = made.session(LONG, turn=40, requests=40, project="/home/me/work")
    for request in range(1, 41):
        made.turn(
            one, request, (10, 1_000 * request, 500, 20), (10, 1_200 * request, 500, 20),
            (0.010, 0.012), flushed="batch" if request in (10, 20) else None,
        )  # fmt: skip
    made.flush(one, 10)
    made.flush(
        one, 20, why="pressure", pages=1, saved_dollars=0.01, rewritten_dollars=0.02,
        faulted_dollars=0.3, paid_back=None,
    )  # fmt: skip
    for number in range(5):
        name = f"/home/me/work/src/{number}.py"
        made.page(one, f"p{number}", name, f"HANDLE{number}A", moved=10, tokens=1_000 + number)
        made.event(one, 10, "evicted", f"p{number}", 1_000, handle=f"HANDLE{number}A", age=4)
    made.page(one, "q0", "/home/me/work/src/0.py", "HANDLE0B", moved=20, tokens=1_000, faults=1)
    made.page(
        one, "r0", "/home/me/work/src/0.py", tokens=1_004, faults=2, pin_strength=2.0,
        pin_since=30, born=30, last_use=30, position=9,
    )  # fmt: skip
    made.page(one, "s", "shot.png", tokens=1_600, opaque=1, born=2, last_use=2)
    made.page(one, "new", "src/new.py", tokens=900, born=39, last_use=39)
    made.page(one, "old", "src/old.py", tokens=800, born=3, last_use=3)
    made.event(one, 12, "faulted", "p0", 1_000, "refetch", by="q0", away=2)
    made.event(one, 30, "faulted", "q0", 1_000, "refetch", by="r0", away=10)
    made.episode(one, 12, {"r0": 2, "p1": 1}, ended=None, ended_at=None)
    return made


WIDE = """  1 episode, $0.04
turns      faults  tokens  bounced   cost  answered by
12 to now       3   12.0k        1  $0.04  tau 8, 2 pins, flushes held 5 times
         Read src/0.py 2x, Read src/1.py 1x

Moved  5 left, 1 asked for again
left in turn  back  tokens  now        page
10, 20           2    1.0k  in window            Read src/0.py
10                    1.0k  out        HANDLE4A  Read src/4.py
10                    1.0k  out        HANDLE3A  Read src/3.py
10                    1.0k  out        HANDLE2A  Read src/2.py
10                    1.0k  out        HANDLE1A  Read src/1.py

Largest in the window now
tokens  age    used  stays because
  1.6k   38  38 ago  no text: it never moves    Read shot.png
  1.0k   10  10 ago  pinned: came back 2 times  Read src/0.py
   900    1   1 ago  in use                     Read src/new.py
   800   37  37 ago  no flush has paid yet      Read src/old.py
"""
STORY = f"""\
Session aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
main · claude-sonnet-4-5 · 40 requests · 40 turns · seen 1m ago

 $0.08 saved · 17 %    164.0k input tokens saved · 16 %
Most was saved by the flush of turn 10: batch, 3 pages ($0.02); most was lost to
2 faults, pages that came back ($0.30).

Window  ▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇  1.5k first, 40.5k at most, 40.5k now

Flushes  2, 1 paid back · after: so many requests · net: as plain input
turn  flush     pages  tokens  predicted  paid back    net   money
  10  batch         3   22.5k  after 9    after 10   -5.5k  -$0.02
  20  pressure      1   22.5k  after 9    not yet    -5.5k  +$0.31
      others                                                -$0.37

Thrash{WIDE}
request   turn  window   read  written  removed  net so far   money  flush
    1-9    1-9    9.5k   9.0k      500                -9.0k  -$0.02
         nothing moved, window 1.5k to 9.5k
     10     10   10.5k  10.0k      500               -11.0k  -$0.02  batch
         evicted     5 pages, 5.0k tokens
     11     11   11.5k  11.0k      500               -13.2k  -$0.02
     12     12   12.5k  12.0k      500               -15.6k  -$0.02
         refetch     Read src/0.py  1.0k tokens back after 2 turns
  13-19  13-19   19.5k  19.0k      500               -38.0k  -$0.04
         nothing moved, window 13.5k to 19.5k
     20     20   20.5k  20.0k      500               -42.0k  -$0.04  batch
  21-29  21-29   29.5k  29.0k      500               -87.0k  -$0.06
         nothing moved, window 21.5k to 29.5k
     30     30   30.5k  30.0k      500               -93.0k  -$0.06
         refetch     Read src/0.py  1.0k tokens back after 10 turns
  31-40  31-40   40.5k  40.0k      500              -164.0k  -$0.08
         nothing moved, window 31.5k to 40.5k
"""
NARROW = """  1 episode, $0.04
turns      faults  tokens   cost
12 to now       3   12.0k  $0.04
         Read src/0.py 2x, Read src/1.py 1x

Moved  5 left, 1 asked for again
left in turn  back  tokens
10, 20           2    1.0k  Read src/0.py
10                    1.0k  Read src/4.py
10                    1.0k  Read src/3.py
10                    1.0k  Read src/2.py
10                    1.0k  Read src/1.py

Largest in the window now
tokens  age
  1.6k   38  Read shot.png
  1.0k   10  Read src/0.py
   900    1  Read src/new.py
   800   37  Read src/old.py
"""


def test_a_session_is_told_from_its_verdict_to_its_requests(path):
    assert shown(thrashing(path), LONG) == STORY


@pytest.mark.parametrize(("width", "expected"), [(60, NARROW), (120, WIDE)])
def test_what_moved_and_what_stays_is_told_at_any_width(path, width, expected):
    told = shown(thrashing(path), LONG, width)
    assert told.partition("Thrash")[2].partition("\nrequest")[0] == expected


def test_every_request_is_told_if_that_is_asked_for(path):
    made = thrashing(path)
    folded, every = (shown(made, LONG, every=every) for every in (False, True))
    assert len(folded.splitlines()) < 60 < len(every.splitlines())
    assert "nothing moved" not in every
    assert every.count("         evicted ") == 5


def test_a_long_session_in_which_much_happens_is_cut_in_the_middle_and_says_so(path):
    made = Recording(path)
    one = made.session(turn=1_000, requests=1_000)
    for request in range(1, 1_001):
        made.turn(one, request, (10, 1_000, 500, 20), dollars=(0.01, 0.01))
        made.event(one, request, "faulted", "p", 1_000, "refetch", by="q", away=2)
    told = shown(made, one)
    assert "940 more, 31 to 970" in told.replace(" requests", "")
    assert len(told.splitlines()) < 150


def test_a_request_in_which_something_happened_is_never_folded(path):
    made = Recording(path)
    one = made.session(turn=30, requests=30)
    for request in range(1, 31):
        made.turn(one, request, (10, 1_000, 500, 20), dollars=(0.01, 0.01))
    made.event(one, 15, "warned", why="look here")
    told = shown(made, one)
    assert told.count("nothing moved") == 2
    assert "\n   1-14   1-14 " in told
    assert "\n     15     15 " in told
    assert "         warned      look here\n" in told


def test_what_is_only_observed_is_told_where_it_begins(path):
    made = Recording(path)
    one = made.session(turn=9, requests=9, mode="observe")
    for request in range(1, 10):
        why = {
            "outcome": "observed",
            "why": "subscription login" if request < 6 else "mode observe",
        }
        made.turn(one, request, (10, 1_000, 500, 20), dollars=(0.01, 0.01), **why)
    told = shown(made, one)
    assert told.count("only observed: subscription login\n") == 1
    assert told.count("only observed: mode observe\n") == 1
    assert told.count("nothing moved") == 2
    assert "mode observe: the moves told of below were not made\n" in told


def test_without_a_price_the_verdict_is_in_tokens(path):
    made = flushed(path)
    made.db.execute("update turns set dollars = null, untouched_dollars = null")
    told = " ".join(shown(made, ONE).split())
    assert "Most was saved by the flush of turn 3: batch, 3 pages (5.5k tokens); " in told
    assert "most was lost to text written again after flushes (26.5k tokens)." in told


def test_a_session_in_which_nothing_was_done_has_no_verdict(path):
    made = Recording(path)
    made.turn(made.session(turn=1, requests=1), 1, (10, 0, 100, 5), dollars=(0.5, 0.5))
    assert "Most was" not in shown(made, LONG)


def test_a_page_of_a_session_is_told_as_by_its_handle_alone(path, pichay):
    paged(path)
    assert pichay("show", "last", "--page", "aaaaaaaa").output == pichay("page", "aaaaaaaa").output


def test_a_page_of_another_session_is_none_of_this_one(path, pichay):
    paged(path)
    done = pichay("show", "77b1", "--page", "AAAAAAAA")
    assert done.exit_code == 1
    assert done.output.startswith("Error: No page of session 77b10000")


def test_as_json_everything_is_told(path, pichay):
    thrashing(path)
    found = json.loads(pichay("show", "last", "--json").output)
    assert [episode["start"] for episode in found["episodes"]] == [12]
    assert found["moved"][0] == {
        "name": "Read /home/me/work/src/0.py", "handle": None, "left": [10, 20],
        "back": [12, 30], "tokens": 1_000, "out": False, "collected": False,
    }  # fmt: skip
    assert [one["tokens"] for one in found["residents"]] == [1_600, 1_004, 900, 800]
    assert len(found["turns"]) == 40


def test_many_amounts_are_drawn_by_the_largest_of_some_in_a_row():
    assert sparks([1, 8, 2, 2, 4, 4, 0], 4) == "▇▂▄▁"
    assert sparks([], 4) == ""


def test_of_very_many_flushes_those_that_matter_are_told_and_the_rest_is_one_line(path):
    made = Recording(path)
    one = made.session(turn=50, requests=50)
    for turn in range(1, 51):
        made.turn(one, turn, (10, 1_000, 500, 20), dollars=(0.01, 0.01))
        made.flush(one, turn, saved_tokens=21_500.0 + 1_000 * turn)
    folded = shown(made, one)
    assert "\n      30 more     90  675.0k " in folded
    assert folded.count(" batch ") == 20
    assert shown(made, one, every=True).count(" batch ") == 50


def test_what_is_read_of_a_long_session_is_what_is_told_of_it(path):
    made, one = Recording(path), LONG
    made.session(one, turn=200, requests=200)
    for request in range(1, 201):
        made.turn(one, request, (10, 1_000, 500, 20), (10, 1_200, 500, 20), (0.01, 0.02))
        made.page(one, f"p{request}", f"{request}.py", moved=request)
        made.event(one, request, "evicted", f"p{request}", 900, handle=f"H{request}")
    made.event(one, None, "failed", why="no disk", at=NOW - 600 + 1_000)
    made.event(one, 100, "collapsed", tokens=700, turns=[1, 9], first=2, last=20, pages=3)
    told, every = telling(made.db, one, every=False), telling(made.db, one)
    assert len(told.events) < 70 < len(every.events)
    assert text(drawing(told, NOW), 100) == text(drawing(every, NOW), 100)
    assert "Collapsed turns" in text(drawing(told, NOW), 100)


def test_of_very_many_episodes_the_dearest_are_told_and_the_others_counted(path):
    made = thrashing(path)
    for start in range(20, 30):
        made.episode(LONG, start, {"p1": 1}, cost_tokens=100.0 * start)
    few, every = shown(made, LONG), shown(made, LONG, every=True)
    assert "and 3 that cost less: --turns shows them" in few
    assert "\n20 to " not in few
    assert "\n12 to now" in few
    assert "\n20 to " in every
    assert "that cost less" not in every
