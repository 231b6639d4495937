"""How a result enters the table: faults by kind, pins, staleness, repairs."""

from dataclasses import replace

import pytest

from pichay_core.admission import Arrival, admit
from pichay_core.events import Faulted, Pinned, Repaired, Unpinned
from pichay_core.model import FaultKind, Handle, PageId, Span, State
from pichay_core.table import Entry, PageTable, Pin
from tests.builders import page, read_call, run_call, write_call

TOP, MIDDLE = Span(1, 100), Span(50, 60)


def resident(name, call, content="", **changed):
    return Entry(page(name, call, content), born=1, last_use=1, **changed)


def out(name, call, content="", **changed):
    changed = {"state": State.EVICTED, "handle": Handle("HANDLE"), "moved": 5} | changed
    return resident(name, call, content, **changed)


def table(*entries):
    return PageTable().with_entries(entries)


def arrive(before, name, call, content="", turn=9, unchanged=False, **changed):
    admission = admit(before, Arrival(page(name, call, content, **changed), turn, unchanged))
    return admission.table, list(admission.events)


# -- kinds of fault -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "call", "content", "kind"),
    [
        ([out("p", read_call("a"), "one")], read_call("a"), "one", FaultKind.REFETCH),
        ([out("p", read_call("a"), "one")], read_call("a"), "two", FaultKind.REFRESH),
        ([out("p", read_call("a", TOP), "x")], read_call("a", MIDDLE), "y", FaultKind.WIDEN),
        ([out("p", read_call("a", MIDDLE), "x")], read_call("a", TOP), "y", FaultKind.WIDEN),
        ([out("p", read_call("a", MIDDLE), "x")], read_call("a"), "y", FaultKind.WIDEN),
        ([out("p", read_call("a"), "one")], read_call("b"), "one", None),
        ([out("p", read_call("a"), "one")], read_call("a", tool="View"), "one", None),
        ([out("p", run_call("make"), "one")], run_call("make"), "one", None),
        ([resident("p", read_call("a"), "one")], read_call("a"), "one", None),
        ([out("p", read_call("a"), "1", state=State.GONE)], read_call("a"), "1", None),
        ([out("p", read_call("a"), "1", state=State.COLLECTED)], read_call("a"), "1", None),
        ([], read_call("a"), "one", None),
    ],
)
def test_which_arrival_is_a_fault(before, call, content, kind):
    _, events = arrive(table(*before), "new", call, content)
    assert [e.kind for e in events if isinstance(e, Faulted)] == ([kind] if kind else [])


def test_a_resident_copy_that_shows_it_makes_it_no_fault():
    before = table(out("old", read_call("a"), "one"), resident("whole", read_call("a"), "one"))
    assert arrive(before, "new", read_call("a"), "one")[1] == []
    assert arrive(before, "new", read_call("a", MIDDLE), "one")[1] == []


def test_a_resident_copy_of_another_part_shows_nothing():
    before = table(out("old", read_call("a"), "one"), resident("part", read_call("a", MIDDLE)))
    (fault, *_) = arrive(before, "new", read_call("a"), "one")[1]
    assert (fault.kind, fault.page) == (FaultKind.REFETCH, "old")


@pytest.mark.parametrize(
    "copy",
    [
        resident("copy", read_call("a"), "one", stale=True),
        Entry(page("copy", read_call("a"), "one", cleared=True)),
    ],
    ids=["stale", "cleared by the client"],
)
def test_a_resident_copy_that_is_no_good_shows_nothing(copy):
    before = table(out("old", read_call("a"), "one"), copy)
    assert isinstance(arrive(before, "new", read_call("a"), "one")[1][0], Faulted)


def test_an_error_is_no_fault_and_changes_no_other_page():
    before = table(out("p", read_call("a"), "one"), resident("q", read_call("a"), pin=Pin(1.0, 1)))
    after, events = arrive(before, "new", read_call("a"), "no such file", error=True)
    assert events == []
    assert [after["p"], after["q"]] == [before["p"], before["q"]]


def test_the_newest_copy_that_is_out_is_the_one_asked_for():
    before = table(out("p", read_call("a"), "1"), out("q", read_call("a"), "2"))
    (fault, *_) = arrive(before, "new", read_call("a"), "2")[1]
    assert (fault.page, fault.kind) == ("q", FaultKind.REFETCH)


def test_the_exact_call_is_asked_for_before_another_range():
    before = table(out("p", read_call("a", MIDDLE), "x"), out("q", read_call("a", TOP), "y"))
    (fault, *_) = arrive(before, "new", read_call("a", MIDDLE), "x")[1]
    assert (fault.page, fault.kind) == ("p", FaultKind.REFETCH)


def test_of_two_calls_in_one_turn_only_the_first_is_a_fault():
    after, first = arrive(table(out("p", read_call("a"), "1")), "n1", read_call("a"), "1")
    _, second = arrive(after, "n2", read_call("a"), "1")
    assert any(isinstance(e, Faulted) for e in first)
    assert not any(isinstance(e, Faulted) for e in second)


def test_a_fault_says_what_came_back_and_how_long_it_was_away():
    _, events = arrive(table(out("p", read_call("a"), "1", moved=5)), "n", read_call("a"), "1")
    assert events[0] == Faulted(FaultKind.REFETCH, PageId("p"), PageId("n"), 1000, 4)


# -- pins ---------------------------------------------------------------------------------


def test_a_refetch_of_unchanged_content_pins_it():
    after, events = arrive(table(out("p", read_call("a"), "1")), "n", read_call("a"), "1")
    assert after["n"].pin == Pin(1.0, 9)
    assert events[1:] == [Pinned(PageId("n"), 1.0)]


@pytest.mark.parametrize("call", [read_call("a"), read_call("a", MIDDLE)], ids=["refresh", "widen"])
def test_other_faults_pin_nothing(call):
    after, _ = arrive(table(out("p", read_call("a"), "1")), "n", call, "2")
    assert after["n"].pin is None


def test_every_further_refetch_doubles_the_pin():
    after = table(out("p0", read_call("a"), "1"))
    strengths = []
    for number in range(1, 5):
        after, events = arrive(after, f"p{number}", read_call("a"), "1")
        strengths += [e.strength for e in events if isinstance(e, Pinned)]
        moved = replace(after[PageId(f"p{number}")], state=State.EVICTED, pin=None)
        after = after.with_entries([moved])
    assert strengths == [1.0, 2.0, 4.0, 8.0]


def test_a_changed_read_unpins_the_older_copies():
    before = table(resident("p", read_call("a"), "1", pin=Pin(2.0, 5), faults=2))
    after, events = arrive(before, "n", read_call("a"), "2")
    assert after["p"].pin is None
    assert (after["n"].pin, after["n"].faults) == (None, 0)
    assert events == [Unpinned(PageId("p"), "changed")]


def test_a_read_of_another_range_unpins_nothing():
    before = table(resident("p", read_call("a"), "1", pin=Pin(2.0, 5)))
    after, events = arrive(before, "n", read_call("a", MIDDLE), "2")
    assert after["p"].pin == Pin(2.0, 5)
    assert events == []


def test_a_use_refreshes_a_pin_without_making_it_stronger():
    before = table(resident("p", read_call("a"), "1", pin=Pin(2.0, 3)))
    after, _ = arrive(before, "n", read_call("a"), "1")
    assert after["p"].pin == Pin(2.0, 9)
    assert (after["p"].uses, after["p"].last_use) == (1, 9)


def test_where_pins_are_off_a_refetch_is_only_counted():
    before = table(out("p", read_call("a"), "1"))
    arrival = Arrival(page("n", read_call("a"), "1"), 9)
    admission = admit(before, arrival, pins=False)
    assert [type(e) for e in admission.events] == [Faulted]
    assert (admission.table[PageId("n")].pin, admission.table[PageId("n")].faults) == (None, 1)


# -- stale --------------------------------------------------------------------------------


def test_a_write_makes_every_copy_of_the_file_stale():
    before = table(
        resident("whole", read_call("a")),
        out("part", read_call("a", MIDDLE)),
        resident("other", read_call("b")),
        resident("shell", run_call("cat a")),
    )
    after, _ = arrive(before, "edit", write_call("a"))
    assert [name for name, e in after.entries.items() if e.stale] == ["whole", "part"]


def test_a_write_that_failed_changes_nothing():
    before = table(resident("whole", read_call("a")))
    after, _ = arrive(before, "edit", write_call("a"), error=True)
    assert not after["whole"].stale


def test_what_is_read_after_a_write_is_fresh():
    after, _ = arrive(table(resident("p", read_call("a"))), "edit", write_call("a"))
    after, _ = arrive(after, "n", read_call("a"), "2")
    assert not after["n"].stale


# -- the client's notes -------------------------------------------------------------------


def test_a_note_that_points_at_a_page_that_is_out_is_repaired_by_it():
    before = table(out("p", read_call("a"), "content"))
    after, events = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    entry = after["note"]
    assert (entry.repairs, entry.repaired_stale) == ("p", False)
    assert (entry.page.digest, entry.page.bytes, entry.page.tokens) == ("content", 4000, 1000)
    assert [type(e) for e in events] == [Faulted, Repaired, Pinned]
    assert events[0].kind is FaultKind.REFETCH


def test_a_note_that_points_at_a_resident_page_is_left_alone_and_never_moved():
    before = table(resident("p", read_call("a"), "content"))
    after, events = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    assert (after["note"].repairs, after["note"].page.cleared) == (None, True)
    assert events == []


def test_a_note_that_points_at_nothing_is_left_alone():
    after, events = arrive(table(), "note", read_call("a"), "n", size=90, unchanged=True)
    assert (after["note"].repairs, after["note"].page.cleared) == (None, True)
    assert events == []


def test_a_note_about_another_range_is_left_alone():
    before = table(out("p", read_call("a", TOP), "content"))
    after, _ = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    assert after["note"].repairs is None


def test_a_note_after_a_write_is_repaired_and_says_so():
    after, _ = arrive(table(out("p", read_call("a"), "content")), "edit", write_call("a"))
    after, events = arrive(after, "note", read_call("a"), "n", size=90, unchanged=True)
    assert (after["note"].repairs, after["note"].repaired_stale) == ("p", True)
    assert events[0].kind is FaultKind.REFRESH
    assert after["note"].pin is None


def test_a_write_after_the_repair_does_not_change_what_was_said():
    before = table(out("p", read_call("a"), "content"))
    after, _ = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    after, _ = arrive(after, "edit", write_call("a"))
    assert (after["note"].stale, after["note"].repaired_stale) == (True, False)


def test_a_note_that_points_at_a_repaired_note_that_is_out_gets_the_content_itself():
    before = table(
        out("p", read_call("a"), "content"),
        out("note1", read_call("a"), "content", repairs=PageId("p")),
    )
    after, _ = arrive(before, "note2", read_call("a"), "n", size=90, unchanged=True)
    assert after["note2"].repairs == "p"
    assert after["note2"].page.digest == "content"


def test_a_copy_that_was_stale_when_it_came_back_is_stale_ever_after():
    before = table(
        out("p", read_call("a"), "content", stale=True),
        out("note1", read_call("a"), "content", repairs=PageId("p"), repaired_stale=True),
    )
    after, _ = arrive(before, "note2", read_call("a"), "n", size=90, unchanged=True)
    assert after["note2"].repaired_stale


def test_the_clients_own_placeholder_is_no_copy_to_repair_with():
    cleared = Entry(page("p", read_call("a"), "x", cleared=True), State.RESIDENT)
    after, _ = arrive(table(cleared), "note", read_call("a"), "n", size=90, unchanged=True)
    assert after["note"].repairs is None


def test_a_page_that_the_client_no_longer_sends_repairs_a_note_if_the_store_has_it():
    before = table(out("p", read_call("a"), "content", state=State.GONE))
    after, events = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    assert after["note"].repairs == "p"
    assert [type(e) for e in events] == [Repaired]


def test_a_page_that_never_left_and_is_no_longer_sent_repairs_nothing():
    before = table(resident("p", read_call("a"), "content", state=State.GONE))
    after, _ = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    assert after["note"].repairs is None


def test_a_note_points_at_what_the_client_sends_before_what_it_sent_once():
    before = table(
        resident("here", read_call("a"), "content"),
        out("once", read_call("a"), "content", state=State.GONE),
    )
    after, _ = arrive(before, "note", read_call("a"), "n", size=90, unchanged=True)
    assert after["note"].repairs is None
