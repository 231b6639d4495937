from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Handle, Key, PageId, Span, State
from pichay_core.table import Entry, PageTable, Pin
from tests.builders import page, read_call, run_call

A = Entry(page("a", read_call("a.py")))
B = Entry(page("b", read_call("b.py", Span(1, 10))), State.EVICTED, handle=Handle("HANDLE"))
C = Entry(page("c", run_call("make")), State.COLLECTED)
TABLE = PageTable().with_entries([A, B, C])
CHANGES = [
    Entry(page(name, read_call(f"{name}.py")), state, pin=pin)
    for name in "abcd"
    for state in State
    for pin in (None, Pin(1.0, 3))
]


def test_a_table_keeps_the_order_of_admission_when_an_entry_changes():
    changed = TABLE.with_entries([Entry(A.page, State.GONE)])
    assert list(changed.entries) == ["a", "b", "c"]
    assert changed["a"].state is State.GONE


def test_a_change_leaves_the_old_table_as_it_was():
    TABLE.with_entries([Entry(A.page, State.GONE)])
    assert TABLE["a"] is A
    with pytest.raises(FrozenInstanceError):
        TABLE.entries = {}  # type: ignore[misc]


def test_no_change_gives_the_same_table():
    assert TABLE.with_entries([]) is TABLE


def test_a_summary_counts_against_what_its_page_gains_and_must_leave_half_of_it():
    big = Entry(page("big", read_call("big.py"), size=8000))
    summed = replace(big, summary="s" * 2000)
    assert 0 < summed.gain < big.gain - 450
    assert (big.slight, summed.slight) == (False, False)
    assert replace(big, summary="s" * 4000).slight


def test_only_resident_pages_are_resident():
    assert list(TABLE.resident()) == [A]


def test_the_same_thing_is_the_same_whatever_the_range():
    assert list(TABLE.same_thing(Key("Read", "b.py"))) == [B]
    assert list(TABLE.same_thing(Key("View", "b.py"))) == []


def test_a_page_is_found_by_its_handle():
    assert TABLE.by_handle(Handle("HANDLE")) == B
    assert TABLE.by_handle(Handle("OTHER")) is None


def test_a_table_knows_what_it_holds():
    assert len(TABLE) == 3
    assert A.page.id in TABLE
    assert [entry.out for entry in TABLE.entries.values()] == [False, True, True]


@pytest.mark.parametrize(
    ("strength", "unused", "half_life", "holds"),
    [
        (1.0, 0, 16, True),
        (1.0, 16, 16, True),
        (1.0, 17, 16, False),
        (2.0, 32, 16, True),
        (2.0, 33, 16, False),
        (4.0, 48, 16, True),
        (1.0, 4, 4, True),
        (1.0, 5, 4, False),
        (1.0, 0, 0, False),
        (1024.0, 0, 0, False),
    ],
)
def test_a_pin_halves_with_every_half_life_it_is_not_used(strength, unused, half_life, holds):
    assert Pin(strength, 100).holds(100 + unused, half_life) is holds


def test_a_pin_ends_at_last_however_strong_and_however_long_ago():
    assert not Pin(2.0**1000, 0).holds(10**9, 1)


def test_pages_are_found_by_what_they_name_in_any_table_however_it_came_about():
    whole = PageTable(TABLE.entries)
    grown = PageTable().with_entries([A]).with_entries([B]).with_entries([C])
    for table in (TABLE, whole, grown, whole.with_entries([Entry(A.page, State.GONE)])):
        assert [e.page.id for e in table.naming("a.py")] == ["a"]
        assert [e.page.id for e in table.naming("b.py")] == ["b"]
        assert list(table.naming("make")) == []


@given(st.lists(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4), max_size=8))
def test_what_a_table_keeps_up_with_is_what_a_search_of_all_of_it_finds(changes):
    table = PageTable()
    for changed in changes:
        table = table.with_entries(changed)
    entries = list(table.entries.values())
    assert list(table.resident()) == [e for e in entries if e.state is State.RESIDENT]
    assert {e.page.id for e in table.pinned()} == {e.page.id for e in entries if e.pin}
    assert table.absent == sum(e.gain for e in entries if e.out)
    assert table.absent == PageTable(table.entries).absent


def test_how_a_table_came_about_does_not_make_it_another():
    assert PageTable(TABLE.entries) == TABLE


def test_a_history_of_thousands_of_pages_is_not_scanned_for_each():
    table = PageTable()
    for number in range(3000):
        table = table.with_entries([Entry(page(f"p{number}", read_call(f"{number}.py")))])
    assert sum(1 for n in range(3000) for _ in table.naming(f"{n}.py")) == 3000


def test_what_was_never_carried_out_stands_as_the_client_sent_it():
    out = Entry(page("out", read_call("a")), State.EVICTED, handle=Handle("H"), moved=3)
    note = Entry(page("note", read_call("a")), repairs=PageId("out"), repaired_stale=True)
    other = Entry(page("other", read_call("b")), State.COLLECTED, handle=Handle("I"), moved=3)
    table = PageTable({e.page.id: e for e in (out, note, other)})
    found = table.as_sent([PageId("out"), PageId("note"), PageId("unknown")])
    assert found["out"] == Entry(out.page)
    assert found["note"] == Entry(replace(note.page, cleared=True))
    assert found["other"] is other
    assert [entry.page.id for entry in found.resident()] == ["out", "note"]
    assert found.as_sent([PageId("out"), PageId("note")]) is found
