"""Collapse, one at a time: what may be asked for, what stands in its place, when it is done."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.choice import Birth
from pichay_core.birth.shorter import Births
from pichay_core.cooperate.commands import Collapse
from pichay_core.cooperate.fold import Fold, as_text, folds_of, shown
from pichay_core.cooperate.folds import (
    LONGEST_SUMMARY,
    asked,
    collapsed,
    folded_text,
    named,
    rendered,
)
from pichay_core.events import Collapsed, Collected, Evicted, Expanded, Flushed, Unpinned
from pichay_core.folding import standing
from pichay_core.model import Handle
from pichay_core.store.upkeep import prune
from pichay_core.store.vocabulary import count_tokens
from pichay_core.tokens import O200K_BYTES_PER_TOKEN, PICTURE_BYTES, multiplier
from pichay_core.wire import anthropic
from tests.builders import (
    SONNET,
    SUMMARISE,
    Course,
    Proxy,
    RecordedProxy,
    Talk,
    body,
    marked,
    markers_in,
    prose,
    result,
    rules,
    stubbed,
    thought,
    units,
    use,
    user,
    worked,
)
from tests.strategies import brief_law, seeds, written

EAGER = rules("every-turn")
SUMMARY = "The files are fine.\nNothing is to be done."


def taken(talk: Talk, given=EAGER) -> Course:
    course = Course(given)
    course.take(talk)
    return course


def ask(course: Course, first: int, last: int, summary: str = SUMMARY) -> str | None:
    """Ask; returns why it was refused, None if it was not."""
    course.session, said, refused = collapsed(course.session, Collapse(first, last, summary))
    return said if refused else None


def ranges(course: Course) -> list[tuple[int, int]]:
    return [(fold.first, fold.until) for fold in course.session.folds]


# -- what may be asked for ----------------------------------------------------------------


def test_a_range_is_made_smaller_until_it_is_whole_exchanges():
    course = taken(worked(8))
    assert ask(course, 1, 4) is None
    assert ranges(course) == [(1, 7)]
    assert course.session.folds[0].turns == (1, 4)


def test_the_first_message_and_the_last_reply_stay_whatever_is_asked_for():
    course = taken(worked(8))
    assert ask(course, -5, 99) is None
    assert ranges(course) == [(1, 15)]
    assert len(course.session.messages) == 17


def test_turns_are_counted_back_from_now_where_the_client_has_gone_back():
    talk = worked(8)
    course = taken(talk)
    course.take(talk.to(9).read("other.py"))
    assert course.session.turn == 10
    assert ask(course, 7, 9) is None
    assert ranges(course) == [(5, 9)]


@pytest.mark.parametrize(
    ("first", "last", "summary", "why"),
    [
        (1, 4, " \n ", "empty"),
        (1, 4, "x" * (LONGEST_SUMMARY + 1), "8,001 characters"),
        (3, 3, SUMMARY, "at least two turns within 1 to 8"),
        (7, 2, SUMMARY, "no whole exchange"),
        (90, 99, SUMMARY, "no whole exchange"),
        (1, 2, "x" * 7_000, "less room"),
    ],
)
def test_what_cannot_be_is_refused_and_the_answer_says_why(first, last, summary, why):
    course = taken(worked(8))
    before = course.session
    assert why in (ask(course, first, last, summary) or "")
    assert course.session == before


def test_in_a_conversation_that_has_only_begun_there_is_nothing_to_collapse():
    assert "nothing to collapse yet" in (ask(taken(Talk()), 1, 9) or "")
    assert "nothing to collapse yet" in (ask(taken(worked(1)), 1, 9) or "")


@pytest.mark.parametrize(
    ("at", "added", "why"),
    [
        (4, {"role": "system", "content": "Mind the tests."}, "instructions of the system"),
        (3, {"type": "compaction", "content": "x"}, "must stay"),
        (3, {"type": "of_tomorrow"}, "must stay"),
        (3, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
         "not answered yet"),
        (3, use("nobody", "Read", file_path="x"), "not answered there"),
        (4, result("toolu_0002", [{"type": "tool_reference", "tool_name": "x"}]),
         "definitions of tools"),
    ],
)  # fmt: skip
def test_what_the_provider_or_later_messages_need_is_not_collapsed(at, added, why):
    talk = worked(8)
    if "role" in added:
        talk.messages.insert(at + 1, added)
    else:
        talk.messages[at]["content"].append(added)
    course = taken(talk)
    assert why in (ask(course, 1, 6) or "")
    assert course.session.folds == ()


def test_a_search_that_the_provider_has_answered_may_go():
    talk = worked(8)
    talk.messages[3]["content"] += [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    ]
    assert ask(taken(talk), 1, 6) is None


def test_a_summary_of_more_takes_the_place_of_one_of_less():
    course = taken(worked(8))
    ask(course, 2, 4)
    ask(course, 1, 6, "All of it.")
    assert ranges(course) == [(1, 11)]
    course.take(worked(9))
    assert ask(course, 1, 7, "More of it.") is None
    course.take(worked(10))
    assert [(fold.first, fold.until) for fold in standing(course.session)] == [(1, 13)]


def test_ranges_do_not_cut_each_other():
    course = taken(worked(8))
    ask(course, 2, 5)
    assert "turns 2 to 7 or more" in (ask(course, 4, 7) or "")
    course.take(worked(9))
    assert "collapsed already" in (ask(course, 2, 5) or "")
    assert "collapsed already" in (ask(course, 3, 4) or "")
    assert ask(course, 5, 8) is None
    course.take(worked(10))
    assert len(standing(course.session)) == 2


# -- what stands in its place -------------------------------------------------------------

FOLD = Fold(3, 9, (2, 5), "One.\n\n[Two.]", Handle("ABCDEFGH"), "d", 12, 3, 1, 2)


def test_the_text_says_what_is_missing_and_quotes_who_wrote_it():
    assert shown(FOLD) == (
        "[Turns 2 to 5 of this conversation took place, but are not shown here: 6 messages, 1 of "
        "them from the user, 3 tool results, 2 blocks of thinking. Below is the assistant's own "
        "summary of them, written in turn 12, as a quotation; details are missing from it.]\n"
        "> One.\n>\n> [Two.]"
    )


def test_the_handle_is_named_only_where_the_tool_is_offered():
    assert "memory_fault with page ABCDEFGH" in shown(replace(FOLD, recallable=True))
    course = taken(worked(8))
    session = replace(course.session, birth=Birth(offers=("memory_fault",)))
    after = asked(session, Collapse(1, 4, SUMMARY))
    assert not isinstance(after, str)
    assert after.folds[0].recallable


def test_folds_are_written_down_and_read_again():
    folds = (FOLD, replace(FOLD, done=4, gone=True))
    assert folds_of(as_text(folds)) == folds
    assert as_text(()) == ""
    assert folds_of("") == folds_of(None) == ()


@brief_law
@given(seeds, st.sampled_from([(1, 4), (2, 6), (1, 7)]), st.booleans())
def test_however_a_body_is_spelled_it_stays_one_with_the_turns_left_out(seed, turns, last):
    whole = json.loads(body(worked(8)))
    messages = whole.pop("messages")
    fields = [("messages", messages), *whole.items()]
    proxy = Proxy(EAGER)
    proxy.send(written(dict(fields), seed))
    proxy.sessions.replace(collapsed(proxy.session, Collapse(*turns, SUMMARY))[0])
    more = [*messages, *worked(9).messages[-2:]]
    fields = [*whole.items(), ("messages", more)] if last else [("messages", more), *whole.items()]
    up = units(proxy.send(written(dict(fields), seed + 1)))
    (fold,) = standing(proxy.session)
    assert len(up) == len(more) - fold.messages + 1
    assert up[fold.first]["content"][0]["text"] == shown(fold)
    assert [m["role"] for m in up[: fold.first]] == [m["role"] for m in more[: fold.first]]


def test_a_marker_of_the_client_in_a_fold_stands_on_its_summary():
    talk = worked(8)
    for at in (2, 4):
        talk.messages[at]["content"][0] = marked(talk.messages[at]["content"][0], "1h")
    course = taken(talk)
    ask(course, 1, 5)
    more = talk.copy().read("8.py")
    more.messages[-1]["content"][0] = marked(more.messages[-1]["content"][0])
    up = course.take(more).body
    assert markers_in(up) == ["1h", "5m", "5m"]
    assert json.loads(up)["messages"][1]["content"][0]["cache_control"]["ttl"] == "1h"


def test_what_the_client_breaks_itself_is_not_blamed_on_the_fold():
    talk = worked(8)
    talk.messages[-3]["content"].append({"type": "text", "text": " "})
    course = taken(talk)
    ask(course, 1, 5)
    turn = course.take(talk.copy().read("8.py"))
    assert turn.problems == frozenset()
    assert standing(turn.session)


# -- the original -------------------------------------------------------------------------


def test_the_original_is_plain_text_without_thinking():
    messages = [
        {"role": "assistant", "content": [thought(1), {"type": "text", "text": "I look."},
                                          use("a", "Read", file_path="x.py")]},
        user([result("a", "line 1\nline 2"), result("b", [{"type": "image"}], is_error=True)]),
        user("Go on."),
    ]  # fmt: skip
    read = [anthropic.read(json.dumps(message).encode()) for message in messages]
    assert rendered(read, anthropic) == (
        '[assistant]\nI look.\n[call of Read] {"file_path":"x.py"}\n\n'
        "[user]\n[result]\nline 1\nline 2\n[result, an error]\n[image, not kept]\n\n"
        "[user]\nGo on."
    )


def test_it_can_be_had_by_its_handle_from_what_the_client_sends():
    course = taken(worked(8))
    ask(course, 1, 4)
    (fold,) = course.session.folds
    assert named(course.session, fold.handle) is None
    course.take(worked(9))
    (fold,) = course.session.folds
    assert named(course.session, fold.handle) == fold
    assert prose("1.py") in (folded_text(course.session, fold, anthropic) or "")
    course.take(worked(2, "Anew."))
    assert named(course.session, fold.handle) == replace(fold, gone=True, summary="")
    assert folded_text(course.session, fold, anthropic) is None


def test_it_is_kept_for_as_long_as_its_session(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", EAGER)
    proxy.send(worked(8))
    proxy.sessions.replace(collapsed(proxy.session, Collapse(1, 4, SUMMARY))[0])
    proxy.send(worked(9))
    (fold,) = standing(proxy.session)
    proxy.settle()
    text = folded_text(proxy.session, fold, anthropic)
    assert proxy.stored(fold.digest) == text
    with proxy.recorder._db.conn:
        prune(proxy.recorder._db, 0.0)
    assert proxy.stored(fold.digest) == text
    proxy.stop()


@pytest.mark.parametrize("edit", ["none", "image", "long"])
def test_the_books_say_what_is_missing_from_a_request(tmp_path, edit):
    talk = worked(8)
    talk.messages[3]["content"].insert(0, {"type": "text", "text": "I look. " * 300})
    if edit == "image":
        image = {"type": "image", "source": {"type": "base64", "data": "A" * 90_000}}
        talk.messages[4]["content"][0]["content"] = [image]
    if edit == "long":
        talk.messages[5]["content"][0]["input"]["note"] = prose("arguments", 9_000)
    proxy = RecordedProxy(tmp_path / "db", EAGER)
    proxy.send(talk)
    proxy.sessions.replace(collapsed(proxy.session, Collapse(1, 4, SUMMARY))[0])
    sent = body(talk.copy().read("8.py")).decode().replace("A" * 90_000, "")
    up = proxy.send(talk.copy().read("8.py")).decode()
    assert standing(proxy.session)
    picture = PICTURE_BYTES / O200K_BYTES_PER_TOKEN if edit == "image" else 0
    missing = count_tokens(plain(sent)) - count_tokens(plain(up)) + picture
    (removed,) = proxy.rows("select removed_tokens from turns where request = 2")
    assert removed[0] == pytest.approx(missing * multiplier(SONNET), rel=0.03)
    proxy.stop()


def plain(text: str) -> str:
    return text.replace("\\n", "\n")


def test_a_new_process_sends_the_same_bytes_and_carries_out_what_waits(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", EAGER)
    proxy.send(worked(8))
    proxy.sessions.replace(collapsed(proxy.session, Collapse(1, 4, SUMMARY))[0])
    up = proxy.send(worked(9))
    proxy.sessions.replace(collapsed(proxy.session, Collapse(5, 7, "More."))[0])
    proxy.send(worked(9))
    proxy = proxy.restart()
    assert proxy.send(worked(9)) == up
    proxy.send(worked(10))
    assert [fold.summary for fold in standing(proxy.session)] == [SUMMARY, "More."]
    proxy.stop()


def test_handles_are_of_one_session_only():
    one, other = Course(EAGER), Course(EAGER)
    other.session = replace(other.session, secret=b"1" * 16)
    for course in (one, other):
        course.take(worked(8))
        ask(course, 1, 4)
    assert one.session.folds[0].digest == other.session.folds[0].digest
    assert one.session.folds[0].handle != other.session.folds[0].handle


# -- when it is done ----------------------------------------------------------------------


def test_on_a_warm_cache_it_waits_until_waiting_has_cost_enough():
    course, talk = taken(worked(8), rules("auto")), worked(8)
    ask(course, 1, 4)
    turns = [course.take(talk.idle(1)) for _ in range(40)]
    whys = [turn.flushed for turn in turns]
    done = next(n for n, turn in enumerate(turns) if standing(turn.session))
    assert done > 0
    assert whys[done] == "break-even"
    assert not any(whys[:done])


def test_pages_do_not_wait_for_turns_that_stand_far_above_them():
    course, talk = Course(rules("auto", tau=1)), worked(30)
    talk.messages[-1]["content"][0] = marked(talk.messages[-1]["content"][0])
    course.take(talk, after=4000)
    course.session = replace(course.session, folds=())
    told = []
    for number in range(40):
        if number == 1:
            assert ask(course, 1, 3) is None
        told.append(course.take(talk.read(f"more {number}.py", prose("more", 9_000))))
    pages = [turn for turn in told if turn.flushed and not standing(turn.session)]
    assert pages


def test_where_nothing_more_may_leave_nothing_is_promised():
    course = taken(worked(8))
    course.session = replace(course.session, held="thrashing")
    assert "Nothing more is moved" in (ask(course, 1, 4) or "")


def test_on_a_cold_cache_it_is_done_at_once_and_costs_nothing():
    course = taken(worked(8), rules("auto"))
    ask(course, 1, 4)
    turn = course.take(worked(9), after=4000)
    flush = next(event for event in turn.events if isinstance(event, Flushed))
    assert (flush.why, flush.rewrite) == ("cold", 0)
    assert standing(turn.session)


def test_it_leaves_with_its_pages_pinned_or_not():
    course = taken(worked(5), rules("every-turn", tau=1))
    course.take(worked(5).read("0.py"))
    pinned = [entry.page.id for entry in course.session.table.pinned()]
    assert pinned
    ask(course, 1, 5)
    course.take(worked(5).read("0.py").idle(1))
    ask(course, 1, 7)
    turn = course.take(worked(5).read("0.py").idle(2))
    told = next(event for event in turn.events if isinstance(event, Collapsed))
    left = [e for e in turn.events if isinstance(e, Evicted | Collected)]
    assert Unpinned(pinned[0], "collapsed") in turn.events
    assert told.pages == len(left)
    assert all(turn.session.table[event.page].handle for event in left)


def test_what_refers_into_it_is_sent_in_full():
    births = Births(duplicates=True, diffs=False, oversize=0)
    course = Course(replace(rules("every-turn", tau=30), births=births))
    talk = worked(4).run("cat 1", prose("1.py"))
    course.take(worked(4))
    turn = course.take(talk)
    assert any(type(event).__name__ == "Duplicated" for event in turn.events)
    ask(course, 1, 4)
    turn = course.take(talk.read("new.py"))
    assert any(isinstance(event, Expanded) for event in turn.events)
    assert units(turn.body)[-3]["content"][0]["content"] == prose("1.py")


def test_a_tool_loop_with_thinking_stays_whole_while_it_is_open():
    talk = Talk()
    for number in range(6):
        talk.read(f"{number}.py", think=number == 1)
    course = taken(talk)
    ask(course, 1, 4)
    assert not standing(course.take(talk.read("more.py")).session)
    assert standing(course.take(talk.ask("Well?")).session)


def test_while_the_client_sums_up_the_model_sees_all_of_it():
    course, talk = taken(worked(8)), worked(8)
    ask(course, 1, 4)
    assert not standing(course.take(talk.copy().ask(SUMMARISE)).session)
    assert standing(course.take(talk.read("more.py")).session)


def test_where_the_client_goes_back_into_it_all_stands_again():
    course = taken(worked(8), rules("every-turn", tau=30))
    ask(course, 1, 6)
    talk = worked(9)
    assert standing(course.take(talk).session)
    turn = course.take(worked(5).read("other.py"))
    assert not standing(turn.session)
    assert stubbed(turn.body) == []
    assert units(turn.body) == json.loads(body(worked(5).read("other.py")))["messages"]


def test_behind_it_the_client_may_go_back_as_it_likes():
    course = taken(worked(8))
    ask(course, 1, 4)
    course.take(worked(9))
    turn = course.take(worked(5).read("other.py"))
    assert standing(turn.session)


def test_what_was_only_observed_waits_again():
    course = taken(worked(8), rules("every-turn", edit=False))
    ask(course, 1, 4)
    course.take(worked(9))
    assert course.session.folds[0].done is not None
    course.rules = rules("batch", flush_tokens=10**9)
    assert course.take(worked(10)).session.folds[0].done is None
