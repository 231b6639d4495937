"""Laws of a conversation in which the model uses its memory tools, whatever it does with them."""

import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.admission import Arrival
from pichay_core.birth.shorter import Births
from pichay_core.events import Faulted, Flushed, Pinned, Released
from pichay_core.model import FaultKind, PageId, State
from pichay_core.pager import Limits, Seen, advance, may_leave
from pichay_core.policies import POLICIES, Moment, released_first
from pichay_core.schedule import SCHEDULES
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable, Pin
from pichay_core.tools import FAULT, MEMORY, describe
from pichay_core.turn import Rules
from tests.builders import (
    SONNET,
    Course,
    is_stub,
    page,
    prose,
    read_call,
    results_in,
    rules,
    run_call,
    units,
)
from tests.pichay_core.cooperate.memory import Cooperation

law = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@dataclass(frozen=True)
class Move:
    kind: str
    which: int
    part: int


KINDS = ("read",) * 8 + ("run", "edit", "idle") + ("fault",) * 4 + ("release",) * 4 + (
    "pin", "status", "path", "part", "garbage",
)  # fmt: skip
moves = st.lists(
    st.builds(Move, st.sampled_from(KINDS), st.integers(0, 30), st.integers(1, 5)),
    min_size=16,
    max_size=26,
)
rulings = st.builds(
    rules,
    schedule=st.sampled_from(["batch", "every-turn", "auto"]),
    tau=st.sampled_from([1, 4, 9]),
    flush_tokens=st.sampled_from([1, 2_500, 6_000]),
    pin_half_life=st.sampled_from([2, 16]),
)


def played(play: list[Move], ruling: Rules, model: str = SONNET) -> Cooperation:
    """The conversation after all of it."""
    told = Cooperation(ruling, model=model)
    for number, move in enumerate(play):
        _move(told, move, number)
    return told


def steps(play: list[Move], ruling: Rules):
    """Yield the conversation after every move, with the session that stood before its turn."""
    told = Cooperation(ruling)
    for number, move in enumerate(play):
        at = len(told.turns)
        befores = _move(told, move, number)
        yield told, befores, told.turns[at:]


def _move(told: Cooperation, move: Move, number: int):
    """Make one move; returns the session as it was when its turn began, answers included."""
    pages = list(told.table.resident()) if move.kind in ("release", "pin") else told.pages()
    names = [handle_of(e.page.id, told.session.secret) for e in pages[-6:]] or ["ABCDEFGH"]
    name, path = names[move.which % len(names)], f"{move.which % 4}.py"
    match move.kind:
        case "run":
            told.talk.run(f"make {number}")
        case "edit":
            told.talk.edit(path)
        case "idle":
            told.talk.idle(1)
        case "fault" | "path" | "part" | "release" | "pin" | "status" | "garbage":
            return _asked(told, move, name, path)
        case _:
            told.talk.read(path, prose(f"{path} {number // 7}", 1_500 * move.part))
    before = told.session
    told.take()
    return before


def _asked(told: Cooperation, move: Move, name: str, path: str):
    tool, given = {
        "fault": (FAULT, {"pages": [name]}),
        "path": (FAULT, {"pages": [path, name]}),
        "part": (FAULT, {"pages": [name], "lines": f"{move.part}-{move.part + 3}"}),
        "release": ("memory_release", {"pages": [name, path][: 1 + move.part % 2]}),
        "pin": ("memory_pin", {"pages": [name]}),
        "status": ("memory_status", {}),
        "garbage": (FAULT, {"pages": ["../x", name * 3]}),
    }[move.kind]
    taken = told.take
    before = []
    told.take = lambda: (before.append(told.session), taken())[1]
    told.ask(tool, **given)
    told.take = taken
    return before[0]


@law
@given(moves, rulings)
def test_a_page_that_was_recalled_stays_for_as_long_as_its_pin_holds(play, ruling):
    half_life = ruling.limits.pin_half_life
    for told, before, turns in steps(play, ruling):
        for entry in before.table.entries.values():
            if entry.page.call.tool == FAULT and entry.pin:
                holds = entry.pin.holds(turns[-1].session.turn, half_life)
                assert not holds or not told.table[entry.page.id].out


@law
@given(moves, rulings)
def test_what_is_released_leaves_with_the_next_flush(play, ruling):
    for told, before, turns in steps(play, ruling):
        if any(isinstance(event, Flushed) for event in turns[-1].events):
            for entry in before.table.entries.values():
                if entry.released and may_leave(entry, ruling.limits):
                    assert told.table[entry.page.id].out


@law
@given(moves, rulings)
def test_every_recall_that_was_answered_is_a_fault_and_pinned(play, ruling):
    told = played(play, ruling)
    faults = [f for f in told.events(Faulted) if f.kind is FaultKind.RECALL]
    pinned = {event.page for event in told.events(Pinned)}
    for fault in faults:
        assert told.table[fault.by].page.call.tool == FAULT
        assert fault.by in pinned
    brought = {e.page.id for e in told.pages() if e.page.call.tool == FAULT and e.faults}
    assert {fault.by for fault in faults} <= brought
    assert all(fault.tokens >= 0 and fault.away >= 0 for fault in faults)


@law
@given(moves, rulings)
def test_what_our_tools_say_stays_but_for_what_they_bring_back(play, ruling):
    told = played(play, ruling)
    said = {e.page.call.id for e in told.pages() if e.page.call.tool in MEMORY[1:]}
    for block in results_in(told.turns[-1].body):
        assert block["tool_use_id"] not in said or not is_stub(block["content"])


@law
@given(moves, rulings)
def test_the_same_asks_get_the_same_answers_and_the_same_bytes(play, ruling):
    one, other = played(play, ruling), played(play, ruling)
    assert [turn.body for turn in one.turns] == [turn.body for turn in other.turns]
    assert [turn.events for turn in one.turns] == [turn.events for turn in other.turns]
    assert [a.results for a in one.answers] == [a.results for a in other.answers]
    assert [a.events for a in one.answers] == [a.events for a in other.answers]


@law
@given(moves, rulings)
def test_between_flushes_upstream_is_only_appended_to(play, ruling):
    before: list = []
    for turn in played(play, ruling).turns:
        now = units(turn.body)
        if turn.flushed is None:
            assert now[: len(before)] == before
        before = now


@law
@given(moves, rulings)
def test_recalls_are_found_again_in_the_history_alone(play, ruling):
    """Nothing but the table and the calls says what is a recall: no answer was heard of here."""
    quiet = replace(ruling, limits=replace(ruling.limits, flush_tokens=1))
    told = played([m for m in play if m.kind not in ("release", "pin")], quiet)
    course = Course(quiet)
    found = []
    for turn in told.turns:
        sent = told.request.messages[: len(turn.session.messages)]
        course.at += 10.0
        again = course.hand(replace(told.request, messages=sent, at=course.at))
        found += again.events
    assert found == [event for turn in told.turns for event in turn.events]


# -- one turn of the pager --------------------------------------------------------------------

SECRET = b"0" * 16
EVERY = SCHEDULES["every-turn"]


def turn(*entries: Entry, limits=None, policy="fifo", **seen):
    return advance(
        PageTable().with_entries(entries), Seen(**({"turn": 10} | seen)),
        released_first(POLICIES[policy]), EVERY, limits or Limits(tau=4), SECRET,
    )  # fmt: skip


def young(name: str, **changed) -> Entry:
    entry = Entry(page(name, read_call(name), size=changed.pop("size", 4000)), born=10, last_use=10)
    return replace(entry, **changed)


@pytest.mark.parametrize("policy", POLICIES)
def test_whatever_the_policy_a_released_page_leaves_first_however_young(policy):
    old = replace(young("old", size=9000), born=1, last_use=1)
    after = turn(old, young("gone", released=True), young("kept"), policy=policy)
    left = [event.page for event in after.events if not isinstance(event, Flushed)]
    assert left[0] == "gone" and "kept" not in left


def test_a_released_page_that_the_model_has_not_answered_to_stays_until_it_has():
    assert turn(young("a", released=True), newest=frozenset({PageId("a")})).flushed is None
    assert turn(young("a", released=True)).table["a"].out


def test_a_released_page_that_thinking_is_bound_to_stays():
    after = turn(young("a", released=True), bound=frozenset({PageId("a")}))
    assert not after.table["a"].out and after.held.pages == 1


def test_what_never_leaves_does_not_leave_by_being_released():
    small = young("small", size=300, released=True)
    error = replace(small, page=page("error", read_call("e"), error=True))
    pinned = young("pinned", released=True, pin=Pin(1.0, 10))
    assert turn(small, error, pinned).flushed is None


def test_where_nothing_is_to_leave_a_released_page_stays():
    ruling = replace(rules("every-turn", 1, 1), evicts=False)
    told = Cooperation(ruling)
    told.read("a.py")
    told.ask("memory_release", pages=["a.py"])
    told.read("b.py")
    assert told.page("a.py").released and not told.page("a.py").out


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_where_nothing_was_released_the_policy_is_as_it_was(policy):
    pages = [replace(young(str(n), size=3000 + n), born=n, last_use=n) for n in range(9)]
    now = Moment(10, table=PageTable().with_entries(pages), keep=2000)
    assert released_first(policy)(pages, now) == policy(pages, now)


def test_the_results_of_our_tools_are_never_moved_but_for_recalls():
    entries = [
        replace(Entry(page(tool, describe(tool, tool, {"pages": ["a"]}))), released=True)
        for tool in MEMORY
    ]
    assert [e.page.id for e in turn(*entries).table.entries.values() if e.out] == [FAULT]


def test_a_recall_goes_out_whole_where_others_go_out_shorter():
    recall = describe("c", FAULT, {"pages": ["a"]})
    gone = young("a", state=State.EVICTED, moved=2, handle=handle_of(PageId("a"), SECRET))
    same = Entry(page("same", run_call("x"), "text", size=9000), born=9)
    seen = {
        "arrivals": (Arrival(page("new", recall, "text", size=9000), 10),),
        "newest": frozenset({PageId("new")}),
        "births": Births(True, True, 1_000),
        "text": lambda _: "x\n" * 4500,
    }
    after = turn(gone, same, limits=Limits(tau=99), **seen)
    assert after.table["new"].short == 0
    assert Faulted(FaultKind.RECALL, PageId("a"), PageId("new"), 0, 8) not in after.events


def test_a_release_is_told_of_once_with_its_reason():
    told = Cooperation(rules("batch", 1, 10**9))
    told.read("a.py")
    told.ask("memory_release", pages=["a.py"], reason="was\nread")
    assert told.events(Released) == [Released(told.page("a.py").page.id, "was read")]
    assert json.loads(told.turns[-1].body)["messages"]
