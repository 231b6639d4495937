from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core import events
from pichay_core.ledger import Ledger
from pichay_core.model import (
    FaultKind,
    Form,
    Handle,
    Key,
    Kind,
    PageId,
    SessionId,
    Span,
    State,
)
from pichay_core.store.pagerows import entry_of, page_row
from pichay_core.store.rows import Recorded, event_row, session_of, session_row
from pichay_core.store.schema import open_for_reading, open_for_writing
from pichay_core.table import Entry, PageTable, Pin
from pichay_core.thrash import Busy, Episode, Return, Watch
from pichay_core.wire.message import Message
from tests.builders import known, page, read_call, run_call, write_call

ENTRIES = [
    Entry(page("plain", run_call("make"))),
    Entry(page("read", read_call("a.py", Span(3, None)), error=True, opaque=True, cleared=True)),
    Entry(page("part", read_call("b.py", Span(1, 20))), born=3, last_use=9, uses=2, faults=1,
          pin=Pin(2.0, 9)),
    Entry(page("edit", write_call("b.py")), stale=True),
    Entry(page("out", read_call("c.py")), State.EVICTED, handle=Handle("ABCDEFGH"), moved=7),
    Entry(page("gone", run_call("x")), State.GONE, handle=Handle("ABCDEFGI"), moved=0),
    Entry(page("note", read_call("c.py")), repairs=PageId("out"), repaired_stale=True),
]  # fmt: skip


def through_sqlite(tmp_path, table, row):
    db = open_for_writing(tmp_path / "db")
    db[table].insert(row)
    db.conn.commit()
    db.conn.close()
    (found,) = open_for_reading(tmp_path / "db").query(f"select * from {table}")
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.page.id)
def test_an_entry_that_is_written_and_read_is_the_same_value(tmp_path, entry):
    row = through_sqlite(tmp_path, "pages", page_row(SessionId("s"), 0, entry))
    assert entry_of(row) == entry


_text = st.text(max_size=8)
_count = st.integers(0, 2**40)
_span = st.builds(Span, st.integers(1, 10**6), st.none() | st.integers(1, 10**6))
_key = st.none() | st.builds(Key, _text, _text, _span)


@given(
    st.builds(
        Entry,
        page=st.builds(
            page,
            _text,
            st.builds(
                lambda id, tool, kind, key, writes: replace(
                    read_call("x"), id=id, tool=tool, kind=kind, key=key, writes=writes
                ),
                _text, _text, st.sampled_from(Kind), _key, st.none() | _text.filter(bool),
            ),
            _text,
            error=st.booleans(),
            opaque=st.booleans(),
            cleared=st.booleans(),
        ),
        state=st.sampled_from(State),
        born=_count,
        last_use=_count,
        uses=_count,
        faults=_count,
        pin=st.none() | st.builds(Pin, st.floats(0, 1e6), _count),
        handle=st.none() | st.just(Handle("ABCDEFGH")),
        moved=st.none() | _count,
        stale=st.booleans(),
        repairs=st.none() | st.just(PageId("other")),
        repaired_stale=st.booleans(),
        form=st.sampled_from(Form),
        source=st.none() | st.just(PageId("other")),
        form_bytes=_count,
    ).map(lambda e: replace(e, source=None, form_bytes=0) if e.form is Form.WHOLE else e)
)  # fmt: skip
def test_any_entry_is_the_same_value_as_a_row(entry):
    assert entry_of(page_row(SessionId("s"), 3, entry)) == entry


def test_a_session_that_is_written_and_read_is_the_same_value_apart_from_the_text(tmp_path):
    session = known(
        "s1",
        kind="fork",
        parent=SessionId("s0"),
        model="claude-sonnet-4-5",
        messages=tuple(Message(n, n, "user", text="t") for n in (b"one", b"two")),
        table=PageTable({e.page.id: e for e in ENTRIES}),
        turn=12,
        requests=9,
        last_at=1.5,
        ttl=3600,
        flushed=7,
        boundary=PageId("out"),
        previous=PageId("gone"),
        front="f",
        failures=2,
        frozen="why",
        warned=frozenset({"thinking dropped", "cache missed"}),
        ledger=Ledger(10, 20),
        watch=Watch(
            Episode(3, 9, 4, 1_000, {PageId("out"): 3, PageId("gone"): 1}, 5),
            Episode(1, 2, 3, 700, {PageId("plain"): 3}, 2, 20),
            (Busy(9, 2, (Return(PageId("gone"), PageId("out"), 250, 5),)),),
        ),
    )
    row = through_sqlite(tmp_path, "sessions", session_row(session, "api key", "header", 1.0))
    pages = [page_row(session.id, n, e) for n, e in enumerate(session.table.entries.values())]
    again = session_of(row, Recorded(pages, [m.digest for m in session.messages]))
    bare = tuple(Message(b"", m.digest, "") for m in session.messages)
    assert again == replace(session, messages=bare, placed=False)


def test_a_new_session_is_the_same_value_too(tmp_path):
    session = known()
    row = through_sqlite(tmp_path, "sessions", session_row(session, "api key", "header", 1.0))
    assert session_of(row, Recorded([], [])) == replace(session, placed=False)


def test_of_old_rows_the_models_asked_lately_say_that_thinking_may_be_bound():
    def again(*models, fronts=""):
        session = replace(known(), model=models[-1], front=fronts)
        row = session_row(session, "api key", "header", 1.0) | {"binds": None}
        return session_of(row, Recorded([], []))

    assert not again("claude-sonnet-4-5", fronts="f/claude-sonnet-4-5").binds
    assert again("claude-opus-5-5").binds
    assert again("claude-sonnet-4-5", fronts="f/claude-sonnet-4-5 f/claude-opus-5-5").binds


P = PageId("p")
EVENTS = [
    (events.Evicted(P, Handle("H"), 10, 4), "evicted", None),
    (events.Collected(P, Handle("H"), 10, 4, "ephemeral"), "collected", "ephemeral"),
    (events.Faulted(FaultKind.REFETCH, P, PageId("q"), 10, 5), "faulted", "refetch"),
    (events.Pinned(P, 2.0), "pinned", None),
    (events.Unpinned(P, "decayed"), "unpinned", "decayed"),
    (events.Repaired(P, PageId("q"), True), "repaired", None),
    (events.Duplicated(P, PageId("q"), 10), "duplicated", None),
    (events.Differed(P, PageId("q"), 10), "differed", None),
    (events.Trimmed(P, 10), "trimmed", None),
    (events.Expanded(P, 10), "expanded", None),
    (events.Flushed("batch", 3, 100), "flushed", "batch"),
    (events.Stripped(2, 100, 3, 9), "stripped", None),
    (events.Returned(1, 100), "returned", None),
    (events.Rewound(4, "edited", 2), "rewound", "edited"),
    (events.Frozen("3 failures"), "frozen", "3 failures"),
    (events.Stopped("thinking dropped"), "stopped", "thinking dropped"),
    (events.Failed("ValueError"), "failed", "ValueError"),
    (events.Passed("signed body", "host"), "passed", "signed body"),
    (events.Dropped("prefix_binding_mismatch", 2, "m", True), "dropped", "prefix_binding_mismatch"),
    (events.Missed("messages_changed", 70), "missed", "messages_changed"),
    (
        events.Shortened("unused in 1 earlier session", 3, 900),
        "shortened",
        "unused in 1 earlier session",
    ),
    (events.Called("Workflow", 800), "called", None),
    (events.Restored("Workflow", "cold", 800), "restored", "cold"),
    (events.Cleared("asked by us", 12, 40_000), "cleared", "asked by us"),
    (events.Asked("memory_fault", "answered", 1_200), "asked", "answered"),
    (events.Released(PageId("p"), "done with it"), "released", "done with it"),
    (events.Collapsed(3, 26, 9, 31_000, Handle("AAAAAAAA")), "collapsed", None),
    (events.Advised("involuntary", 101_000), "advised", "involuntary"),
    (events.Unsaid(12, "the reply was edited"), "unsaid", "the reply was edited"),
    (events.Thrashed(3, 4, 16_000, 3), "thrashed", None),
    (events.Eased(8, 3, 25), "eased", None),
    (events.Recovered(3, 9, 5, 20_000, 1), "recovered", None),
    (events.Warned("cache missed", "x"), "warned", "cache missed"),
]


@pytest.mark.parametrize(("event", "kind", "why"), EVENTS, ids=lambda v: str(v)[:12])
def test_every_event_has_a_row(tmp_path, event, kind, why):
    row = event_row(event, 1.0, SessionId("s"), 3, 7)
    assert (row["kind"], row["why"], row["request"], row["turn"]) == (kind, why, 3, 7)
    through_sqlite(tmp_path, "events", row)


def test_no_event_is_without_a_row():
    assert {type(e) for e, _, _ in EVENTS} == set(events.Event.__value__.__args__)


def test_what_has_no_column_is_in_the_detail():
    row = event_row(events.Evicted(P, Handle("H"), 10, 4), 1.0, None, None, None)
    assert (row["page"], row["tokens"], row["detail"]) == ("p", 10, '{"handle":"H","age":4}')
