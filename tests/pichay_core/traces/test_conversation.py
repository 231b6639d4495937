"""A conversation told again: which requests it was made of."""

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.conversation import CLEARED, START, USER, Telling, message
from pichay_core.traces.pairing import CallIds
from pichay_core.traces.steps import conversation
from tests.pichay_core.traces.shown import shown


def said(text: str):
    return blocks.text(text)


def called(id: str):
    return [blocks.call(id, "read", {})]


def result(id: str, text: str):
    return [blocks.result(id, text)]


def test_a_request_keeps_all_of_the_one_before_unless_the_client_went_back():
    telling = Telling("s")
    for number in range(4):
        telling.user(said(f"u{number}"))
        telling.reply(said(f"a{number}"))
    assert [(step.keeps, len(step.new)) for step in conversation(telling).steps] == [
        (0, 1), (1, 2), (3, 2), (5, 2),
    ]  # fmt: skip


def test_two_replies_in_a_row_are_two_turns_when_their_keys_differ():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply(said("a"), "1")
    telling.reply(said("b"), "2")
    assert shown(conversation(telling)) == [(0, ["u: go"], "a: a"), (1, ["a: a"], "a: b")]


def test_a_reply_that_says_nothing_and_cost_nothing_is_none():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply([])
    telling.user(said("on"))
    telling.reply([], usage=Usage(output=1))
    assert shown(conversation(telling)) == [(0, ["u: go on"], "a:")]


def test_what_nobody_answered_is_a_request_without_a_reply():
    telling = Telling("s")
    telling.user(said("go"), at=5.0)
    (step,) = conversation(telling).steps
    assert (step.reply, step.at, step.usage) == (None, 5.0, None)


def test_a_request_was_made_when_the_client_last_spoke_or_else_when_it_was_answered():
    telling = Telling("s")
    telling.user(said("go"), at=5.0)
    telling.user(said("on"), at=7.0)
    telling.user(said("now"), at=6.0)
    telling.reply(said("a"), "1", at=8.0)
    telling.reply(said("b"), "2", at=9.0)
    telling.user(said("go"))
    telling.reply(said("c"), "3", at=11.0)
    assert [step.at for step in conversation(telling).steps] == [7.0, 9.0, 11.0]


def test_a_bill_goes_to_the_last_reply_that_has_none():
    telling = Telling("s")
    telling.billed(Usage(1))
    telling.user(said("go"))
    telling.reply(said("a"))
    telling.billed(Usage(2))
    telling.billed(Usage(3))
    assert [step.usage for step in conversation(telling).steps] == [Usage(2)]


def test_going_back_into_a_message_keeps_what_stands_before_it():
    telling = Telling("s")
    telling.user(said("rules"))
    place = telling.position()
    telling.user(said("go"))
    telling.reply(said("a"))
    telling.rewind(place)
    telling.user(said("come"))
    telling.reply(said("b"))
    assert shown(conversation(telling)) == [
        (0, ["u: rules go"], "a: a"),
        (0, ["u: rules come"], "a: b"),
    ]


def test_following_what_the_model_has_seen_last_is_no_rewind():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply(called("A") + called("B"))
    place = telling.position()
    telling.user(result("A", "1"))
    telling.follow(place)
    telling.user(result("B", "2"))
    assert shown(conversation(telling))[1][1] == ["a: read[A] read[B]", "u: A=1 B=2"]


def test_going_back_to_an_abandoned_branch_finds_it_as_it_was():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply(said("a"))
    telling.user(said("left"))
    telling.reply(said("l"))
    left = telling.position()
    telling.rewind(START)
    telling.user(said("right"))
    telling.reply(said("r"))
    telling.rewind(left)
    telling.user(said("on"))
    telling.reply(said("z"))
    assert shown(conversation(telling))[-1] == (
        0,
        ["u: go", "a: a", "u: left", "a: l", "u: on"],
        "a: z",
    )


def test_after_a_clearing_old_places_are_found_in_what_is_sent_now():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply(called("A"))
    telling.user(result("A", "x" * 100))
    telling.reply(said("a"))
    place = telling.position()
    telling.clear(["A", "never"])
    telling.follow(place)
    telling.user(said("on"))
    telling.reply(said("b"))
    assert shown(conversation(telling))[-1] == (
        2,
        [f"u: A={CLEARED}", "a: a", "u: on"],
        "a: b",
    )


def test_clearing_calls_that_nobody_made_changes_nothing():
    telling = Telling("s")
    telling.user(said("go"))
    telling.clear(["A"])
    telling.reply(said("a"))
    assert shown(conversation(telling)) == [(0, ["u: go"], "a: a")]


def test_what_is_kept_joins_what_the_client_says_next():
    telling = Telling("s")
    telling.user(said("go"))
    telling.reply(said("a"))
    place = telling.position()
    telling.user(said("on"))
    telling.reply(said("b"))
    kept = telling.since(place)
    telling.compact([message(USER, said("so far")), *kept])
    telling.user(said("next"))
    telling.reply(said("c"))
    assert shown(conversation(telling))[-1] == (0, ["u: so far on", "a: b", "u: next"], "a: c")


def test_only_the_hash_of_a_result_knows_what_is_stable():
    telling = Telling("s", stable=lambda text: text.partition(":")[2])
    telling.user(result("A", "1:same"))
    telling.user(result("B", "22:same"))
    one, two = conversation(telling).steps[0].new[0].results
    assert (one.digest == two.digest, one.bytes, two.bytes) == (True, 6, 7)


def test_a_call_has_its_id_for_a_name_until_it_is_used_again():
    ids = CallIds()
    assert [ids.called("a"), ids.called("a"), ids.called(""), ids.called("")] == [
        "a", "a#2", "call#1", "call#2",
    ]  # fmt: skip
    assert [ids.answered(id) for id in ("a", "", "a", "a", "", "x")] == [
        "a", "call#1", "a#2", "a#2", "call#2", "x",
    ]  # fmt: skip
    assert (ids.newest("a"), ids.newest("x")) == ("a#2", "x")
