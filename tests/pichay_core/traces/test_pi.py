"""pi: a list or a tree of entries, and compactions that keep a tail."""

import pytest

from pichay_core.model import Usage
from pichay_core.traces.tally import counts
from tests.pichay_core.traces.samples import pi_entry as entry
from tests.pichay_core.traces.shown import Json, only, read, shown

SESSION = {"type": "session", "id": "s"}


def call(id: str) -> Json:
    return {"type": "toolCall", "id": id, "name": "read", "arguments": {"path": id}}


def text(said: str) -> list[Json]:
    return [{"type": "text", "text": said}]


def linked(*entries: Json) -> list[Json]:
    return [{"id": f"e{n}", "parentId": f"e{n - 1}", **one} for n, one in enumerate(entries)]


def talk() -> list[Json]:
    return [
        SESSION,
        entry("user", "go"),
        entry("assistant", [call("A")]),
        entry("toolResult", text("1"), toolCallId="A"),
        entry("assistant", [call("B")]),
        entry("toolResult", text("2"), toolCallId="B"),
        entry("assistant", text("done")),
    ]


@pytest.mark.parametrize(
    ("first", "entries"),
    [({"firstKeptEntryIndex": 4}, talk()), ({"firstKeptEntryId": "e4"}, linked(*talk()))],
)
def test_a_compaction_keeps_what_came_from_its_first_kept_entry_on(first, entries):
    compaction = {"type": "compaction", "summary": "so far", **first}
    trace = read(*entries, compaction, entry("user", "on"), entry("assistant", text("ok")))
    assert shown(only(trace))[-1] == (
        0,
        ["u: so far", "a: read[B]", "u: B=2", "a: done", "u: on"],
        "a: ok",
    )
    assert (counts(trace).turns, counts(trace).results) == (4, 2)


def test_a_compaction_may_begin_within_the_results_of_a_turn():
    entries = [
        SESSION,
        entry("user", "go"),
        entry("assistant", [call("A"), call("B")]),
        entry("toolResult", text("1"), toolCallId="A"),
        entry("toolResult", text("2"), toolCallId="B"),
        {"type": "compaction", "summary": "so far", "firstKeptEntryIndex": 4},
        entry("assistant", text("ok")),
    ]
    assert shown(only(read(*entries)))[-1] == (0, ["u: so far B=2"], "a: ok")


def test_a_compaction_that_names_no_entry_keeps_the_summary():
    compaction = {"type": "compaction", "summary": "so far", "firstKeptEntryId": "gone"}
    trace = read(*talk(), compaction, entry("assistant", text("ok")))
    assert shown(only(trace))[-1] == (0, ["u: so far"], "a: ok")


def test_an_entry_that_follows_an_older_one_is_a_rewind():
    entries = linked(*talk())
    entries += [
        {"id": "e7", "parentId": "e3", "type": "branch_summary", "summary": "tried B"},
        {"id": "e8", "parentId": "e7", **entry("assistant", text("ok"))},
    ]
    assert shown(only(read(*entries)))[-1] == (2, ["u: A=1 tried B"], "a: ok")


def test_an_aborted_reply_is_no_turn():
    aborted = entry("assistant", [], usage={"input": 0}, stopReason="aborted")
    trace = read(SESSION, entry("user", "go"), aborted, entry("user", "on"),
                 entry("assistant", text("ok")))  # fmt: skip
    assert shown(only(trace)) == [(0, ["u: go on"], "a: ok")]


def test_a_command_of_the_user_is_shown_with_its_output():
    shell = {"type": "message", "message": {"role": "bashExecution", "command": "ls",
                                            "output": "a.py"}}  # fmt: skip
    trace = read(SESSION, shell, entry("assistant", text("ok")))
    assert shown(only(trace)) == [(0, ["u: $ ls\na.py"], "a: ok")]


def test_usage_and_time_are_read():
    spent = {"input": 3, "output": 4, "cacheRead": 5, "cacheWrite": 6}
    prompt = entry("user", "go") | {"timestamp": "2026-01-01T00:00:07Z"}
    (step,) = only(read(SESSION, prompt, entry("assistant", text("ok"), usage=spent))).steps
    assert step.usage == Usage(3, 5, cache_write_5m=6, output=4)
    assert step.at == 1767225607.0
