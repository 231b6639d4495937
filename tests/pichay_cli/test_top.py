"""``pichay top``: what it prints, exactly, and what it advises."""

import json
from math import fsum

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.hints import hints
from pichay_cli.top_view import top_sheet
from pichay_core.store.cost import Cost
from pichay_core.store.top import top
from tests.pichay_cli.builders import flushed, held
from tests.pichay_cli.screens import text


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


@pytest.fixture
def pichay(path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, ["top", *arguments, "--database", str(path)])

    return run


def offered(path):
    """Three sessions of two requests that never call one of their tools, and read files often."""
    made = flushed(path)
    for name in "cde":
        one = made.session(name * 32, turn=2, requests=2)
        for request in (1, 2):
            made.turn(
                one, request, (0, 20_000, 10_000, 100), dollars=(0.05, 0.05), front_tokens=12_000,
                read_dollars=0.006, output_dollars=0.0015, talk_tokens=9_000, thought_tokens=1_000,
                stub_tokens=50,
            )  # fmt: skip
        for number in range(5):
            made.page(one, f"{name}{number}", "/home/me/work/big.py", born=1 + number % 2)
        made.page(one, f"{name}x", "/home/me/work/tests/small.py", tokens=100)
        for tool, size in (("Read", 1_000), ("mcp__wiki__search", 9_000)):
            row = {"session": one, "tool": tool, "request": 1, "bytes": size, "sent_bytes": size}
            made.db["definitions"].insert(row)
    return made


NARROW = """\
What the bill was spent on, by tool (estimate; its parts add
up to the bill)

   cost  share  tokens     net  tool
  $0.11   14 %   20.3k  -$0.19  Read
$0.0058  0.7 %                  mcp__wiki__search
         never called in 3 sessions: disable the MCP server
         wiki
$0.0041  0.5 %    1.0k  -$0.11  Bash
  $0.45   56 %                  talk and thinking
  $0.16   20 %                  talk
  $0.04  4.7 %    2.6k          output
  $0.02  2.3 %                  system prompt
  $0.02  2.2 %                  thinking
$0.0009  0.1 %                  stubs
  $0.81                         all

requests: of all its results, each in every request it stood
in. net: what its having left or gone out in short has saved
(-) or cost (+).
"""
USUAL = """\
What the bill was spent on, by tool (estimate; its parts add up to the bill)

   cost  share  calls  tokens  requests     net  tool
  $0.11   14 %     23   20.3k        48  -$0.19  Read
$0.0058  0.7 %                        6          mcp__wiki__search
         never called in 3 sessions: disable the MCP server wiki
$0.0041  0.5 %      1    1.0k         2  -$0.11  Bash
  $0.45   56 %                        5          talk and thinking
  $0.16   20 %                        6          talk
  $0.04  4.7 %           2.6k        11          output
  $0.02  2.3 %                        6          system prompt
  $0.02  2.2 %                        6          thinking
$0.0009  0.1 %                        6          stubs
  $0.81                                          all

requests: of all its results, each in every request it stood in. net: what its
having left or gone out in short has saved (-) or cost (+).
"""
WIDE = """\
What the bill was spent on, by tool (estimate; its parts add up to the bill)

   cost  share  calls  tokens  requests    sent     net  faults  tool
  $0.11   14 %     23   20.3k        48   42.2k  -$0.19       1  Read
$0.0058  0.7 %                        6   19.4k                  mcp__wiki__search
         never called in 3 sessions: disable the MCP server wiki
$0.0041  0.5 %      1    1.0k         2    2.0k  -$0.11          Bash
  $0.45   56 %                        5  211.0k                  talk and thinking
  $0.16   20 %                        6   62.0k                  talk
  $0.04  4.7 %           2.6k        11                          output
  $0.02  2.3 %                        6   61.2k                  system prompt
  $0.02  2.2 %                        6    6.9k                  thinking
$0.0009  0.1 %                        6     345                  stubs
  $0.81                                  405.0k                  all

requests: of all its results, each in every request it stood in. net: what its having left or gone out in short has
saved (-) or cost (+).
"""  # noqa: E501 - a drawing
FILES = """\
What the bill was spent on, by file (estimate; its parts add up to the bill)
files below /home/me/work/

   cost  share  calls  tokens  requests     net  file
  $0.08   10 %     15   15.0k        24          big.py
         read or written 15 times in 3 sessions: ask for some lines of it
$0.0075  0.9 %      2    2.0k         3  -$0.11  src/app.py
$0.0072  0.9 %      1    1.0k         4          src/new.py
$0.0070  0.9 %      1    1.0k         3  +$0.04  src/db.py
$0.0041  0.5 %      1    1.0k         2  -$0.11  src/io.py
$0.0018  0.2 %      3     300         6          tests/small.py
  $0.45   56 %                        5          talk and thinking
  $0.16   20 %                        6          talk
  $0.04  4.7 %           2.6k        11          output
  $0.02  2.3 %                        6          system prompt
  $0.02  2.2 %                        6          thinking
$0.0065  0.8 %                                   tool definitions
$0.0041  0.5 %      1    1.0k         2  -$0.11  other tool results
$0.0009  0.1 %                        6          stubs
  $0.81                                          all

requests: of all its results, each in every request it stood in. net: what its
having left or gone out in short has saved (-) or cost (+).
"""
SESSIONS = """\
What the bill was spent on, by session (estimate; its parts add up to the bill)

 cost  share  calls  tokens  requests     net  session
$0.48   59 %      6    6.0k         4  -$0.30  3f2a0000
$0.10   12 %      6    5.1k         2          cccccccc
$0.10   12 %      6    5.1k         2          dddddddd
$0.10   12 %      6    5.1k         2          eeeeeeee
$0.03  3.7 %                        1          77b10000
$0.81                                          all

requests: of all its results, each in every request it stood in. net: what its
having left or gone out in short has saved (-) or cost (+).
"""


def shown(made, by, width, limit=20):
    return text(top_sheet(top(made.db, by=by), by, limit), width)


@pytest.mark.parametrize(("width", "expected"), [(60, NARROW), (80, USUAL), (120, WIDE)])
def test_what_costs_the_most_is_first_and_all_adds_up(path, width, expected):
    assert shown(offered(path), "tool", width) == expected


def test_files_are_named_below_the_folder_that_holds_them_all(path):
    assert shown(offered(path), "file", 80) == FILES


def test_a_session_is_known_by_the_beginning_of_its_id(path):
    assert shown(offered(path), "session", 80) == SESSIONS


def test_what_is_beyond_the_limit_is_one_line(path):
    listed = shown(offered(path), "session", 80, limit=1)
    assert " 3f2a0000\n" in listed
    assert " 4 sessions more\n" in listed


def test_a_bill_without_a_price_is_told_in_tokens(path):
    told = shown(held(path), "tool", 80)
    assert "No price is known: by tokens" in " ".join(told.split())
    assert "$" not in told


def test_as_json_everything_is_told_with_its_share_and_what_to_do(path, pichay):
    offered(path)
    found = json.loads(pichay("--by", "definition", "--limit", "1", "--json").output)
    wiki, read, *_ = found["costs"]
    assert fsum(cost["dollars"] for cost in found["costs"]) == pytest.approx(found["dollars"])
    assert (wiki["hint"], read["hint"]) == (
        "never called in 3 sessions: disable the MCP server wiki",
        None,
    )
    assert (read["what"], read["calls"]) == ("Read", 18)


def test_one_session_or_what_was_billed_since_can_be_asked_for(path, pichay):
    offered(path)
    one = json.loads(pichay("--session", "cc", "--json").output)
    assert one["dollars"] == pytest.approx(0.10)
    assert json.loads(pichay("--since", "1h", "--json").output)["dollars"] == 0
    assert pichay("--since", "1h").output == "None of that has been billed.\n"


def test_where_nothing_is_recorded_it_says_what_to_start(tmp_path):
    done = CliRunner().invoke(main, ["top"], env={"PICHAY_HOME": str(tmp_path / "none")})
    assert done.output == "Nothing is recorded yet. Start an agent with: pichay run -- claude\n"


def a_cost(what, **changed):
    return Cost(**{"what": what, "sessions": 4, "dollars": 1.0, "definition_tokens": 9} | changed)


@pytest.mark.parametrize(
    ("cost", "by", "said"),
    [
        (a_cost("mcp__wiki__look"), "tool",
         "never called in 4 sessions: disable the MCP server wiki"),
        (a_cost("mcp__used__look"), "tool",
         "never called in 4 sessions: deny it in the client's settings"),
        (a_cost("NotebookEdit"), "definition",
         "never called in 4 sessions: deny it in the client's settings"),
        (a_cost("memory_pin"), "tool", "never called in 4 sessions: --no-memory-tools"),
        (a_cost("Read", sessions=2), "tool", ""),
        (a_cost("a.py", calls=14, sessions=1), "file",
         "read or written 14 times in 1 session: ask for some lines of it"),
        (a_cost("a.py", calls=2, tokens=20_000), "file",
         "10.0k tokens a time: ask for a part of it"),
        (a_cost("npm test", calls=2, tokens=20_000), "command",
         "10.0k tokens a time: let it print less (tail, grep, --quiet)"),
        (a_cost("a.py", calls=4, faults=3, saved_dollars=-1.0), "file",
         "asked for again 3 times after it had left: a larger --tau"),
        (a_cost("a.py", calls=4, faults=3, saved_dollars=1.0), "file", ""),
        (a_cost("talk", rest=True), "tool", ""),
        (a_cost("cheap", dollars=0.001), "tool", ""),
    ],
)  # fmt: skip
def test_what_to_do_is_said_where_there_is_something(cost, by, said):
    used = a_cost("mcp__used__other", calls=1)
    assert hints([cost, used], by)[0] == said
