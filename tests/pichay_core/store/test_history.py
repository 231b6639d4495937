"""What was recorded is told again: a conversation through the proxy, into the file, and back."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.events import Evicted
from pichay_core.model import State, Usage
from pichay_core.store.history import FRONT_TOKENS, conversation, is_database, trace_of
from pichay_core.store.retold import filler, roles
from pichay_core.store.schema import open_for_writing
from pichay_core.store.vocabulary import count_tokens
from pichay_core.tokens import multiplier, tokens_of_bytes
from pichay_core.traces import NotATrace, counts
from pichay_core.traces.trace import Conversation, Step
from pichay_core.transcript import place
from pichay_core.wire import anthropic
from pichay_core.wire.jsontext import value
from pichay_core.wire.message import Message
from pichay_core.wire.report import Report
from tests.builders import (
    BINDING,
    SONNET,
    START,
    RecordedProxy,
    Talk,
    prose,
    result,
    rules,
    use,
    user,
)
from tests.histories import Client, clients, plays, requests, straight

FRONT = 9_000
"""Tokens of system prompt and tools at the provider that bills here."""
SAID = 120


class Billed(RecordedProxy):
    """A proxy whose provider bills every request by the text it gets."""

    last = 0

    def ask(self, request: Any, **given: Any) -> int:
        """Send a request; returns the window that it was billed for."""
        upstream = self.send(request, **given)
        window = FRONT + round(count_tokens(upstream.decode()) * multiplier(SONNET))
        read = min(self.last, window - 10)
        self.last = window - 10
        self.replied(Report(Usage(10, read, self.last - read, 0, SAID)))
        return window

    def told(self, session: str | None = None) -> Conversation:
        self.settle()
        return conversation(self.library._db, session or self.session.id)

    def turns(self, session: str) -> list[tuple[Any, ...]]:
        return self.rows(
            "select messages, input_tokens + cache_read_tokens + cache_write_5m_tokens"
            " + removed_tokens, at from turns where session = ? order by request",
            session,
        )


@pytest.fixture
def proxy(tmp_path):
    made = Billed(tmp_path / "pichay.db", rules(flush_tokens=4000))
    yield made
    made.stop()


def worked(proxy: Billed, files: int = 10) -> Talk:
    """A conversation that has been through the proxy request by request."""
    talk = Talk("Fix it.")
    proxy.ask(talk)
    for number in range(files):
        proxy.ask(talk.read(f"{number}.py") if number % 2 else talk.run(f"make {number}"))
    return talk


def windows(told: Conversation) -> list[tuple[Message, ...]]:
    """The messages of each request."""
    found: list[tuple[Message, ...]] = []
    for step in told.steps:
        before = found[-1] if found else ()
        assert step.keeps <= len(before)
        found.append((*before[: step.keeps], *step.new))
    return found


def said_in(message: Message) -> int:
    """Bytes of the texts in a message, results apart."""
    blocks: Any = value(message.raw)
    return sum(len(b["text"].encode()) for b in blocks["content"] if b["type"] == "text")


def size(messages: tuple[Message, ...]) -> int:
    """Tokens of messages, as a replay estimates them."""
    results = sum(result.bytes for message in messages for result in message.results)
    calls = sum(len(call.arguments) for message in messages for call in message.calls)
    return tokens_of_bytes(results + calls + sum(map(said_in, messages)), SONNET)


def pages_of(messages: tuple[Message, ...]):
    return place(messages, 0, {}, 0, lambda count: count).frames


# -- what is exact -------------------------------------------------------------------------


def test_requests_are_told_in_order_with_their_times_models_and_bills(proxy):
    worked(proxy, 3)
    told = proxy.told()
    assert (told.id, told.kind, len(told.steps)) == (proxy.session.id, "main", 4)
    assert [step.keeps for step in told.steps] == [0, 1, 3, 5]
    assert [step.at for step in told.steps] == [START + 10 * n for n in range(1, 5)]
    assert {step.model for step in told.steps} == {SONNET}
    assert told.steps[0].usage == Usage(10, 0, told.steps[0].usage.window - 10, 0, SAID)
    assert told.steps[1].usage.cache_read == told.steps[0].usage.window - 10
    assert [[m.role for m in step.new] for step in told.steps[:2]] == [
        ["user"],
        ["assistant", "user"],
    ]


def test_a_page_comes_back_with_its_name_its_call_and_its_size(proxy):
    worked(proxy)
    last = windows(proxy.told())[-1]
    assert pages_of(last) == proxy.session.frames
    live = [entry.page for entry in proxy.session.table.entries.values()]
    assert [call for message in last for call in message.calls] == [page.call for page in live]
    results = [result for message in last for result in message.results]
    assert [(r.digest, r.bytes, r.lines) for r in results] == [
        (page.digest, page.bytes, page.lines) for page in live
    ]


def test_the_text_of_a_page_that_left_the_window_is_the_recorded_one_and_others_are_as_long(proxy):
    worked(proxy)
    out = {e.page.call.id for e in proxy.session.table.entries.values() if e.out}
    texts = {
        r.call_id: anthropic.text(message.raw, r.block)
        for message in windows(proxy.told())[-1]
        for r in message.results
    }
    assert proxy.events(Evicted) and 0 < len(out) < len(texts)
    for number, (call, text) in enumerate(texts.items()):
        real = prose(f"{number}.py" if number % 2 else f"make {number}")
        assert (text == real) == (call in out)
        assert len(text) == len(real)


def test_equal_content_is_told_as_equal_text(proxy):
    talk = Talk().read("a.py").run("cat a.py", prose("a.py")).read("b.py")
    proxy.ask(talk)
    texts = [
        anthropic.text(message.raw, found.block)
        for message in windows(proxy.told())[-1]
        for found in message.results
    ]
    assert texts[0] == texts[1] != texts[2]


def test_parallel_calls_errors_images_and_long_arguments_come_back(proxy):
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 300}}
    talk = Talk()
    calls = [use("t1", "Read", file_path="a.py"), use("t2", "Bash", command="x" * 5000)]
    answers = [result("t1", [image]), result("t2", "no", is_error=True)]
    talk.messages += [{"role": "assistant", "content": calls}, user(answers)]
    proxy.ask(talk)
    first, reply, answer = windows(proxy.told())[-1]
    assert [r.opaque for r in answer.results] == [True, False]
    assert [r.error for r in answer.results] == [False, True]
    live = [entry.page.call for entry in proxy.session.table.entries.values()]
    assert list(reply.calls) == live
    assert live[1].arguments.startswith("sha256:")
    assert pages_of((first, reply, answer)) == proxy.session.frames


def test_a_result_of_a_call_that_nobody_saw_is_told_without_one(proxy):
    talk = Talk()
    talk.messages = [user([result("lost", prose("lost"))])]
    proxy.ask(talk)
    (only,) = windows(proxy.told())[-1]
    assert (len(only.results), only.calls) == (1, ())


def test_a_retry_brings_nothing_new_and_says_the_same(proxy):
    talk = worked(proxy, 2)
    proxy.ask(talk)
    steps = proxy.told().steps
    assert (steps[-1].keeps, steps[-1].new) == (5, ())


def test_a_rewind_keeps_what_it_kept_and_nothing_new_is_taken_for_old(proxy):
    talk = worked(proxy)
    proxy.ask(talk.to(13).read("other.py", id="other"))
    proxy.ask(talk.read("next.py", id="next"))
    told = proxy.told()
    before, after = windows(told)[-3:-1]
    assert told.steps[-2].keeps == 13
    assert [m.digest for m in after[:13]] == [m.digest for m in before[:13]]
    assert not {m.digest for m in after[13:]} & {m.digest for m in before}
    assert pages_of(windows(told)[-1]) == proxy.session.frames


def test_a_compaction_starts_over(proxy):
    talk = worked(proxy)
    talk.messages = [user("A summary."), *talk.messages[-2:]]
    proxy.ask(talk)
    told = proxy.told()
    assert (told.steps[-1].keeps, len(told.steps[-1].new)) == (0, 3)
    assert pages_of(windows(told)[-1]).keys() == proxy.session.frames.keys()


def test_a_fork_is_told_from_its_own_beginning(proxy):
    talk = worked(proxy)
    main = proxy.session.id
    left = talk.copy()
    proxy.ask(talk.to(13).read("other.py", id="other"))
    proxy.ask(left.read("next.py", id="next"))
    assert proxy.session.kind == "fork"
    told = proxy.told()
    assert (told.kind, len(told.steps), told.steps[0].keeps) == ("main", 1, 0)
    assert pages_of(windows(told)[-1]).keys() == proxy.session.frames.keys()
    trace = trace_of(proxy.path)
    assert [one.id for one in trace.conversations] == [main, proxy.session.id]


def test_what_is_told_is_the_same_every_time(proxy):
    worked(proxy)
    proxy.settle()
    assert trace_of(proxy.path) == trace_of(proxy.path)


# -- what is made up -----------------------------------------------------------------------


def test_what_was_said_fills_the_window_up_to_the_bill(proxy):
    talk = worked(proxy, 4)
    proxy.ask(talk.ask("and now " * 800))
    (*_, before, last), told = windows(proxy.told()), proxy.told()
    grown = told.steps[-1].usage.window - told.steps[-2].usage.window
    assert size(last) - size(before) == pytest.approx(grown, abs=2)
    reply, question = last[len(before) :]
    assert tokens_of_bytes(said_in(reply), SONNET) == pytest.approx(SAID, abs=15)
    assert tokens_of_bytes(said_in(question), SONNET) > 1000


def joined_late() -> Talk:
    talk = Talk("word " * 30_000)
    for number in range(5):
        talk.read(f"{number}.py")
    return talk


def test_what_stood_in_front_is_left_out_in_the_size_that_was_recorded(proxy):
    window = proxy.ask(joined_late(), system="Be careful with the work of others. " * 500)
    (step,) = proxy.told().steps
    front = tokens_of_bytes(500 * 36 + 200, SONNET)
    assert window - size(step.new) == pytest.approx(front, rel=0.03)
    assert pages_of(step.new) == proxy.session.frames


def test_where_the_front_was_not_recorded_a_usual_one_is_left_out(proxy):
    window = proxy.ask(joined_late())
    proxy.settle()
    made(proxy.path, "update turns set front_bytes = null")
    (step,) = proxy.told().steps
    assert len(step.new) == 11
    assert window - size(step.new) == pytest.approx(FRONT_TOKENS, abs=20)


def test_a_page_of_a_history_that_was_joined_late_is_told_where_it_stood(proxy):
    """Two messages of the user in a row: by the turns alone it would be one too late."""
    talk = Talk().read("a.py")
    talk.messages += [user("Wait."), user("Now go on.")]
    proxy.ask(talk.read("b.py").ask("And?"))
    (step,) = proxy.told().steps
    places = [at for at, message in enumerate(step.new) if message.results]
    assert places == [frame.message for frame in proxy.session.frames.values()]


def test_a_page_that_a_fork_began_with_and_then_left_is_told_until_it_left(proxy):
    talk = worked(proxy, 3)
    left = talk.copy()
    proxy.ask(talk.to(5).read("other.py", id="other"))
    proxy.ask(left.read("next.py", id="next"))
    began = proxy.session.frames.keys()
    proxy.ask(left.copy().to(5).read("third.py", id="third"))
    told = windows(proxy.told())
    assert pages_of(told[0]).keys() == began
    assert pages_of(told[1]).keys() == proxy.session.frames.keys()


def test_a_recording_of_version_1_is_told_by_the_turns_of_its_pages(proxy):
    worked(proxy)
    proxy.settle()
    made(proxy.path, "update pages set request = null, message = null")
    assert pages_of(windows(proxy.told())[-1]) == proxy.session.frames


def test_a_reply_is_what_the_client_sent_back_or_as_long_as_it_was_billed(proxy):
    talk = worked(proxy, 2)
    proxy.send(talk.read("x.py"))
    *steps, last, unbilled = proxy.told().steps
    assert [step.reply for step in steps] == [step.new[0] for step in (*steps[1:], last)]
    assert last.reply == unbilled.new[0]
    assert (unbilled.reply, unbilled.usage) == (None, None)
    proxy.ask(talk.to(1))
    billed = proxy.told().steps[-1].reply
    assert tokens_of_bytes(said_in(billed), SONNET) == pytest.approx(SAID, abs=15)


def test_signed_thinking_is_not_told_for_it_was_not_recorded(proxy):
    talk = Talk().read("a.py", think=True).read("b.py", think=True)
    proxy.ask(talk, model=BINDING)
    assert any(message.thinks for message in proxy.session.messages)
    assert not any(message.thinks for message in windows(proxy.told())[-1])


def test_requests_after_a_session_was_frozen_are_left_out_and_counted(proxy):
    talk = worked(proxy, 3)
    exchange = proxy.decision.exchange
    proxy.paging.aftermath.freeze(exchange, "provider refused our edit: no", proxy.at)
    proxy.ask(talk.read("x.py"))
    proxy.ask(talk.read("y.py"))
    assert len(proxy.told().steps) == 4
    trace = trace_of(proxy.path)
    assert (len(trace.conversations[0].steps), trace.skipped) == (4, 2)


@given(st.text(), st.integers(0, 20_000))
def test_filler_is_as_long_as_asked_and_the_same_for_the_same_seed(seed, length):
    assert len(filler(seed, length).encode()) == length
    assert filler(seed, length) == filler(seed, 20_000)[:length]


def test_filler_has_about_as_many_bytes_to_a_token_as_real_results():
    found = [count_tokens(filler(f"seed {number}", 4000)) for number in range(50)]
    assert 4000 * 50 / sum(found) == pytest.approx(3.9, rel=0.1)


@pytest.mark.parametrize(
    ("new", "users", "expected"),
    [(1, 1, "u"), (2, 1, "au"), (5, 3, "uauau"), (3, 1, "aau"), (2, 2, "uu"), (1, 0, "a")],
)
def test_user_and_model_take_turns_as_far_as_the_counts_allow(new, users, expected):
    assert "".join(role[0] for role in roles(new, users)) == expected


# -- laws over simulated agents ------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """One session as it was live, as it was billed, and as it is told."""

    told: Conversation
    turns: list[tuple[Any, ...]]
    frames: Any

    @property
    def last(self) -> tuple[Message, ...]:
        return windows(self.told)[-1]


def recorded(play: Any, client: Client) -> list[Recorded]:
    with TemporaryDirectory() as folder:
        proxy = Billed(Path(folder) / "db", rules(flush_tokens=4000))
        for sent in requests(play, client):
            proxy.ask(sent.body, after=sent.after)
        sessions = [session for session in proxy.sessions if session.requests]
        found = [Recorded(proxy.told(s.id), proxy.turns(s.id), s.frames) for s in sessions]
        proxy.stop()
    return found


few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(straight, clients.filter(lambda client: not client.notes))
def test_a_conversation_that_only_grows_is_told_page_for_page(play, client):
    for one in recorded(play, client):
        assert pages_of(one.last) == one.frames
        front = one.turns[0][1] - size(windows(one.told)[0])
        for messages, (count, window, _) in zip(windows(one.told), one.turns, strict=True):
            assert len(messages) == count
            assert front + size(messages) == pytest.approx(window, rel=0.03)


@few
@given(plays, clients)
def test_whatever_a_client_does_every_request_is_told_in_its_size(play, client):
    for one in recorded(play, client):
        told = windows(one.told)
        front = one.turns[0][1] - size(told[0])
        for messages, step, (count, window, at) in zip(
            told, one.told.steps, one.turns, strict=True
        ):
            assert (len(messages), step.at) == (count, at)
            assert front + size(messages) == pytest.approx(window, rel=0.15)


# -- files ---------------------------------------------------------------------------------


def test_a_recording_is_read_as_a_trace(proxy):
    worked(proxy)
    proxy.settle()
    trace = trace_of(proxy.path)
    assert trace.format == "pichay"
    found = counts(trace)
    assert (found.conversations, found.turns, found.results, found.skipped) == (1, 11, 10, 0)
    bytes_ = sum(entry.page.bytes for entry in proxy.session.table.entries.values())
    assert found.bytes == bytes_
    assert {e.state for e in proxy.session.table.entries.values()} > {State.RESIDENT}
    assert all(isinstance(step, Step) for step in trace.conversations[0].steps)


def test_a_database_is_known_by_its_content(proxy, tmp_path):
    proxy.settle()
    (tmp_path / "x.db").write_text("{}")
    assert is_database(proxy.path)
    assert not is_database(tmp_path / "x.db")
    assert not is_database(tmp_path / "none.db")
    assert not is_database(tmp_path)


def made(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def test_what_is_no_recording_of_ours_is_refused_with_what_to_do(tmp_path):
    empty = tmp_path / "empty.db"
    open_for_writing(empty).conn.close()
    newer = tmp_path / "newer.db"
    open_for_writing(newer).conn.close()
    made(newer, "insert into _sqlite_migrations values (99, 'pichay', 'later', '2027')")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 2000)
    said = {
        made(tmp_path / "other.db", "create table t (a)"): "holds other tables, not Pichay's",
        newer: "was written by a newer Pichay: upgrade",
        damaged: "is not a database Pichay can read",
        empty: "nothing is recorded in it yet: run an agent first",
        tmp_path / "none.db": "there is no database at",
    }
    for path, text in said.items():
        with pytest.raises(NotATrace) as found:
            trace_of(path)
        assert text in str(found.value)
        assert "--database" not in str(found.value)
