"""Thinking that is given up with a flush: when, which, and what becomes of it afterwards."""

import json
from dataclasses import replace

import pytest

from pichay_core.events import Flushed, Returned, Stripped
from pichay_core.thinking import Thinking, may_be_given_up, open_loop, still_stripped
from pichay_core.turn import view
from pichay_core.wire import anthropic
from tests.builders import (
    BINDING,
    CLEARED,
    SONNET,
    Course,
    RecordedProxy,
    Talk,
    body,
    heard,
    prose,
    result,
    rules,
    stubbed,
    thought,
    units,
    use,
    user,
)


def thought_of(sent):
    """The messages that hold thinking."""
    messages = json.loads(sent)["messages"]
    lists = (m["content"] if isinstance(m["content"], list) else [] for m in messages)
    return [at for at, content in enumerate(lists) if any(b["type"] == "thinking" for b in content)]


def thinking(files=8):
    """A conversation whose oldest results are due to leave, with thinking in every reply."""
    talk = Talk()
    for number in range(files):
        talk.read(f"{number}.py", think=True)
    return talk


def test_at_a_fresh_turn_of_the_user_all_thinking_goes_and_what_it_bound_may_leave():
    course, talk = Course(), thinking()
    assert stubbed(course.take(talk, model=BINDING).body) == []
    turn = course.take(talk.ask("next"), model=BINDING)
    assert len(stubbed(turn.body)) == 5
    assert thought_of(turn.body) == []
    assert (turn.session.stripped, turn.held.pages) == (len(talk.messages), 0)
    flushed, stripped = (e for e in turn.events if isinstance(e, Flushed | Stripped))
    assert (flushed.pages, stripped) == (5, Stripped(8, 28, 1, 19))


def test_what_was_given_up_stays_away_and_what_is_thought_later_is_sent():
    course, talk = Course(), thinking()
    before = course.take(talk.ask("next"), model=BINDING).body
    talk.read("x.py", think=True).read("y.py", think=True)
    after = course.take(talk, model=BINDING).body
    assert units(after)[: len(units(before))] == units(before)
    assert thought_of(after) == [19, 21]


def test_where_thinking_is_kept_a_fresh_turn_changes_nothing():
    course, request = Course(rules(keep_thinking=True)), body(thinking().ask("next"), model=BINDING)
    turn = course.take(request)
    assert turn.body is request
    assert (turn.held.pages, turn.held.why) == (5, "thinking binds history")


def test_in_an_open_loop_without_thinking_it_goes_when_the_cache_is_cold():
    course, talk = Course(), thinking().ask("next").read("x.py")
    course.take(talk.copy().to(-2), model=BINDING)  # joined: nothing is due yet
    course = Course()
    warm = course.take(talk, model=BINDING)
    assert thought_of(warm.body) != []
    cold = course.take(talk.read("y.py"), after=4000.0, model=BINDING)
    assert thought_of(cold.body) == []
    assert cold.flushed


def test_in_an_open_loop_with_thinking_it_stays_even_when_the_cache_is_cold():
    course, talk = Course(), thinking().ask("next").read("x.py", think=True)
    course.take(talk, model=BINDING)
    cold = course.take(talk.read("y.py"), after=4000.0, model=BINDING)
    assert len(thought_of(cold.body)) == 9


def test_results_and_a_text_in_two_messages_do_not_close_a_loop():
    course, talk = Course(), thinking()
    talk.messages.append(user("and hurry"))
    assert len(thought_of(course.take(talk, model=BINDING).body)) == 8


def test_a_message_that_only_thinks_keeps_all_thinking():
    course, talk = Course(), thinking()
    talk.messages += [
        {"role": "assistant", "content": [thought(99)]},
        user("go on"),
    ]
    turn = course.take(talk.ask("next"), model=BINDING)
    assert turn.body is not None
    assert len(thought_of(turn.body)) == 9
    assert turn.held.why == "thinking binds history"


def test_less_is_not_moved_out_than_is_given_up():
    talk = thinking(2)
    talk.messages[1]["content"][0]["thinking"] = prose("long", 8000)
    request = body(talk.ask("next").idle(), model=BINDING)
    turn = Course().take(request)
    assert (stubbed(turn.body), thought_of(turn.body)) == (["toolu_0002"], [1, 3])
    assert turn.held.pages == 1


def test_back_in_a_tool_loop_what_its_thinking_is_bound_to_stands_as_it_stood():
    course, talk = Course(), thinking()
    inside = course.take(talk, model=BINDING).body
    course.take(talk.copy().ask("next"), model=BINDING)
    again = course.take(talk, model=BINDING)
    assert (stubbed(again.body), thought_of(again.body)) == ([], [15])
    assert [e.pages for e in again.events if isinstance(e, Returned)] == [5]
    assert units(again.body)[15:] == units(inside)[15:]


def test_where_another_model_is_asked_bound_pages_wait_with_their_thinking():
    course, talk = Course(), thinking(3)
    course.take(talk, model=BINDING)
    turn = course.take(talk.ask("next").idle(), model=SONNET)
    assert len(thought_of(turn.body)) == 3
    assert turn.held.why == "thinking binds history"


def test_an_edit_of_an_old_message_brings_no_thinking_back():
    course, talk = Course(), thinking()
    course.take(talk.ask("next"), model=BINDING)
    talk.messages[0] = user("Fix the other bug.")
    assert thought_of(course.take(talk.idle(), model=BINDING).body) == []


def test_a_count_is_given_the_view_without_thinking():
    course, talk = Course(), thinking()
    sent = course.take(talk.ask("next"), model=BINDING).body
    seen = view(course.session, course.request(talk, model=BINDING), course.stored)
    assert seen.body == sent


def test_what_was_given_up_is_known_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", rules()), thinking()
    before = proxy.send(talk.ask("next"), model=BINDING)
    proxy = proxy.restart()
    after = proxy.send(talk.read("x.py", think=True), model=BINDING)
    assert units(after)[: len(units(before))] == units(before)
    assert thought_of(after) == [19]
    assert proxy.session.stripped == 19
    proxy.stop()


def test_what_was_only_observed_was_not_given_up():
    course, talk = Course(rules(edit=False)), thinking()
    course.take(talk.ask("next"), model=BINDING)
    assert course.session.stripped == 19
    course.rules = rules(flush_tokens=10**6)
    turn = course.take(talk.read("x.py", think=True), model=BINDING)
    assert (len(thought_of(turn.body)), turn.session.stripped) == (9, 0)


def test_a_rewritten_message_without_thinking_is_written_once():
    course, talk = Course(), thinking()
    first = course.take(talk.ask("next"), model=BINDING).session.sent
    later = course.take(talk.read("x.py"), model=BINDING).session.sent
    assert all(later[at] is part for at, part in first.items())


# -- when it may go -----------------------------------------------------------------------

CALLS = {"role": "assistant", "content": [use("t", "Read", file_path="a")]}
THINKS = {"role": "assistant", "content": [thought(1), use("t", "Read", file_path="a")]}
ANSWERS = user([result("t", "x")])
SAYS = {"role": "assistant", "content": [thought(2), {"type": "text", "text": "Done."}]}
ASKS, SYSTEM = user("Go on."), {"role": "system", "content": "Tools have changed."}

LOOPS = [
    ([ASKS], 0),
    ([ASKS, SAYS, ASKS], 0),
    ([ASKS, SAYS, ASKS, SYSTEM], 0),
    ([ASKS, CALLS, ANSWERS], 1),
    ([ASKS, CALLS, ANSWERS, ASKS], 1),
    ([ASKS, CALLS, ANSWERS, SYSTEM], 1),
    ([ASKS, CALLS, ANSWERS, THINKS, ANSWERS], 2),
    ([ASKS, CALLS, ANSWERS, SAYS, ASKS, THINKS, ANSWERS], 1),
    ([ASKS, SAYS], 1),
    ([ASKS, THINKS, ASKS], 1),
    ([ASKS, THINKS, ASKS, SAYS, ASKS], 0),
    ([ANSWERS], 0),
    ([], 0),
]


def read(messages):
    return [anthropic.read(json.dumps(message).encode()) for message in messages]


@pytest.mark.parametrize(("messages", "replies"), LOOPS)
def test_a_loop_is_open_from_a_turn_of_the_user_that_answers_no_call(messages, replies):
    assert len(open_loop(read(messages))) == replies


def given_up(messages, stripped=0, cold=False):
    return may_be_given_up(read(messages), stripped, cold, lambda size: size)


def test_all_thinking_so_far_goes_and_none_that_is_gone_already():
    whole = [ASKS, THINKS, ANSWERS, SAYS, ASKS]
    assert given_up(whole) == Thinking(blocks=2, tokens=18, first=1, upto=5)
    assert given_up(whole, stripped=3) == Thinking(blocks=1, tokens=9, first=3, upto=5)
    assert given_up(whole, stripped=5) is None


def test_an_open_loop_keeps_it_unless_the_loop_has_none_and_the_cache_is_cold():
    silent = [ASKS, SAYS, ASKS, CALLS, ANSWERS]
    assert given_up(silent) is None
    assert given_up(silent, cold=True) == Thinking(1, 9, 1, 5)
    assert given_up([ASKS, SAYS, ASKS, THINKS, ANSWERS], cold=True) is None


def minds(names):
    """Messages by name; those in capitals think."""
    told = zip(heard(*names), names, strict=True)
    return [replace(one, thinks=name.isupper()) for one, name in told]


@pytest.mark.parametrize(
    ("stripped", "sent", "shared", "still"),
    [(3, "aBcDef", 5, 3), (5, "aBx", 2, 2), (5, "aycDef", 1, 4), (4, "xcDe", 0, 3),
     (5, "axcDeFc", 1, 4), (5, "axYz", 1, 1)],
)  # fmt: skip
def test_what_was_given_up_stays_so_as_long_as_the_client_sends_it(stripped, sent, shared, still):
    assert still_stripped(minds("aBcDe"), stripped, minds(sent), shared) == still


def test_what_is_said_twice_is_not_taken_for_what_was_given_up():
    """Both tasks end with the same words; between them the model thought."""
    course, talk = Course(), thinking()
    course.take(talk.ask("next"), model=BINDING)
    course.take(talk.read("x.py", think=True).ask("last").read("y.py"), model=BINDING)
    talk.messages[2]["content"][0]["content"] = CLEARED
    assert thought_of(course.take(talk, model=BINDING).body) == [19]


def test_thinking_is_counted_by_its_text_else_by_its_cipher():
    blocks = [
        {"type": "thinking", "thinking": "käse", "signature": "x" * 400},
        {"type": "thinking", "thinking": "", "signature": "x" * 400},
        {"type": "redacted_thinking", "data": "x" * 40},
        {"type": "text", "text": "said"},
    ]
    (message,) = read([{"role": "assistant", "content": blocks}])
    assert message.thought == 5 + 300 + 30
