"""What ``replay`` and ``compare`` say of what sessions are given at their birth."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.birth_view import PLANS, Three, bands, birth_data, birth_sheet
from pichay_cli.births import definitions
from pichay_cli.replay_view import replay_sheet
from pichay_core.replay import Report
from tests.builders import Talk
from tests.definitions import asks, tool, tools
from tests.pichay_cli.screens import text
from tests.pichay_core.replay.conversations import reading_lines
from tests.pichay_core.traces.samples import ANTHROPIC_MESSAGES, codex_rollout, exchange
from tests.pichay_core.traces.shown import lines

MODEL = ("--model", "claude-opus-4-5", "--jobs", "1")
OFFERED = tools("Read", "Bash", "Workflow")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    early = reading_lines([2_000] * 4)
    (sessions / "b-first.jsonl").write_bytes(early)
    (sessions / "a-second.jsonl").write_bytes(early.replace(b"2026-01-01", b"2026-01-02"))
    (tmp_path / "tools.json").write_text(json.dumps(OFFERED))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def replayed(folder, *arguments, verb="replay"):
    result = run(verb, folder / "sessions", *MODEL, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_later_session_of_a_project_leaves_out_what_the_earlier_did_not_use(folder):
    said = replayed(folder, "--definitions", folder / "tools.json")["sessions"]
    second, first = (one["birth"] for one in said)
    assert (first["offered"], first["short"], first["definitions_tokens"]) == (1, 0, 0)
    assert (second["offered"], second["short"]) == (1, 1)
    assert second["definitions_tokens"] > 0


def test_how_many_work_at_a_time_changes_nothing(folder):
    named = ("--definitions", folder / "tools.json")
    one, two = (replayed(folder, *named, "--jobs", jobs) for jobs in (1, 2))
    assert one == two


def test_without_definitions_only_what_the_model_is_told_is_replayed(folder):
    said = replayed(folder)["overall"]
    assert (said["birth"]["conversations"], said["birth"]["offered"]) == (2, 0)
    assert said["cost"] - said["untouched_cost"] == pytest.approx(said["birth"]["protocol_cost"])
    shown = " ".join(run("replay", folder / "sessions", *MODEL).stdout.split())
    assert "No tool definitions are known: --definitions names them." in shown


def test_without_birth_nothing_of_it_is_replayed_or_said(folder):
    said = replayed(folder, "--no-birth", "--definitions", folder / "tools.json")["overall"]
    assert (said["net"], said["birth"]["conversations"]) == (1.0, 0)
    assert "At birth" not in run("replay", folder / "sessions", *MODEL, "--no-birth").stdout
    assert "birth" not in replayed(folder, "--no-birth", verb="compare")


def test_definitions_that_were_recorded_are_used_without_being_named(folder):
    messages = json.dumps(ANTHROPIC_MESSAGES).replace('"read"', '"Read"')
    for number, day in enumerate((1, 2)):
        said = [{**message} for message in json.loads(messages)]
        first = exchange(said[:1], tools=OFFERED)
        second = exchange(said[:3], said[3]["content"], tools=OFFERED)
        for one in (first, second):
            one["request"]["timestamp"] += day * 86_400
        (folder / "sessions" / f"{number}.jsonl").write_bytes(lines(first, second))
    paths = [folder / "sessions" / name for name in ("0.jsonl", "1.jsonl")]
    said = json.loads(run("replay", *paths, *MODEL, "--json").stdout)["sessions"]
    assert [one["birth"]["offered"] for one in said] == [1, 1]
    assert [one["birth"]["short"] for one in said] == [0, 1]


def test_a_session_that_calls_none_of_the_named_tools_was_offered_others(folder):
    (folder / "sessions" / "codex.jsonl").write_bytes(codex_rollout())
    said = replayed(folder, "--definitions", folder / "tools.json")["sessions"]
    assert [one["birth"]["offered"] for one in said] == [1, 1, 0]


def test_a_broken_recording_is_named_once(folder):
    (folder / "sessions" / "broken.jsonl").write_bytes(b'{"type": "user", ')
    result = run("replay", folder / "sessions", *MODEL, "--definitions", folder / "tools.json")
    assert result.exit_code == 1
    assert result.stderr.count("broken.jsonl") == 1


def test_definitions_are_taken_from_a_list_or_a_request_as_a_client_sends_them():
    expected = json.dumps(OFFERED, separators=(",", ":")).encode()
    assert definitions(json.dumps(OFFERED, indent=4).encode()) == expected
    assert definitions(asks(Talk(), OFFERED)) == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "not JSON"),
        ("[", "not JSON"),
        ("[]", "no tool definition"),
        ("{}", "no tool definition"),
        ('{"tools": "all"}', "no tool definition"),
        ('[{"type": "function", "function": {"name": "f"}}]', "no tool definition"),
        (json.dumps([tool("a"), tool("b"), tool("a")]), "'a' is defined twice"),
    ],
)
def test_a_file_without_definitions_is_refused_with_what_to_do(folder, said, why):
    (folder / "odd.json").write_text(said)
    for verb in ("replay", "compare"):
        result = run(verb, folder / "sessions", "--definitions", folder / "odd.json")
        assert result.exit_code == 2
        assert why in " ".join(result.output.split())


def test_a_file_that_is_not_there_is_refused(folder):
    result = run("replay", folder / "sessions", "--definitions", folder / "none.json")
    assert result.exit_code == 2
    assert "No such file" in result.output


def test_a_comparison_shows_birth_paging_and_both_by_length_of_session(folder):
    result = run("compare", folder / "sessions", *MODEL, "--definitions", folder / "tools.json")
    assert result.exit_code == 0
    assert result.stdout.rstrip().endswith(COMPARED.rstrip())


COMPARED = """\
  requests  sessions  birth  paging   both  not sent  misses  losing
       1-5         2  0.989   1.000  0.989      3.5k       0       1
       all         2  0.989   1.000  0.989      3.5k       0       1

  Net without paging (birth), without birth (paging), and with both, in sessions
  of so many requests. not sent: tokens of definitions. losing: birth costs more
  than untouched.

  Birth alone costs more than untouched in 1 of 2 sessions, at most +0.6 %; in
  none by more than the text costs that tells of paging.
  Definitions of unused tools went out in short in 1 of the 2 conversations
  where they are known.
"""


def test_a_comparison_as_data_holds_the_same(folder):
    shown = replayed(folder, "--definitions", folder / "tools.json", verb="compare")
    said = shown["birth"]["bands"]
    assert [band["requests"] for band in said] == ["1-5", "all"]
    whole = said[-1]
    assert (whole["sessions"], whole["losing"], whole["losing_more_than_protocol"]) == (2, 1, 0)
    assert whole["birth"]["cost"] < whole["paging"]["cost"]
    assert whole["both"]["birth"]["definitions_tokens"] > 0


def three(requests=3, cost=90.0, protocol=5.0, **more):
    born = Report(requests=requests, cost=cost, untouched_cost=100.0, protocol=protocol, **more)
    return Three(born, Report(requests=requests, cost=80.0, untouched_cost=100.0), born)


def test_sessions_are_told_apart_by_their_requests():
    found = bands([three(n) for n in (1, 5, 6, 10, 11, 20, 21, 40, 41, 80, 81, 9_000)])
    assert [band.name for band in found] == ["1-5", "6-10", "11-20", "21-40", "41-80", "81+"]
    assert [len(band.sessions) for band in found] == [2] * 6
    assert bands([]) == []
    assert birth_data([]) == {"bands": []}


LOST = """\
requests  sessions  birth  paging   both  not sent  misses  losing
     1-5         3  1.033   0.800  1.033    300.0M       9       2
     all         3  1.033   0.800  1.033    300.0M       9       2

Net without paging (birth), without birth (paging), and with both, in sessions of so many requests.
not sent: tokens of definitions. losing: birth costs more than untouched.

Birth alone costs more than untouched in 2 of 3 sessions, at most +12 %; in 1 by more than the text
that tells of paging.
Definitions of unused tools went out in short in 3 of the 3 conversations where they are known. In 3
the head as billed has no room for all of them.
9 tools were sent in short and called all the same. If each had needed a request more: birth 1.043,
both 1.043.
"""


def test_a_loss_that_the_text_does_not_explain_is_said():
    more = {"definitions": 10**8, "misses": 3, "missed": 1.0}
    more |= {"born": 1, "offered": 1, "short": 1, "squeezed": 1}
    sessions = [three(cost=cost, **more) for cost in (94.0, 104.0, 112.0)]
    assert text(birth_sheet(sessions), 100) == LOST


NONE_KNOWN = """\
requests  sessions  birth  paging   both  not sent  misses  losing
     1-5         1  0.900   0.800  0.900         0       0       0
     all         1  0.900   0.800  0.900         0       0       0

Net without paging (birth), without birth (paging), and with both, in sessions of so many requests.
not sent: tokens of definitions. losing: birth costs more than untouched.

Birth alone costs more than untouched in none of 1 session.
No tool definitions are known here, so none go out in short: name a file that holds them, with
--definitions.
"""


def test_where_no_definitions_are_known_it_is_said_how_to_name_them():
    assert text(birth_sheet([three()]), 100) == NONE_KNOWN


@pytest.mark.parametrize("width", [80, 120])
def test_no_figure_is_cut_off(width):
    long = three(123_456, 99.9, definitions=10**12, misses=123_456)
    assert "…" not in text(birth_sheet([long] * 1_234), width - 2)


def test_a_replay_says_what_was_given_at_birth():
    report = Report(
        requests=3, cost=100.0, untouched_cost=120.0, definitions=12_345, protocol=0.5,
        born=5, offered=4, short=3, misses=1,
    )  # fmt: skip
    shown = " ".join(text(replay_sheet("it", [], report), 120).split())
    assert (
        "At birth: 12.3k tokens of definitions not sent, in 3 of 4 conversations, 1 miss; "
        "what the model is told of paging costs +0.5 %." in shown
    )


def test_what_is_compared_differs_in_birth_and_paging_alone():
    assert [(plan.birth, plan.evicts) for plan in PLANS] == [
        (True, False), (False, True), (True, True),
    ]  # fmt: skip
