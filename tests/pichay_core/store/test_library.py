from dataclasses import replace

import pytest

from pichay_core.store.library import REMEMBERED, Library
from pichay_core.store.schema import Unusable
from tests.builders import HEADER_SESSION, KEY, RecordedProxy, Talk, rules, worked

NAMED = {**KEY, HEADER_SESSION: "one"}


@pytest.fixture
def proxy(tmp_path):
    made = RecordedProxy(tmp_path / "db", rules("every-turn"))
    yield made
    made.stop()


def bare(session):
    """What a restart keeps: all but texts, frames and what was made from them."""
    messages = tuple(replace(type(m)(b"", m.digest, "")) for m in session.messages)
    return replace(
        session, messages=messages, frames={}, placed=False, head=None, texts=None, sent={}, bytes=0
    )


def test_a_session_that_was_recorded_is_read_as_it_stood(proxy):
    talk = worked().edit("1.py").read("0.py", "changed").read("2.py")
    for length in range(1, len(talk.messages) + 1, 2):
        proxy.send(talk.copy().to(length))
        proxy.settle()
        (read,) = proxy.library.sessions(proxy.session.identity)
        assert read == bare(proxy.session)
    proxy.send(talk.to(9).read("x.py", id="x"))
    proxy.settle()
    (read,) = proxy.library.sessions(proxy.session.identity)
    assert read == bare(proxy.session)
    assert list(read.table.entries) == list(proxy.session.table.entries)


def test_sessions_of_another_identity_are_not_read(proxy):
    proxy.send(worked())
    proxy.settle()
    assert proxy.library.sessions("another") == []


def test_of_many_sessions_the_latest_of_each_kind_are_read(proxy):
    proxy.send(worked(), NAMED)
    for number in range(REMEMBERED + 4):
        proxy.send(Talk(f"task {number}"), NAMED, system="You are a subagent.", tools=("Read",))
    proxy.settle()
    read = proxy.library.sessions(proxy.session.identity)
    assert [s.kind for s in read] == ["subagent"] * REMEMBERED + ["main"]
    assert [s.last_at for s in read] == sorted((s.last_at for s in read), reverse=True)


def test_content_that_was_not_kept_is_none(proxy):
    assert proxy.library.content("no such digest") is None


def test_what_another_connection_committed_is_seen_at_once(proxy):
    proxy.library.sessions("x")
    proxy.send(worked())
    proxy.settle()
    digest = next(e for e in proxy.session.table.entries.values() if e.out).page.digest
    assert proxy.library.content(digest) is not None


def test_there_is_no_library_without_a_database(tmp_path):
    with pytest.raises(Unusable):
        Library(tmp_path / "db")


def test_a_library_that_cannot_be_read_knows_no_earlier_session(tmp_path):
    proxy = RecordedProxy(tmp_path / "gone")
    proxy.send(worked())
    proxy.settle()
    proxy.stop()
    assert proxy.library.earlier(proxy.session) == []
