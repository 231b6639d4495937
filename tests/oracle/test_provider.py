"""The oracle keeps to the documented rules: a test for each sentence of them."""

from copy import deepcopy

import pytest

from tests.builders import marked, reply, result, use, user
from tests.oracle.provider import (
    BINDING,
    BOUND,
    CLEARING,
    CLEARING_EXTRA,
    CONTROLS,
    DISABLED,
    DROP,
    EXTRA,
    INVALID,
    LATEST,
    UNBOUND,
    UNCHECKED,
    Dropped,
    Oracle,
)

OPUS, FABLE, OLD = "claude-opus-5-5", "claude-fable-5-1", "claude-sonnet-4-6"
CHECKED = [model for model in BINDING if model not in UNCHECKED]
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://a.test/i?sig=1"}}
PREFIX, MODEL = "prefix_binding_mismatch", "model_binding_mismatch"


def think(text="hm"):
    return {"type": "thinking", "thinking": text}


def begun(model=OPUS, **fields):
    return {
        "model": model,
        "system": [{"type": "text", "text": "You are an agent."}],
        "tools": [
            {"name": "Read", "input_schema": {"type": "object", "properties": {}}},
            {"name": "Grep", "input_schema": {"type": "object"}},
        ],
        "messages": [user([{"type": "text", "text": "Fix it."}, IMAGE])],
        **fields,
    }


class Told:
    """A conversation with three thoughts: two in a tool loop, one that ends it."""

    def __init__(self, model=OPUS, **oracle):
        served = {"https://a.test/i?sig=1": "pixels", "https://a.test/i?sig=2": "pixels"}
        self.oracle = Oracle(served=served, **oracle)
        self.body = begun(model)
        self.answer([think("one"), use("t1", "Read", a=1, b=2)], [result("t1", "text one")])
        self.answer([think("two"), use("t2", "Grep", q="x")], [result("t2", "text two")])
        self.answer([think("three"), {"type": "text", "text": "Done."}], "Thanks. Go on.")

    def answer(self, content, then, **account):
        signed = self.oracle.reply(self.body, content, **account)
        self.body["messages"] += [{"role": "assistant", "content": signed}, user(then)]
        return self

    def receive(self, **more):
        return self.oracle.receive(self.body, **({"betas": CLEARING} | more))

    def refused(self, path):
        return self.receive().refusal == f"{path}: {BOUND}"

    def dropped(self):
        self.body["thinking"] = DROP
        verdict = self.receive(betas=f"other, {CONTROLS}, {CLEARING}")
        assert verdict.refusal is None
        return [(d.path, d.reason) for d in verdict.dropped]

    @property
    def messages(self):
        return self.body["messages"]


def block(told, message, place=0):
    return told.messages[message]["content"][place]


def without_thinking(told, *messages):
    for at in messages:
        del told.messages[at]["content"][0]
    return told


# -- what was not touched -----------------------------------------------------------------


@pytest.mark.parametrize("model", BINDING + UNBOUND)
def test_a_conversation_as_it_came_is_taken(model):
    told = Told(model)
    verdict = told.receive()
    assert (verdict.refusal, verdict.dropped) == (None, ())
    assert verdict.checked == (3 if model in CHECKED else 0)


# -- edits that count, and what they cost -------------------------------------------------


def edited_result(told):
    block(told, 2)["content"] = "[Older result]"


def edited_prompt(told):
    block(told, 0)["text"] = "Fix it!"


def edited_call(told):
    block(told, 1, 1)["input"] = {"b": 2, "a": 1}


def edited_system(told):
    told.body["system"][0]["text"] += " Today is Monday."


def added_system_block(told):
    told.body["system"].append({"type": "text", "text": "A protocol."})


def added_tool(told):
    told.body["tools"].append({"name": "recall", "input_schema": {"type": "object"}})


def reordered_tools(told):
    told.body["tools"].reverse()


def reordered_schema(told):
    schema = told.body["tools"][0]["input_schema"]
    told.body["tools"][0]["input_schema"] = dict(reversed(schema.items()))


def removed_turn(told):
    del told.messages[1:3]
    told.messages[0]["content"].append({"type": "text", "text": "more"})


def inserted_message(told):
    told.messages[2]["content"].append({"type": "text", "text": "a reminder"})


def reordered_blocks(told):
    told.messages[0]["content"].reverse()


def other_bytes_behind_a_url(told):
    told.oracle.served = {"https://a.test/i?sig=1": "other pixels"}


COUNTED = {
    edited_result: ["messages.3", "messages.5"],
    edited_prompt: ["messages.1", "messages.3", "messages.5"],
    edited_call: ["messages.3", "messages.5"],
    edited_system: ["messages.1", "messages.3", "messages.5"],
    added_system_block: ["messages.1", "messages.3", "messages.5"],
    added_tool: ["messages.1", "messages.3", "messages.5"],
    reordered_tools: ["messages.1", "messages.3", "messages.5"],
    reordered_schema: ["messages.1", "messages.3", "messages.5"],
    removed_turn: ["messages.1", "messages.3"],
    inserted_message: ["messages.3", "messages.5"],
    reordered_blocks: ["messages.1", "messages.3", "messages.5"],
    other_bytes_behind_a_url: ["messages.1", "messages.3", "messages.5"],
}
edits = pytest.mark.parametrize("edit", COUNTED, ids=lambda edit: edit.__name__)


@edits
def test_an_edit_before_a_block_is_refused_and_the_first_block_named(edit):
    told = Told()
    edit(told)
    assert told.refused(f"{COUNTED[edit][0]}.content.0")


@edits
def test_in_drop_mode_what_stands_after_an_edit_is_dropped_and_said(edit):
    told = Told()
    edit(told)
    assert told.dropped() == [(f"{message}.content.0", PREFIX) for message in COUNTED[edit]]


@edits
@pytest.mark.parametrize("model", [*UNBOUND, *UNCHECKED])
def test_where_nothing_is_checked_an_edit_does_no_harm(edit, model):
    told = Told(model)
    edit(told)
    assert (told.receive().refusal, told.dropped()) == (None, [])


@pytest.mark.parametrize("model", CHECKED)
def test_every_model_that_binds_checks(model):
    told = Told(model)
    edited_result(told)
    assert told.refused("messages.3.content.0")


def test_per_request_text_that_is_later_left_out_counts():
    told = Told()
    told.messages[6]["content"] = "Thanks. Go on. <reminder/>"
    told.answer([think("four"), use("t4", "Read")], [result("t4", "four")])
    told.messages[6]["content"] = "Thanks. Go on."
    assert told.refused("messages.7.content.0")


def test_an_edit_after_the_last_block_invalidates_nothing():
    told = Told()
    told.messages[6]["content"] = "Something else."
    assert told.receive().refusal is None


def test_thinking_that_follows_an_edit_is_bound_to_the_edited_history():
    told = Told()
    block(told, 4)["content"] = "[Older result]"
    without_thinking(told, 1, 3, 5)
    told.answer([think("four"), use("t4", "Read")], [result("t4", "four")])
    assert told.receive().refusal is None
    block(told, 4)["content"] = "text two"
    assert told.refused("messages.7.content.0")


def test_removing_only_the_named_block_is_not_enough():
    told = Told()
    edited_result(told)
    without_thinking(told, 3)
    assert told.refused("messages.5.content.0")


# -- edits that do not count --------------------------------------------------------------


def moved_markers(told):
    told.body["system"] = [marked(told.body["system"][0])]
    told.body["tools"][1] = marked(told.body["tools"][1], "1h")
    told.messages[2]["content"][0] = marked(block(told, 2))
    told.messages[4]["content"][0]["content"] = [marked({"type": "text", "text": "text two"})]
    told.body["cache_control"] = {"type": "ephemeral"}


def changed_effort(told):
    told.body["output_config"] = {"effort": "low"}
    told.messages[2]["output_config"] = {"effort": "high"}


def asked_for_context_editing(told):
    told.body["context_management"] = {"edits": [{"type": "clear_tool_uses_20250919"}]}


def rotated_a_signed_url(told):
    told.messages[0]["content"][1] = deepcopy(IMAGE)
    told.messages[0]["content"][1]["source"]["url"] = "https://a.test/i?sig=2"


def wrote_a_string_as_a_block(told):
    told.messages[6]["content"] = [{"type": "text", "text": "Thanks. Go on."}]
    told.body["system"] = "You are an agent."


def reordered_the_keys_of_a_block(told):
    told.messages[2]["content"][0] = dict(reversed(block(told, 2).items()))


def left_out_the_oldest_thinking(told):
    without_thinking(told, 1)


def left_out_the_two_oldest(told):
    without_thinking(told, 1, 3)


def left_out_all_thinking(told):
    without_thinking(told, 1, 3, 5)


@pytest.mark.parametrize(
    "edit",
    [moved_markers, changed_effort, asked_for_context_editing, rotated_a_signed_url,
     wrote_a_string_as_a_block, reordered_the_keys_of_a_block, left_out_the_oldest_thinking,
     left_out_the_two_oldest, left_out_all_thinking],
    ids=lambda edit: edit.__name__,
)  # fmt: skip
def test_what_is_documented_not_to_count_does_not_count(edit):
    told = Told()
    edit(told)
    assert (told.receive().refusal, told.dropped()) == (None, [])


def test_server_side_compaction_keeps_the_thinking_of_the_turns_that_follow_it():
    told = Told()
    summarised = {**told.body, "messages": told.messages[:3]}
    compaction = told.oracle.compacted(summarised)
    told.messages[:3] = [{"role": "user", "content": [compaction]}]
    assert told.receive() == told.oracle.receive(told.body)
    assert told.receive().refusal is None
    edited = block(told, 2)
    edited["content"] = "[Older result]"
    assert told.refused("messages.3.content.0")


# -- the chain ----------------------------------------------------------------------------


def test_a_hole_between_kept_blocks_is_refused():
    told = without_thinking(Told(), 3)
    assert told.refused("messages.5.content.0")


def test_a_hole_makes_all_that_follows_it_drop():
    assert without_thinking(Told(), 3).dropped() == [("messages.5.content.0", PREFIX)]


def test_blocks_that_changed_places_are_refused():
    told = Told()
    one, three = told.messages[1]["content"], told.messages[5]["content"]
    told.answer([think("four"), use("t4", "Read")], [result("t4", "four")])
    one[0], three[0] = three[0], one[0]
    assert told.receive().refusal is not None


def test_within_one_reply_the_chain_holds_too():
    told = Told()
    told.answer([think("a"), think("b"), use("t4", "Read")], [result("t4", "four")])
    told.answer([think("c"), {"type": "text", "text": "Done."}], "Go on.")
    assert told.receive().refusal is None
    del told.messages[7]["content"][1]
    assert told.refused("messages.9.content.0")


# -- models and accounts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "producer", "reads"),
    [(FABLE, "claude-opus-5", True), (FABLE, "claude-fable-5", True), (FABLE, OLD, True),
     (FABLE, OPUS, True), ("claude-opus-5", FABLE, False), (OLD, OPUS, False)],
)  # fmt: skip
def test_a_block_that_the_model_may_not_read_is_dropped_without_a_refusal(model, producer, reads):
    told = Told(producer)
    told.body["model"] = model
    verdict = told.receive()
    assert verdict.refusal is None
    assert {d.reason for d in verdict.dropped} == (set() if reads else {MODEL})


def test_thinking_of_an_older_model_carries_no_binding():
    told = Told(OLD)
    told.body["model"] = OPUS
    edited_prompt(told)
    assert (told.receive().refusal, told.receive().checked) == (None, 0)


def test_thinking_keeps_its_binding_while_another_model_is_asked():
    told = Told()
    told.body["model"] = OLD
    edited_prompt(told)
    assert told.receive().refusal is None
    told.body["model"] = OPUS
    assert told.refused("messages.1.content.0")


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-haiku-5-5"])
def test_some_models_bind_thinking_to_the_account(model):
    verdict = Told(model).receive(account="another")
    assert {d.reason for d in verdict.dropped} == {"organization_binding_mismatch"}
    assert Told(OPUS).receive(account="another").dropped == ()


# -- what the request asks for ------------------------------------------------------------


def test_an_older_account_is_checked_only_where_the_request_sets_a_behaviour():
    told = Told(enforces=False)
    edited_result(told)
    assert (told.receive().refusal, told.receive().dropped) == (None, ())
    assert told.oracle.recorded
    assert told.dropped() == [("messages.3.content.0", PREFIX), ("messages.5.content.0", PREFIX)]


def test_drop_mode_holds_for_the_request_that_asks_for_it_only():
    told = Told()
    edited_result(told)
    assert told.dropped()
    del told.body["thinking"]
    assert told.refused("messages.3.content.0")


def test_without_its_beta_header_the_field_is_refused():
    told = Told()
    told.body["thinking"] = DROP
    assert told.receive(betas="interleaved-thinking-2025-05-14").refusal == EXTRA


def test_the_field_is_refused_where_thinking_is_disabled():
    told = Told()
    told.body["thinking"] = {**DROP, "type": "disabled"}
    assert told.receive(betas=CONTROLS).refusal == DISABLED


def test_setting_the_behaviour_changes_nothing_else():
    assert Told().dropped() == []


# -- the block itself, on every model -----------------------------------------------------


def looped(model):
    """In the middle of a tool loop, with two kinds of thinking in the latest reply."""
    told = Told(model)
    hidden = {"type": "redacted_thinking"}
    return told.answer([think("four"), hidden, use("t4", "Read")], [result("t4", "four")])


every_model = pytest.mark.parametrize("model", BINDING + UNBOUND)


@every_model
@pytest.mark.parametrize("change", [
    lambda blocks: blocks[0].update(thinking="four "),
    lambda blocks: blocks[0].update(cache_control={"type": "ephemeral"}),
    lambda blocks: blocks[0].update(signature=blocks[0]["signature"][:-1]),
    lambda blocks: blocks[1].update(data="other"),
    lambda blocks: blocks.pop(0),
    lambda blocks: blocks.pop(1),
    lambda blocks: blocks.insert(0, blocks.pop(1)),
    lambda blocks: [blocks.pop(0), blocks.pop(0)],
])  # fmt: skip
def test_the_thinking_of_the_latest_reply_must_stand_as_it_came(model, change):
    told = looped(model)
    assert told.receive().refusal is None
    change(told.messages[7]["content"])
    assert told.receive().refusal in (
        f"messages.7.content.0: {LATEST}",
        f"messages.7.content.1: {LATEST}",
    )


@every_model
def test_a_block_that_was_altered_is_refused_wherever_it_stands(model):
    told = looped(model)
    block(told, 1)["thinking"] += "."
    assert told.receive().refusal == f"messages.1.content.0: {INVALID}"


@every_model
def test_thinking_that_was_never_issued_is_refused(model):
    told = looped(model)
    told.messages[1]["content"][0] = {**think(), "signature": "made up"}
    assert told.receive().refusal == f"messages.1.content.0: {INVALID}"


@every_model
def test_outside_of_a_tool_loop_all_thinking_may_be_left_out(model):
    told = Told(model)
    left_out_all_thinking(told)
    assert told.receive().refusal is None


def test_a_reply_without_thinking_asks_for_nothing():
    told = Told()
    told.answer([use("t4", "Read")], [result("t4", "four")])
    told.messages.extend([reply("Done."), user("More.")])
    assert told.receive().refusal is None


def test_what_was_dropped_is_said_as_the_provider_says_it():
    said = Dropped("messages.1.content.0", PREFIX).as_json()
    assert said == {"type": "thinking_dropped", "path": "messages.1.content.0", "reason": PREFIX}


def test_context_editing_is_refused_without_its_beta():
    told = Told()
    asked_for_context_editing(told)
    assert told.receive(betas="other").refusal == CLEARING_EXTRA
    assert told.receive(betas=f"other, {CLEARING}").refusal is None
