"""What the client of a Chat sends back is told again as the model wrote it."""

import json

import pytest

from pichay_core.wire import openai_chat
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.reply import Leg
from tests.chunks import call, chunks, message_of, ours, said, whole
from tests.replies import NAMES, Marks, play

USER = b'{"role":"user","content":"Go on."}'
DONE = b'{"role":"tool","tool_call_id":"b","content":"done"}'
READ = call("Read", "b", path="x")


def legs_of(*messages, text_filter=None):
    """What is kept of the replies, and the message that the client has of them."""
    stream = openai_chat.stream(NAMES, text_filter)
    shown, replies = play(stream, [chunks(m, id=f"c{at}") for at, m in enumerate(messages)])
    legs = [
        Leg(reply.parts, answered(reply), goes_on=at + 1 < len(replies))
        for at, reply in enumerate(replies)
        if reply.differs
    ]
    return without_nothing(message_of(shown)), legs


def without_nothing(item):
    """A message as most clients keep it: without what is nothing, and the numbers of a stream."""
    if isinstance(item, list):
        return [without_nothing(one) for one in item]
    if not isinstance(item, dict):
        return item
    said = {name: without_nothing(value) for name, value in item.items() if name != "index"}
    return {name: value for name, value in said.items() if value is not None or name == "content"}


def answered(reply):
    return tuple(openai_chat.answer(ask.id, f"page of {ask.id}", False) for ask in reply.asks)


def raw(message):
    return json.dumps(message, separators=(",", ":")).encode()


def told(message, after, legs, sure=False):
    found = openai_chat.retold(raw(message), after, legs, sure)
    if found is None:
        return None
    messages, follows = found
    items = [json.loads(b"[" + one + b"]") for one in messages]
    return items, None if follows is None else json.loads(b"[" + follows + b"]")


def page(id):
    return {"role": "tool", "tool_call_id": id, "content": f"page of {id}"}


# -- beside calls of the client -----------------------------------------------------------


def test_a_call_of_ours_stands_where_the_model_made_it_and_its_answer_behind_the_others():
    model = said("I look.", ours("a"), READ, ours("c"), reasoning_content="hm")
    message, legs = legs_of(model)
    assert message == said("I look.", READ, reasoning_content="hm")
    (((item,),), follows) = told(message, DONE, legs)
    assert item == model
    assert follows == [json.loads(DONE), page("a"), page("c")]


def test_the_client_s_own_spelling_stays():
    _, legs = legs_of(said(None, ours("a"), READ))
    mine = b'{ "tool_calls" : [ {"id":"b","function":{"name":"Re\\u0061d"}} ],"x":1.50,"role":"a"}'
    ((written,), _) = openai_chat.retold(mine, DONE, legs)
    assert written == (
        b'{"tool_calls":[' + raw(ours("a"))
        + b',{"id":"b","function":{"name":"Re\\u0061d"}}],"x":1.50,"role":"a"}'
    )  # fmt: skip


def test_before_a_message_of_the_user_the_answer_is_a_message_of_its_own():
    message, legs = legs_of(said("I look.", ours("a")))
    assert told(message, USER, legs) == (
        [[said("I look.", ours("a"))], [page("a")]],
        [json.loads(USER)],
    )


def test_without_a_message_behind_it_nobody_could_answer_a_call():
    message, legs = legs_of(said("I look.", ours("a")))
    assert told(message, None, legs) == ([[message]], None)
    message, legs = legs_of(said(None, ours("a")))
    assert told(message, None, legs) == ([], None)


@pytest.mark.parametrize("content", [None, "", "I look.", " I look.\n"])
def test_a_text_may_be_trimmed_or_be_none_where_it_was_none(content):
    model = said("I look." if content else None, ours("a"), READ)
    _, legs = legs_of(model)
    (((item,),), _) = told(said(content, READ), DONE, legs)
    assert item == said(content, ours("a"), READ)


def test_a_text_may_come_back_as_a_list_and_keep_its_marker():
    marked = {"type": "text", "text": "a  c", "cache_control": {"type": "ephemeral"}}
    _, legs = legs_of(said("a §b§ c", ours("x"), READ), text_filter=Marks)
    (((item,),), _) = told(said([marked], READ), DONE, legs)
    assert item["content"] == [{**marked, "text": "a §b§ c"}]


def test_a_text_that_was_all_tags_is_told_again():
    message, legs = legs_of(said("§b§", READ), text_filter=Marks)
    (((item,),), follows) = told(said(None, READ), DONE, legs)
    assert (item["content"], follows) == ("§b§", [json.loads(DONE)])
    assert not message.get("content")


@pytest.mark.parametrize(
    "changed",
    [
        said("I see.", READ),
        said("I look. And more.", READ),
        said("", READ),
        said("I look."),
        said("I look.", READ, call("Read", "z")),
        said("I look.", call("Read", "z")),
    ],
)
def test_what_the_client_has_changed_is_not_told(changed):
    _, legs = legs_of(said("I look.", ours("a"), READ))
    assert told(changed, DONE, legs) is None


def test_where_it_must_be_sure_something_must_have_been_shown():
    _, legs = legs_of(said(None, ours("a")))
    assert told(said("Another."), USER, legs) is None
    assert told(said(None), USER, legs, sure=True) is None
    message, legs = legs_of(said("I look.", ours("a")))
    assert told(message, USER, legs, sure=True) is not None


@pytest.mark.parametrize("broken", [b"{", b"[]", b'{"content":"a","content":"b"}'])
def test_what_cannot_be_read_is_unreadable(broken):
    _, legs = legs_of(said("I look.", ours("a")))
    with pytest.raises(Unreadable):
        openai_chat.retold(broken, USER, legs)


# -- over several legs --------------------------------------------------------------------

FIRST = said("I look.", ours("a"), reasoning_content="hm ")


def test_one_message_of_the_client_is_as_many_as_the_model_wrote():
    last = said("There.", READ, reasoning_content="so")
    message, legs = legs_of(FIRST, said("More.", ours("c"), reasoning_content="and "), last)
    assert (message["content"], message["reasoning_content"]) == (
        "I look.\n\nMore.\n\nThere.", "hm and so",
    )  # fmt: skip
    items, follows = told(message, DONE, legs)
    second = said("More.", ours("c"), reasoning_content="and ")
    assert items == [[FIRST], [page("a")], [second], [page("c")], [last]]
    assert follows == [json.loads(DONE)]


def test_what_only_the_first_thought_does_not_stand_in_the_last():
    message, legs = legs_of(FIRST, said("There."))
    items, _ = told(message, USER, legs)
    assert items == [[FIRST], [page("a")], [said("There.")]]


def test_what_the_client_drops_of_the_thoughts_goes_from_all_of_them():
    _, legs = legs_of(FIRST, said("There.", reasoning_content="so"))
    items, _ = told(said("I look.\n\nThere."), USER, legs)
    assert items == [[said("I look.", ours("a"))], [page("a")], [said("There.")]]


def test_a_leg_that_was_not_kept_is_what_the_client_has_behind_the_first():
    """It broke off, or there was nothing of ours in it, nor anything to be taken apart."""
    _, legs = legs_of(FIRST)
    cut = said("I look.\n\nThe", reasoning_content="hm so", of_tomorrow=1)
    going_on = [Leg(legs[0].parts, legs[0].answers, goes_on=True)]
    items, _ = told(cut, USER, going_on)
    assert items == [
        [FIRST], [page("a")], [said("The", reasoning_content="so", of_tomorrow=1)],
    ]  # fmt: skip
    items, _ = told(said("I look.", reasoning_content="hm "), USER, going_on)
    assert items == [[FIRST], [page("a")]]


def test_a_leg_without_a_text_before_it_is_the_client_s_own_bytes():
    message, legs = legs_of(said(None, ours("a")), said("There.", READ))
    assert len(legs) == 1
    (reply, _, tail), after = openai_chat.retold(raw(message), DONE, legs)
    assert (json.loads(reply)["tool_calls"], tail, after) == ([ours("a")], raw(message), DONE)


def test_lists_of_thoughts_are_taken_apart_too():
    def details(*texts):
        return [{"type": "reasoning.text", "text": text} for text in texts]

    _, legs = legs_of(said("a", ours("x"), reasoning_details=details("hm")))
    going_on = [Leg(legs[0].parts, legs[0].answers, goes_on=True)]
    items, _ = told(said("a\n\nb", reasoning_details=details("hm", "so")), USER, going_on)
    assert items[-1] == [said("b", reasoning_details=details("so"))]
    items, _ = told(said("a\n\nb", reasoning_details=details("so")), USER, going_on)
    assert items[-1] == [said("b", reasoning_details=details("so"))]


def test_what_is_told_at_once_is_what_is_told_with_the_next_request():
    message, legs = legs_of(FIRST, said("There.", READ))
    (reply, answers, _), _ = openai_chat.retold(raw(message), DONE, legs)
    assert [reply, answers] == openai_chat.spoken(legs[0])


def test_thinking_in_the_content_is_told_again_for_every_leg():
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    parts = [thought, {"type": "text", "text": "I look."}]
    body = openai_chat.stream(NAMES, None, False)
    _, replies = play(body, [[whole(said(parts, ours("a")))], [whole(said("There."))]])
    legs = [Leg(r.parts, answered(r), goes_on=not at) for at, r in enumerate(replies)]
    items, _ = told(said([*parts, {"type": "text", "text": "There."}]), USER, legs)
    assert items[0] == [said(parts, ours("a"))]
    assert items[-1] == [said("There.")]


def test_an_answer_can_always_be_said():
    found = json.loads(openai_chat.answer("a\ud83d", "b\udc00", True))
    assert found == {"role": "tool", "tool_call_id": "a?", "content": "b?"}
