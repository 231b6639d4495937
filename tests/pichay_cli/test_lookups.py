"""``sessions``, ``show`` and ``page``: what they print, exactly."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.panels import sessions_sheet
from pichay_cli.show.story import drawing
from pichay_cli.show.telling import telling
from pichay_core.birth.choice import Birth
from pichay_core.store import figures
from tests.pichay_cli.builders import NOW, Recording, cooperating, flushed, held, paged
from tests.pichay_cli.screens import text

ONE = "3f2a" + "0" * 28


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


@pytest.fixture
def pichay(path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, [*arguments, "--database", str(path)])

    return run


SESSIONS = """\
session   kind      model              turns  window  net tokens  net money  evicted  faults    seen
3f2a0000  main      claude-sonnet-4-5      4   55.0k     -127.0k     -$0.25        2       1  1m ago
77b10000  subagent  claude-sonnet-4-5      1    8.0k           0      $0.00        0       0  2h ago
"""


def test_sessions_are_listed_newest_first(path):
    assert text(sessions_sheet(figures.sessions(paged(path).db), NOW), 130) == SESSIONS


def test_sessions_as_json_are_as_many_as_asked_for(path, pichay):
    paged(path)
    (found,) = json.loads(pichay("sessions", "--limit", "1", "--json").output)
    assert (found["id"], found["window"], found["net"]["billed_requests"]) == (ONE, 55_010, 4)


def shown(made, session, width=80, every=False):
    return text(drawing(telling(made.db, session), NOW, every), width)


STORY = """\
Session 3f2a0000000000000000000000000000
main · claude-sonnet-4-5 · 4 requests · 4 turns · seen 1m ago

 $0.25 saved · 34 %    127.0k input tokens saved · 37 %

Window  ▅▇▆▆  40.0k first, 70.0k at most, 55.0k now

Moved  3 left, 1 asked for again
left in turn  back  tokens  now        page
3                1    1.0k  in window            Read src/app.py
3                     1.0k  collected  CCCCCCCC  Bash ls -la
3                     1.0k  out        BBBBBBBB  Read src/io.py

Largest in the window now
tokens  age   used  stays because
  1.0k    0  3 ago  pinned: came back 1 time  Read src/app.py

request  turn  window   read  written  removed  net so far   money  flush
      1     1   40.0k      0    40.0k                    0   $0.00
      2     2   70.0k  40.0k    30.0k                    0   $0.00
      3     3   52.0k  12.0k    40.0k    23.0k      -23.0k  +$0.11  batch
         prefix broken: less read from the cache than it held
         flushed     batch: 3 pages, 22.5k tokens off the window
         evicted     Read src/app.py  9.0k tokens, page AAAAAAAA
         evicted     Read src/io.py  12.0k tokens, page BBBBBBBB
         collected   Bash ls -la  1.5k tokens, ephemeral, page CCCCCCCC
      4     4   55.0k  52.0k     3.0k    23.0k     -127.0k  -$0.25
         refetch     Read src/app.py  9.0k tokens back after 1 turn
         pinned      Read src/app.py
"""
HELD = """\
Session aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
main · claude-next · 3 requests · 2 turns · seen 1m ago
frozen, only observed: refused by the provider

 no input tokens saved or lost

Window  ▇▇  20.0k first, 20.9k at most, 20.9k now

request  turn  window   read  written  removed  net so far  money  flush
      1     1   20.0k      0    20.0k                    0
         held back from here on, 12.3k tokens: thinking binds history
      2     2   20.9k  20.0k      900                    0
      3     3
         only observed: subscription login; in flight
         failed      KeyError
         dropped     2 blocks of thinking from messages.3.content.0 on:
         prefix_binding_mismatch; nothing had been edited
         missed      the provider's cache: tools_changed
         warned      no slot for a marker
"""


def test_a_session_is_told_request_by_request_with_its_events(path):
    assert shown(paged(path), ONE) == STORY


LEGS = """leg: a turn of Pichay's own in place of the client's, to answer the model

request  turn  window   read  written  removed  net so far   money  flush
      1     1   50.0k      0    50.0k                    0   $0.00
"""


def test_requests_in_the_client_s_place_are_told_apart(path):
    told = shown(cooperating(path), "c0" * 16)
    assert "main · claude-sonnet-4-5 · 4 requests · 2 legs · 6 turns · seen 1m ago\n" in told
    assert LEGS in told
    assert "\n2 leg 1     2   52.0k  50.0k     2.0k               +52.0k  +$0.02\n" in told
    assert "         recall      Read src/app.py  3.0k tokens back after 4 turns\n" in told


def test_what_was_held_back_observed_or_is_in_flight_is_told(path):
    assert shown(held(path), "a" * 32) == HELD


FLUSHES = """\
Flushes  4, 1 paid back · after: so many requests · net: as plain input
turn  flush       pages  tokens  predicted  paid back  requests  saved  rewrite  faults     net     money
   3  batch           3   22.5k  after 9    after 10         12  27.0k    21.5k           -5.5k    -$0.34
   4  break-even      1    1.2k  after 37   not yet           3    360     4.0k    9.0k  +12.6k    +$0.04
   5  cold            2    9.0k  at once    not               1    900     1.0k            +100  +$0.0003
   6  batch           3   22.5k  after 9                      0
      others                                                                                       +$0.05
"""  # noqa: E501 - a drawing
NARROW_FLUSHES = """\
Flushes  4, 1 paid back · after: so many requests · net: as plain input
turn  flush       pages  tokens  predicted  paid back     net     money
   3  batch           3   22.5k  after 9    after 10    -5.5k    -$0.34
   4  break-even      1    1.2k  after 37   not yet    +12.6k    +$0.04
   5  cold            2    9.0k  at once    not          +100  +$0.0003
   6  batch           3   22.5k  after 9
      others                                                     +$0.05
"""


def flushes_of(told):
    """The lines of the flushes."""
    return f"Flushes{told.partition('Flushes')[2].partition(chr(10) * 2)[0]}\n"


@pytest.mark.parametrize(("width", "expected"), [(120, FLUSHES), (80, NARROW_FLUSHES)])
def test_the_flushes_of_a_session_say_what_was_expected_and_what_they_have_brought(
    path, width, expected
):
    assert flushes_of(shown(flushed(path), ONE, width)) == expected


def test_flushes_as_json_say_the_same_and_what_is_left_over(path, pichay):
    flushed(path)
    found = json.loads(pichay("show", "last", "--json").output)
    paid, loss, *_ = found["flushes"]
    assert (paid["pays_after"], paid["paid_back"], paid["pages_out"]) == (9, 10, 3)
    assert (loss["net_tokens"], loss["paid_back"]) == (-12_640, None)
    brought = sum(flush["net_dollars"] or 0 for flush in found["flushes"])
    whole = -found["session"]["net"]["dollars"]["difference"]
    assert found["not_of_a_flush_dollars"] == pytest.approx(whole - brought)


def test_a_session_of_version_1_is_shown_without_flushes(path, pichay):
    made = paged(path)
    made.db["flushes"].drop()
    done = pichay("show", "last")
    assert (done.exit_code, "Flushes" in done.output) == (0, False)


def test_a_request_that_the_provider_refused_says_so(path):
    made = Recording(path)
    made.turn(made.session(), 1, status=529)
    assert "\n         not billed, status 529\n" in shown(made, "a" * 32)


def test_a_session_as_json_holds_its_events_by_request(path, pichay):
    made = paged(path)
    made.event(ONE, None, "warned", why="early", at=0)
    found = json.loads(pichay("show", "last", "--json").output)
    assert [turn["request"] for turn in found["turns"]] == [1, 2, 3, 4]
    assert [event["kind"] for event in found["turns"][3]["events"]] == ["faulted", "pinned"]
    assert [event["why"] for event in found["before"]] == ["early"]


def test_an_unknown_session_is_an_error_that_names_the_latest(path, pichay):
    paged(path)
    done = pichay("show", "zz")
    assert done.exit_code == 1
    assert done.output.startswith("Error: There is no session zz. The latest are:\n  3f2a0000")


def test_an_ambiguous_beginning_is_an_error_that_names_what_it_could_be(path, pichay):
    made = Recording(path)
    made.turn(made.session("ab1"), 1)
    made.session("ab2", last_at=NOW)
    done = pichay("show", "ab")
    assert done.exit_code == 1
    assert done.output == "Error: ab begins 2 sessions: ab2, ab1. Say more of it.\n"


PAGE = """
  Page AAAAAAAA  Read src/app.py

  session  3f2a0000000000000000000000000000
  size     8 bytes, 2 lines, 1.0k tokens
  state    evicted: out; it comes back if it is asked for
  born     turn 1
  used     not asked for again
  moved    out in turn 3
  faults   refetch in turn 4
  text     pichay page AAAAAAAA --content
"""


def test_a_page_is_told_by_its_handle(path, pichay):
    paged(path)
    assert pichay("page", "aaaaaaaa").output == PAGE


TURNS = """
  Page CCCCCCCC  turns 2 to 13

  session  c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0
  size     24 messages, 9 pages, 31.0k tokens more than the summary
  state    out; a summary by the model stands for it
  moved    out in turn 6
  summary  The table is in order.
  text     pichay page CCCCCCCC --content
"""


def test_turns_that_were_collapsed_are_told_by_their_handle(path, pichay):
    cooperating(path)
    assert pichay("page", "cccccccc").output == TURNS
    assert pichay("page", "CCCCCCCC", "--content").stdout == "the turns"


def test_turns_for_which_no_summary_stands_any_more_are_told_without_it(path, pichay):
    made = Recording(path)
    made.collapsed(made.session(), 2, "DDDDDDDD")
    told = pichay("page", "DDDDDDDD").output
    assert "state    gone: the client has gone back, or a later summary stands for it\n" in told
    assert "summary  " not in told


def test_a_copy_that_a_recall_brought_is_not_called_a_refetch(path, pichay):
    made = paged(path)
    made.page(ONE, "p9", "AAAAAAAA", "EEEEEEEE", tool="memory_fault", faults=1)
    assert "faults   itself brought back by recall number 1\n" in pichay("page", "EEEEEEEE").output


def test_the_content_of_a_page_is_written_raw_and_nothing_else(path, pichay):
    made = paged(path)
    made.page(ONE, "p9", "x", "DDDDDDDD", "no newline, ümlaut, \x1b[31m[red] \r\n\x00 end")
    done = pichay("page", "DDDDDDDD", "--content")
    assert done.stdout_bytes == "no newline, ümlaut, \x1b[31m[red] \r\n\x00 end".encode()
    assert done.stderr == ""


def test_content_that_was_not_kept_is_an_error(path, pichay):
    paged(path)
    done = pichay("page", "CCCCCCCC", "--content")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: The text of page CCCCCCCC was not kept: only its story is recorded.\n"
    )


def test_an_unknown_handle_is_an_error_that_says_where_handles_are(path, pichay):
    paged(path)
    done = pichay("page", "ZZZZZZZZ")
    assert done.exit_code == 1
    assert done.output == (
        "Error: No page has the handle ZZZZZZZZ. A stub ends in its handle: Page ABCD2345.\n"
    )


def test_a_session_says_how_its_definitions_go_out_and_why(path):
    birth = Birth(
        way="short", names=frozenset({"Agent", "Skill"}), why="unused in 2 earlier sessions"
    )
    made = Recording(path)
    one = made.session(birth=birth.as_text())
    other = made.session("b" * 32, birth=Birth(why="no earlier session").as_text())
    assert "\ntool definitions 2 short: unused in 2 earlier sessions\n" in shown(made, one)
    assert "\ntool definitions whole: no earlier session\n" in shown(made, other)
