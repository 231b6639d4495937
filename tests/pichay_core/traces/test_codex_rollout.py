"""Codex: items one by one, with what it keeps of them recorded."""

import json

import pytest

from pichay_core.model import Usage
from pichay_core.traces.codex_rollout import stable
from pichay_core.traces.tally import counts
from tests.pichay_core.traces.samples import codex_item as item
from tests.pichay_core.traces.shown import Json, lines, only, read, shown

META = {"type": "session_meta", "payload": {"id": "s", "source": "cli"}}
HEAD = "Chunk ID: {}\nWall time: {} seconds\nProcess exited with code 0\nOutput:\n"


def prompt(said: str, role: str = "user") -> Json:
    return item(0, "message", role=role, content=[{"type": "input_text", "text": said}])


def said(text: str) -> Json:
    return item(0, "message", role="assistant", content=[{"type": "output_text", "text": text}])


def call(id: str, command: str = "ls") -> Json:
    arguments = json.dumps({"cmd": command})
    return item(1, "function_call", call_id=id, name="exec_command", arguments=arguments)


def output(id: str, text: object) -> Json:
    return item(2, "function_call_output", call_id=id, output=text)


def event(kind: str, **rest: object) -> Json:
    return {"type": "event_msg", "payload": {"type": kind, **rest}}


def told(*records: Json):
    return shown(only(read(META, *records)))


def test_a_reply_is_all_that_the_model_says_until_the_client_speaks():
    reasoning = item(0, "reasoning", summary=[{"type": "summary_text", "text": "hm"}])
    assert told(
        prompt("rules", "developer"), prompt("go"),
        reasoning, said("looking"), call("A"), call("B"), output("A", "1"), output("B", "2"),
        said("done"),
    ) == [
        (0, ["u: rules go"], "a: (hm) looking exec_command[A] exec_command[B]"),
        (1, ["a: (hm) looking exec_command[A] exec_command[B]", "u: A=1 B=2"], "a: done"),
    ]  # fmt: skip


def test_a_web_search_is_a_call_without_a_result():
    search = item(0, "web_search_call", action={"query": "x"})
    (_, _, reply) = told(prompt("go"), search, search, said("found"))[0]
    assert reply == "a: web_search_call[call#1] web_search_call[call#2] found"


def test_a_patch_is_a_call_whose_input_is_text():
    patch = item(0, "custom_tool_call", call_id="A", name="apply_patch", input="*** Begin Patch")
    (step,) = only(read(META, prompt("go"), patch)).steps
    assert step.reply.calls[0].arguments == '{"input":"*** Begin Patch"}'


def test_equal_outputs_have_one_digest_whatever_their_heads_say():
    first, second = HEAD.format("aa1", 0.1) + "x\n", HEAD.format("bb2", 0.7) + "x\n"
    steps = only(
        read(META, prompt("go"), call("A"), output("A", first), call("B"), output("B", second))
    ).steps
    one, two = steps[1].new[1].results[0], steps[2].new[1].results[0]
    assert one.digest == two.digest
    assert (one.bytes, one.lines) == (len(first), 5)
    assert first.encode() in steps[1].new[1].raw.replace(b"\\n", b"\n")


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (HEAD.format("a", 1) + "x", "Process exited with code 0\nOutput:\nx"),
        ("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nx", "Exit code: 0\nOutput:\nx"),
        ("plain", "plain"),
        ("Output:\nWall time: 3 seconds\n", "Output:\nWall time: 3 seconds\n"),
        ("a log\nWall time: 3 seconds\n", "a log\nWall time: 3 seconds\n"),
    ],
)
def test_only_the_head_of_an_output_is_volatile(text, content):
    assert stable(text) == content


def test_an_output_wrapped_in_json_is_its_text():
    wrapped = json.dumps({"output": "x", "metadata": {"duration_seconds": 0.3}})
    broken = '{"output": "x'
    assert told(prompt("go"), call("A"), output("A", wrapped), output("A", broken))[1][1] == [
        "a: exec_command[A]",
        'u: A=x A={"output": "x',
    ]


def test_an_output_in_parts_is_joined_and_an_image_is_opaque():
    parts = [{"type": "input_text", "text": "1"}, {"type": "input_text", "text": "2"}]
    image = [{"type": "input_image", "image_url": "data:image/png;base64,xxxx"}]
    steps = only(
        read(META, prompt("go"), call("A"), output("A", parts), call("B"), output("B", image))
    ).steps
    one, two = steps[1].new[1].results[0], steps[2].new[1].results[0]
    assert (one.bytes, one.opaque, two.bytes, two.opaque) == (3, False, 0, True)


def test_after_a_compaction_its_replacement_history_is_sent():
    history = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "k"}]},
        {"type": "compaction", "encrypted_content": "..."},
    ]
    compacted = {"type": "compacted", "payload": {"message": "", "replacement_history": history}}
    assert told(
        prompt("go"), call("A"), output("A", "1"), compacted, prompt("on"), said("yes")
    ) == [
        (0, ["u: go"], "a: exec_command[A]"),
        (1, ["a: exec_command[A]", "u: A=1"], None),
        (0, ["u: go", "a: k", "a: <compaction>", "u: on"], "a: yes"),
    ]


def test_a_compaction_without_a_history_leaves_its_message():
    compacted = {"type": "compacted", "payload": {"message": "so far"}}
    assert told(prompt("go"), said("ok"), compacted, said("on"))[1] == (
        0,
        ["u: so far"],
        "a: on",
    )


def test_results_that_a_compaction_keeps_are_counted_once():
    history = [call("A")["payload"], output("A", "1")["payload"]]
    compacted = {"type": "compacted", "payload": {"replacement_history": history}}
    trace = read(META, prompt("go"), call("A"), output("A", "1"), compacted, said("on"))
    assert shown(only(trace))[-1] == (0, ["a: exec_command[A]", "u: A=1"], "a: on")
    assert (counts(trace).turns, counts(trace).results) == (2, 1)


def test_turns_that_were_rolled_back_are_not_sent_again():
    environment = prompt("<environment_context>")
    records = [
        environment, prompt("one"), said("1"), prompt("two"), call("A"), output("A", "x"),
        prompt("three"), said("3"),
    ]  # fmt: skip
    back = [event("thread_rolled_back", num_turns=2), prompt("2b"), said("new")]
    assert told(*records, *back)[-1] == (2, ["u: 2b"], "a: new")
    first = [event("thread_rolled_back", num_turns=3), prompt("1b"), said("new")]
    assert told(*records, *first)[-1] == (0, ["u: <environment_context> 1b"], "a: new")
    too_many = [event("thread_rolled_back", num_turns=9), prompt("4"), said("new")]
    assert told(*records, *too_many)[-1] == (5, ["a: 3", "u: 4"], "a: new")


def test_usage_belongs_to_the_reply_before_it_once():
    def spent(total: int, window: int) -> Json:
        last = {"input_tokens": window, "cached_input_tokens": 60, "output_tokens": 5}
        info = {"last_token_usage": last, "total_token_usage": {"total_tokens": total}}
        return event("token_count", info=info)

    turn = {"type": "turn_context", "payload": {"model": "gpt-x"}}
    records = [
        turn, event("token_count", info=None), prompt("go"), said("1"), spent(105, 100),
        spent(105, 100), prompt("on"), said("2"), spent(240, 130),
    ]  # fmt: skip
    steps = only(read(META, *records)).steps
    assert [step.usage for step in steps] == [
        Usage(input=40, cache_read=60, output=5),
        Usage(input=70, cache_read=60, output=5),
    ]
    assert steps[0].model == "gpt-x"


def test_a_rollout_that_an_agent_started_is_a_subagents():
    meta = {"type": "session_meta", "payload": {"id": "s", "source": {"subagent": "review"}}}
    conversation = only(read(meta, prompt("go"), said("ok")))
    assert (conversation.id, conversation.kind) == ("s", "subagent")


def test_the_first_versions_wrote_items_without_a_wrapper():
    items = [record["payload"] for record in (prompt("go"), call("A"), output("A", "1"))]
    assert told(*items) == [
        (0, ["u: go"], "a: exec_command[A]"),
        (1, ["a: exec_command[A]", "u: A=1"], None),
    ]
    assert lines(*items)


def test_a_conversation_knows_the_folder_that_its_agent_worked_in():
    meta = {"type": "session_meta", "payload": {"id": "s", "source": "cli", "cwd": "/work"}}
    assert only(read(meta, prompt("hello"), said("hi"))).project == "/work"
    assert only(read(META, prompt("hello"), said("hi"))).project == ""
