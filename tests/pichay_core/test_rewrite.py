import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import PageId, SessionId, State
from pichay_core.request import Request
from pichay_core.rewrite import Rewritten, rewrite
from pichay_core.session import Session
from pichay_core.stubs import handle_of, stale_note, stub
from pichay_core.table import Entry, PageTable
from pichay_core.transcript import place
from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.rules import MAXIMUM_MARKERS, problems
from tests.strategies import bodies, brief_law, conversations, raw

type Json = dict[str, Any]

SECRET = b"sixteen  secrets"
FIVE = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
NOTE = "File unchanged since your last read"


def nothing_stored(digest: str) -> str | None:
    raise AssertionError("stored content was asked for")


def request_of(body: bytes, format: Any = anthropic) -> Request:
    outline = anthropic.outline(body)
    read = tuple(anthropic.read(outline.raw(at)) for at in range(len(outline.messages)))
    return Request(format, outline, anthropic.head(outline), read, at=0.0)


def session_of(request: Request) -> Session:
    """A session that has seen the request and moved nothing yet."""
    placed = place(request.messages, 0, {}, 0, lambda size: size // 4)
    table = PageTable().with_entries(Entry(arrival.page) for arrival in placed.pages)
    return Session(
        id=SessionId("s"), identity="i", shape="x", secret=SECRET,
        messages=request.messages, frames=placed.frames, table=table, turn=placed.turn,
    )  # fmt: skip


def evicted(session: Session, pages: Iterable[PageId]) -> Session:
    changed = (
        replace(session.table[page], state=State.EVICTED, handle=handle_of(page, SECRET), moved=1)
        for page in pages
    )
    return replace(session, table=session.table.with_entries(changed))


def stub_of(session: Session, page: PageId) -> str:
    return stub(session.table[page].page, handle_of(page, SECRET))


def rewritten(session: Session, request: Request) -> Rewritten:
    return rewrite(session, request, nothing_stored)


def talk(*results: object, tail: Sequence[Json] = (), **fields: object) -> bytes:
    """A body with one read and one answer per result, and whatever stands beside them."""
    messages: list[Json] = [{"role": "user", "content": "go"}]
    for number, content in enumerate(results):
        call = {"type": "tool_use", "id": f"t{number}", "name": "Read",
                "input": {"file_path": f"/{number}"}}  # fmt: skip
        messages.append({"role": "assistant", "content": [call]})
        block = {"type": "tool_result", "tool_use_id": f"t{number}"}
        block |= content if isinstance(content, dict) else {"content": content}
        messages.append({"role": "user", "content": [block]})
    return json.dumps({**fields, "messages": [*messages, *tail]}).encode()


def marks_of(body: bytes) -> list[tuple[int, int, str]]:
    messages = request_of(body).messages
    return [(at, block, ttl) for at, message in enumerate(messages) for block, ttl in message.marks]


# -- laws ---------------------------------------------------------------------------------


@given(conversations(), st.data())
@brief_law
def test_where_nothing_is_decided_the_body_is_the_very_same_object(messages, data):
    body = data.draw(bodies(messages))
    request = request_of(body)
    assert rewritten(session_of(request), request).body is body


@given(conversations(), st.data())
@brief_law
def test_every_value_that_was_not_decided_on_stays_byte_for_byte_as_it_came(messages, data):
    request, session, out = decided(messages, data)
    done = rewritten(session, request)
    if done.problems:
        return
    after = anthropic.outline(done.body)
    assert_same_beside_messages(request.outline.body, done.body)
    for position, message in enumerate(request.messages):
        chosen = {session.frames[page].block: page for page in out
                  if session.frames[page].message == position}  # fmt: skip
        texts = {block: stub_of(session, page) for block, page in chosen.items()}
        expected = anthropic.write(message.raw, Edits(texts, {}))
        assert unmarked(after.raw(position)) == unmarked(expected)
        if not chosen:
            assert after.raw(position) == message.raw


def decided(messages: list[Json], data: st.DataObject) -> tuple[Request, Session, set[PageId]]:
    """A session of the conversation in which some of its pages are out."""
    request = request_of(data.draw(bodies(messages)))
    session = session_of(request)
    full = [entry.page.id for entry in session.table.resident() if entry.page.bytes]
    out = data.draw(st.sets(st.sampled_from(full))) if full else set()
    boundary = max(out, key=session.frames.__getitem__, default=None)
    return request, replace(evicted(session, out), boundary=boundary), out


def unmarked(message: bytes) -> bytes:
    """The message without the one marker that a boundary may have been given."""
    for marker in (b'{"type":"ephemeral"}', b'{"type":"ephemeral","ttl":"1h"}'):
        message = message.replace(b',"cache_control":' + marker + b"}", b"}")
    return message


def assert_same_beside_messages(before: bytes, after: bytes) -> None:
    old, new = jsontext.members(before), jsontext.members(after)
    assert list(old) == list(new)
    for name in old.keys() - {"messages"}:
        assert raw(after, new[name]) == raw(before, old[name])
    at, now = old["messages"], new["messages"]
    assert after[: now.start] == before[: at.start] and after[now.end :] == before[at.end :]


@given(conversations(), st.data())
@brief_law
def test_no_rule_is_broken_that_the_client_kept_and_no_marker_is_one_too_many(messages, data):
    request, session, _ = decided(messages, data)
    done = rewritten(session, request)
    after = request_of(done.body)
    own = problems(request.head, request.messages)
    assert problems(after.head, after.messages) <= own
    before = len(request.head.ttls) + sum(len(message.marks) for message in request.messages)
    total = len(after.head.ttls) + sum(len(message.marks) for message in after.messages)
    assert total <= max(MAXIMUM_MARKERS, before)
    if before == 0:
        assert total == 0


@given(conversations(), st.data())
@brief_law
def test_the_same_decisions_give_the_same_bytes_with_and_without_a_memory_of_them(messages, data):
    request, session, _ = decided(messages, data)
    once = rewritten(session, request)
    remembering = replace(session, sent=once.sent, texts=once.texts)
    assert rewritten(session, request).body == once.body
    again = rewritten(remembering, request)
    assert again.body == once.body
    assert all(again.sent[at] is part for at, part in once.sent.items())


@given(conversations(), st.data())
@brief_law
def test_what_was_sent_stays_as_it_was_when_the_conversation_goes_on(messages, data):
    request, session, _ = decided(messages, data)
    before = anthropic.outline(rewritten(session, request).body)
    added = b',{"role":"assistant","content":"more"}' if messages else b""
    end = request.outline.fields["messages"].end - 1
    body = request.outline.body
    longer = request_of(body[:end] + added + body[end:])
    after = anthropic.outline(rewritten(replace(session, messages=longer.messages), longer).body)
    assert [after.raw(at) for at in range(len(messages))] == [
        before.raw(at) for at in range(len(messages))
    ]


# -- stubs and repairs --------------------------------------------------------------------


def test_a_page_that_is_out_leaves_its_stub_and_keeps_its_frame():
    request = request_of(talk({"is_error": False, "content": "text", "x": 1.50}, "other"))
    session = session_of(request)
    first, second = session.frames
    done = rewritten(evicted(session, [first]), request)
    block = json.loads(done.body)["messages"][2]["content"][0]
    assert block == {"type": "tool_result", "tool_use_id": "t0", "is_error": False,
                     "content": stub_of(session, first), "x": 1.5}  # fmt: skip
    assert done.texts == {2: {0: stub_of(session, first)}}
    assert b'"other"' in done.body and stub_of(session, second).encode() not in done.body


def repaired(stale: bool, body: bytes) -> tuple[Session, Request]:
    """A session whose second result is a mere note that stands for the first."""
    request = request_of(body)
    session = session_of(request)
    first, second = session.frames
    session = evicted(session, [first])
    page = replace(session.table[second].page, digest=session.table[first].page.digest)
    entry = Entry(page, repairs=first, repaired_stale=stale)
    return replace(session, table=session.table.with_entries([entry])), request


def test_a_note_that_points_at_a_page_that_is_out_gets_its_content():
    session, request = repaired(stale=False, body=talk("caf\u00e9\n", NOTE))
    done = rewritten(session, request)
    assert anthropic.text(anthropic.outline(done.body).raw(4), 0) == "caf\u00e9\n"


def test_a_repaired_copy_that_later_calls_changed_says_so():
    session, request = repaired(stale=True, body=talk("old", NOTE))
    done = rewritten(session, request)
    assert anthropic.text(anthropic.outline(done.body).raw(4), 0) == stale_note() + "old"


def test_stored_content_is_asked_for_only_where_the_client_sends_it_no_longer():
    session, request = repaired(stale=False, body=talk("old", NOTE))
    first, second = session.frames
    later = replace(session, frames={second: session.frames[second]})
    done = rewrite(later, request, {session.table[first].page.digest: "kept"}.get)
    assert anthropic.text(anthropic.outline(done.body).raw(4), 0) == "kept"
    assert rewrite(later, request, lambda digest: None).body is request.outline.body


# -- markers ------------------------------------------------------------------------------


def marked_talk(boundary: int, *results: object, **fields: object) -> tuple[Session, Request]:
    request = request_of(talk(*results, **fields))
    session = session_of(request)
    page = list(session.frames)[boundary]
    return replace(evicted(session, [page]), boundary=page), request


TAIL: Json = {"role": "user", "content": [{"type": "text", "text": "on", "cache_control": FIVE}]}
TAIL_HOUR: Json = {"role": "user", "content": [{**TAIL["content"][0], "cache_control": HOUR}]}


def system_with(markers: int) -> list[Json]:
    return [{"type": "text", "text": "S", "cache_control": FIVE} for _ in range(markers)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"tail": [TAIL]}, [(2, 0, "5m"), (5, 0, "5m")]),
        ({"tail": [TAIL_HOUR]}, [(2, 0, "1h"), (5, 0, "1h")]),
        ({"cache_control": FIVE}, [(2, 0, "5m")]),
        ({"cache_control": HOUR}, [(2, 0, "1h")]),
        ({"system": system_with(3)}, [(2, 0, "5m")]),
        ({"system": system_with(4)}, []),
        ({"system": system_with(3), "tail": [TAIL]}, [(5, 0, "5m")]),
        ({"system": system_with(3), "cache_control": FIVE}, []),
        ({"system": system_with(5)}, []),
    ],
)
def test_a_free_marker_goes_to_the_boundary_of_what_is_out(fields, expected):
    session, request = marked_talk(0, "first", "second", **fields)
    done = rewritten(session, request)
    assert not done.problems
    assert marks_of(done.body) == expected


def test_a_boundary_that_the_client_has_marked_is_not_marked_twice():
    marked = {"content": "first", "cache_control": FIVE}
    session, request = marked_talk(0, marked, "second", tail=[TAIL])
    done = rewritten(session, request)
    assert marks_of(done.body) == [(2, 0, "5m"), (5, 0, "5m")]


def test_several_markers_inside_one_result_leave_no_slot_free():
    inner = [{"type": "text", "text": "a", "cache_control": FIVE}] * 4
    session, request = marked_talk(0, "first", {"content": inner})
    done = rewritten(session, request)
    assert marks_of(done.body) == [(4, 0, "5m")] * 4


def test_on_the_turn_of_a_flush_the_boundary_before_is_marked_first():
    request = request_of(talk("first", "second", system=system_with(3)))
    session = session_of(request)
    first, second = session.frames
    session = replace(evicted(session, [first, second]), previous=first, boundary=second)
    assert marks_of(rewritten(session, request).body) == [(4, 0, "5m")]
    flushing = replace(session, flushed=session.turn)
    assert marks_of(rewritten(flushing, request).body) == [(2, 0, "5m")]


def test_the_boundary_is_marked_in_a_message_that_is_not_changed_otherwise():
    request = request_of(talk("first", "second", system=system_with(2)))
    session = session_of(request)
    first, second = session.frames
    session = replace(evicted(session, [first]), boundary=second)
    assert marks_of(rewritten(session, request).body) == [(4, 0, "5m")]


# -- rules --------------------------------------------------------------------------------


class Careless:
    """The format of Anthropic, but its writer loses what stands beside a result's text."""

    name = "careless"
    read = staticmethod(anthropic.read)
    text = staticmethod(anthropic.text)
    outline = staticmethod(anthropic.outline)
    head = staticmethod(anthropic.head)
    problems = staticmethod(anthropic.problems)
    marker_problems = staticmethod(anthropic.marker_problems)

    def write(self, raw: bytes, edits: Edits) -> bytes:
        return b'{"role":"user","content":[]}'


def test_a_rewrite_that_breaks_a_rule_is_not_sent():
    request = request_of(talk("first", "second"), Careless())
    session = session_of(request)
    done = rewritten(evicted(session, list(session.frames)[:1]), request)
    assert done.body is request.outline.body
    assert done.problems == {
        "tool_use ids were found without tool_result blocks immediately after: t0",
        "messages.2: all messages must have non-empty content",
    }
    assert done.sent == {}


def test_a_rule_that_the_client_breaks_itself_keeps_nothing_from_being_moved():
    broken: Json = {"role": "user", "content": [{"type": "text", "text": ""}]}
    request = request_of(talk("first", tail=[broken], system=system_with(5)))
    session = session_of(request)
    done = rewritten(evicted(session, session.frames), request)
    assert not done.problems
    assert done.body is not request.outline.body
