"""One request through the core: bytes in, bytes out."""

import json

import pytest

from pichay_core.events import Evicted, Faulted, Flushed, Pinned, Repaired
from pichay_core.model import FaultKind
from pichay_core.store.pagerows import page_row
from pichay_core.store.rows import Recorded, session_of, session_row
from pichay_core.stubs import stale_note
from pichay_core.turn import Turn
from tests.builders import (
    BINDING,
    CLEARED,
    NOTE,
    SUMMARISE,
    Course,
    Talk,
    block_of,
    body,
    content_of,
    is_stub,
    marked,
    markers_in,
    prose,
    result,
    rules,
    stubbed,
    units,
    use,
    user,
    worked,
)

FOUR = rules(flush_tokens=4000)
"""Four pages of the builders make a batch."""


def grown(course: Course, talk: Talk, start: int = 1, **fields):
    """The last turn of a conversation that grew request by request."""
    turn = None
    for length in range(start, len(talk.messages) + 1, 2):
        turn = course.take(talk.copy().to(length), **fields)
    assert turn is not None
    return turn


# -- bytes --------------------------------------------------------------------------------


def test_where_nothing_is_decided_the_body_is_the_clients_own_object():
    course = Course()
    for length in (1, 3, 5, 7, 9):
        request = body(worked(4).to(length))
        assert course.take(request).body is request


def test_only_the_decided_places_change():
    odd = b'{"messages" : [ %s ],\n "model":"claude-sonnet-4-5", "x":1e2, "s":"\\u00e9\\/" }'
    parts = [json.dumps(m, ensure_ascii=False, indent=1).encode() for m in worked().messages]
    request = odd % b" ,\n".join(parts)
    sent = Course().take(request).body
    assert sent != request
    for number, part in enumerate(parts):
        assert (part in sent) == (number not in (2, 4, 6, 8))
    assert sent.startswith(b'{"messages" : [ ') and sent.endswith(b'"s":"\\u00e9\\/" }')


def test_everything_about_a_result_but_its_text_is_kept():
    talk = Talk()
    more = {"toolset_name": "t", "is_error": False, "cache_control": {"type": "ephemeral"}}
    talk.read("a.py", more={**more, "unknown": [1, 2.0]}).idle(5)
    before, after = talk.messages[2]["content"][0], block_of(Course().take(talk).body, "toolu_0001")
    assert is_stub(after["content"])
    assert {k: v for k, v in after.items() if k != "content"} == {
        k: v for k, v in before.items() if k != "content"
    }


def test_a_marker_inside_a_result_survives_its_text():
    talk = Talk().read("a.py", [marked({"type": "text", "text": prose("a.py")}, "1h")]).idle(5)
    (part,) = content_of(Course().take(talk).body, "toolu_0001")
    assert is_stub(part["text"])
    assert part["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_what_is_observed_only_is_decided_but_sent_as_it_came():
    request = body(worked())
    turn = Course(rules(edit=False)).take(request)
    assert turn.body is request
    assert [type(e) for e in turn.events] == [Flushed, *[Evicted] * 4]


# -- when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "flushes"),
    [
        (rules("every-turn"), ["every-turn"] * 8),
        (FOUR, [None, None, None, "batch", None, None, None, "batch"]),
        (rules(flush_tokens=10**6), [None] * 8),
    ],
    ids=["every-turn", "batch", "a batch that never fills"],
)
def test_every_turn_and_batch_by_the_turn(given, flushes):
    course, talk = Course(given), worked(12)
    turns = [course.take(talk.copy().to(n)) for n in range(1, 26, 2)]
    assert [t.flushed for t in turns] == [None] * 5 + flushes


@pytest.mark.parametrize(
    ("system", "idle", "flushed"),
    [
        ("plain", 300 + 29, None),
        ("plain", 300 + 31, "cold"),
        ([marked({"type": "text", "text": "S"}, "1h")], 331, None),
        ([marked({"type": "text", "text": "S"}, "1h")], 3631, "cold"),
    ],
)
def test_a_cache_is_cold_when_its_time_to_live_and_a_margin_have_passed(system, idle, flushed):
    course = Course(rules(flush_tokens=10**6))
    grown(course, worked(5), system=system)
    assert course.take(worked(6), after=idle, system=system).flushed == flushed


def test_the_first_request_of_a_session_is_not_taken_for_cold():
    assert Course(rules(flush_tokens=10**6)).take(worked()).flushed is None


def test_other_tools_or_another_model_are_a_free_moment_too():
    course = Course(rules(flush_tokens=10**6))
    grown(course, worked(5))
    assert course.take(worked(6), tools=("Read", "New")).flushed == "cold"
    assert course.take(worked(7), tools=("Read", "New")).flushed is None
    assert course.take(worked(8), tools=("Read", "New"), model="claude-opus-4-5").flushed == "cold"


def test_tools_that_were_seen_lately_are_still_cached():
    course = Course(rules(flush_tokens=10**6))
    grown(course, worked(5))
    assert course.take(worked(6), tools=("Read", "New")).flushed == "cold"
    course.take(worked(7))
    assert course.take(worked(12)).flushed is None


def test_the_request_for_a_summary_moves_nothing_though_it_is_cold():
    course = Course(FOUR)
    grown(course, worked(6))
    turn = course.take(worked(6).ask(SUMMARISE), after=5000)
    assert (turn.flushed, turn.held.why, turn.held.pages) == (None, "client compaction", 3)


def test_between_flushes_the_upstream_conversation_is_only_appended_to():
    course, talk, before = Course(FOUR), worked(20), []
    for length in range(1, 42, 2):
        turn = course.take(talk.copy().to(length))
        now = units(turn.body)
        assert turn.flushed or now[: len(before)] == before
        before = now


def test_a_flush_leaves_what_was_out_before_it_as_it_was():
    course = Course(FOUR)
    first = grown(course, worked(8)).body
    second = grown(course, worked(12), 19).body
    assert stubbed(second)[: len(stubbed(first))] == stubbed(first)
    for call in stubbed(first):
        assert content_of(second, call) == content_of(first, call)


# -- markers ------------------------------------------------------------------------------

SYSTEM_MARK = [marked({"type": "text", "text": "S"})]


def marks(talk: Talk, ttl=None) -> Talk:
    """The client marks the last block, as clients do."""
    content = talk.messages[-1]["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    talk.messages[-1]["content"] = [*blocks[:-1], marked(blocks[-1], ttl)]
    return talk


def marked_calls(sent: bytes) -> list[str]:
    return [b["tool_use_id"] for b in _results(sent) if "cache_control" in b]


def _results(sent):
    return [
        b
        for m in json.loads(sent)["messages"]
        for b in (m["content"] if isinstance(m["content"], list) else ())
        if b["type"] == "tool_result"
    ]


def test_a_flush_marks_the_last_page_that_left():
    course = Course(FOUR)
    for length in range(1, 18, 2):
        turn = course.take(marks(worked(8).to(length)), system=SYSTEM_MARK)
    assert turn.flushed == "batch"
    assert marked_calls(turn.body) == ["toolu_0004", "toolu_0008"]
    for length in (19, 21):
        turn = course.take(marks(worked(10).to(length)), system=SYSTEM_MARK)
        assert marked_calls(turn.body)[:-1] == ["toolu_0004"]


def second_flush(system, ttl=None, automatic=False):
    fields = {"cache_control": {"type": "ephemeral"}} if automatic else {}
    course = Course(FOUR)
    for length in range(1, 26, 2):
        talk = worked(12).to(length)
        turn = course.take(marks(talk, ttl) if ttl else talk, system=system, **fields)
    assert turn.flushed == "batch"
    after = worked(13)
    later = course.take(marks(after, ttl) if ttl else after, system=system, **fields)
    return turn.body, later.body


def test_on_the_turn_of_a_flush_the_previous_boundary_is_marked_as_well():
    now, later = second_flush(SYSTEM_MARK, "5m")
    assert marked_calls(now) == ["toolu_0004", "toolu_0008", "toolu_0012"]
    assert marked_calls(later) == ["toolu_0008", "toolu_0013"]


def test_with_one_slot_free_the_previous_boundary_comes_first():
    now, later = second_flush([*SYSTEM_MARK, *SYSTEM_MARK], "5m")
    assert marked_calls(now) == ["toolu_0004", "toolu_0012"]
    assert marked_calls(later) == ["toolu_0008", "toolu_0013"]
    assert len(markers_in(now)) == len(markers_in(later)) == 4


def test_with_no_slot_free_nothing_is_marked():
    now, later = second_flush(SYSTEM_MARK * 3, "5m")
    assert marked_calls(now) == ["toolu_0012"]
    assert marked_calls(later) == ["toolu_0013"]


def test_more_markers_than_are_allowed_stay_the_clients_own_mistake():
    now, _ = second_flush(SYSTEM_MARK * 5, "5m")
    assert len(markers_in(now)) == 6
    assert stubbed(now)


def test_automatic_caching_takes_a_slot():
    now, later = second_flush(SYSTEM_MARK * 2, automatic=True)
    assert marked_calls(now) == ["toolu_0004"]
    assert marked_calls(later) == ["toolu_0008"]
    now, _ = second_flush(SYSTEM_MARK * 3, automatic=True)
    assert marked_calls(now) == []


def test_a_client_that_marks_nothing_gets_no_marker():
    now, later = second_flush("S")
    assert markers_in(now) == markers_in(later) == []


@pytest.mark.parametrize(
    ("system", "tail", "order"),
    [
        (None, "5m", ["5m", "5m", "5m", "5m"]),
        ("1h", "5m", ["1h", "5m", "5m", "5m"]),
        ("1h", "1h", ["1h", "1h", "1h", "1h"]),
    ],
)
def test_a_longer_time_to_live_never_follows_a_shorter_one(system, tail, order):
    now, _ = second_flush([marked({"type": "text", "text": "S"}, system)], tail)
    assert markers_in(now) == order


def test_a_boundary_that_the_client_marked_itself_is_not_marked_twice():
    course = Course(FOUR)
    talk = worked(8)
    talk.messages[8]["content"][0] = marked(talk.messages[8]["content"][0], "1h")
    turn = course.take(talk, system=[marked({"type": "text", "text": "S"}, "1h")])
    assert turn.flushed == "batch"
    assert markers_in(turn.body) == ["1h", "1h"]


# -- models that bind thinking ------------------------------------------------------------


def test_on_a_binding_model_nothing_before_a_thought_is_changed():
    talk = Talk()
    for number in range(10):
        talk.read(f"{number}.py", think=True)
    course = Course()
    for length in range(1, 22, 2):
        request = body(talk.copy().to(length), model=BINDING)
        turn = course.take(request)
        assert turn.body is request
    assert (turn.held.pages, turn.held.why) == (6, "thinking binds history")


def test_on_a_binding_model_what_stands_after_the_last_thought_may_leave():
    talk = Talk().read("a.py", think=True).read("b.py", think=True).read("c.py").idle(5)
    sent = Course(rules(keep_thinking=True)).take(talk, model=BINDING).body
    assert stubbed(sent) == ["toolu_0002", "toolu_0003"]


def test_on_another_model_a_thought_binds_nothing():
    talk = Talk().read("a.py", think=True).read("b.py", think=True).idle(5)
    assert len(stubbed(Course().take(talk).body)) == 2


def test_after_a_change_to_a_binding_model_nothing_more_leaves_before_a_thought():
    course, talk = Course(), Talk()
    for number in range(8):
        talk.read(f"{number}.py", think=True)
    before = course.take(talk)
    after = course.take(talk.read("more.py", think=True), model=BINDING)
    assert units(after.body)[: len(units(before.body))] == units(before.body)
    assert after.flushed is None


# -- faults, end to end -------------------------------------------------------------------


def test_a_refetch_brings_the_content_back_at_the_tail_and_pins_it():
    course = Course(rules("every-turn"))
    grown(course, Talk().read("a.py").idle(4))
    turn = course.take(Talk().read("a.py").idle(4).read("a.py", id="again"))
    assert [type(e) for e in turn.events] == [Faulted, Pinned]
    assert is_stub(content_of(turn.body, "toolu_0001"))
    assert content_of(turn.body, "again") == prose("a.py")
    assert turn.facts.only_refetched


def test_a_refetch_beside_another_result_is_not_all_that_came():
    course = Course(rules("every-turn"))
    talk = Talk().read("a.py").idle(4)
    grown(course, talk)
    asked = [use("x", "Read", file_path="a.py"), use("y", "Read", file_path="b.py")]
    given = [result("x", prose("a.py")), result("y", prose("b.py"))]
    talk.messages += [{"role": "assistant", "content": asked}, user(given)]
    turn = course.take(talk)
    assert turn.events[0].kind is FaultKind.REFETCH
    assert not turn.facts.only_refetched


@pytest.mark.parametrize(
    ("again", "kind"),
    [
        ({}, FaultKind.REFETCH),
        ({"text": prose("changed")}, FaultKind.REFRESH),
        ({"text": prose("part"), "offset": 10, "limit": 5}, FaultKind.WIDEN),
    ],
)
def test_every_kind_of_fault_is_seen_through_the_wire(again, kind):
    course = Course(rules("every-turn"))
    talk = Talk().read("a.py").idle(4)
    grown(course, talk)
    turn = course.take(talk.read("a.py", **again))
    assert [e.kind for e in turn.events if isinstance(e, Faulted)] == [kind]


# -- the client's notes -------------------------------------------------------------------


def noted(writes: bool = False) -> Talk:
    talk = Talk().read("a.py").idle(4)
    if writes:
        talk.edit("a.py")
    return talk.read("a.py", NOTE, id="note")


def test_a_note_that_a_file_is_unchanged_gets_the_content_that_left():
    course, talk = Course(rules("every-turn")), noted()
    turn = grown(course, talk)
    assert content_of(turn.body, "note") == prose("a.py")
    assert is_stub(content_of(turn.body, "toolu_0001"))
    assert [type(e) for e in turn.events] == [Faulted, Repaired, Pinned]


def test_a_note_with_the_content_in_the_window_is_left_alone():
    talk = Talk().read("a.py").read("a.py", NOTE)
    request = body(talk)
    assert Course(rules("every-turn")).take(request).body is request


def test_what_the_newest_note_points_at_does_not_leave_before_it_was_read():
    course, talk = Course(rules("every-turn")), Talk().read("a.py").idle(3)
    grown(course, talk)
    sent = course.take(talk.read("a.py", NOTE)).body
    assert content_of(sent, "toolu_0001") == prose("a.py")
    sent = course.take(talk.ask("go on")).body
    assert is_stub(content_of(sent, "toolu_0001"))


def test_a_repaired_note_is_the_same_for_ever_and_says_if_the_file_was_changed():
    course = Course(rules("every-turn"))
    talk = noted(writes=True)
    first = content_of(grown(course, talk).body, "note")
    assert first == stale_note() + prose("a.py")
    for _ in range(3):
        turn = course.take(talk.edit("a.py"))
        assert content_of(turn.body, "note") == first


def test_a_repair_outlives_its_source_in_the_clients_history():
    course, talk = Course(rules("every-turn")), noted()
    first = grown(course, talk)
    course.contents = {e.page.digest: prose("a.py") for e in course.session.table.entries.values()}
    kept = [user("Summary."), *talk.messages[-2:]]
    turn = course.take(body(kept))
    assert content_of(turn.body, "note") == content_of(first.body, "note") == prose("a.py")


def test_what_the_store_does_not_hold_leaves_the_note_as_it_is():
    course, talk = Course(rules("every-turn")), noted()
    grown(course, talk)
    turn = course.take(body([user("Summary."), *talk.messages[-2:]]))
    assert content_of(turn.body, "note") == NOTE


def test_a_second_note_after_the_first_was_evicted_gets_the_content_too():
    course = Course(rules("every-turn", pin_half_life=0))
    talk = noted().idle(4).read("a.py", NOTE, id="second")
    turn = grown(course, talk)
    assert is_stub(content_of(turn.body, "note"))
    assert content_of(turn.body, "second") == prose("a.py")


def test_a_repaired_note_that_leaves_is_named_by_what_stood_there():
    course = Course(rules("every-turn", pin_half_life=0))
    turn = grown(course, noted().idle(4))
    assert f"{len(prose('a.py')):,} bytes" in str(content_of(turn.body, "note"))


def test_what_the_client_cleared_itself_is_left_alone():
    talk = Talk().read("a.py", CLEARED).call("Read", CLEARED, file_path="b.py").idle(6)
    request = body(talk)
    assert Course(rules("every-turn")).take(request).body is request


def test_what_the_client_clears_later_is_another_page_and_no_fault():
    course = Course(rules("every-turn"))
    talk = worked(8)
    grown(course, talk)
    talk.messages[2]["content"][0]["content"] = CLEARED
    turn = course.take(talk)
    assert content_of(turn.body, "toolu_0001") == CLEARED
    assert stubbed(turn.body)[0] == "toolu_0002"
    assert not [e for e in turn.events if isinstance(e, Faulted)]


# -- the clock ----------------------------------------------------------------------------


def test_what_the_client_changes_in_place_does_not_make_the_rest_older():
    course = Course(rules("every-turn"))
    talk = worked(8)
    before = grown(course, talk)
    for message in (10, 12):
        talk.messages[message]["content"][0]["content"] = CLEARED
    turn = course.take(talk.read("new.py", id="new"))
    assert turn.session.turn == before.session.turn + 1
    assert stubbed(turn.body) == stubbed(before.body)
    assert turn.session.table[list(turn.session.frames)[-1]].born == turn.session.turn


def test_a_tail_that_the_client_keeps_in_a_compaction_does_not_get_older():
    course = Course(rules("every-turn"))
    talk = worked(8)
    before = grown(course, talk)
    turn = course.take(body([user("Summary."), *talk.messages[9:]]))
    assert stubbed(turn.body) == []
    assert turn.session.turn == before.session.turn


# -- what the ledger is told --------------------------------------------------------------


def test_the_ledger_is_told_what_a_turn_was():
    course = Course(FOUR)
    flushed = grown(course, worked(8)).facts
    assert (flushed.flushed, flushed.warm, flushed.client_broke) == (True, True, False)
    quiet = course.take(worked(9)).facts
    assert (quiet.flushed, quiet.warm, quiet.client_broke) == (False, True, False)
    cold = course.take(worked(10), after=5000).facts
    assert (cold.flushed, cold.warm) == (True, False)
    rewound = course.take(worked(3).read("x.py", id="x")).facts
    assert rewound.client_broke
    hour = course.take(worked(3).read("x.py", id="x"), system=[marked(SYSTEM_MARK[0], "1h")])
    assert hour.facts.one_hour


# -- observing ----------------------------------------------------------------------------


def observed_then_paged(schedule: str) -> list[Turn]:
    """Six reads observed under the paper's rule, then further ones under *schedule*."""
    course, talk, seen = Course(rules("every-turn", tau=1, edit=False)), Talk(), []
    for number in range(10):
        if number == 6:
            course.rules = rules(schedule, tau=1)
        seen.append(course.take(body(talk.read(f"{number}.py"), system=SYSTEM_MARK)))
    return seen


def test_what_was_only_observed_waits_for_a_flush_of_its_own():
    observed, paged = (turns := observed_then_paged("cold"))[:6], turns[6:]
    assert any(turn.flushed for turn in observed)
    assert [turn.flushed for turn in paged] == [None] * 4
    assert not any(is_stub(b["content"]) for b in _results(paged[-1].body))


def test_when_it_leaves_it_is_said_so_and_counts_as_a_flush():
    first = observed_then_paged("every-turn")[6]
    assert (first.flushed, first.facts.flushed) == ("every-turn", True)
    assert sum(isinstance(event, Evicted) for event in first.events) == 6


def test_an_observed_flush_breaks_no_cache():
    assert not any(turn.facts.flushed for turn in observed_then_paged("cold"))


# -- restart, without a database ----------------------------------------------------------


def restarted(course: Course) -> Course:
    session = course.session
    row = session_row(session, "api key", "header", 0.0)
    pages = [page_row(session.id, n, e) for n, e in enumerate(session.table.entries.values())]
    new = Course(
        course.rules, session_of(row, Recorded(pages, [m.digest for m in session.messages]))
    )
    new.at, new.contents = course.at, course.contents
    return new


@pytest.mark.parametrize("at", range(3, 33, 2))
def test_a_restart_at_any_point_changes_nothing(at):
    talk = Talk()
    for number in range(6):
        talk.read(f"{number}.py")
    talk.read("0.py", NOTE).edit("1.py").read("1.py", NOTE).read("2.py").idle(4)
    steady, other = (Course(rules(flush_tokens=2500)) for _ in "ab")
    for length in range(1, len(talk.messages) + 1, 2):
        request = body(talk.copy().to(length), system=SYSTEM_MARK)
        if length == at:
            other = restarted(other)
        one, two = steady.take(request), other.take(request)
        assert one.body == two.body
        assert one.events == two.events
        assert one.facts == two.facts
        assert one.session.table == two.session.table
    assert any(is_stub(b["content"]) for b in _results(one.body))
