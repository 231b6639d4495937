"""Which session a request continues, as a table."""

import pytest

from pichay_core.model import PageId
from pichay_core.session import match, shared_prefix
from pichay_core.table import Entry, PageTable
from pichay_core.wire.message import Message, Result
from tests.builders import heard, known, page, read_call

SHAPE, OTHER_TOOLS, OTHER_PROMPT = "prompt tools", "prompt others", "another tools"


def found(sent, shape=SHAPE, named=False, messages="abc", **session):
    one = known(messages=heard(*messages), shape=SHAPE, **session)
    return match([one], heard(*sent), shape, named)


@pytest.mark.parametrize(
    ("messages", "sent", "shape", "named", "how"),
    [
        ("a", "abc", SHAPE, False, "extends"),
        ("abc", "abc", SHAPE, False, "repeats"),
        ("abcde", "abc", SHAPE, False, "edited"),
        ("abcde", "abx", SHAPE, False, "edited"),
        ("abcde", "abx", OTHER_PROMPT, False, "edited"),
        ("abc", "abcde", OTHER_PROMPT, False, "extends"),
        ("a", "a", SHAPE, False, "repeats"),
        ("a", "a", OTHER_TOOLS, True, None),
        ("a", "a", OTHER_PROMPT, True, None),
        ("a", "abc", OTHER_TOOLS, False, "extends"),
        ("a", "abc", OTHER_PROMPT, True, None),
        ("abc", "axy", SHAPE, False, None),
        ("abc", "axy", SHAPE, True, "edited"),
        ("abc", "axy", OTHER_TOOLS, True, None),
        ("abc", "a", SHAPE, True, "edited"),
        ("abc", "a", OTHER_TOOLS, True, None),
        ("abc", "xyz", SHAPE, True, "compacted"),
        ("abc", "xyz", SHAPE, False, None),
        ("abc", "xyz", OTHER_PROMPT, True, None),
        ("abc", "", SHAPE, False, None),
        ("", "abc", SHAPE, False, None),
    ],
)
def test_what_a_request_is_to_a_session(messages, sent, shape, named, how):
    relation = found(sent, shape, named, messages)
    assert (relation and relation.how) == how


def test_a_subagent_is_not_continued_by_another_task_under_the_same_id():
    assert found("xyz", named=True, kind="subagent") is None
    assert found("abcd", named=True, kind="subagent").how == "extends"


def calling(*ids):
    results = tuple(Result(n, id, "digest", 1, 1) for n, id in enumerate(ids))
    return (Message(b"r", b"r", "user", results=results),)


@pytest.mark.parametrize(("ids", "how"), [(["mine"], "compacted"), (["other"], None), ([""], None)])
def test_call_ids_tell_a_compacted_conversation_from_another(ids, how):
    entries = [Entry(page(n, read_call("a", id=n))) for n in ("mine", "")]
    table = PageTable({PageId(e.page.id): e for e in entries})
    one = known(messages=heard(*"abc"), shape=SHAPE, table=table)
    relation = match([one], calling(*ids), SHAPE, False)
    assert (relation and relation.how) == how


def best(sent, *sessions, shape=SHAPE):
    relation = match(sessions, heard(*sent), shape, True)
    return relation and relation.session.id


def one(name, messages, last_at=0.0, shape=SHAPE):
    return known(name, messages=heard(*messages), last_at=last_at, shape=shape)


def test_who_goes_on_is_taken_before_who_was_edited():
    assert best("abcd", one("goes on", "ab", 1), one("edited", "abxy", 9)) == "goes on"


def test_who_shares_more_is_taken_before_who_goes_on():
    """The client goes back in a longer history than the one that it left earlier."""
    assert best("abcd", one("goes on", "ab", 9), one("edited", "abcx", 1)) == "edited"


def test_of_those_who_go_on_the_longest_is_taken():
    assert best("abcde", one("short", "ab", 9), one("long", "abcd", 1)) == "long"


def test_of_those_who_were_edited_the_one_that_shares_most_is_taken():
    assert best("abcde", one("less", "abxy", 9), one("more", "abcx", 1)) == "more"


def test_of_equals_the_one_with_the_same_tools_is_taken_then_the_latest():
    title = one("title", "a", 9, OTHER_TOOLS)
    assert best("abc", one("main", "a", 1), title) == "main"
    assert best("abx", one("early", "abc", 1), one("late", "abc", 2)) == "late"


def test_no_session_is_no_match():
    assert match([], heard("a"), SHAPE, True) is None


def test_messages_are_compared_by_what_they_say():
    told = (Message(b"{}", b"same", "user"),)
    again = (Message(b"{ }", b"same", "user"), Message(b"{}", b"new", "user"))
    assert shared_prefix(told, again) == 1
    assert shared_prefix((), again) == 0
